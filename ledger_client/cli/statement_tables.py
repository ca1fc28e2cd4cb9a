"""Statements of accounts, the general ledger and the journal as tables, as CSV and as JSON."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal

from rich.text import Text

from ledger_client.cli.rendering import (
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
)
from ledger_client.cli.session import Session
from ledger_client.cli.transaction_records import entries_csv, transaction_record
from ledger_client.models import (
    AccountStatement,
    Direction,
    GeneralLedger,
    JournalPage,
    LedgerAccount,
    StatementBalance,
    StatementEntry,
    StatementHold,
    Transaction,
)

_TITLES = columns("date", "description", "other", "#debit", "#credit", "#balance")
_SET_TITLES = columns("date", "account", "description", "other", "#debit", "#credit", "#balance")
_CSV_TITLES = columns(
    "account",
    "kind",
    "effective_date",
    "sequence",
    "position",
    "transaction_id",
    "description",
    "external_id",
    "counterparts",
    "currency",
    "#debit",
    "#credit",
    "#balance",
)
_HOLD_TITLES = columns("account", "placed", "expires", "#debit", "#credit", "currency", "id")
_JOURNAL_TITLES = columns("date", "description", "account", "#debit", "#credit", "currency")


def joined_statement(pages: Sequence[AccountStatement]) -> AccountStatement:
    """Return a statement of all pages in one."""
    entries = tuple(entry for page in pages for entry in page.entries)
    return dataclasses.replace(pages[0], entries=entries, next_page_token="")


def joined_accounts(pages: Sequence[GeneralLedger]) -> GeneralLedger:
    """Return a general ledger of all pages in one, an account that was cut in one piece."""
    accounts: list[LedgerAccount] = []
    for page in pages:
        for account in page.accounts:
            if account.is_continued:
                entries = accounts[-1].entries + account.entries
                accounts[-1] = dataclasses.replace(accounts[-1], entries=entries)
            else:
                accounts.append(account)
    return dataclasses.replace(pages[0], accounts=tuple(accounts), next_page_token="")


def show_statement(session: Session, journal: str, report: AccountStatement) -> None:
    """Print a statement as `--output` says."""
    if session.output is Output.JSON:
        _write(session, json_text({"journal": journal, **dataclasses.asdict(report)}))
        return
    if session.output is Output.CSV:
        rows = _csv_rows(report.code, report.balances, report.entries)
        _write(session, csv_text(_CSV_TITLES, list(rows)))
        return
    name = f" {report.name}" if report.name != report.code else ""
    title = f"{report.code}{'/' if report.is_account_set else ''}{name}"
    _print_head(session, f"Statement of {title} in {journal}", report)
    if not report.balances:
        session.note("\nno entries")
    for balance in report.balances:
        _print_currency(session, balance, report.entries, with_account=report.is_account_set)
    if report.holds:
        session.note("\nopen holds")
        holds = [_hold(hold) for hold in report.holds]
        print_grid(session.console, Grid(_HOLD_TITLES, holds))
    if report.has_more_holds:
        session.note("and more: see hold list")


def show_general_ledger(session: Session, journal: str, report: GeneralLedger) -> None:
    """Print a general ledger as `--output` says."""
    if session.output is Output.JSON:
        _write(session, json_text({"journal": journal, **dataclasses.asdict(report)}))
        return
    if session.output is Output.CSV:
        rows = [
            row
            for account in report.accounts
            for row in _csv_rows(account.code, account.balances, account.entries)
        ]
        _write(session, csv_text(_CSV_TITLES, rows))
        return
    _print_head(session, f"General ledger of {journal}", report)
    if not report.accounts:
        session.note("\nnothing was posted")
    for account in report.accounts:
        name = f" {account.name}" if account.name != account.code else ""
        session.console.print()
        session.console.print(Text(f"{account.code}{name}", style="bold"), soft_wrap=True)
        for balance in account.balances:
            _print_currency(session, balance, account.entries, with_account=False)


def show_journal(
    session: Session, journal: str, first: JournalPage, found: Sequence[Transaction]
) -> None:
    """Print transactions of the journal as `--output` says.

    Args:
        session: says how.
        journal: its code or id.
        first: the first page, for the position that all show.
        found: the transactions of all pages.
    """
    if session.output is Output.JSON:
        position = {"sequence": first.sequence, "record_time": first.record_time}
        records = [transaction_record(each) for each in found]
        _write(session, json_text({"journal": journal, **position, "transactions": records}))
    elif session.output is Output.CSV:
        _write(session, entries_csv(list(found)))
    else:
        session.console.print(Text(f"Journal of {journal}", style="bold"), soft_wrap=True)
        session.note(_position(first))
        session.note("")
        rows = [row for each in found for row in _journal_rows(each)]
        if rows:
            print_grid(session.console, Grid(_JOURNAL_TITLES, rows))
        else:
            session.note("nothing found")


def _print_head(session: Session, title: str, report: AccountStatement | GeneralLedger) -> None:
    session.console.print(Text(title, style="bold"), soft_wrap=True)
    days = f"{report.from_date or 'the beginning'} to {report.as_of or 'the end'}"
    session.note(f"{days}; {report.layer.lower()}; {_position(report)}")


def _position(report: AccountStatement | GeneralLedger | JournalPage) -> str:
    recorded = f", recorded {report.record_time:%Y-%m-%d %H:%M:%S %Z}" if report.record_time else ""
    return f"position {report.sequence}{recorded}"


def _print_currency(
    session: Session,
    balance: StatementBalance,
    entries: Sequence[StatementEntry],
    *,
    with_account: bool,
) -> None:
    """Print the entries of one currency between opening and closing."""
    session.console.print()
    session.console.print(Text(balance.currency, style="bold"))
    rows: list[Record] = [{"description": "opening", "balance": balance.opening}]
    rows += [
        {
            "date": entry.effective_date,
            "account": entry.account_code,
            "description": entry.description,
            "other": _others(entry),
            **_sides(entry.direction, entry.units),
            "balance": entry.balance,
        }
        for entry in entries
        if entry.currency == balance.currency
    ]
    closing = {
        "description": "closing",
        "debit": balance.debits,
        "credit": balance.credits,
        "balance": balance.closing,
    }
    titles = _SET_TITLES if with_account else _TITLES
    print_grid(session.console, Grid(titles, rows, [closing]))


def _csv_rows(
    code: str, balances: Sequence[StatementBalance], entries: Sequence[StatementEntry]
) -> Iterator[Record]:
    for balance in balances:
        about: Mapping[str, object] = {"account": code, "currency": balance.currency}
        yield {**about, "kind": "opening", "balance": balance.opening}
    for entry in entries:
        yield {
            "account": entry.account_code,
            "kind": "entry",
            "effective_date": entry.effective_date,
            "sequence": entry.sequence,
            "position": entry.position,
            "transaction_id": entry.transaction_id,
            "description": entry.description,
            "external_id": entry.external_id,
            "counterparts": _others(entry),
            "currency": entry.currency,
            **_sides(entry.direction, entry.units),
            "balance": entry.balance,
        }
    for balance in balances:
        yield {
            "account": code,
            "kind": "closing",
            "currency": balance.currency,
            "debit": balance.debits,
            "credit": balance.credits,
            "balance": balance.closing,
        }


def _others(entry: StatementEntry) -> str:
    more = entry.counterpart_count - len(entry.counterparts)
    return " ".join(entry.counterparts) + (f" and {more} more" if more else "")


def _sides(direction: Direction, units: Decimal) -> Record:
    return {"debit" if direction is Direction.DEBIT else "credit": units}


def _hold(hold: StatementHold) -> Record:
    return {
        "account": hold.account_code,
        "placed": hold.place_time,
        "expires": hold.expire_time,
        **_sides(hold.direction, hold.left),
        "currency": hold.currency,
        "id": hold.hold_id,
    }


def _journal_rows(transaction: Transaction) -> Iterator[Record]:
    """Give a row for each entry; date and description stand beside the first."""
    head: Record = {"date": transaction.effective_date, "description": transaction.description}
    for entry in transaction.entries:
        yield {
            **head,
            "account": entry.account_code,
            **_sides(entry.direction, entry.units),
            "currency": entry.currency,
        }
        head = {}


def _write(session: Session, text: str) -> None:
    session.console.file.write(text + "\n")

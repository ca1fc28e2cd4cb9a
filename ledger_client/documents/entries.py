"""Sheets that show entries: the statement of an account, the general ledger, the journal."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from typing import Final

from ledger_client.documents.heading import position_line, range_text, stem
from ledger_client.documents.links import Link, nowhere
from ledger_client.documents.sheet import Cell, Column, ColumnKind, Row, RowStyle, Sheet
from ledger_client.models import (
    AccountStatement,
    Direction,
    Entry,
    GeneralLedger,
    JournalPage,
    Layer,
    StatementBalance,
    StatementEntry,
    StatementHold,
    Transaction,
)

_ENTRY_COLUMNS: Final = (
    Column(name="date", title="Date", kind=ColumnKind.DATE),
    Column(name="description", title="Description"),
    Column(name="account", title="Account"),
    Column(name="against", title="Against"),
    Column(name="debit", title="Debit", kind=ColumnKind.AMOUNT),
    Column(name="credit", title="Credit", kind=ColumnKind.AMOUNT),
    Column(name="balance", title="Balance", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
    Column(name="external_id", title="External id"),
    Column(name="position", title="Position", kind=ColumnKind.NUMBER),
    Column(name="transaction", title="Transaction"),
)
_HOLD_COLUMNS: Final = (
    Column(name="placed", title="Placed (UTC)", kind=ColumnKind.DATE),
    Column(name="expires", title="Expires (UTC)", kind=ColumnKind.DATE),
    Column(name="account", title="Account"),
    Column(name="side", title="Side"),
    Column(name="left", title="Left", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
    Column(name="hold", title="Hold"),
)
_JOURNAL_COLUMNS: Final = (
    Column(name="date", title="Date", kind=ColumnKind.DATE),
    Column(name="description", title="Description"),
    Column(name="account", title="Account"),
    Column(name="debit", title="Debit", kind=ColumnKind.AMOUNT),
    Column(name="credit", title="Credit", kind=ColumnKind.AMOUNT),
    Column(name="currency", title="Currency"),
    Column(name="layer", title="Layer"),
    Column(name="template", title="Template"),
    Column(name="external_id", title="External id"),
    Column(name="position", title="Position", kind=ColumnKind.NUMBER),
    Column(name="transaction", title="Transaction"),
)


def statement_sheet(
    journal: str, report: AccountStatement, link: Link = nowhere, *, is_first: bool = True
) -> Sheet:
    """Return a page of a statement as a sheet.

    Args:
        journal: code.
        report: the page.
        link: leads to transactions.
        is_first: whether it is the first page, which has the opening lines.
    """
    rows = _openings(report.balances) if is_first else []
    rows += [_entry(each, link) for each in report.entries]
    if not report.next_page_token:
        rows += _closings(report.balances)
    what = "Statement of the set" if report.is_account_set else "Statement of"
    name = "" if report.name == report.code else f" {report.name};"
    side = f"balances positive on the {report.normal_side.lower()} side"
    return Sheet(
        title=f"{what} {report.code}",
        subtitles=[
            f"{journal};{name} {range_text(report.from_date, report.as_of)}; {side}",
            position_line(report.layer, report.sequence, report.record_time),
        ],
        columns=_ENTRY_COLUMNS,
        rows=rows,
        file_stem=stem(f"statement-{report.code}", journal, report.from_date, report.as_of),
    )


def holds_sheet(report: AccountStatement, link: Link = nowhere) -> Sheet:
    """Return the open holds of a statement as a sheet."""
    return Sheet(
        title="Open holds",
        columns=_HOLD_COLUMNS,
        rows=[_hold(each, link) for each in report.holds],
        notes=["There are more holds than these."] if report.has_more_holds else [],
    )


def general_ledger_sheet(journal: str, report: GeneralLedger, link: Link = nowhere) -> Sheet:
    """Return a page of the general ledger as a sheet: a heading and a statement an account."""
    rows: list[Row] = []
    for number, account in enumerate(report.accounts):
        name = "" if account.name == account.code else f" {account.name}"
        rows.append(
            Row(
                cells=_padded([f"{account.code}{name}"], len(_ENTRY_COLUMNS)),
                style=RowStyle.HEADING,
                link=link("account", account.code),
            )
        )
        if not account.is_continued:
            rows += _openings(account.balances)
        rows += [_entry(each, link) for each in account.entries]
        is_cut = number == len(report.accounts) - 1 and report.next_page_token
        if not is_cut:
            rows += _closings(account.balances)
    return Sheet(
        title="General ledger",
        subtitles=[
            f"{journal}; {range_text(report.from_date, report.as_of)}",
            position_line(report.layer, report.sequence, report.record_time),
        ],
        columns=_ENTRY_COLUMNS,
        rows=rows,
        file_stem=stem("general-ledger", journal, report.from_date, report.as_of),
    )


def journal_sheet(journal: str, report: JournalPage, link: Link = nowhere) -> Sheet:
    """Return a page of the journal as a sheet: a row for each entry."""
    rows = [row for each in report.transactions for row in _legs(each, link)]
    return Sheet(
        title="Journal",
        subtitles=[journal, f"position {report.sequence}"],
        columns=_JOURNAL_COLUMNS,
        rows=rows,
        file_stem=f"journal-{journal}",
    )


def _openings(balances: Iterable[StatementBalance]) -> list[Row]:
    return [_balance_row("Opening", each.opening, each.currency) for each in balances]


def _closings(balances: Iterable[StatementBalance]) -> list[Row]:
    return [
        _balance_row("Closing", each.closing, each.currency, each.debits, each.credits)
        for each in balances
    ]


def _balance_row(
    title: str,
    balance: Decimal,
    currency: str,
    debits: Decimal | None = None,
    credit: Decimal | None = None,
) -> Row:
    cells: list[Cell] = [None, title, "", "", debits, credit, balance, currency, "", None, ""]
    style = RowStyle.SUBTOTAL if title == "Opening" else RowStyle.TOTAL
    return Row(cells=cells, style=style)


def _entry(entry: StatementEntry, link: Link) -> Row:
    is_debit = entry.direction is Direction.DEBIT
    more = entry.counterpart_count - len(entry.counterparts)
    against = ", ".join(entry.counterparts) + (f" and {more} more" if more else "")
    return Row(
        cells=[
            entry.effective_date,
            entry.description or entry.kind.lower(),
            entry.account_code,
            against,
            entry.units if is_debit else None,
            None if is_debit else entry.units,
            entry.balance,
            entry.currency,
            entry.external_id,
            entry.sequence,
            str(entry.transaction_id),
        ],
        link=link("transaction", str(entry.transaction_id)),
    )


def _hold(hold: StatementHold, link: Link) -> Row:
    return Row(
        cells=[
            hold.place_time,
            hold.expire_time,
            hold.account_code,
            hold.direction.lower(),
            hold.left,
            hold.currency,
            str(hold.hold_id),
        ],
        link=link("hold", str(hold.hold_id)),
    )


def _legs(transaction: Transaction, link: Link) -> list[Row]:
    return [
        _leg(transaction, entry, link, is_first=number == 0)
        for number, entry in enumerate(transaction.entries)
    ]


def _leg(transaction: Transaction, entry: Entry, link: Link, *, is_first: bool) -> Row:
    is_debit = entry.direction is Direction.DEBIT
    return Row(
        cells=[
            transaction.effective_date,
            transaction.description or transaction.kind.lower(),
            entry.account_code,
            entry.units if is_debit else None,
            None if is_debit else entry.units,
            entry.currency,
            "" if entry.layer is Layer.SETTLED else entry.layer.lower(),
            transaction.template_code,
            transaction.external_id,
            transaction.sequence,
            str(transaction.id),
        ],
        link=link("transaction", str(transaction.id)) if is_first else "",
    )


def _padded(cells: Sequence[Cell], width: int) -> list[Cell]:
    return [*cells, *[None] * (width - len(cells))]

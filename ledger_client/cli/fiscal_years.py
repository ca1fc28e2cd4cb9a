"""`ledgerctl year`: fiscal years and their close."""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Annotated

import typer

from ledger_client.cli.arguments import date_option
from ledger_client.cli.failures import ExitCode
from ledger_client.cli.rendering import (
    Grid,
    Output,
    Record,
    columns,
    print_grid,
)
from ledger_client.cli.session import Session, command
from ledger_client.models import (
    ClosedAmount,
    ClosingEntry,
    Direction,
    FiscalYear,
    FiscalYearDetails,
    FiscalYearStatus,
)

app = typer.Typer(no_args_is_help=True, help="Fiscal years: opened, checked, closed, reopened.")

_COLUMNS = columns(
    "code",
    "first_day",
    "last_day",
    "status",
    "retained_earnings",
    "#sequence",
    "change_time",
    "actor",
    "reason",
)
_TABLE_COLUMNS = _COLUMNS[:5]
_AMOUNTS = columns("currency", "#revenue", "#expense", "#net_income")
_ENTRIES = columns("account", "category", "#debit", "#credit", "currency")

Code = Annotated[str, typer.Argument(help="Code of the year.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept for good.")]
Retained = Annotated[
    str | None,
    typer.Option("--retained-earnings", metavar="ACCOUNT", help="Where the result goes."),
]


@command(app, "open")
async def open_year(
    session: Session,
    code: Annotated[str, typer.Argument(help="Unique in the journal, such as 2026.")],
    *,
    first_day: Annotated[
        dt.date | None, date_option("--from", "First day; else the one after the last year.")
    ] = None,
    last_day: Annotated[dt.date, date_option("--to", "Last day.")],
    retained: Retained = None,
) -> None:
    """Open a year of any length. Years adjoin: there are no gaps and no overlaps."""
    year = await session.ledger.open_fiscal_year(
        await session.journal(),
        code,
        first_day=first_day,
        last_day=last_day,
        retained_earnings=retained,
    )
    session.show(_record(year))


@command(app, "list")
async def list_all(session: Session) -> None:
    """List years by their days."""
    found = session.ledger.list_fiscal_years(await session.journal())
    records = [_record(year) async for year in found]
    session.show_list(_COLUMNS, records, table_titles=_TABLE_COLUMNS, nothing="no years yet")


@command(app, "show", timeout_seconds=60.0)
async def show(session: Session, code: Code) -> None:
    """Show a year and what is left to do for it: months, late entries, holds, the chart."""
    found = await session.ledger.get_fiscal_year(await session.journal(), code)
    if session.output is not Output.TABLE:
        fields = dataclasses.asdict(found)
        session.show({**fields, "year": _record(found.year), "changes": _history(found)})
        return
    session.show(_record(found.year))
    _print_checklist(session, found)
    session.note("")
    print_grid(session.console, Grid(columns("status", "change_time", "reason"), _history(found)))


@command(app, "preview", timeout_seconds=60.0)
async def preview(session: Session, code: Code, *, retained: Retained = None) -> None:
    """Show the entries that a close would post now; post nothing. CSV has the entries."""
    found = await session.ledger.preview_year_close(
        await session.journal(), code, retained_earnings=retained
    )
    entries = [_entry(entry) for entry in found.entries]
    if session.output is Output.CSV:
        session.show_list(_ENTRIES, entries)
        return
    if session.output is Output.JSON:
        amounts = [dataclasses.asdict(one) for one in found.amounts]
        about = {"sequence": found.sequence, "transactions": found.transaction_count}
        session.show({**about, "amounts": amounts, "entries": entries})
        return
    for one in found.amounts:
        session.console.print(one.currency, style="bold")
        rows = [entry for entry in entries if entry["currency"] == one.currency]
        print_grid(session.console, Grid(_ENTRIES[:4], rows))
        session.note("")
    _print_amounts(session, found.amounts, nothing="revenue and expense are zero")
    hidden = found.balance_count - len(found.entries)
    if hidden > 0:
        session.note(f"the first {len(entries)} entries are shown")
    session.note(f"position {found.sequence}; nothing was posted: ledgerctl year close {code}")


@command(app, "close", timeout_seconds=300.0)
async def close(session: Session, code: Code, *, reason: Reason, retained: Retained = None) -> None:
    """Bring revenue and expense to zero at the year's last day, and lock its days.

    Once more posts what came late. Possible until the last day is closed for good.
    """
    done = await session.ledger.close_fiscal_year(
        await session.journal(), code, reason=reason, retained_earnings=retained
    )
    if session.output is not Output.TABLE:
        amounts = [dataclasses.asdict(one) for one in done.amounts]
        ids = list(done.transaction_ids)
        session.show({**_record(done.year), "amounts": amounts, "transactions": ids})
        return
    _print_amounts(session, done.amounts, nothing="there was no revenue and no expense")
    count = len(done.transaction_ids)
    into = done.year.retained_earnings
    session.note(f"{code} is closed into {into} by {count} transaction{'' if count == 1 else 's'}")
    session.note(f"its days are locked; for good with: {_hard_close(done.year)}")


@command(app, "reopen", timeout_seconds=300.0)
async def reopen(session: Session, code: Code, *, reason: Reason) -> None:
    """Take the close of a year back, by reversals at its last day. Its days stay locked."""
    done = await session.ledger.reopen_fiscal_year(await session.journal(), code, reason=reason)
    record = {**_record(done.year), "transactions": list(done.transaction_ids)}
    session.show(record)


@command(app, "check", timeout_seconds=60.0)
async def check(session: Session, code: Code) -> ExitCode | None:
    """Say what is left to do for a year; end with 6 unless it is closed and nothing came late."""
    found = await session.ledger.get_fiscal_year(await session.journal(), code)
    problems = _problems(found)
    if session.output is Output.TABLE:
        for line in problems or [f"{code} is closed, and nothing came late"]:
            session.note(line)
    else:
        session.show({"year": code, "problems": problems})
    return ExitCode.REFUSED if problems else None


def _problems(found: FiscalYearDetails) -> list[str]:
    """Return what is between a year and its end, for people."""
    problems = [
        f"{one.currency}: {one.net_income} of net income is not closed" for one in found.unclosed
    ]
    if found.year.status is not FiscalYearStatus.CLOSED:
        problems.append("the year is not closed")
    if found.refusal and found.refusal_reason != "FISCAL_YEAR_STATE":
        problems.append(f"a close would be refused: {found.refusal} ({found.refusal_reason})")
    if found.ambiguous_accounts:
        problems.append(f"in two categories: {', '.join(found.ambiguous_accounts)}")
    if found.unmapped_accounts:
        problems.append(f"in no node of the chart: {', '.join(found.unmapped_accounts)}")
    if found.open_hold_count:
        problems.append(f"{found.open_hold_count} holds placed until then are open")
    return problems


def _print_checklist(session: Session, found: FiscalYearDetails) -> None:
    session.note("")
    titles = columns("month", "first_day", "last_day", "state")
    rows = [
        {
            "month": number,
            "first_day": month.first_day,
            "last_day": month.last_day,
            "state": month.state,
        }
        for number, month in enumerate(found.months, 1)
    ]
    print_grid(session.console, Grid(titles, rows))
    session.note("")
    _print_amounts(session, found.unclosed, nothing="nothing is left to close")
    if not found.ended:
        session.note("the year has not ended yet")
    for problem in _problems(found)[len(found.unclosed) :]:
        session.note(problem)
    if found.next_month_end:
        command_ = f"ledgerctl period close --through {found.next_month_end} --soft --reason TEXT"
        session.note(f"next month to lock: {command_}")
    elif found.year.status is FiscalYearStatus.CLOSED and not found.unclosed:
        if any(month.state != "CLOSED" for month in found.months):
            session.note(f"to close its days for good: {_hard_close(found.year)}")
    else:
        session.note(f"next: ledgerctl year preview {found.year.code}")


def _hard_close(year: FiscalYear) -> str:
    return f"ledgerctl period close --through {year.last_day} --reason TEXT"


def _print_amounts(session: Session, amounts: Sequence[ClosedAmount], *, nothing: str) -> None:
    if not amounts:
        session.note(nothing)
        return
    print_grid(session.console, Grid(_AMOUNTS, [dataclasses.asdict(one) for one in amounts]))


def _history(found: FiscalYearDetails) -> list[Record]:
    return [
        {
            "status": change.status,
            "change_time": change.change_time,
            "actor": change.actor,
            "reason": change.reason or "opened",
            "sequence": change.sequence,
        }
        for change in found.changes
    ]


def _entry(entry: ClosingEntry) -> Record:
    is_debit = entry.direction is Direction.DEBIT
    return {
        "account": entry.account_code,
        "category": entry.category,
        "debit": entry.units if is_debit else None,
        "credit": None if is_debit else entry.units,
        "currency": entry.currency,
    }


def _record(year: FiscalYear) -> Record:
    fields = dataclasses.asdict(year)
    return {column.name: fields[column.name] for column in _COLUMNS}

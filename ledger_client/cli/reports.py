"""`ledgerctl report`: reports of the books."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Iterable
from typing import Annotated

import typer
from rich.text import Text

from ledger_client.cli.arguments import AsOf, date_option, parse_sequence
from ledger_client.cli.failures import ExitCode, print_error
from ledger_client.cli.rendering import (
    Grid,
    Output,
    Record,
    columns,
    csv_text,
    json_text,
    print_grid,
)
from ledger_client.cli.session import Session, command
from ledger_client.models import (
    Layer,
    TrialBalance,
    TrialBalanceColumns,
    TrialBalanceRow,
    TrialBalanceRowKind,
)

app = typer.Typer(no_args_is_help=True, help="Reports of the books.")

_AMOUNTS = [field.name for field in dataclasses.fields(TrialBalanceColumns)]
_CSV_COLUMNS = columns("account", "currency", *(f"#{name}" for name in _AMOUNTS))


class LayerName(enum.StrEnum):
    """A layer as typed."""

    SETTLED = "settled"
    PENDING = "pending"
    ENCUMBRANCE = "encumbrance"


@command(app, "trial-balance", timeout_seconds=60.0)
async def trial_balance(
    session: Session,
    *,
    from_date: Annotated[
        dt.date | None, date_option("--from", "First day of the movement; else the beginning.")
    ] = None,
    as_of: AsOf = None,
    currency: Annotated[str | None, typer.Option(help="Only this one.")] = None,
    layer: Annotated[LayerName, typer.Option(help="Which book.")] = LayerName.SETTLED,
    zero_rows: Annotated[
        bool, typer.Option("--zero-rows", help="Also accounts whose columns are all zero.")
    ] = False,
    depth: Annotated[
        int, typer.Option(min=0, metavar="N", help="Sum up by account sets, so many levels deep.")
    ] = 0,
    as_known_at: Annotated[
        int | None,
        typer.Option(
            parser=parse_sequence, metavar="SEQUENCE", help="The books as they were known then."
        ),
    ] = None,
) -> ExitCode | None:
    """Print the trial balance: opening, movement and closing of each account in each currency.

    Closing columns are net: one of the two is zero. CSV ends with a row TOTAL for each currency.
    """
    journal = await session.journal()
    report = await session.ledger.get_trial_balance(
        journal,
        from_date=from_date,
        as_of=as_of,
        layer=Layer[layer.name],
        currency=currency,
        include_zero_rows=zero_rows,
        as_known_at=as_known_at,
        set_depth=depth,
    )
    if session.output is Output.CSV:
        session.console.file.write(trial_balance_csv(report) + "\n")
    elif session.output is Output.JSON:
        session.console.file.write(json_text({"journal": journal, **_json(report)}) + "\n")
    else:
        _print(session, journal, report)
    return _check(session, report)


def trial_balance_csv(report: TrialBalance) -> str:
    """Return a trial balance as CSV: a row for each account and currency, then the totals."""
    rows = [
        {"account": row.code, "currency": row.currency, **_amounts(row.columns)}
        for row in report.rows
    ]
    totals = [
        {"account": "TOTAL", "currency": total.currency, **_amounts(total.columns)}
        for total in report.totals
    ]
    return csv_text(_CSV_COLUMNS, [*rows, *totals])


def _print(session: Session, journal: str, report: TrialBalance) -> None:
    """Print a trial balance for people: a table for each currency."""
    period = f"as of {report.as_of}" if report.as_of else "everything posted"
    if report.from_date:
        period = f"{report.from_date} to {report.as_of or 'the end'}"
    session.console.print(Text(f"Trial balance of {journal}", style="bold"), soft_wrap=True)
    recorded = f", recorded {report.record_time:%Y-%m-%d %H:%M:%S %Z}" if report.record_time else ""
    session.note(f"{period}; {report.layer.lower()}; position {report.sequence}{recorded}")
    if not report.totals:
        session.note("\nnothing was posted")
    titles = ["account", *(f"#{name}" for name in _AMOUNTS)]
    if report.from_date is None:  # then all openings are zero
        titles = [title for title in titles if "opening" not in title]
    for total in report.totals:
        session.console.print()
        session.console.print(Text(total.currency, style="bold"))
        rows = [_row(row) for row in report.rows if row.currency == total.currency]
        footer = [{"account": "TOTAL", **_amounts(total.columns)}]
        print_grid(session.console, Grid(columns(*titles), rows, footer))


def _check(session: Session, report: TrialBalance) -> ExitCode | None:
    """Say whether debits equal credits."""
    broken = [total.currency for total in report.totals if not total.balanced]
    if broken:
        message = f"debits and credits differ in {', '.join(broken)}: the ledger is broken"
        session.errors.print(Text(f"  {message.upper()}  ", style="bold white on red"))
        print_error(session.errors, message, hint="stop posting and keep the database as it is")
        return ExitCode.FAILURE
    if report.totals:
        several = (
            "in each currency" if len(report.totals) > 1 else f"in {report.totals[0].currency}"
        )
        session.note("")
        if session.output is Output.TABLE:
            session.console.print(Text(f"debits = credits {several}", style="green"))
    return None


def _row(row: TrialBalanceRow) -> Record:
    """Return a row for people: sets are told from accounts, zeros are left out."""
    is_set = row.kind is TrialBalanceRowKind.ACCOUNT_SET
    amounts = {name: amount or None for name, amount in _amounts(row.columns).items()}
    return {"account": "  " * row.depth + row.code + ("/" if is_set else ""), **amounts}


def _json(report: TrialBalance) -> Record:
    return {
        "from_date": report.from_date,
        "as_of": report.as_of,
        "layer": report.layer,
        "sequence": report.sequence,
        "record_time": report.record_time,
        "rows": list(_json_rows(report.rows)),
        "totals": [
            {"currency": total.currency, **_amounts(total.columns), "balanced": total.balanced}
            for total in report.totals
        ],
    }


def _json_rows(rows: Iterable[TrialBalanceRow]) -> Iterable[Record]:
    for row in rows:
        about = {"kind": row.kind, "code": row.code, "name": row.name, "depth": row.depth}
        yield {**about, "id": row.id, "currency": row.currency, **_amounts(row.columns)}


def _amounts(columns_: TrialBalanceColumns) -> Record:
    return {name: getattr(columns_, name) for name in _AMOUNTS}

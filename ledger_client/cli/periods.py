"""`ledgerctl period`: which days of a journal are closed."""

import dataclasses
import datetime as dt
from typing import Annotated

import typer

from ledger_client.cli.arguments import date_option
from ledger_client.cli.rendering import Output, Record, columns
from ledger_client.cli.session import Session, command
from ledger_client.models import Period

app = typer.Typer(no_args_is_help=True, help="Periods: days on which nothing posts any more.")

_COLUMNS = columns(
    "closed_through", "locked_through", "#sequence", "change_time", "actor", "reason"
)

Reason = Annotated[str, typer.Option(help="Why; it is kept for good.")]


@command(app, "close")
async def close(
    session: Session,
    *,
    through: Annotated[dt.date, date_option("--through", "The last day to close.")],
    reason: Reason,
    soft: Annotated[
        bool,
        typer.Option("--soft", help="Lock only: what says --behind-soft-lock still posts."),
    ] = False,
) -> None:
    """Close all days through this one: nothing posts on them any more."""
    journal = await session.journal()
    period = await session.ledger.close_period(journal, through, reason=reason, soft=soft)
    session.show(_record(period))


@command(app, "reopen")
async def reopen(
    session: Session,
    *,
    through: Annotated[
        dt.date | None, date_option("--through", "The last day that stays closed.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Leave no day closed.")] = False,
    reason: Reason,
    soft: Annotated[
        bool, typer.Option("--soft", help="Move only the soft lock; closed days stay closed.")
    ] = False,
) -> None:
    """Open closed days again: those after --through, or --all."""
    if (through is None) is not everything:
        raise typer.BadParameter("give --through DATE, the last day that stays closed, or --all")
    journal = await session.journal()
    period = await session.ledger.reopen_period(journal, through, reason=reason, soft=soft)
    session.show(_record(period))


@command(app, "show")
async def show(session: Session) -> None:
    """Show which days are closed and locked now, and who made it so, when and why."""
    period = await session.ledger.get_period(await session.journal())
    if period.sequence is None and session.output is Output.TABLE:
        session.note("no day is closed, and none ever was")
        return
    session.show(_record(period))


@command(app, "list")
async def list_all(session: Session) -> None:
    """List every change, newest first: who, when and why."""
    found = session.ledger.list_period_changes(await session.journal())
    records = [_record(period) async for period in found]
    session.show_list(_COLUMNS, records, nothing="no day was ever closed")


def _record(period: Period) -> Record:
    fields = dataclasses.asdict(period)
    return {column.name: fields[column.name] for column in _COLUMNS}

"""Periods: days closed, locked and opened again."""

from collections.abc import Callable
from datetime import date
from typing import TypeVar

from ledger_proto.v1 import events_pb2, periods_pb2
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.journal import Journal
from ledger_server.domain.period import Days, Period
from ledger_server.store import periods
from ledger_server.store.codec import period_message
from ledger_server.store.database import Database

A = TypeVar("A", periods_pb2.ClosePeriodResponse, periods_pb2.ReopenPeriodResponse)


async def close_period(
    database: Database,
    journal: Journal,
    request: Request[periods_pb2.ClosePeriodResponse],
    through: date,
    *,
    soft: bool,
    reason: str,
) -> periods_pb2.ClosePeriodResponse:
    """Close days up to `through`, or with `soft` lock them.

    Raises:
        PeriodOrderError: they are closed, or locked, that far already.
        RequestIdReusedError: the request id was used before for another request.
    """
    return await _change_period(
        database,
        journal,
        request,
        lambda period: period.locked(through) if soft else period.closed(through),
        reason,
    )


async def reopen_period(
    database: Database,
    journal: Journal,
    request: Request[periods_pb2.ReopenPeriodResponse],
    through: date | None,
    *,
    soft: bool,
    reason: str,
) -> periods_pb2.ReopenPeriodResponse:
    """Open the days after `through`, or all; with `soft` only move the lock back.

    Raises:
        PeriodOrderError: that would not leave fewer days closed or locked, or unlock closed ones.
        RequestIdReusedError: the request id was used before for another request.
    """
    return await _change_period(
        database,
        journal,
        request,
        lambda period: period.unlocked(through) if soft else period.reopened(through),
        reason,
    )


async def _change_period(
    database: Database,
    journal: Journal,
    request: Request[A],
    decide: Callable[[Period], Days],
    reason: str,
) -> A:
    """Put in force what `decide` makes of the period as it stands.

    The head is held: no posting of the journal commits between the look at the period and the
    change, and one that was decided before finds another configuration version.
    """

    async def work(change: Change) -> A:
        days = decide(await periods.current_in_tx(change.tx, journal.id))
        # No caller has a name while the server runs without authentication.
        period = await periods.insert_in_tx(
            change.tx, journal.id, change.next_sequence, days, actor="", reason=reason
        )
        message = period_message(period)
        change.config_changed = True
        change.record(events_pb2.Event(period_changed=events_pb2.PeriodChanged(period=message)))
        return request.answer(period=message)

    return await change_journal(database, journal, request, work)

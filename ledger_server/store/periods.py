"""Periods: every change of which days are closed; the last one is in force."""

from ledger_server.domain.period import ALL_OPEN, Days, Period
from ledger_server.domain.primitives import JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("periods")


async def current_in_tx(tx: Tx, journal_id: JournalId) -> Period:
    """Return which days are closed and locked now."""
    row = await tx.fetch_one(_SQL["current_period"], journal_id)
    return _period(row) if row else ALL_OPEN


async def list_changes_in_tx(
    tx: Tx, journal_id: JournalId, before_sequence: int | None, limit: int
) -> list[Period]:
    """Return up to `limit` changes below `before_sequence`, or from the last one, newest first."""
    rows = await tx.fetch(_SQL["list_changes"], journal_id, before_sequence, limit)
    return [_period(row) for row in rows]


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int, days: Days, *, actor: str, reason: str
) -> Period:
    """Put a change in force. The caller holds the head and records the event with `sequence`."""
    row = await tx.fetch_one(
        _SQL["insert_change"],
        journal_id,
        sequence,
        days.closed_through,
        days.locked_through,
        actor,
        reason,
    )
    assert row is not None, "INSERT ... RETURNING gives its row"
    return _period(row)


def _period(row: Row) -> Period:
    return Period(
        closed_through=row["closed_through"],
        locked_through=row["locked_through"],
        sequence=row["sequence"],
        changed_at=row["changed_at"],
        actor=row["actor"],
        reason=row["reason"],
    )

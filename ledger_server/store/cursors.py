"""Cursors of followers. Not facts: each is a row that changes in place."""

from datetime import datetime

from ledger_server.domain.cursor import Cursor
from ledger_server.domain.primitives import JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("cursors")


async def lock_in_tx(tx: Tx, journal_id: JournalId, name: str) -> Cursor | None:
    """Return the cursor, held until `tx` ends; None if there is none."""
    row = await tx.fetch_one(_SQL["lock_cursor"], journal_id, name)
    return _cursor(row) if row else None


async def now_in_tx(tx: Tx) -> datetime:
    """Return the database's time; after the lock, as leases end while one waits for it."""
    row = await tx.fetch_one(_SQL["cursor_clock"])
    assert row is not None, "a statement without FROM gives its row"
    now: datetime = row["now"]
    return now


async def create_in_tx(tx: Tx, journal_id: JournalId, name: str, position: int) -> Cursor:
    """Return the cursor, made at `position` in nobody's hands unless another was faster."""
    await tx.execute(_SQL["insert_cursor"], journal_id, name, position)
    cursor = await lock_in_tx(tx, journal_id, name)
    assert cursor is not None, f"cursor {name} was made and none is ever deleted"
    return cursor


async def save_in_tx(tx: Tx, journal_id: JournalId, cursor: Cursor) -> None:
    """Write a cursor that `tx` holds."""
    await tx.execute(
        _SQL["save_cursor"],
        journal_id,
        cursor.name,
        cursor.position,
        cursor.token,
        cursor.holder,
        cursor.lease_expires_at,
        cursor.updated_at,
    )


async def list_in_tx(tx: Tx, journal_id: JournalId, after_name: str, limit: int) -> list[Cursor]:
    """Return up to `limit` cursors whose name is above `after_name`, by name."""
    rows = await tx.fetch(_SQL["list_cursors"], journal_id, after_name, limit)
    return [_cursor(row) for row in rows]


def _cursor(row: Row) -> Cursor:
    return Cursor(
        name=row["name"],
        position=row["position"],
        token=row["token"],
        holder=row["holder"],
        lease_expires_at=row["lease_expire_at"],
        updated_at=row["updated_at"],
    )

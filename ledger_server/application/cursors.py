"""Cursors: taken, moved on, given back, put elsewhere.

Each runs alone on its cursor: the row is locked first, then the database's clock is read. Nothing
else is locked, so a cursor never waits for a posting, nor a posting for a cursor.
"""

import dataclasses
from collections.abc import Callable
from datetime import datetime, timedelta

from ledger_server.application.mutation import with_retries
from ledger_server.domain.cursor import Cursor, check_position
from ledger_server.domain.errors import CursorNotFoundError
from ledger_server.domain.journal import Journal
from ledger_server.store import cursors, journals
from ledger_server.store.database import Database, Tx


@dataclasses.dataclass(frozen=True, slots=True)
class Seen:
    """A cursor at a time of the database's clock, by which its lease runs or has ended."""

    cursor: Cursor
    at: datetime


async def acquire_cursor(
    database: Database,
    journal: Journal,
    name: str,
    *,
    initial_position: int,
    token: int,
    holder: str,
    lease: timedelta,
) -> Seen:
    """Take a cursor, made at `initial_position` if there is none, or keep it with `token`.

    Raises:
        CursorHeldError: another one's lease runs.
        PositionUnavailableError: there is no cursor yet and the journal has not come so far.
    """

    async def attempt() -> Seen:
        async with database.transaction() as tx:
            cursor = await cursors.lock_in_tx(tx, journal.id, name)
            if cursor is None:
                await _check_position_in_tx(tx, journal, initial_position)
                cursor = await cursors.create_in_tx(tx, journal.id, name, initial_position)
            now = await cursors.now_in_tx(tx)
            return await _save_in_tx(tx, journal, cursor.taken(token, holder, lease, now), now)

    return await with_retries(attempt)


async def advance_cursor(
    database: Database,
    journal: Journal,
    name: str,
    *,
    token: int,
    position: int,
    lease: timedelta,
) -> Seen:
    """Note how far the holder has come and renew its lease.

    Raises:
        CursorLostError: the holding is over.
        CursorNotFoundError: there is no such cursor.
        FieldInvalidError: the position lies behind the one noted.
        PositionUnavailableError: the position lies beyond the head.
    """
    return await _change(
        database,
        journal,
        name,
        lambda cursor, now: cursor.advanced(token, position, lease, now),
        position=position,
    )


async def release_cursor(database: Database, journal: Journal, name: str, *, token: int) -> Seen:
    """Give a cursor back; nothing happens if the holding was over already.

    Raises:
        CursorNotFoundError: there is no such cursor.
    """
    return await _change(database, journal, name, lambda cursor, _: cursor.released(token))


async def reset_cursor(database: Database, journal: Journal, name: str, *, position: int) -> Seen:
    """Put a cursor that nobody holds at another position.

    Raises:
        CursorHeldError: a lease runs.
        CursorNotFoundError: there is no such cursor.
        PositionUnavailableError: the position lies beyond the head.
    """
    return await _change(
        database, journal, name, lambda cursor, now: cursor.reset(position, now), position=position
    )


async def _change(
    database: Database,
    journal: Journal,
    name: str,
    decide: Callable[[Cursor, datetime], Cursor],
    *,
    position: int = 0,
) -> Seen:
    async def attempt() -> Seen:
        async with database.transaction() as tx:
            cursor = await cursors.lock_in_tx(tx, journal.id, name)
            if cursor is None:
                raise CursorNotFoundError(name)
            now = await cursors.now_in_tx(tx)
            changed = decide(cursor, now)
            await _check_position_in_tx(tx, journal, position)
            return await _save_in_tx(tx, journal, changed, now)

    return await with_retries(attempt)


async def _check_position_in_tx(tx: Tx, journal: Journal, position: int) -> None:
    head = await journals.read_head_in_tx(tx, journal.id)
    check_position(position, head.sequence)


async def _save_in_tx(tx: Tx, journal: Journal, cursor: Cursor, now: datetime) -> Seen:
    await cursors.save_in_tx(tx, journal.id, cursor)
    return Seen(cursor, now)

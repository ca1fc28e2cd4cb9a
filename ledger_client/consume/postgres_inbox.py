"""Notes in PostgreSQL, in the handler's own transaction: effects happen exactly once.

A broker delivers at least once: whoever dies between effect and acknowledgement gets the event
again. Here the note that an event was handled is part of the transaction that has its effects,
so there are both or neither, and the event that comes again finds the note.
"""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator
from typing import Any, Final

import asyncpg

from ledger_client.consume.inbox import InboxUnavailableError

#: For a migration of the consumer's own.
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS processed_events (
    consumer     text        NOT NULL,
    event_id     text        NOT NULL,
    -- That failed, or whose end nobody knows.
    attempts     integer     NOT NULL DEFAULT 0,
    -- Null while there were attempts alone.
    processed_at timestamptz,
    PRIMARY KEY (consumer, event_id)
)
"""

# Waits for another transaction that handles the same event, then sees what became of it.
_NOTE: Final = """
INSERT INTO processed_events AS noted (consumer, event_id, processed_at)
VALUES ($1, $2, now())
    ON CONFLICT (consumer, event_id) DO UPDATE SET processed_at = now()
 WHERE noted.processed_at IS NULL
RETURNING true
"""
_COUNT: Final = """
INSERT INTO processed_events AS noted (consumer, event_id, attempts)
VALUES ($1, $2, 1)
    ON CONFLICT (consumer, event_id) DO UPDATE SET attempts = noted.attempts + 1
RETURNING attempts
"""
_FORGET: Final = """
DELETE FROM processed_events
 WHERE consumer = $1 AND event_id = $2 AND processed_at IS NULL
"""
_PRUNE: Final = """
WITH pruned AS (
    DELETE FROM processed_events WHERE consumer = $1 AND processed_at < $2 RETURNING 1
)
SELECT count(*) FROM pruned
"""

#: The third is what the driver raises where a connection breaks in the middle of a statement.
_FAILURES: Final = (
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
    TimeoutError,
)

#: For a connection out of the pool, and for a note.
SECONDS_MAX: Final = 30.0


class PostgresInbox:
    """The notes of one consumer. A handler gets the connection, within its transaction."""

    def __init__(self, pool: "asyncpg.Pool[asyncpg.Record]", consumer: str) -> None:
        """Take connections from a pool when they are needed.

        Args:
            pool: to the database that has the table `processed_events`; it needs a connection for
                each event that is handled at once.
            consumer: whose notes; those who share a name share the notes.
        """
        self._pool = pool
        self._consumer = consumer

    async def create_table(self) -> None:
        """Create the table if it is not there."""
        await self._pool.execute(SCHEMA)

    @contextlib.asynccontextmanager
    async def handling(
        self, event_id: str
    ) -> AsyncIterator["asyncpg.pool.PoolConnectionProxy[asyncpg.Record] | None"]:
        """Give the connection, in the transaction that has the note; None if it was there."""
        try:
            connection = await self._pool.acquire(timeout=SECONDS_MAX)
        except _FAILURES as error:
            raise InboxUnavailableError(_said(error)) from error
        try:
            transaction = connection.transaction()
            try:
                await transaction.start()
                is_new = await connection.fetchval(
                    _NOTE, self._consumer, event_id, timeout=SECONDS_MAX
                )
            except _FAILURES as error:
                raise InboxUnavailableError(_said(error)) from error
            async with _ended(transaction):
                yield connection if is_new else None
        finally:
            await self._release(connection)

    async def count_attempt(self, event_id: str) -> int:
        """Count an attempt, in a transaction of its own."""
        count: int = await self._fetch(_COUNT, event_id)
        return count

    async def forget_attempts(self, event_id: str) -> None:
        """Forget the attempts at an event that was not handled."""
        await self._fetch(_FORGET, event_id)

    async def prune(self, older_than: dt.timedelta) -> int:
        """Forget what was handled longer ago, and return how many events that were.

        What is forgotten would be handled again if it came again: keep as long as any queue, any
        stream and whoever replays dead letters may deliver.
        """
        count: int = await self._fetch(_PRUNE, dt.datetime.now(dt.UTC) - older_than)
        return count

    async def _fetch(self, query: str, argument: object) -> Any:
        try:
            return await self._pool.fetchval(query, self._consumer, argument, timeout=SECONDS_MAX)
        except _FAILURES as error:
            raise InboxUnavailableError(_said(error)) from error

    async def _release(self, connection: Any) -> None:
        # A connection that is lost cannot be reset; the pool drops it.
        with contextlib.suppress(*_FAILURES):
            await self._pool.release(connection)


@contextlib.asynccontextmanager
async def _ended(transaction: Any) -> AsyncIterator[None]:
    """Commit when the block has ended well, else roll back."""
    try:
        yield
    except BaseException:
        # A lost connection rolls back by itself; what was raised matters more.
        with contextlib.suppress(*_FAILURES):
            await transaction.rollback()
        raise
    await transaction.commit()


def _said(error: BaseException) -> str:
    return str(error) or type(error).__name__

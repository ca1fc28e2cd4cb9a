"""The way to the database: connections, transactions, and what its errors mean.

With `pools` the only module that knows asyncpg. Everything above sees `Tx`, rows that are read by
column name, and the few exceptions below.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Final, Self
from uuid import UUID

import asyncpg
from asyncpg.pgproto import pgproto

from ledger_server.domain.errors import LedgerInvariantError, StorageUnavailableError
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import JournalId
from ledger_server.store.pools import BEHIND_MAX, Pools, open_pools

Row = Mapping[str, Any]

#: What is handed over of a COPY at once: two thousand rows, a few milliseconds of whoever takes
#: them. As much again waits in the socket, so that PostgreSQL does not have to.
COPY_BYTES: Final = 128 * 1024

#: Reads a canonical UUID in a fifth of the time that Python's own class takes. What it gives is one
#: of that class too, and is written and hashed as much faster.
uuid_of: Final[Callable[[str], UUID]] = pgproto.UUID

_SNAPSHOT: Final = {"isolation": "repeatable_read", "readonly": True}

#: SQLSTATEs after which the same transaction may succeed when run again.
_RETRYABLE: Final = frozenset({"40001", "40P01", "55P03"})
#: SQLSTATE classes and states after which the connection is gone: the server or its administrator
#: ended it, or it sat idle in a transaction for too long.
_LOST: Final = ("08", "57P", "25P03", "25P04")
#: SQLSTATE classes and states in which the database cannot serve anybody now: out of something,
#: timed out, input and output errors, read-only after a failover.
_UNAVAILABLE: Final = ("53", "57014", "58", "25006")


class ConstraintError(Exception):
    """A constraint refused a write. Callers turn the ones they expect into refusals."""

    def __init__(self, constraint: str) -> None:
        """Remember the constraint's name."""
        super().__init__(constraint)
        self.constraint = constraint


class RetryError(Exception):
    """Another transaction was in the way; running this one again may succeed."""


class ConnectionLostError(StorageUnavailableError):
    """The connection broke. If it broke during COMMIT, the outcome is open."""


#: What the driver raises.
_FAILURES: Final = (
    asyncpg.PostgresError,
    # Also said of a connection that the server ended while it was idle: the news has arrived, and
    # the statement meets it half read.
    asyncpg.InternalClientError,
    asyncpg.InterfaceError,
    OSError,
    TimeoutError,
    EOFError,
)


@contextlib.contextmanager
def _translated() -> Iterator[None]:
    """Turn the driver's exceptions into ours."""
    try:
        yield
    except _FAILURES as error:
        # A connection that is lost fails to be rolled back and given back, which takes the place
        # of a cancellation. Whoever would try again is cancelled but once.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise asyncio.CancelledError from error
        ours = _ours(error)
        if ours is None:
            raise
        raise ours from error


def _ours(error: Exception) -> Exception | None:
    """Return what a failure is to those above; None for a bug of ours."""
    if isinstance(error, asyncpg.IntegrityConstraintViolationError):
        return ConstraintError(error.constraint_name or "unnamed")
    if not isinstance(error, asyncpg.PostgresError):
        return ConnectionLostError()
    state = error.sqlstate or ""
    if state in _RETRYABLE:
        return RetryError()
    if state.startswith(_LOST):
        return ConnectionLostError()
    return StorageUnavailableError() if state.startswith(_UNAVAILABLE) else None


class Tx:
    """An open transaction, or a connection on which each statement is one by itself.

    Functions that need one end in `_in_tx` and take it first.
    """

    def __init__(self, connection: Any, database: "Database") -> None:
        """Wrap a connection, whose transaction has begun if it is to be one."""
        self._connection = connection
        self._database = database
        #: Heads of the journals that the transaction appends to.
        self.heads: dict[JournalId, int] = {}

    def appended(self, journal_id: JournalId, head_sequence: int) -> None:
        """Note that events were appended up to a new head; told of after the commit."""
        self.heads[journal_id] = head_sequence

    async def fetch(self, query: str, *values: object) -> Sequence[Row]:
        """Run one statement and return its rows."""
        self._database.statement_count += 1
        with _translated():
            rows: Sequence[Row] = await self._connection.fetch(query, *values)
            return rows

    async def fetch_one(self, query: str, *values: object) -> Row | None:
        """Run one statement and return its first row, if any."""
        rows = await self.fetch(query, *values)
        return rows[0] if rows else None

    async def execute(self, query: str, *values: object) -> None:
        """Run one statement for its effect."""
        await self.fetch(query, *values)

    async def chunks(
        self, query: str, *values: object, rows_max: int
    ) -> AsyncIterator[Sequence[Row]]:
        """Run one statement and give its rows `rows_max` at a time; the rest waits over there."""
        self._database.statement_count += 1
        with _translated():
            cursor = await self._connection.cursor(query, *values)
        while True:
            with _translated():
                rows: Sequence[Row] = await cursor.fetch(rows_max)
            if not rows:
                return
            yield rows

    async def copy(
        self, query: str, *values: object, take: Callable[[bytes], Awaitable[None]]
    ) -> None:
        """Run one statement and hand its rows over, as COPY writes them, while it makes more.

        Args:
            query: what is copied.
            values: its parameters.
            take: is given one or more whole rows at a time, and waited for. Rows that come
                meanwhile wait in the connection's socket, then in PostgreSQL.
        """
        self._database.statement_count += 1
        waiting = bytearray()

        async def receive(data: bytes) -> None:
            waiting.extend(data)
            if len(waiting) >= COPY_BYTES:
                end = waiting.rfind(b"\n") + 1
                whole = bytes(waiting[:end])
                del waiting[:end]
                await take(whole)

        selected = query.removesuffix(";")  # it becomes a part of the statement
        with _translated():
            await self._connection.copy_from_query(selected, *values, output=receive)
        if waiting:
            await take(bytes(waiting))

    async def execute_many(self, query: str, rows: Sequence[Sequence[object]]) -> None:
        """Run one statement once for each of `rows`, in one round trip."""
        self._database.statement_count += 1
        with _translated():
            await self._connection.executemany(query, rows)


class Database:
    """Connections to one database."""

    def __init__(self, pools: Pools) -> None:
        """Use `connect` instead."""
        self._pools = pools
        #: Statements sent so far, without BEGIN and COMMIT; tests hold it against a constant.
        self.statement_count = 0
        #: Places for batches that are sent behind others; whoever finds none does not wait for one.
        self.places_behind = asyncio.Semaphore(BEHIND_MAX)
        #: Journals seen so far, by code and by id.
        self.journals: dict[str, Journal] = {}
        self._listener: Callable[[JournalId, int], None] | None = None

    def on_append(self, listener: Callable[[JournalId, int], None]) -> None:
        """Have `listener` told each journal's new head right after a commit through this object.

        Other servers' commits are not told of. What is told may come late or, after a connection
        broke at the commit, not at all: a hint to look, never the news itself.
        """
        self._listener = listener

    @classmethod
    async def connect(cls, dsn: str) -> Self:
        """Open the pools.

        Raises:
            StoreConfigurationError: a commit would not be durable here.
            StorageUnavailableError: the database does not answer.
        """
        with _translated():
            return cls(await open_pools(dsn))

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        await self._pools.close()

    @contextlib.asynccontextmanager
    async def transaction(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Begin a READ COMMITTED transaction; commit at the end, roll back on an exception.

        Whoever holds a lock that others wait for with connections in their hands must not wait
        for a connection: it gives its `current` transaction and goes on in that.
        """
        if current is not None:
            yield current
            return
        async with self._begin(self._pools.readers) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def writer_transaction(self) -> AsyncIterator[Tx]:
        """Begin a transaction of a journal's writer, on a connection with its plans."""
        async with self._begin(self._pools.writers) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def reader_connection(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Give a connection on which each statement sees a moment of its own.

        As in `transaction`, without its BEGIN and COMMIT: two round trips less. For lists of one
        statement, and of several that need not agree.
        """
        async with self._lend(self._pools.readers, current) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def look_up_connection(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Do the same for statements that look keys up, with plans that are kept.

        A statement belongs here if nested loops over indexes are right for whatever it is asked.
        """
        async with self._lend(self._pools.look_ups, current) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def writer_connection(self) -> AsyncIterator[Tx]:
        """Give a connection with the writers' plans on which each statement commits by itself.

        What is one statement needs no BEGIN and no COMMIT: two round trips less.
        """
        with _translated():
            async with self._pools.writers.acquire() as connection:
                tx = Tx(connection, self)
                yield tx
                self._tell_appended(tx)

    @contextlib.asynccontextmanager
    async def snapshot(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Begin a read-only transaction in which every statement sees one moment.

        Or go on in the `current` one, whose locks hold what is read as it is.
        """
        if current is not None:
            yield current
            return
        async with self._begin(self._pools.readers, **_SNAPSHOT) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def look_up_snapshot(self) -> AsyncIterator[Tx]:
        """Begin a snapshot for statements as `look_up_connection` is for."""
        async with self._begin(self._pools.look_ups, **_SNAPSHOT) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def _lend(self, pool: Any, current: Tx | None) -> AsyncIterator[Tx]:
        if current is not None:
            yield current
            return
        with _translated():
            async with pool.acquire() as connection:
                yield Tx(connection, self)

    @contextlib.asynccontextmanager
    async def _begin(self, pool: Any, **options: object) -> AsyncIterator[Tx]:
        # acquire, BEGIN, COMMIT and ROLLBACK fail in the driver's words; what the body raises is
        # already in ours and passes through unchanged.
        with _translated():
            async with pool.acquire() as connection:
                tx = Tx(connection, self)
                async with connection.transaction(**options):
                    yield tx
                self._tell_appended(tx)

    def _tell_appended(self, tx: Tx) -> None:
        if self._listener is not None:
            for journal_id, head_sequence in tx.heads.items():
                self._listener(journal_id, head_sequence)


def broken_invariant(error: ConstraintError) -> LedgerInvariantError:
    """Return the refusal for a guard that the rules should have kept from being reached."""
    return LedgerInvariantError(error.constraint)

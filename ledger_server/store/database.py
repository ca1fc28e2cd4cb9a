"""The way to the database: connections, transactions, and what its errors mean.

The only module that knows asyncpg. Everything above sees `Tx`, rows that are read by column name,
and the few exceptions below.
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

Row = Mapping[str, Any]

#: The role that servers run as; see migrations/0002_guards.sql.
RUNTIME_ROLE: Final = "ledger_runtime"
#: Connections for reads and changes of configuration. Writers have their own.
POOL_SIZE_MAX: Final = 16
#: Journals whose postings one server can read for or commit at the same moment.
WRITER_POOL_SIZE_MAX: Final = 8
#: Connections beside these for batches that wait in the database for the one before: of a journal
#: whose head somebody holds for long, they take none from the other journals.
BEHIND_MAX: Final = 4
CONNECT_TIMEOUT_SECONDS: Final = 10
#: What is handed over of a COPY at once: two thousand rows, a few milliseconds of whoever takes
#: them. As much again waits in the socket, so that PostgreSQL does not have to.
COPY_BYTES: Final = 128 * 1024

#: Reads a canonical UUID in a fifth of the time that Python's own class takes. What it gives is one
#: of that class too, and is written and hashed as much faster.
uuid_of: Final[Callable[[str], UUID]] = pgproto.UUID

_TIMEOUTS: Final = {
    # A statement that takes longer holds locks that others wait for.
    "statement_timeout": "60s",
    "lock_timeout": "20s",
    "idle_in_transaction_session_timeout": "60s",
    "jit": "off",
    "timezone": "UTC",
    "application_name": "ledger-server",
}

#: One plan for every batch, whatever its size and whatever the tables looked like when it was
#: made: nested loops over the primary keys. Left to itself the planner takes a sequential scan of
#: every balance on a table that was never analysed.
_WRITER_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "enable_bitmapscan": "off",
}

#: A plan for each read: its filters are optional, so no plan fits all; and one kept from when
#: the tables were small reads a whole journal's balances once they have grown. And sums over many
#: days are made by several processes, where that pays the start of them: what a report takes from
#: them is a row an account, which PostgreSQL by its default thinks dearer than adding up alone.
_READER_PLANS: Final = {
    "plan_cache_mode": "force_custom_plan",
    "parallel_tuple_cost": "0",
}

#: From PostgreSQL 16 on, a member of a role may not always become it.
_MAY_SET_ROLE: Final = """
SELECT count(*) > 0
  FROM pg_roles
 WHERE rolname = $1
   AND pg_has_role(current_user, oid, CASE
           WHEN current_setting('server_version_num')::integer >= 160000 THEN 'SET' ELSE 'MEMBER'
       END)
"""

#: SQLSTATEs after which the same transaction may succeed when run again.
_RETRYABLE: Final = frozenset({"40001", "40P01", "55P03"})
#: SQLSTATE classes and states after which the connection is gone: the server or its administrator
#: ended it, or it sat idle in a transaction for too long.
_LOST: Final = ("08", "57P", "25P03", "25P04")
#: SQLSTATE classes and states in which the database cannot serve anybody now: out of something,
#: timed out, input and output errors, read-only after a failover.
_UNAVAILABLE: Final = ("53", "57014", "58", "25006")


class StoreConfigurationError(Exception):
    """The database is set up in a way in which the ledger would break its promises."""


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

    def __init__(self, pool: Any, writer_pool: Any) -> None:
        """Use `connect` instead."""
        self._pool = pool
        self._writer_pool = writer_pool
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
        settings = dict(_TIMEOUTS)
        with _translated():
            probe = await asyncpg.connect(dsn, timeout=CONNECT_TIMEOUT_SECONDS)
            try:
                await _check(probe)
                if await probe.fetchval(
                    _MAY_SET_ROLE,
                    RUNTIME_ROLE,
                ):
                    settings["role"] = RUNTIME_ROLE
            finally:
                await probe.close()
            pool = await asyncpg.create_pool(
                dsn,
                min_size=1,
                max_size=POOL_SIZE_MAX,
                server_settings=settings | _READER_PLANS,
                reset=_keep,
                timeout=CONNECT_TIMEOUT_SECONDS,
            )
            writer_pool = await asyncpg.create_pool(
                dsn,
                min_size=0,
                max_size=WRITER_POOL_SIZE_MAX + BEHIND_MAX,
                server_settings=settings | _WRITER_PLANS,
                reset=_keep,
                timeout=CONNECT_TIMEOUT_SECONDS,
            )
        return cls(pool, writer_pool)

    async def close(self) -> None:
        """Close all connections, waiting for those in use."""
        await self._pool.close()
        await self._writer_pool.close()

    @contextlib.asynccontextmanager
    async def transaction(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Begin a READ COMMITTED transaction; commit at the end, roll back on an exception.

        Whoever holds a lock that others wait for with connections in their hands must not wait
        for a connection: it gives its `current` transaction and goes on in that.
        """
        if current is not None:
            yield current
            return
        async with self._begin(self._pool) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def writer_transaction(self) -> AsyncIterator[Tx]:
        """Begin a transaction of a journal's writer, on a connection with its plans."""
        async with self._begin(self._writer_pool) as tx:
            yield tx

    @contextlib.asynccontextmanager
    async def reader_connection(self, current: Tx | None = None) -> AsyncIterator[Tx]:
        """Give a connection on which each statement sees a moment of its own.

        As in `transaction`, without its BEGIN and COMMIT: two round trips less. For reads of one
        statement, and of several that need not agree.
        """
        if current is not None:
            yield current
            return
        with _translated():
            async with self._pool.acquire() as connection:
                yield Tx(connection, self)

    @contextlib.asynccontextmanager
    async def writer_connection(self) -> AsyncIterator[Tx]:
        """Give a connection with the writers' plans on which each statement commits by itself.

        What is one statement needs no BEGIN and no COMMIT: two round trips less.
        """
        with _translated():
            async with self._writer_pool.acquire() as connection:
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
        async with self._begin(self._pool, isolation="repeatable_read", readonly=True) as tx:
            yield tx

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


async def _keep(_connection: Any) -> None:
    """Reset nothing when a connection is given back: nobody here changes a session's state."""


async def _check(connection: Any) -> None:
    """Refuse a database that would lose what was answered as posted."""
    for setting in ("synchronous_commit", "fsync", "full_page_writes"):
        value = await connection.fetchval("SELECT current_setting($1)", setting)
        if value == "off" or (setting == "synchronous_commit" and value == "local"):
            raise StoreConfigurationError(
                f"{setting} is {value}: a posting that was answered could be lost. "
                f"Set {setting} = on."
            )


def broken_invariant(error: ConstraintError) -> LedgerInvariantError:
    """Return the refusal for a guard that the rules should have kept from being reached."""
    return LedgerInvariantError(error.constraint)

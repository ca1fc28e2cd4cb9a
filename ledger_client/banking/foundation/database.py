"""A module's database: a schema and a role of its own, which no other module may read."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any, Final, TypeAlias

import asyncpg

from ledger_client.banking.foundation.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

Connection: TypeAlias = "asyncpg.Connection[Any] | asyncpg.pool.PoolConnectionProxy[Any]"

#: Members may read the view `domain_events` of every module.
READER_ROLE: Final = "bank_reader"
CONNECT_SECONDS: Final = 10.0
ACQUIRE_SECONDS: Final = 10.0
STATEMENT_SECONDS: Final = 30.0
#: A transaction whose process was stopped or cut off holds its locks no longer than this.
IDLE_SECONDS: Final = 30.0
CONNECTIONS: Final = 12
#: Schemas and roles are made one at a time, whatever is started at once.
_SET_UP_LOCK: Final = 7_114_030_501

#: The database is away, starting, stopping, full, or was busy: passes by itself.
PASSING: Final = (
    OSError,
    TimeoutError,
    asyncpg.PostgresConnectionError,
    asyncpg.OperatorInterventionError,
    asyncpg.InsufficientResourcesError,
    asyncpg.ReadOnlySQLTransactionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
#: Two transactions were in each other's way: run it again.
CONTENTION: Final = (asyncpg.TransactionRollbackError, asyncpg.LockNotAvailableError)


#: Every statement finds few rows by key, whatever the planner knows of new tables. So plans
#: are made once a connection, where planning anew would cost more than what is planned.
_PLANS: Final = {
    "plan_cache_mode": "force_generic_plan",
    # A plan made while a table was empty would else scan it for ever.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
}


class DatabaseSetUpError(Exception):
    """The module's schema cannot be made or used."""


def schema_of(module: str) -> str:
    """Return the name of a module's schema, which is also that of its role."""
    return f"bank_{module}"


class ModuleDatabase:
    """Transactions on a module's schema, as the module's role."""

    def __init__(self, pool: "asyncpg.Pool[Any]", module: str, dsn: str) -> None:
        """Use `open_database`."""
        self._pool = pool
        self.module = module
        #: For who opens connections of his own; `become` makes them the module's.
        self.dsn = dsn
        #: Told of each commit through `transaction`.
        self.on_commit: Callable[[], None] = _nothing

    @contextlib.asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """Give a connection in a transaction: committed at the end, rolled back by an exception.

        Raises:
            UnavailableError: the database does not answer. If that was at the commit, nobody
                knows whether it happened.
        """
        try:
            async with (
                self._pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
                connection.transaction(),
            ):
                yield connection
            self.on_commit()
        except PASSING as error:
            raise self._failure(error) from error

    async def fetch(self, query: str, *arguments: object) -> Sequence[Any]:
        """Return the rows of one statement, in a transaction of its own.

        Raises:
            UnavailableError: the database does not answer.
        """
        try:
            rows: Sequence[Any] = await self._pool.fetch(query, *arguments)
        except PASSING as error:
            raise self._failure(error) from error
        return rows

    def _failure(self, error: Exception) -> BaseException:
        """Return what a failure that passes is to the caller: for now there is no database.

        To a task that was cancelled it is the end. A connection that nobody answers on fails to be
        rolled back and given back, which takes the place of the cancellation; who would then try
        again later would do so for ever, for he is cancelled but once.
        """
        _log.warning("the database of %s: %s: %s", self.module, type(error).__name__, error)
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            return asyncio.CancelledError()
        return UnavailableError("the bank's database")

    async def become(self, connection: Connection) -> None:
        """Make a connection the module's own."""
        schema = schema_of(self.module)
        await connection.execute(
            f"SET ROLE {schema}; SET search_path TO {schema};"
            f"SET idle_in_transaction_session_timeout TO '{IDLE_SECONDS * 1000:.0f}ms'"
        )

    async def close(self) -> None:
        """Close all connections; those that do not answer are cut."""
        try:
            await asyncio.wait_for(self._pool.close(), CONNECT_SECONDS)
        except TimeoutError:
            self._pool.terminate()


async def open_database(dsn: str, module: str, migrations: Sequence[Path]) -> ModuleDatabase:
    """Make a module's role, schema and tables where they are missing, and connect as that role.

    Args:
        dsn: of a user who is a member of the module's role, or may create roles and schemas.
        module: its name.
        migrations: SQL files in order; each is run once, and never changes after that.

    Raises:
        DatabaseSetUpError: the user may not, or the schema is that of a newer version.
    """
    schema = schema_of(module)
    connection = await asyncpg.connect(dsn, timeout=CONNECT_SECONDS)
    try:
        await connection.execute("SELECT pg_advisory_lock($1)", _SET_UP_LOCK)
        await _make_roles(connection, schema)
        async with connection.transaction():
            await connection.execute(f"SET LOCAL ROLE {schema}")
            await connection.execute(f"SET LOCAL search_path TO {schema}")
            await _migrate(connection, migrations)
            await connection.execute(
                f"GRANT USAGE ON SCHEMA {schema} TO {READER_ROLE};"
                f"GRANT SELECT ON {schema}.domain_events TO {READER_ROLE}"
            )
    except asyncpg.PostgresError as error:
        raise DatabaseSetUpError(f"schema {schema}: {error}") from error
    finally:
        await connection.close()
    pool = await asyncpg.create_pool(
        dsn,
        min_size=1,
        max_size=CONNECTIONS,
        timeout=CONNECT_SECONDS,
        command_timeout=STATEMENT_SECONDS,
        reset=_leave_as_it_is,
        server_settings={
            "role": schema,
            "search_path": schema,
            "application_name": f"ledger-bank {module}",
            **_PLANS,
            "idle_in_transaction_session_timeout": f"{IDLE_SECONDS * 1000:.0f}ms",
        },
    )
    return ModuleDatabase(pool, module, dsn)


def _nothing() -> None:
    """Tell nobody."""


async def _leave_as_it_is(_connection: Any) -> None:
    """Spare the round trip that asyncpg takes: nothing of ours outlives a transaction."""


async def _make_roles(connection: Any, schema: str) -> None:
    """Make the roles and the schema if they are not there; a user who may not finds them made."""
    for role in (READER_ROLE, schema):
        if not await connection.fetchval("SELECT true FROM pg_roles WHERE rolname = $1", role):
            await connection.execute(f"CREATE ROLE {role} NOLOGIN")
    if not await connection.fetchval("SELECT pg_has_role(current_user, $1, 'USAGE')", schema):
        await connection.execute(f"GRANT {schema} TO CURRENT_USER")
    if not await connection.fetchval("SELECT true FROM pg_namespace WHERE nspname = $1", schema):
        await connection.execute(f"CREATE SCHEMA {schema} AUTHORIZATION {schema}")


async def _migrate(connection: Any, migrations: Sequence[Path]) -> None:
    await connection.execute(
        "CREATE TABLE IF NOT EXISTS schema_migrations"
        " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
    )
    rows = await connection.fetch("SELECT name FROM schema_migrations")
    applied = {row["name"] for row in rows}
    if unknown := applied - {path.name for path in migrations}:
        raise DatabaseSetUpError(f"made by a newer version: {', '.join(sorted(unknown))}")
    for path in migrations:
        if path.name not in applied:
            await connection.execute(path.read_text())
            await connection.execute("INSERT INTO schema_migrations VALUES ($1)", path.name)

"""Bring a database to the schema of this build: forward only, each SQL file once.

Files are `NNNN_name.sql` with `-- migrate:up` in their first line, and the table of what was
applied is dbmate's with two more columns, so `dbmate status` can read it.
"""

import asyncio
import hashlib
import importlib.resources
import itertools
import logging
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

import asyncpg

logger = logging.getLogger(__name__)

#: The oldest PostgreSQL the schema is made for.
SERVER_MAJOR_MIN: Final = 14
#: The class of the advisory lock that one migrating server holds: "LEDG" in ASCII.
LOCK_CLASS: Final = 0x4C454447
LOCK_OBJECT: Final = 1
#: How long a server waits for another one that is migrating.
LOCK_WAIT_S: Final = 600.0
_LOCK_POLL_S = 0.05
_CONNECT_TIMEOUT_S = 30.0
#: A file waits no longer than this for a table, for all who come after would wait behind it.
_LOCK_TIMEOUT = "10s"

_FILE_NAME = re.compile(r"([0-9]{4})_[a-z0-9_]+\.sql")
_FIRST_LINE = re.compile(r"-- migrate:up(?P<outside> +transaction:false)?")
_DOWN = re.compile(r"^\s*--\s*migrate:down", re.MULTILINE)

_CREATE_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    version varchar(128) PRIMARY KEY
);
ALTER TABLE schema_migrations
    ADD COLUMN IF NOT EXISTS sha256 text,
    ADD COLUMN IF NOT EXISTS applied_at timestamptz NOT NULL DEFAULT now();
"""
_READ_TABLE = """
SELECT version, to_jsonb(schema_migrations) ->> 'sha256' AS sha256 FROM schema_migrations
"""
_INSERT = "INSERT INTO schema_migrations (version, sha256) VALUES ($1, $2)"


class MigrationError(Exception):
    """The database cannot be brought to the schema of this build, or is not there."""


class MigrationFileError(MigrationError):
    """A file of the migrations folder is not in the form it must have."""


class EditedMigrationError(MigrationError):
    """A file is not what it was when it was applied."""


class OutOfOrderMigrationError(MigrationError):
    """A file that was never applied is older than one that was."""


class NewerDatabaseError(MigrationError):
    """The database has been migrated by a build that is not ours."""


class PendingMigrationsError(MigrationError):
    """The database lacks migrations, and none were to be applied."""


class FailedMigrationError(MigrationError):
    """The SQL of a file was refused by PostgreSQL."""


class UnsupportedServerError(MigrationError):
    """The PostgreSQL server is too old."""


class UnreachableDatabaseError(MigrationError):
    """There is no connection to the database, or it was lost."""


class LockedDatabaseError(MigrationError):
    """Another server went on migrating for longer than we wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file of the migrations folder."""

    #: The digits its name begins with.
    version: str
    #: Its file name without `.sql`.
    name: str
    sql: str
    #: Whether it runs in a transaction. If not, it must be one statement and safe to repeat.
    in_transaction: bool

    @property
    def sha256(self) -> str:
        """The fingerprint of its text, in hexadecimal."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


async def migrate(dsn: str, *, folder: Traversable | None = None) -> list[str]:
    """Apply what the database lacks. Safe to run by many servers at once.

    Args:
        dsn: a direct connection: the lock is the session's, which a pooler may swap.
        folder: where the files are, if not the engine's own.

    Returns:
        The names of the migrations that were applied, in order.

    Raises:
        MigrationError: one of its subclasses; whatever was applied before it stays applied.
    """
    migrations = read_folder(folder or migrations_folder())
    async with _connection(dsn) as connection:
        await _lock(connection)
        await connection.execute(_CREATE_TABLE)
        pending = _plan(migrations, await _applied(connection))
        for migration in pending:
            await _apply(connection, migration)
            logger.info("applied migration %s", migration.name)
    return [migration.name for migration in pending]


async def check(dsn: str, *, folder: Traversable | None = None) -> None:
    """Return if the database has exactly the schema of this build; change nothing.

    Raises:
        PendingMigrationsError: when it lacks migrations.
        MigrationError: when it does not fit this build in another way.
    """
    migrations = read_folder(folder or migrations_folder())
    async with _connection(dsn) as connection:
        exists = await connection.fetchval("SELECT to_regclass('schema_migrations') IS NOT NULL")
        pending = _plan(migrations, await _applied(connection) if exists else {})
    if pending:
        names = ", ".join(migration.name for migration in pending)
        raise PendingMigrationsError(
            f"the database lacks the migrations {names}; start the server with --migrate auto"
        )


def migrations_folder() -> Traversable:
    """Return the folder inside the installed package, else the one beside it in a checkout."""
    package = importlib.resources.files("ledger_server")
    packaged = package / "migrations"
    if packaged.is_dir():
        return packaged
    return Path(str(package)).parent / "migrations"


def read_folder(folder: Traversable) -> list[Migration]:
    """Return the migrations of `folder` in order.

    Raises:
        MigrationFileError: when a file's name or first line is not as it must be.
    """
    if not folder.is_dir():
        raise MigrationFileError(f"the folder of migrations {folder} is missing; install again")
    files = [entry for entry in folder.iterdir() if entry.name.endswith(".sql")]
    migrations = [_read(file) for file in sorted(files, key=lambda file: file.name)]
    for former, latter in itertools.pairwise(migrations):
        if former.version == latter.version:
            raise MigrationFileError(
                f"{former.name} and {latter.name} have the same number; renumber the newer"
            )
    return migrations


def _read(file: Traversable) -> Migration:
    sql = file.read_text(encoding="utf-8")
    name = _FILE_NAME.fullmatch(file.name)
    if name is None:
        raise MigrationFileError(f"{file.name} is not named like 0001_some_words.sql; rename it")
    first_line = _FIRST_LINE.fullmatch(sql.partition("\n")[0].rstrip())
    if first_line is None:
        raise MigrationFileError(
            f"the first line of {file.name} must be '-- migrate:up' or "
            "'-- migrate:up transaction:false'"
        )
    if _DOWN.search(sql):
        raise MigrationFileError(
            f"{file.name} has a part migrate:down; there is no way back, write a new migration"
        )
    return Migration(
        version=name.group(1),
        name=file.name.removesuffix(".sql"),
        sql=sql,
        in_transaction=first_line["outside"] is None,
    )


def _plan(migrations: Sequence[Migration], applied: Mapping[str, str | None]) -> list[Migration]:
    """Return what is to be applied, or refuse a database that is not of our line."""
    known = {migration.version for migration in migrations}
    unknown = sorted(applied.keys() - known)
    if unknown:
        raise NewerDatabaseError(
            f"the database has the migrations {', '.join(unknown)} that this build does not know; "
            "it belongs to a newer server: run that one"
        )
    newest_applied = max(applied, default="")
    pending = []
    for migration in migrations:
        if migration.version not in applied:
            if migration.version < newest_applied:
                raise OutOfOrderMigrationError(
                    f"migration {migration.name} was never applied, but the later "
                    f"{newest_applied} was; give it the next free number"
                )
            pending.append(migration)
        elif applied[migration.version] not in {None, migration.sha256}:
            raise EditedMigrationError(
                f"migration {migration.name} was edited after it was applied; "
                "restore the file and write a new migration"
            )
    return pending


async def _applied(connection: asyncpg.Connection) -> dict[str, str | None]:
    """Return version -> sha256; the latter is None for what dbmate itself has applied."""
    rows = await connection.fetch(_READ_TABLE)
    return {row["version"]: row["sha256"] for row in rows}


async def _apply(connection: asyncpg.Connection, migration: Migration) -> None:
    try:
        if migration.in_transaction:
            async with connection.transaction():
                # Before the file, which may set another search_path.
                await connection.execute(_INSERT, migration.version, migration.sha256)
                await connection.execute(migration.sql)
        else:
            # CREATE INDEX CONCURRENTLY waits for old transactions, and cut short it leaves
            # an invalid index behind.
            await connection.execute("SET lock_timeout = 0")
            await connection.execute(migration.sql)
            await connection.execute("RESET ALL")
            await connection.execute(_INSERT, migration.version, migration.sha256)
    except asyncpg.PostgresError as error:
        raise FailedMigrationError(
            f"migration {migration.name} failed{_line_of(error, migration)}: "
            f"{error} ({error.sqlstate})"
        ) from error
    # A file may have changed the session; what we set at connecting stays.
    await connection.execute("RESET ALL")


def _line_of(error: asyncpg.PostgresError, migration: Migration) -> str:
    position = getattr(error, "position", None)
    if not position or not str(position).isdecimal():
        return ""
    return f" in line {migration.sql.count(chr(10), 0, int(position) - 1) + 1}"


async def _lock(connection: asyncpg.Connection) -> None:
    """Become the only one to migrate this database, until the connection ends.

    Tried again and again rather than waited for: a waiting statement holds a snapshot, and
    CREATE INDEX CONCURRENTLY of the one who migrates would wait for that, for ever.
    """
    waited_s = 0.0
    while not await connection.fetchval(
        "SELECT pg_try_advisory_lock($1, $2)", LOCK_CLASS, LOCK_OBJECT
    ):
        if waited_s >= LOCK_WAIT_S:
            raise LockedDatabaseError(
                f"another server has been migrating the database for {LOCK_WAIT_S:.0f} s; "
                "look at what it waits for in pg_stat_activity"
            )
        await asyncio.sleep(_LOCK_POLL_S)
        waited_s += _LOCK_POLL_S


@asynccontextmanager
async def _connection(dsn: str) -> AsyncIterator[asyncpg.Connection]:
    try:
        connection = await asyncpg.connect(
            dsn,
            timeout=_CONNECT_TIMEOUT_S,
            server_settings={
                "application_name": "ledger-migrations",
                "lock_timeout": _LOCK_TIMEOUT,
                "statement_timeout": "0",
                "idle_in_transaction_session_timeout": "0",
            },
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        raise UnreachableDatabaseError(
            f"no connection to the database: {str(error) or type(error).__name__}; check the DSN"
        ) from error
    try:
        version = connection.get_server_version()
        if version.major < SERVER_MAJOR_MIN:
            raise UnsupportedServerError(
                f"the database is PostgreSQL {version.major}.{version.minor}, "
                f"{SERVER_MAJOR_MIN} is the oldest that works; upgrade it"
            )
        yield connection
    except (OSError, asyncpg.InterfaceError, asyncpg.PostgresConnectionError) as error:
        raise UnreachableDatabaseError(f"the connection to the database was lost: {error}") from (
            error
        )
    except asyncpg.PostgresError as error:
        raise MigrationError(f"the database refused: {error} ({error.sqlstate})") from error
    finally:
        # The lock ends with the connection, also when closing it politely is not possible.
        await _close(connection)


async def _close(connection: asyncpg.Connection) -> None:
    try:
        await connection.close(timeout=_CONNECT_TIMEOUT_S)
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError):
        connection.terminate()

"""Databases for tests, on a PostgreSQL that is there.

Uses no gRPC: who starts PostgreSQL must not (see `ledger_server.embedded.start`).
"""

import asyncio
import contextlib
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.own_loop import run_sync

_OTHERS: Final = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND backend_type = 'client backend'
   AND pid <> pg_backend_pid()"""


@contextlib.contextmanager
def database_of(postgres_dsn: str, template: str = "") -> Iterator[str]:
    """Make a database with a name of its own, give its DSN, drop it at the end.

    Args:
        postgres_dsn: of a server on which databases may be made.
        template: the name of the database that it is a copy of; without one, it is empty.
    """
    name = f"ledger_test_{uuid.uuid4().hex[:12]}"
    made = create_database(postgres_dsn, name, template)
    try:
        yield made
    finally:
        run_sync(lambda: _drop(postgres_dsn, name))


def create_database(postgres_dsn: str, name: str, template: str = "") -> str:
    """Make a database that goes with its server; return its DSN."""
    copied = f' TEMPLATE "{template}"' if template else ""
    run_sync(lambda: _execute(postgres_dsn, f'CREATE DATABASE "{name}"{copied}'))
    return urlunsplit(urlsplit(postgres_dsn)._replace(path=f"/{name}"))


@contextlib.asynccontextmanager
async def connected(dsn: str) -> AsyncIterator[Any]:
    """Give a connection of one's own."""
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


async def all_others_ended(connection: Any) -> None:
    """Wait until no other session is left: what each counted is in PostgreSQL's views then."""
    while await connection.fetchval(_OTHERS):
        await connection.fetchval("SELECT pg_sleep(0.05)")


def name_in(dsn: str) -> str:
    """Return the name of the database that a DSN leads to."""
    return urlsplit(dsn).path.removeprefix("/")


async def _drop(dsn: str, name: str) -> None:
    """Drop a database, whoever is still connected to it.

    While autovacuum is at work in it, only a superuser may end it: then wait until it has gone.
    """
    for _ in range(60):
        try:
            await _execute(dsn, f'DROP DATABASE "{name}" WITH (FORCE)')
        except (asyncpg.InsufficientPrivilegeError, asyncpg.ObjectInUseError):
            await asyncio.sleep(0.5)
        else:
            return
    await _execute(dsn, f'DROP DATABASE "{name}" WITH (FORCE)')


async def _execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()

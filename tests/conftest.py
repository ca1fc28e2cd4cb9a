"""Fixtures for all tests: a PostgreSQL a session, a fresh database a test."""

import asyncio
import concurrent.futures
import contextlib
import itertools
import os
import shutil
import tempfile
import uuid
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

from ledger_server import embedded
from ledger_server.store import migrations
from tests.brokers import nats, rabbitmq, shared_nats, shared_rabbitmq

#: Fixtures of all tests, beside those below.
__all__ = ["nats", "rabbitmq", "shared_nats", "shared_rabbitmq"]

T = TypeVar("T")

#: Held in the server's own database by the worker that makes a template.
TEMPLATE_LOCK = 0x7E57

_database_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres_dsn() -> Iterator[str]:
    """A server on which databases may be made: LEDGER_TEST_DSN, else one of the session's own."""
    if chosen := os.environ.get("LEDGER_TEST_DSN"):
        yield chosen
        return
    with reachable_directory() as directory:
        postgres = embedded.start(directory)
        try:
            yield postgres.dsn
        finally:
            postgres.stop()


@pytest.fixture(scope="session")
def template_database(postgres_dsn: str) -> Iterator[str]:
    """The name of a database with every migration applied, to make others from."""
    name = f"ledger_template_{uuid.uuid4().hex[:12]}"
    run_sync(lambda: _make_template(postgres_dsn, name))
    yield name
    run_sync(lambda: drop_database(postgres_dsn, name))


@pytest.fixture
def database_dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A database of the test's own, migrated and empty; dropped when the test is over."""
    name = f"{template_database}_{next(_database_numbers)}"
    create = f'CREATE DATABASE "{name}" TEMPLATE "{template_database}"'
    run_sync(lambda: _execute(postgres_dsn, create))
    yield with_database(postgres_dsn, name)
    run_sync(lambda: drop_database(postgres_dsn, name))


@pytest.fixture
def empty_database_dsn(postgres_dsn: str) -> Iterator[str]:
    """A database of the test's own with nothing in it, not even migrations."""
    name = f"ledger_empty_{uuid.uuid4().hex[:12]}"
    run_sync(lambda: _execute(postgres_dsn, f'CREATE DATABASE "{name}"'))
    yield with_database(postgres_dsn, name)
    run_sync(lambda: drop_database(postgres_dsn, name))


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A place for a server's data with a short path that PostgreSQL's user can reach."""
    with reachable_directory() as directory:
        yield directory / "data"


@contextlib.contextmanager
def reachable_directory() -> Iterator[Path]:
    """Make a directory in /tmp, as pytest's `tmp_path` is closed to all but the user itself."""
    directory = Path(tempfile.mkdtemp(prefix="ledger-test-", dir="/tmp"))
    try:
        directory.chmod(0o711)
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def with_database(dsn: str, name: str) -> str:
    """Return `dsn` with another database in it."""
    parts = urlsplit(dsn)
    return urlunsplit(parts._replace(path=f"/{name}"))


def run_sync(make: Callable[[], Awaitable[T]]) -> T:
    """Run a coroutine to its end, in a thread: the caller's may have a loop of its own."""

    async def run() -> T:
        return await make()

    with concurrent.futures.ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(lambda: asyncio.run(run())).result()


async def drop_database(dsn: str, name: str) -> None:
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


async def _make_template(dsn: str, name: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        # One worker at a time: roles belong to the whole server, and two may not create one.
        await connection.execute(f"SELECT pg_advisory_lock({TEMPLATE_LOCK})")
        await connection.execute(f'CREATE DATABASE "{name}"')
        await migrations.migrate(with_database(dsn, name))
    finally:
        await connection.close()

"""Fixtures for all tests: a PostgreSQL a session, a fresh database a test."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import asyncpg
import pytest

from ledger_server import embedded
from ledger_server.store import migrations
from tests.brokers import nats, rabbitmq, shared_nats, shared_rabbitmq
from tests.databases import database_of, name_in
from tests.own_loop import run_sync

#: Fixtures of all tests, beside those below.
__all__ = ["nats", "rabbitmq", "shared_nats", "shared_rabbitmq"]

#: Files that take longest: begun first, or one worker would be at them when the others are done.
LONG: Final = frozenset(
    {
        "test_in_browser.py",
        "test_forms_in_browser.py",
        "test_crashes.py",
        "test_plans.py",
        "test_demo.py",
        "test_lifecycle.py",
        "test_following_page.py",
        "test_campaign.py",
        "test_faults.py",
        "test_recovery.py",
        "test_tree.py",
        "test_bank_books.py",
        "test_authorisation.py",
        "test_trial_balance.py",
        "test_racing.py",
        "test_import.py",
        "test_writer_faults.py",
        "test_every_event.py",
    }
)

#: Held in the server's own database by the worker that makes a template.
TEMPLATE_LOCK = 0x7E57


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put the long files first, all else as it was."""
    items.sort(key=lambda item: item.path.name not in LONG)


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
    with database_of(postgres_dsn) as dsn:
        run_sync(lambda: _migrate(postgres_dsn, dsn))
        yield name_in(dsn)


@pytest.fixture
def database_dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A database of the test's own, migrated and empty; dropped when the test is over."""
    with database_of(postgres_dsn, template_database) as dsn:
        yield dsn


@pytest.fixture
def empty_database_dsn(postgres_dsn: str) -> Iterator[str]:
    """A database of the test's own with nothing in it, not even migrations."""
    with database_of(postgres_dsn) as dsn:
        yield dsn


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


async def _migrate(postgres_dsn: str, dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        # One worker at a time: roles belong to the whole server, and two may not create one.
        await connection.execute(f"SELECT pg_advisory_lock({TEMPLATE_LOCK})")
        await migrations.migrate(dsn)
    finally:
        await connection.close()

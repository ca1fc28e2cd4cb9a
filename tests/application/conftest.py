"""A database of the test's own, as the application layer sees it."""

from collections.abc import AsyncIterator

import pytest

from ledger_server.store.database import Database


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    """Open connections to a migrated, empty database."""
    opened = await Database.connect(database_dsn)
    yield opened
    await opened.close()

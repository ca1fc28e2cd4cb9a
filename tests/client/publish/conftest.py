"""A ledger in the process, whose journals the tests publish."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from ledger_client import LedgerClient
from tests.client.publish.publishing import Books
from tests.databases import database_of
from tests.ledger import Serving, serving

# The tests of publishers run in their module's loop, with the server:
# `pytestmark = pytest.mark.asyncio(loop_scope="module")`.


@pytest.fixture(scope="module")
def module_dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A database of the module's own, migrated."""
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def module_server(module_dsn: str) -> AsyncIterator[Serving]:
    """A server on the module's database."""
    async with serving(module_dsn) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def books(module_server: Serving) -> AsyncIterator[Books]:
    """A journal of the test's own, with accounts and a template to post with."""
    async with LedgerClient.connect(module_server.address) as ledger:
        yield await Books.open(ledger)

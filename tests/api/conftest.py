"""A server in the process, as it runs in production but for the launcher around it."""

import decimal
import itertools
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from ledger_server.app import add_servicers
from ledger_server.domain.primitives import EXACT
from ledger_server.lifecycle import SERVER_OPTIONS
from tests.api.calls import Ledger
from tests.books import Books
from tests.databases import database_of
from tests.ledger import PostingLedger, Serving, serving
from tests.proof.keys import new_signing

_journal_numbers = itertools.count(1)


@pytest.fixture
async def server(database_dsn: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server on a database of the test's own."""
    decimal.setcontext(EXACT.copy())
    running = grpc.aio.server(options=SERVER_OPTIONS)
    app = await add_servicers(running, database_dsn)
    port = running.add_insecure_port("127.0.0.1:0")
    await running.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        yield channel
    await running.stop(grace=None)
    await app.close()


@pytest.fixture
def empty_ledger(server: grpc.aio.Channel) -> Ledger:
    """The services of a ledger without journals."""
    return Ledger(server)


@pytest.fixture
async def ledger(empty_ledger: Ledger) -> Ledger:
    """The services of a ledger with a journal `main`."""
    await empty_ledger.create_journal()
    return empty_ledger


@pytest.fixture
async def books(ledger: Ledger, database_dsn: str) -> AsyncIterator[Books]:
    """The tables behind the journal `main` of `ledger`."""
    del ledger  # has created the journal
    opened = await Books.open(database_dsn)
    yield opened
    await opened.close()


# For modules in which every test takes a journal of its own on a server that all of them share.
# They run in the module's loop: `pytestmark = pytest.mark.asyncio(loop_scope="module")`.


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    """A database of the module's own, migrated."""
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(dsn: str) -> AsyncIterator[Serving]:
    """A server on the module's database."""
    async with serving(dsn) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def posting(running: Serving) -> PostingLedger:
    """A journal of the test's own with the accounts cash, income and rent."""
    opened = running.ledger.of(f"journal-{next(_journal_numbers)}")
    await opened.open("cash", "income", "rent")
    return opened


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def both(dsn: str) -> AsyncIterator[tuple[Serving, Serving]]:
    """Two servers on one database, as two processes would be: they share nothing else."""
    async with serving(dsn) as one, serving(dsn) as other:
        yield one, other


@pytest.fixture
def ledgers(both: tuple[Serving, Serving]) -> tuple[PostingLedger, PostingLedger]:
    """The services of both servers for a journal of the test's own, still to be opened."""
    code = f"journal-{next(_journal_numbers)}"
    return both[0].ledger.of(code), both[1].ledger.of(code)


@pytest.fixture
async def signing_server(database_dsn: str, tmp_path: Path) -> AsyncIterator[Serving]:
    """A server with a key, which signs when the test says."""
    async with serving(database_dsn, new_signing(tmp_path)) as running:
        await running.app.checkpointer.close()
        await running.ledger.open("cash", "income")
        yield running

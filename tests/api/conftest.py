"""A server in the process, as it runs in production but for the launcher around it."""

import decimal
from collections.abc import AsyncIterator

import grpc
import pytest

from ledger_server.api.interceptors import RefusalInterceptor
from ledger_server.app import add_servicers
from ledger_server.domain.primitives import EXACT
from ledger_server.lifecycle import SERVER_OPTIONS
from tests.api.calls import Ledger
from tests.books import Books


@pytest.fixture
async def server(database_dsn: str) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a server on a database of the test's own."""
    decimal.setcontext(EXACT.copy())
    running = grpc.aio.server(interceptors=[RefusalInterceptor()], options=SERVER_OPTIONS)
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

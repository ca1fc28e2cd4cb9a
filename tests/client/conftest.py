"""Servers for the tests of the client: one that answers by script, and the real one."""

import os
import re
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator

import pytest
from grpc import aio

from ledger_client import LedgerClient
from tests.client.fake_ledger import FAST_RETRY, METHODS, FakeLedger


@pytest.fixture
async def fake() -> AsyncIterator[FakeLedger]:
    """A server that answers by script."""
    ledger = FakeLedger()
    server = aio.server()
    server.add_generic_rpc_handlers(tuple(ledger.handlers()))
    ledger.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield ledger
    await server.stop(None)


@pytest.fixture
async def client(fake: FakeLedger) -> AsyncIterator[LedgerClient]:
    """A client of the server that answers by script."""
    async with LedgerClient.connect(fake.address, timeout_seconds=5, retry=FAST_RETRY) as ledger:
        yield ledger


@pytest.fixture
def server_address(database_dsn: str) -> Iterator[str]:
    """The address of a real server on an empty database."""
    services = pytest.importorskip("ledger_server.app").App.service_names
    missing = {method.containing_service.full_name for method in METHODS.values()} - set(services)
    if missing:
        pytest.skip(f"the server does not serve {', '.join(sorted(missing))} yet")
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with subprocess.Popen(
        [sys.executable, "-m", "ledger_server", "--dsn", database_dsn, "--listen", "127.0.0.1:0"],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": path},
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            ready = re.fullmatch(r"ledger-server ready on (\S+)\n", line)
            assert ready, f"the server did not start: {line!r}"
            yield ready[1]
        finally:
            process.terminate()

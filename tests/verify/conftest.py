"""A server that signs, a journal with everything in it, and a hand in its database."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ledger_client import LedgerClient
from tests.ledger import Serving, serving
from tests.proof.keys import new_signing
from tests.verify.bench import Bench


@pytest.fixture
async def signing_server(database_dsn: str, tmp_path: Path) -> AsyncIterator[Serving]:
    """A server whose trees grow when the test says so."""
    async with serving(database_dsn, new_signing(tmp_path)) as running:
        await running.app.checkpointer.close()
        yield running


@pytest.fixture
async def bench(signing_server: Serving, database_dsn: str) -> AsyncIterator[Bench]:
    """A journal with postings, holds and reversals, signed up to its head."""
    async with LedgerClient.connect(signing_server.address) as ledger:
        made = await Bench.open(signing_server, ledger, database_dsn)
        yield made
        await made.close()

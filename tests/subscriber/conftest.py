"""A ledger in the process with a few postings, and a place for the consumer's own tables."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ledger_client import LedgerClient
from tests.ledger import PostingLedger, Serving, lines, serving


@pytest.fixture
async def server(database_dsn: str) -> AsyncIterator[Serving]:
    async with serving(database_dsn) as one:
        await one.ledger.open("cash", "income")
        yield one


@pytest.fixture
async def client(server: Serving) -> AsyncIterator[LedgerClient]:
    async with LedgerClient.connect(server.address) as one:
        yield one


@pytest.fixture
async def consumer(empty_database_dsn: str) -> AsyncIterator["asyncpg.Connection[Any]"]:
    """A connection to the consumer's database, where `effects` counts each sequence."""
    connection = await asyncpg.connect(empty_database_dsn)
    await connection.execute("CREATE TABLE effects (sequence bigint NOT NULL, type text NOT NULL)")
    yield connection
    await connection.close()


async def post(ledger: PostingLedger, count: int = 1) -> None:
    """Post so many transfers of 1 USD, an event each."""
    await ledger.post_all([lines("DEBIT cash 1 USD", "CREDIT income 1 USD") for _ in range(count)])

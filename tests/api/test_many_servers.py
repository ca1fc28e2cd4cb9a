"""Several servers that all post to one journal all the time: each gets on, none gives up."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator

import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from tests.ledger import ATOMIC, PostingLedger, check_books, serving, transfer, transfer_template

NAMES = [f"account-{number}" for number in range(6)]
SECONDS = 2.0


@contextlib.asynccontextmanager
async def _ledgers(dsn: str, servers: int) -> AsyncIterator[list[PostingLedger]]:
    async with contextlib.AsyncExitStack() as stack:
        ledgers = [(await stack.enter_async_context(serving(dsn))).ledger for _ in range(servers)]
        await ledgers[0].open(*NAMES)
        yield ledgers


class Load:
    """Callers of one server that post on and on."""

    def __init__(self, ledger: PostingLedger, seed: int) -> None:
        self._ledger = ledger
        self._chooser = random.Random(seed)
        #: Postings answered; a refusal of any kind ends the test.
        self.count = 0

    async def post(self, size: int, stop: asyncio.Event) -> None:
        while not stop.is_set():
            asked: list[pb.TransactionRequest] = [
                transfer(*self._chooser.sample(NAMES, 2)) for _ in range(size)
            ]
            results = await self._ledger.post_all(asked, ATOMIC)
            self.count += len(results)


@pytest.mark.parametrize("sizes", [(1, 1, 1, 1), (150, 150, 150)], ids=["single", "large"])
@pytest.mark.parametrize("servers", [2, 4])
async def test_every_server_gets_on(
    database_dsn: str, servers: int, sizes: tuple[int, ...]
) -> None:
    async with _ledgers(database_dsn, servers) as ledgers:
        loads = [Load(ledger, number) for number, ledger in enumerate(ledgers)]
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for load in loads:
                for size in sizes:
                    group.create_task(load.post(size, stop))
            await asyncio.sleep(SECONDS)
            stop.set()
        counts = [load.count for load in loads]
        assert min(counts) * 10 > max(counts), counts
        await check_books(database_dsn, "main")


async def test_configuration_changes_among_the_postings_of_all(database_dsn: str) -> None:
    """Each batch meets another configuration than it was prepared under, and still gets on."""
    async with _ledgers(database_dsn, 3) as ledgers:
        await ledgers[0].create_template(transfer_template("UNUSED"))
        loads = [Load(ledger, number) for number, ledger in enumerate(ledgers)]
        stop = asyncio.Event()
        changes = 0

        async def change(ledger: PostingLedger) -> None:
            nonlocal changes
            while not stop.is_set():
                await ledger.create_template(transfer_template("UNUSED", str(changes)))
                changes += 1

        async with asyncio.TaskGroup() as group:
            for load in loads:
                for size in (1, 5, 150):
                    group.create_task(load.post(size, stop))
            for ledger in ledgers:
                for _ in range(2):
                    group.create_task(change(ledger))
            await asyncio.sleep(SECONDS)
            stop.set()
        assert changes
        assert all(load.count for load in loads)
        await check_books(database_dsn, "main")

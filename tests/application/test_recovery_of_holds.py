"""Holds while connections break: each call that was answered is in the books, once, as answered."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import grpc

from tests.application.test_recovery import PATIENCE_SECONDS, Proxy
from tests.ledger import serving, transfer
from tests.model_rules.rules import RulesLedger, check_rules, new_id, rows


async def _insist(call: Callable[..., Awaitable[Any]], *asked: Any, **fields: Any) -> Any:
    """Call until there is an answer, as a caller should: the same request with the same id."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            try:
                return await call(*asked, **fields)
            except grpc.aio.AioRpcError as error:
                if error.code() is not grpc.StatusCode.UNAVAILABLE:
                    raise
            await asyncio.sleep(0.05)


async def test_connections_cut_at_the_write_of_holds(database_dsn: str) -> None:
    proxy = Proxy(database_dsn, seed=3)
    async with proxy.running(), serving(database_dsn) as direct, serving(proxy.dsn) as cut:
        ledger = RulesLedger(cut.channel)
        await ledger.open("cash", "income")
        answered: dict[str, int] = {}
        stop = asyncio.Event()

        async def use(number: int) -> None:
            """Place, capture twice, release what is left; reverse the first capture."""
            while not stop.is_set():
                asked = transfer(amount="4.00")
                placed = await _insist(ledger.place, asked)
                answered[asked.transaction_id] = placed.hold.transaction.sequence
                captures = [new_id(), new_id()]
                for capture in captures:
                    part = {"amount": "1.00"}
                    await note(ledger.capture, asked.transaction_id, part, capture_id=capture)
                await note(ledger.release, asked.transaction_id, release_id=new_id())
                if number % 2:
                    await note(ledger.reverse, captures[0], transaction_id=new_id())
                hold = await _insist(ledger.hold, asked.transaction_id)
                (kept, _) = hold.entries
                assert Decimal(kept.captured) == Decimal(kept.released) == 2

        async def note(call: Callable[..., Awaitable[Any]], *asked: Any, **fields: Any) -> None:
            transaction = (await _insist(call, *asked, **fields)).transaction
            answered[transaction.id] = transaction.sequence

        async with asyncio.TaskGroup() as group:
            for number in range(8):
                group.create_task(use(number))
            proxy.cut_chance = 0.3
            async with asyncio.timeout(PATIENCE_SECONDS):
                await proxy.has_cut(5)
            proxy.cut_chance = 0.0
            stop.set()
        found = await rows(database_dsn, "SELECT id, sequence FROM transactions")
        assert {str(row["id"]): row["sequence"] for row in found} == answered
        assert not [one for one, count in Counter(answered.values()).items() if count > 1]
        assert (await RulesLedger(direct.channel).balance("cash")).pending.net == "0.00"
        await check_rules(database_dsn, "main")

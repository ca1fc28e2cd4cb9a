"""Subscribers beside writers on two servers: everything once, in order, whatever happens."""

import asyncio
import random
from collections import defaultdict
from decimal import Decimal
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import balances_pb2, events_pb2
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.ledger import Serving, check_books, lines

WRITERS = 12
SUBSCRIBERS = 6
ROUNDS = 25
ACCOUNTS = [f"account-{number}" for number in range(6)]

Both = tuple[Serving, Serving]


class Follower:
    """Follows a journal over kills and restarts, on one server and then the other."""

    def __init__(self, both: Both, seed: int) -> None:
        self.both = both
        self.choose = random.Random(seed)  # repeatable
        self.events: list[events_pb2.Event] = []
        self.position = 0
        self.starts = 0

    async def follow(self, head: asyncio.Future[int]) -> None:
        """Follow until the head is known and reached: a server may learn of the other's late."""
        while True:
            if await self._follow_for(self.choose.uniform(0.01, 0.6), head):
                return

    async def _follow_for(self, seconds: float, head: asyncio.Future[int]) -> bool:
        self.starts += 1
        channel = self.choose.choice(self.both).channel
        call: Any = EventServiceStub(channel).Subscribe(
            pb.SubscribeRequest(
                journal="main",
                after_sequence=self.position,
                include_balance_updates=True,
                heartbeat_seconds=1,
            )
        )
        try:
            async with asyncio.timeout(seconds):
                async for response in call:
                    self.events += response.events
                    assert response.position >= self.position
                    self.position = response.position
                    if self.choose.random() < 0.1:
                        await asyncio.sleep(0.02)
                    if head.done() and self.position == head.result():
                        return True
        except TimeoutError:
            pass
        finally:
            call.cancel()
        return False


async def write(server: Serving, seed: int) -> None:
    choose = random.Random(seed)  # repeatable
    for _ in range(ROUNDS):
        requests = []
        for _ in range(choose.choice([1, 1, 3, 40])):
            debit, credit = choose.sample(ACCOUNTS, 2)
            layer = choose.choice(["SETTLED", "PENDING"])
            units = choose.randint(1, 99)
            requests.append(
                lines(f"DEBIT {debit} {units} USD {layer}", f"CREDIT {credit} {units} USD {layer}")
            )
        await server.ledger.post_all(requests)
        await asyncio.sleep(choose.uniform(0, 0.05))


async def test_everything_once_in_order_over_kills(both: Both, database_dsn: str) -> None:
    await both[0].ledger.open(*ACCOUNTS)
    head = asyncio.get_running_loop().create_future()
    followers = [Follower(both, seed) for seed in range(SUBSCRIBERS)]
    following = [asyncio.create_task(follower.follow(head)) for follower in followers]
    await asyncio.gather(*(write(both[seed % 2], seed) for seed in range(WRITERS)))
    head.set_result(await both[0].ledger.head())
    await asyncio.gather(*following)
    for follower in followers:
        facts = [event for event in follower.events if not event.HasField("balance_updated")]
        assert [event.sequence for event in facts] == list(range(1, head.result() + 1))
        assert [event.sequence for event in follower.events] == sorted(
            event.sequence for event in follower.events
        )
        assert follower.starts > 2
    await check_balances(both[1], followers[0].events)
    await check_books(database_dsn, "main")


async def check_balances(server: Serving, events: list[events_pb2.Event]) -> None:
    """Rebuild the balances from `events` alone, version by version, and ask for the server's."""
    sums: defaultdict[tuple[str, int, int], Decimal] = defaultdict(Decimal)
    versions: defaultdict[str, int] = defaultdict(int)
    updates = (event.balance_updated for event in events if event.HasField("balance_updated"))
    for event in events:
        for entry in event.journal_posted.transaction.entries:
            account = entry.account_code
            versions[account] += 1
            sums[account, entry.layer, entry.direction] += Decimal(entry.units)
            update = next(updates)
            assert update.account_code == account
            assert update.balance.version == entry.balance_after.version == versions[account]
            assert Decimal(update.balance.debit) == sums[account, entry.layer, 1]
            assert Decimal(update.balance.credit) == sums[account, entry.layer, 2]
    assert next(updates, None) is None
    for account in ACCOUNTS:
        balance: balances_pb2.Balance = await server.ledger.balance(account)
        assert balance.version == versions[account]
        for layer, name in ((1, "settled"), (2, "pending")):
            stood = getattr(balance, name)
            assert Decimal(stood.debit) == sums[account, layer, 1]
            assert Decimal(stood.credit) == sums[account, layer, 2]


async def test_another_servers_commits_arrive(both: Both) -> None:
    one, other = both
    await one.ledger.open("cash", "income")
    loop = asyncio.get_running_loop()
    call: Any = EventServiceStub(other.channel).Subscribe(
        pb.SubscribeRequest(journal="main", after_sequence=5, heartbeat_seconds=60)
    )
    await call.read()
    for _ in range(5):
        await one.ledger.post(lines("DEBIT cash 1 USD", "CREDIT income 1 USD"))
        began = loop.time()
        response = await call.read()
        assert len(response.events) == 1
        # Some 30 ms: half of a poll, and the read.
        assert loop.time() - began < 1
    call.cancel()


async def test_a_server_that_goes_away(both: Both) -> None:
    """Its subscribers go on with another one where they were."""
    one, other = both
    await one.ledger.open("cash", "income")
    call: Any = EventServiceStub(one.channel).Subscribe(pb.SubscribeRequest(journal="main"))
    response = await call.read()
    await one.app.end_streams()
    position = (await call.read()).position
    assert position == response.position
    with pytest.raises(grpc.aio.AioRpcError) as ended:
        await call.read()
    assert ended.value.code() is grpc.StatusCode.UNAVAILABLE
    await other.ledger.post(lines("DEBIT cash 1 USD", "CREDIT income 1 USD"))
    again: Any = EventServiceStub(other.channel).Subscribe(
        pb.SubscribeRequest(journal="main", after_sequence=position)
    )
    assert [event.sequence for event in (await again.read()).events] == [position + 1]
    again.cancel()

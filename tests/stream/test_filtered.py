"""Filtered subscribers beside writers get what a list would pick, live and over kills."""

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from ledger_proto.v1 import account_sets_pb2
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_server.stream.matching import Matcher
from tests.ledger import PostingLedger, Serving, lines

Both = tuple[Serving, Serving]

ACCOUNTS = [f"account-{number}" for number in range(5)]
FILTERS = {
    "types": pb.EventFilter(types=[pb.EVENT_TYPE_ACCOUNT_LOCKED, pb.EVENT_TYPE_ACCOUNT_UNLOCKED]),
    "accounts": pb.EventFilter(accounts=["account-3"]),
    "types and accounts": pb.EventFilter(
        types=[pb.EVENT_TYPE_ACCOUNT_LOCKED], accounts=["account-3", "account-4"]
    ),
    "correlation": pb.EventFilter(correlation_id="order-7"),
    "template": pb.EventFilter(template_code="TRANSFER"),
    "set": pb.EventFilter(account_set="some"),
    "types and set": pb.EventFilter(types=[pb.EVENT_TYPE_JOURNAL_POSTED], account_set="some"),
    "set and account": pb.EventFilter(accounts=["account-1", "account-3"], account_set="some"),
}


class Follower:
    """Follows with a filter, over streams that it gives up at random."""

    def __init__(self, servers: Both, wanted: pb.EventFilter, seed: int) -> None:
        self.sequences: list[int] = []
        self.position = 0
        self._servers = servers
        self._wanted = wanted
        self._choose = random.Random(seed)  # repeatable

    async def follow(self, end: asyncio.Future[int]) -> None:
        # Up to the head that the writers left: a server may not have seen the other's yet.
        while not (end.done() and self.position >= end.result()):
            channel = self._choose.choice(self._servers).channel
            call: Any = EventServiceStub(channel).Subscribe(
                pb.SubscribeRequest(
                    journal="main",
                    after_sequence=self.position,
                    filter=self._wanted,
                    heartbeat_seconds=1,
                )
            )
            try:
                async with asyncio.timeout(self._choose.uniform(0.05, 2.5)):
                    async for response in call:
                        self.sequences += [event.sequence for event in response.events]
                        assert response.position >= self.position
                        self.position = response.position
                        if end.done() and self.position >= end.result():
                            return
            except TimeoutError:
                pass
            finally:
                call.cancel()


async def write(ledger: PostingLedger, seed: int) -> None:
    choose = random.Random(seed)  # repeatable
    for _ in range(40):
        debit, credit = choose.sample(ACCOUNTS, 2)
        legs = (f"DEBIT {debit} 1 USD", f"CREDIT {credit} 1 USD")
        await ledger.post_all(
            [
                lines(*legs, correlation_id=f"order-{choose.randint(1, 9)}")
                for _ in range(choose.choice([1, 1, 20]))
            ]
        )
        await asyncio.sleep(choose.uniform(0, 0.05))


async def lock_now_and_then(ledger: PostingLedger) -> None:
    """An account that nobody posts to."""
    for _ in range(10):
        await ledger.lock("locked")
        await ledger.unlock("locked")
        await asyncio.sleep(0.1)


async def test_a_filter_picks_the_same_live_as_from_a_list(both: Both) -> None:
    ledger = both[0].ledger
    await ledger.open(*ACCOUNTS, "locked")
    await ledger.account_sets.CreateAccountSet(
        account_sets_pb2.CreateAccountSetRequest(journal="main", code="some")
    )
    await ledger.account_sets.AddAccountSetMembers(
        account_sets_pb2.AddAccountSetMembersRequest(
            journal="main", account_set="some", accounts=["account-1", "account-2"]
        )
    )
    end: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    followers = {
        name: Follower(both, wanted, seed) for seed, (name, wanted) in enumerate(FILTERS.items())
    }
    following = [asyncio.create_task(one.follow(end)) for one in followers.values()]
    await asyncio.gather(
        *(write(server.ledger, seed) for seed, server in enumerate(both * 2)),
        lock_now_and_then(ledger),
    )
    end.set_result(await ledger.head())
    async with asyncio.timeout(60):
        await asyncio.gather(*following)
    for name, follower in followers.items():
        assert follower.position == end.result()
        assert follower.sequences == await listed(both[1], FILTERS[name]), name


async def listed(server: Serving, wanted: pb.EventFilter) -> list[int]:
    found: list[int] = []
    request = pb.ListEventsRequest(journal="main", filter=wanted, page_size=1_000)
    while True:
        page = await EventServiceStub(server.channel).ListEvents(request)
        found += [event.sequence for event in page.events]
        if not page.next_page_token:
            return found
        request.page_token = page.next_page_token


async def test_what_is_for_nobody_wakes_nobody(both: Both, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fifty that wait for something else cost no look at what is posted, and still move on."""
    server = both[0]
    await server.ledger.open("cash", "income")
    head = await server.ledger.head()
    looks = 0
    frames_of = Matcher.frames_of

    def counted(matcher: Matcher, events: Any) -> list[bytes]:
        nonlocal looks
        looks += 1
        return frames_of(matcher, events)

    calls = [
        EventServiceStub(server.channel).Subscribe(
            pb.SubscribeRequest(
                journal="main", after_sequence=head, filter=wanted, heartbeat_seconds=1
            )
        )
        for wanted in [
            pb.EventFilter(types=[pb.EVENT_TYPE_PERIOD_CHANGED]),
            pb.EventFilter(correlation_id="none"),
        ]
        * 25
    ]
    readers: list[Any] = calls
    await asyncio.gather(*(call.read() for call in readers))
    monkeypatch.setattr(Matcher, "frames_of", counted)
    for _ in range(20):
        await server.ledger.post_all(
            [lines("DEBIT cash 1 USD", "CREDIT income 1 USD") for _ in range(5)]
        )
    async with asyncio.timeout(30):
        for call in readers:
            while (await call.read()).position < head + 100:
                pass
    assert looks == 0
    await server.ledger.post(
        lines("DEBIT cash 1 USD", "CREDIT income 1 USD", correlation_id="none")
    )
    async with asyncio.timeout(30):
        for call in readers[1::2]:
            while not (response := await call.read()).events:
                pass
            assert [event.sequence for event in response.events] == [head + 101]
    assert looks == 25
    for call in readers:
        call.cancel()


async def test_a_fact_of_a_newer_server_hides_nothing_behind_it(
    both: Both, database_dsn: str
) -> None:
    """During an upgrade an old server streams what a new one has written."""
    ledger = both[0].ledger
    await ledger.open("cash", "income")
    head = await ledger.head()
    for account in ("cash", ""):
        wanted = pb.EventFilter(accounts=[account] if account else [], correlation_id="mine")
        call: Any = EventServiceStub(both[0].channel).Subscribe(
            pb.SubscribeRequest(
                journal="main", after_sequence=head, filter=wanted, heartbeat_seconds=1
            )
        )
        await call.read()
        connection = await asyncpg.connect(database_dsn)
        await connection.execute(
            "WITH head AS (UPDATE journal_heads SET sequence = sequence + 1 RETURNING *)"
            " INSERT INTO events (journal_id, sequence, recorded_at, type, payload)"
            " SELECT journal_id, sequence, clock_timestamp(), 99, '\\x9a06020801' FROM head"
        )
        await connection.close()
        legs = ("DEBIT cash 1 USD", "CREDIT income 1 USD")
        posted = await ledger.post(lines(*legs, correlation_id="mine"))
        async with asyncio.timeout(30):
            while not (response := await call.read()).events:
                pass
        head = posted.transaction.sequence
        assert [event.sequence for event in response.events] == [head]
        call.cancel()

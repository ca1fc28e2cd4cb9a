"""What following costs: one tail however many follow, and bounded memory whoever is slow."""

import asyncio
from typing import Any

import pytest

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_server.domain.primitives import JournalId
from ledger_server.store import events
from ledger_server.store.event_codec import StreamEvent
from ledger_server.stream import hub, tail
from ledger_server.stream.tail import Tail
from tests.ledger import Serving, lines

Both = tuple[Serving, Serving]
POSTINGS = 400


def subscribe(server: Serving, after: int = 0, **fields: Any) -> Any:
    request = pb.SubscribeRequest(
        journal="main", after_sequence=after, heartbeat_seconds=60, **fields
    )
    return EventServiceStub(server.channel).Subscribe(request)


def posting(number: int = 1) -> Any:
    return lines(f"DEBIT cash {number} USD", f"CREDIT income {number} USD", description="x" * 1_000)


async def read_to(call: Any, position: int) -> list[int]:
    found: list[int] = []
    async with asyncio.timeout(30):
        while True:
            response = await call.read()
            found += [event.sequence for event in response.events]
            if response.position >= position:
                return found


async def test_idle_subscribers_ask_the_database_for_nothing(both: Both) -> None:
    """There is one poll a server, whether one follows or two hundred do."""
    server = both[0]
    await server.ledger.open("cash", "income")
    # Its statements would count too.
    await server.app.checkpointer.close()
    head = await server.ledger.head()

    async def statements() -> float:
        before = server.app.database.statement_count
        await asyncio.sleep(1)
        return server.app.database.statement_count - before

    first = subscribe(server, head)
    await first.read()
    alone = await statements()
    calls = [subscribe(server, head) for _ in range(200)]
    await asyncio.gather(*(call.read() for call in calls))
    assert server.app.hub.subscribers == 201
    crowded = await statements()
    # The sweeper of holds looks once a second too.
    assert alone <= 1 / hub.POLL_SECONDS + 3
    assert crowded <= 1 / hub.POLL_SECONDS + 3
    before = server.app.database.statement_count
    await server.ledger.post(posting())
    sent = await asyncio.gather(*(read_to(call, head + 1) for call in [first, *calls]))
    assert sent == [[head + 1]] * 201
    assert server.app.database.statement_count - before < 40
    for call in [first, *calls]:
        call.cancel()
    async with asyncio.timeout(10):
        while server.app.hub.subscribers:  # noqa: ASYNC110  # the server learns it later
            await asyncio.sleep(0.01)
    before = server.app.database.statement_count
    await asyncio.sleep(0.5)
    assert server.app.database.statement_count - before <= 2, "nobody follows, and still it polls"


async def test_a_slow_reader_costs_a_page_and_delays_nobody(
    both: Both, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It falls out of the buffer, goes on from the database and misses nothing."""
    monkeypatch.setattr(tail, "BUFFER_EVENTS_MAX", 50)
    monkeypatch.setattr(tail, "BUFFER_BYTES_MAX", 40_000)
    monkeypatch.setattr(events, "PAGE_BYTES_MAX", 30_000)
    server = both[0]
    await server.ledger.open("cash", "income")
    head = await server.ledger.head()
    slow, fast = subscribe(server, head), subscribe(server, head)
    await asyncio.gather(slow.read(), fast.read())
    followed = server.app.hub.tail_of(JournalId(1))
    assert followed is not None
    for _ in range(POSTINGS // 20):
        await server.ledger.post_all([posting(number + 1) for number in range(20)])
        assert followed.buffered_events <= 50
        assert followed.buffered_bytes <= 40_000
    expected = list(range(head + 1, head + POSTINGS + 1))
    assert await read_to(fast, head + POSTINGS) == expected
    # What the slow one was sent before the flow control stopped it comes out of its own pipe.
    assert await read_to(slow, head + POSTINGS) == expected
    assert followed.buffered_bytes <= 40_000
    slow.cancel()
    fast.cancel()


class TestBuffer:
    @pytest.fixture
    def filled(self, monkeypatch: pytest.MonkeyPatch) -> Tail:
        monkeypatch.setattr(tail, "BUFFER_EVENTS_MAX", 5)
        one = Tail(None, JournalId(1))  # type: ignore[arg-type]  # not asked
        self.fill(one, [b"x"] * 8)
        return one

    def fill(self, one: Tail, payloads: list[bytes]) -> None:
        for payload in payloads:
            one.position += 1
            event = StreamEvent(one.position, 21, b"", payload)
            one._buffer.append(event)
            one.buffered_bytes += event.size
        one._trim()

    def test_keeps_the_newest(self, filled: Tail) -> None:
        taken = filled.after(3)
        assert taken is not None
        assert [event.sequence for event in taken] == [4, 5, 6, 7, 8]
        assert filled.buffered_bytes == sum(event.size for event in taken)

    @pytest.mark.parametrize("position", [0, 2, 8, 9])
    def test_knows_what_it_has_not(self, filled: Tail, position: int) -> None:
        assert filled.after(position) is None

    def test_cuts_a_response_by_its_bytes(
        self, filled: Tail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(events, "PAGE_BYTES_MAX", 2 * filled._buffer[0].size)
        taken = filled.after(5)
        assert taken is not None
        assert [event.sequence for event in taken] == [6, 7]

    def test_an_event_larger_than_all_of_it_stays(
        self, filled: Tail, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(tail, "BUFFER_BYTES_MAX", 100)
        self.fill(filled, [b"y" * 1_000])
        taken = filled.after(8)
        assert taken is not None
        assert [event.sequence for event in taken] == [9]
        assert filled.buffered_events == 1

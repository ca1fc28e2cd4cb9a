"""The publisher around its target: the cursor, the stream of events, and what interrupts them."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from typing import Any

import pytest

from ledger_client import LedgerClient
from ledger_client.errors import RefusedError
from ledger_client.models import Event, EventBatch
from ledger_client.publish import publisher as publisher_module
from ledger_client.publish.journal_feed import JournalFeed
from ledger_client.publish.lease import Lease, LeaseLostError
from ledger_client.publish.message import Message
from ledger_client.publish.publisher import Publisher
from ledger_client.publish.status import State
from ledger_client.publish.target import Origin, Published, TargetUnavailableError
from ledger_client.publish.troubles import GaveUpError
from tests.client.publish.publishing import Books, publishing, until
from tests.ledger import Serving
from tests.tcp_proxy import tcp_proxy

pytestmark = pytest.mark.asyncio(loop_scope="module")

LEASE_SECONDS = 1


class KeepingTarget:
    """Keeps what it gets, and confirms while it is told to."""

    name = "kept"

    def __init__(self) -> None:
        self.confirms = asyncio.Event()
        self.confirms.set()
        self.waiting = asyncio.Event()
        self.kept: list[Message] = []

    async def open(self, _origin: Origin) -> Published | None:
        return None

    async def publish(self, messages: Sequence[Message]) -> None:
        if not self.confirms.is_set():
            self.waiting.set()
            await self.confirms.wait()
        self.kept += messages

    async def close(self) -> None:
        pass

    @property
    def sequences(self) -> list[int]:
        return [message.sequence for message in self.kept]


class BrokenTarget(KeepingTarget):
    """Is never there."""

    def __init__(self) -> None:
        super().__init__()
        self.attempts = 0

    async def open(self, _origin: Origin) -> Published | None:
        self.attempts += 1
        raise TargetUnavailableError("not there")


def publisher_of(books: Books, target: KeepingTarget, **settings: Any) -> Publisher[Event]:
    return books.publisher(target, **{"lease_seconds": LEASE_SECONDS, **settings})


async def test_a_broker_that_blocks_costs_no_lease(books: Books) -> None:
    """Several leases long; another publisher stands by all the while."""
    blocking, other = KeepingTarget(), KeepingTarget()
    blocking.confirms.clear()
    publisher, standby = (publisher_of(books, one, lease_seconds=2) for one in (blocking, other))
    async with publishing(publisher):
        await blocking.waiting.wait()
        async with publishing(standby):
            await asyncio.sleep(5)
            assert standby.status.state is State.STANDBY
            blocking.confirms.set()
            head = await books.post(2)
            await until(lambda: publisher.status.position == head)
    assert blocking.sequences == list(range(1, head + 1))
    assert other.kept == []
    assert not books.alerts


async def test_another_takes_over_at_once_when_one_ends_well(books: Books) -> None:
    first, second = KeepingTarget(), KeepingTarget()
    one, other = publisher_of(books, first, lease_seconds=300), publisher_of(books, second)
    async with publishing(one):
        await until(lambda: one.status.position == 4)
        async with publishing(other):
            one.stop()
            await books.post(1)
            await until(lambda: other.status.position == 5)
    assert first.sequences + second.sequences == [1, 2, 3, 4, 5]


async def test_an_end_does_not_wait_for_a_broker(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publisher_module, "STOP_SECONDS", 0.2)
    target = KeepingTarget()
    target.confirms.clear()
    publisher = publisher_of(books, target, lease_seconds=300)
    async with publishing(publisher):
        await target.waiting.wait()
    assert publisher.status.state is State.STOPPED
    (cursor,) = [one async for one in books.ledger.list_cursors(books.journal.code)]
    assert (cursor.position, cursor.holder) == (0, ""), "given back, and nothing was confirmed"


async def test_little_is_read_while_a_broker_is_down(books: Books) -> None:
    """However long it lasts, one batch is in hand."""
    await books.post(6_000)
    read: list[int] = []

    class Counting(LedgerClient):
        async def subscribe(self, *args: Any, **fields: Any) -> AsyncGenerator[EventBatch, None]:
            async for batch in super().subscribe(*args, **fields):
                read.append(len(batch.events))
                yield batch

    counting = Counting(books.ledger._channel)
    books.ledger, ledger = counting, books.ledger
    target = BrokenTarget()
    publisher = publisher_of(books, target)
    async with publishing(publisher):
        await until(lambda: target.attempts >= 3)
        assert len(read) == 1
        assert read[0] <= 1_000
        await until(lambda: publisher.status.head >= 6_004)
        assert publisher.status.lag >= 6_004
        assert publisher.status.state is State.TROUBLED
    books.ledger = ledger
    assert [alert.kind for alert in books.alerts] == ["TargetUnavailableError"]


async def test_the_connection_to_the_ledger_is_cut(module_server: Serving, books: Books) -> None:
    port = int(module_server.address.rpartition(":")[2])
    target = KeepingTarget()
    async with (
        tcp_proxy(port) as proxy,
        LedgerClient.connect(f"127.0.0.1:{proxy.port}") as cut_off,
    ):
        near, books.ledger = books.ledger, cut_off
        publisher = publisher_of(books, target, lease_seconds=30)
        books.ledger = near
        async with publishing(publisher):
            for _ in range(5):
                head = await books.post(50)
                await until(lambda least=head - 40: publisher.status.position >= least)  # type: ignore[misc]
                proxy.cut()
            await until(lambda: publisher.status.position == head)
    assert target.sequences == list(range(1, head + 1)), "none twice: nothing was in doubt"
    assert await books.position() == head


async def test_gives_up_if_it_is_told_to(books: Books) -> None:
    publisher = publisher_of(books, BrokenTarget(), give_up_seconds=0.3)
    with pytest.raises(GaveUpError, match="not there"):
        await publisher.run(until=4)
    assert await books.position() == 0


async def test_or_if_another_is_at_work(books: Books) -> None:
    async with publishing(publisher_of(books, KeepingTarget(), lease_seconds=300)):
        await until_held(books)
        with pytest.raises(GaveUpError, match="is held by"):
            await publisher_of(books, KeepingTarget(), give_up_seconds=0.3).run(until=4)


async def until_held(books: Books) -> None:
    async with asyncio.timeout(30):
        while not [one async for one in books.ledger.list_cursors(books.journal.code)]:  # noqa: ASYNC110
            await asyncio.sleep(0.02)


async def test_a_cursor_that_was_taken_is_told_at_the_next_note(books: Books) -> None:
    """Of a holder whose lease ran out unnoticed: it stops, and begins anew where the other is."""
    code = books.journal.code
    feed = JournalFeed(books.ledger, books.journal)
    lease = await Lease.acquire(feed, "c", holder="late", seconds=1)
    await asyncio.sleep(1.1)
    taken = await books.ledger.acquire_cursor(code, "c", holder="other", lease_seconds=300)
    with pytest.raises(LeaseLostError):
        await asyncio.wait_for(lease.keep(), 30)
    await lease.finish()
    with pytest.raises(RefusedError):
        await Lease.acquire(feed, "c", holder="late", seconds=1)
    kept = await books.ledger.advance_cursor(code, "c", token=taken.token, position=1)
    assert kept.holder == "other", "what is over gives nothing back"


async def test_work_waits_until_a_lease_is_known_to_run(books: Books) -> None:
    feed = JournalFeed(books.ledger, books.journal)
    lease = await Lease.acquire(feed, "c", holder="one", seconds=1)
    await lease.ensure()
    await asyncio.sleep(1.1)
    ensuring = asyncio.create_task(lease.ensure())
    await asyncio.sleep(0.1)
    assert not ensuring.done()
    keeping = asyncio.create_task(lease.keep())
    await asyncio.wait_for(ensuring, 30)
    keeping.cancel()
    await lease.finish()

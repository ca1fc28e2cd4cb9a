"""The subscriber against a real server: everything, in order, from where it was."""

import asyncio
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger_client import Event, EventFilter, LedgerClient, NotFoundError
from ledger_client.subscriber import (
    CheckpointAheadError,
    Connection,
    FileCheckpoints,
    HandlerNotAsyncError,
    JournalSubscriber,
    MemoryCheckpoints,
    PostgresCheckpoints,
)
from tests.ledger import Serving, serving
from tests.subscriber.conftest import post

#: The journal, two accounts and two templates.
OPENED = 5


class Seen:
    """A handler that keeps what it is given and stops the subscriber at a position."""

    def __init__(self, until: int) -> None:
        self.until = until
        self.events: list[Event] = []
        self.subscriber: JournalSubscriber[()] | None = None

    @property
    def sequences(self) -> list[int]:
        return [event.sequence for event in self.events]

    async def __call__(self, event: Event) -> None:
        self.events.append(event)
        if event.sequence >= self.until and self.subscriber is not None:
            self.subscriber.stop()


def subscriber_of(
    client: LedgerClient | list[LedgerClient], seen: Seen, store: Any = None, **options: Any
) -> JournalSubscriber[()]:
    one = JournalSubscriber(client, "main", store or MemoryCheckpoints(), **options)
    seen.subscriber = one
    return one


async def test_replays_follows_and_stops(server: Serving, client: LedgerClient) -> None:
    seen = Seen(OPENED + 3)
    subscriber = subscriber_of(client, seen)
    async with asyncio.timeout(20):
        running = asyncio.create_task(subscriber.run(seen))
        await post(server.ledger, 2)
        await asyncio.sleep(0.1)
        await post(server.ledger, 3)
        position = await running
    assert seen.sequences == list(range(1, position + 1))
    assert position == subscriber.position == OPENED + 3, "the event in hand was the last"
    assert subscriber.head >= position


async def test_until_head(server: Serving, client: LedgerClient, tmp_path: Path) -> None:
    """Also when there is nothing: the first word of the server is enough."""
    await post(server.ledger, 40)
    seen = Seen(10**9)
    async with asyncio.timeout(20):
        for count in (40, 0):
            store = FileCheckpoints(tmp_path / "main.checkpoint")
            position = await subscriber_of(client, seen, store).run(seen, until_head=True)
            assert position == OPENED + 40
            assert len(seen.events) == OPENED + 40, count
    assert seen.sequences == list(range(1, OPENED + 41))


async def test_goes_on_where_it_was(server: Serving, client: LedgerClient, tmp_path: Path) -> None:
    """A new process has nothing but the file."""
    await post(server.ledger, 10)
    found: list[int] = []
    for until in (3, 4, 9, OPENED + 10):
        seen = Seen(until)
        store = FileCheckpoints(tmp_path / "main.checkpoint")
        assert await subscriber_of(client, seen, store).run(seen) == until
        found += seen.sequences
    assert found == list(range(1, OPENED + 11))


async def test_batches(server: Serving, client: LedgerClient) -> None:
    await post(server.ledger, 50)
    sizes: list[int] = []
    sequences: list[int] = []

    async def handle(events: Any) -> None:
        sizes.append(len(events))
        sequences.extend(event.sequence for event in events)

    subscriber = JournalSubscriber(client, "main", MemoryCheckpoints())
    await subscriber.run_batches(handle, events_max=20, until_head=True)
    assert sequences == list(range(1, OPENED + 51))
    assert max(sizes) == 20
    assert len(sizes) <= 4


async def test_a_batch_does_not_wait_for_ever(server: Serving, client: LedgerClient) -> None:
    batches: asyncio.Queue[list[int]] = asyncio.Queue()

    async def handle(events: Any) -> None:
        batches.put_nowait([event.sequence for event in events])

    subscriber = JournalSubscriber(client, "main", MemoryCheckpoints(), start_after=OPENED)
    running = asyncio.create_task(subscriber.run_batches(handle, events_max=1000, seconds_max=0.05))
    async with asyncio.timeout(20):
        await post(server.ledger)
        assert await batches.get() == [OPENED + 1]
        subscriber.stop()
        await running


async def test_a_filtered_position_moves_and_is_kept(
    server: Serving, client: LedgerClient, tmp_path: Path
) -> None:
    """Without an event, too: after a restart nothing is looked through again."""
    seen = Seen(10**9)
    wanted = EventFilter(types=("account.locked",))
    path = tmp_path / "main.checkpoint"
    subscriber = subscriber_of(
        client, seen, FileCheckpoints(path), filter=wanted, position_seconds=0, heartbeat_seconds=1
    )
    async with asyncio.timeout(20):
        running = asyncio.create_task(subscriber.run(seen))
        await server.ledger.lock("cash")
        await server.ledger.unlock("cash")
        await post(server.ledger, 30)
        head = await server.ledger.head()
        while f'"position": {head}' not in path.read_text():  # noqa: ASYNC110  # of a file
            await asyncio.sleep(0.02)
        subscriber.stop()
        assert await running == head
    assert [event.type for event in seen.events] == ["account.locked"]


async def test_a_filtered_position_is_not_written_on_every_heartbeat(
    client: LedgerClient, tmp_path: Path
) -> None:
    path = tmp_path / "main.checkpoint"
    seen = Seen(10**9)
    subscriber = subscriber_of(
        client, seen, FileCheckpoints(path), filter=EventFilter(types=("account.locked",))
    )
    async with asyncio.timeout(20):
        running = asyncio.create_task(subscriber.run(seen))
        while subscriber.position < OPENED:  # noqa: ASYNC110  # no event tells
            await asyncio.sleep(0.02)
        assert '"position": 0' in path.read_text()
        subscriber.stop()
        assert await running == OPENED
    assert f'"position": {OPENED}' in path.read_text(), "stopping keeps it"


async def test_balance_updates_come_with_their_event(server: Serving, client: LedgerClient) -> None:
    await post(server.ledger, 2)
    seen = Seen(10**9)
    subscriber = subscriber_of(client, seen, include_balance_updates=True, start_after=OPENED)
    await subscriber.run(seen, until_head=True)
    assert seen.sequences == [OPENED + 1] * 3 + [OPENED + 2] * 3
    assert [event.type for event in seen.events][:3] == [
        "journal.posted",
        "balance.updated",
        "balance.updated",
    ]


async def test_goes_on_at_another_server(database_dsn: str) -> None:
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        await one.ledger.open("cash", "income")
        async with (
            LedgerClient.connect(one.address) as first,
            LedgerClient.connect(other.address) as second,
        ):
            seen = Seen(OPENED + 20)
            subscriber = subscriber_of([first, second], seen)
            running = asyncio.create_task(subscriber.run(seen))
            async with asyncio.timeout(30):
                await post(one.ledger, 10)
                while len(seen.events) < OPENED + 10:  # noqa: ASYNC110  # the handler tells
                    await asyncio.sleep(0.01)
                await one.app.end_streams()
                await post(other.ledger, 10)
                assert await running == OPENED + 20
            assert seen.sequences == list(range(1, OPENED + 21))


async def test_waits_for_a_server(database_dsn: str) -> None:
    """That is not there yet when the subscriber starts."""
    async with serving(database_dsn) as server:
        await server.ledger.open("cash")
        async with (
            LedgerClient.connect("127.0.0.1:1", timeout_seconds=0.2) as nobody,
            LedgerClient.connect(server.address) as client,
        ):
            seen = Seen(10**9)
            async with asyncio.timeout(30):
                position = await subscriber_of([nobody, client], seen).run(seen, until_head=True)
    assert seen.sequences == list(range(1, position + 1))


async def test_stops_while_no_server_is_there() -> None:
    async with LedgerClient.connect("127.0.0.1:1", timeout_seconds=0.2) as nobody:
        seen = Seen(0)
        subscriber = subscriber_of(nobody, seen)
        running = asyncio.create_task(subscriber.run(seen))
        await asyncio.sleep(0.05)
        subscriber.stop()
        async with asyncio.timeout(10):
            assert await running == 0


async def test_an_unknown_journal_is_an_error(client: LedgerClient) -> None:
    with pytest.raises(NotFoundError):
        await JournalSubscriber(client, "nowhere", MemoryCheckpoints()).run(Seen(0))


async def test_a_checkpoint_beyond_the_head(client: LedgerClient) -> None:
    """As after the ledger was restored from an older copy."""
    store = MemoryCheckpoints()
    store.position = OPENED + 1
    with pytest.raises(CheckpointAheadError, match=f"stands at {OPENED + 1}"):
        await JournalSubscriber(client, "main", store).run(Seen(0))


@pytest.mark.parametrize("seconds", [0, 61])
async def test_heartbeats_are_bounded(client: LedgerClient, seconds: int) -> None:
    with pytest.raises(ValueError, match="heartbeat_seconds"):
        JournalSubscriber(client, "main", MemoryCheckpoints(), heartbeat_seconds=seconds)


async def test_effects_and_position_commit_together(
    server: Serving,
    client: LedgerClient,
    consumer: "asyncpg.Connection[Any]",
    empty_database_dsn: str,
) -> None:
    await post(server.ledger, 10)

    async def handle(event: Event, connection: Connection) -> None:
        await connection.execute("INSERT INTO effects VALUES ($1, $2)", event.sequence, event.type)

    for _ in range(2):
        store = PostgresCheckpoints(empty_database_dsn, consumer="test")
        position = await JournalSubscriber(client, "main", store).run(handle, until_head=True)
        assert position == OPENED + 10
    rows = await consumer.fetch("SELECT sequence FROM effects ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(1, OPENED + 11))
    assert await consumer.fetchval("SELECT position FROM ledger_checkpoints") == position


@pytest.mark.parametrize("method", ["run", "run_batches"])
async def test_a_handler_that_is_not_async_is_an_error(client: LedgerClient, method: str) -> None:
    """Not a failure of every event, one after the other."""
    store = MemoryCheckpoints()
    subscriber: Any = JournalSubscriber(client, "main", store)
    with pytest.raises(HandlerNotAsyncError):
        await getattr(subscriber, method)(lambda _: None)
    assert (store.position, store.dead_letters) == (0, [])

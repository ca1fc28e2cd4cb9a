"""Books that are published, and what arrived."""

import asyncio
import contextlib
import dataclasses
import itertools
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import aio_pika
from nats.aio.client import Client

from ledger_client import Direction, LedgerClient, NewAccount, Posting
from ledger_client.models import Event, Journal
from ledger_client.publish.envelopes import envelope
from ledger_client.publish.journal_feed import JournalFeed
from ledger_client.publish.publisher import Publisher, Settings
from ledger_client.publish.status import Alert
from ledger_client.publish.target import Target
from ledger_client.templates import library

_numbers = itertools.count(1)
TRANSFER = {"from": "bank", "to": "cash", "currency": "USD", "amount": "5.00"}
#: Longer than anything takes on a slow and busy machine.
PATIENCE_SECONDS = 90.0


@dataclasses.dataclass(frozen=True, order=True)
class Arrival:
    """A message as a subscriber got it."""

    sequence: int
    id: str


class Books:
    """A journal with two accounts and the template TRANSFER: its first events are 1 to 4."""

    def __init__(self, ledger: LedgerClient, journal: Journal) -> None:
        self.ledger = ledger
        self.journal = journal
        self.alerts: list[Alert] = []

    @classmethod
    async def open(cls, ledger: LedgerClient) -> "Books":
        code = f"J{next(_numbers)}-{uuid.uuid4().hex[:8]}"
        await ledger.create_journal(code)
        await ledger.batch_create_accounts(
            code, [NewAccount(code=one, normal_side=Direction.DEBIT) for one in ("bank", "cash")]
        )
        (transfer,) = (one for one in library() if one.template.code == "TRANSFER")
        await ledger.create_tx_template(code, transfer.template)
        return cls(ledger, await ledger.get_journal(code))

    async def post(self, count: int) -> int:
        """Post transactions; return the head after them."""
        for begin in range(0, count, 500):
            postings = [
                Posting(template_code="TRANSFER", params=TRANSFER)
                for _ in range(min(500, count - begin))
            ]
            await self.ledger.post_many(self.journal.code, postings, atomic=True)
        return (await self.ledger.get_head(self.journal.code)).sequence

    def publisher(
        self,
        target: Target,
        *,
        types: tuple[str, ...] = (),
        balance_updates: bool = False,
        **settings: Any,
    ) -> Publisher[Event]:
        return Publisher(
            JournalFeed(self.ledger, self.journal, types=types, balance_updates=balance_updates),
            target=target,
            envelope=envelope("cloudevents", self.journal.id),
            settings=Settings(**{"name": "test", "lease_seconds": 3, **settings}),
            on_alert=self.alerts.append,
        )

    async def position(self, name: str = "test") -> int:
        """Return where the cursor stands."""
        async for cursor in self.ledger.list_cursors(self.journal.code):
            if cursor.name == name:
                return cursor.position
        raise AssertionError(f"no cursor {name}")


@contextlib.asynccontextmanager
async def publishing(publisher: Publisher[Any]) -> AsyncIterator["asyncio.Task[None]"]:
    """Run a publisher until the block is left; what it fails with fails the test."""
    task = asyncio.create_task(publisher.run())
    try:
        yield task
    finally:
        publisher.stop()
        await asyncio.wait_for(task, PATIENCE_SECONDS)


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not is_so():  # noqa: ASYNC110  # whatever it looks at has no event
            await asyncio.sleep(0.02)


def first_arrivals(arrivals: list[Arrival]) -> list[int]:
    """Return the sequences in the order in which each came first.

    Messages may come again, but only as themselves: one id a sequence.
    """
    ids: dict[int, str] = {}
    for arrival in arrivals:
        assert ids.setdefault(arrival.sequence, arrival.id) == arrival.id
    return list(ids)


class RabbitReader:
    """A queue bound to everything of an exchange."""

    def __init__(self, url: str, exchange: str, queue: str, *, quorum: bool = False) -> None:
        self._url = url
        self._exchange = exchange
        self._queue = queue
        self._arguments: Any = {"x-queue-type": "quorum"} if quorum else {}

    async def bind(self, routing_key: str = "#") -> None:
        connection = await aio_pika.connect(self._url)
        async with connection:
            channel = await connection.channel()
            exchange = await channel.declare_exchange(
                self._exchange, aio_pika.ExchangeType.TOPIC, durable=True
            )
            queue = await channel.declare_queue(
                self._queue, durable=True, arguments=self._arguments
            )
            await queue.bind(exchange, routing_key)

    async def read(self) -> list[Arrival]:
        """Return all that is in the queue, and leave it empty."""
        return [_arrival(message) for message in await self.messages()]

    async def messages(self) -> list[aio_pika.abc.AbstractIncomingMessage]:
        found: list[aio_pika.abc.AbstractIncomingMessage] = []
        connection = await aio_pika.connect(self._url)
        async with connection:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=1_000)
            queue = await channel.declare_queue(self._queue, passive=True)
            count = queue.declaration_result.message_count
            if not count:
                return found
            async with queue.iterator() as arriving:
                async for message in arriving:
                    found.append(message)
                    if len(found) % 500 == 0 or len(found) == count:
                        await message.ack(multiple=True)
                    if len(found) == count:
                        break
        return found


def _arrival(message: aio_pika.abc.AbstractIncomingMessage) -> Arrival:
    assert message.message_id
    return Arrival(int(str(message.headers["sequence"])), message.message_id)


async def read_stream(url: str, stream: str) -> list[Arrival]:
    """Return all that is in a stream."""
    found: list[Arrival] = []
    client = Client()
    await client.connect(servers=[url])
    try:
        jetstream = client.jetstream()
        info = await jetstream.stream_info(stream)
        subscription = await jetstream.pull_subscribe("", stream=stream, inbox_prefix=b"_INBOX.")
        while len(found) < info.state.messages:
            for message in await subscription.fetch(500, timeout=5):
                headers = message.headers or {}
                found.append(Arrival(int(headers["sequence"]), headers["Nats-Msg-Id"]))
                await message.ack()
    finally:
        await client.close()
    return found

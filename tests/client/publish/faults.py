"""Brokers that are killed, blocked and cut off while a journal is published to them."""

import abc
import asyncio
import contextlib
import dataclasses
import random
from collections.abc import AsyncIterator, Awaitable, Callable

from nats.aio.client import Client
from nats.js.api import StreamConfig

from ledger_client.models import Event
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.publisher import Publisher
from ledger_client.publish.rabbitmq import RabbitTarget
from ledger_client.publish.target import Target
from tests.brokers import Broker, Nats, RabbitMQ
from tests.client.publish.publishing import (
    PATIENCE_SECONDS,
    Arrival,
    Books,
    RabbitReader,
    publishing,
    read_stream,
    until,
)
from tests.tcp_proxy import TcpProxy, tcp_proxy

#: Short, so that a broker that blocks is given up and tried anew more than once.
CONFIRM_SECONDS = 1.0
#: Events that wait for the broker to be back.
BACKLOG_MAX = 1_000


class Place(abc.ABC):
    """A place on a broker, published to through a proxy and read past it."""

    def __init__(self, broker: Broker, proxy: TcpProxy, name: str) -> None:
        self._broker = broker
        self.proxy = proxy
        self.name = name
        self._arrived: list[Arrival] = []

    @property
    def _url(self) -> str:
        url: str = self._broker.url  # type: ignore[attr-defined]  # both kinds have one
        return url.replace(str(self._broker.port), str(self.proxy.port))

    @abc.abstractmethod
    async def prepare(self) -> None:
        """Have something there that keeps what arrives."""

    @abc.abstractmethod
    def target(self) -> Target:
        """Return a target of a publisher's own."""

    @abc.abstractmethod
    async def arrivals(self) -> list[Arrival]:
        """Return all that has arrived, in its order."""

    async def kill(self) -> None:
        """End it as a power cut would, and start it again."""
        await asyncio.to_thread(self._broker.kill)
        await asyncio.sleep(0.2)
        await asyncio.to_thread(self._broker.start)

    @abc.abstractmethod
    async def block(self) -> None:
        """Let it confirm nothing for longer than a publisher waits, with connections open."""

    async def cut(self) -> None:
        """Reset the connection within a message, and see that it was."""
        cuts = self.proxy.cuts
        self.proxy.cut_after(random.randint(1, 60_000))
        await until(lambda: self.proxy.cuts > cuts)


class RabbitPlace(Place):
    """A queue of an exchange; its arrivals are taken out, as they are read."""

    _broker: RabbitMQ

    def __init__(self, broker: RabbitMQ, proxy: TcpProxy, name: str) -> None:
        super().__init__(broker, proxy, name)
        self._reader = RabbitReader(broker.url, name, name)

    async def prepare(self) -> None:
        await self._reader.bind()

    def target(self) -> Target:
        return RabbitTarget(self._url, self.name, confirm_seconds=CONFIRM_SECONDS)

    async def arrivals(self) -> list[Arrival]:
        self._arrived += await self._reader.read()
        return self._arrived

    async def block(self) -> None:
        await asyncio.to_thread(self._broker.control, "set_vm_memory_high_watermark", "0")
        await asyncio.sleep(2 * CONFIRM_SECONDS)
        await asyncio.to_thread(self._broker.control, "set_vm_memory_high_watermark", "0.6")


class NatsPlace(Place):
    """A stream."""

    async def prepare(self) -> None:
        """Make a stream that forgets ids at once: only its last message tells what it has."""
        client = Client()
        await client.connect(servers=[self._broker.url])  # type: ignore[attr-defined]
        await client.jetstream().add_stream(
            StreamConfig(name=self.name, subjects=[f"ledger.{self.name}.>"], duplicate_window=0.1)
        )
        await client.close()

    def target(self) -> Target:
        return NatsTarget(self._url, self.name, confirm_seconds=CONFIRM_SECONDS)

    async def arrivals(self) -> list[Arrival]:
        return await read_stream(self._broker.url, self.name)  # type: ignore[attr-defined]

    async def block(self) -> None:
        self._broker.pause()
        await asyncio.sleep(2 * CONFIRM_SECONDS)
        self._broker.resume()


@contextlib.asynccontextmanager
async def place(broker: RabbitMQ | Nats, name: str) -> AsyncIterator[Place]:
    """Give a place of its own on a broker, behind a proxy of its own."""
    async with tcp_proxy(broker.port) as proxy:
        made = RabbitPlace if isinstance(broker, RabbitMQ) else NatsPlace
        where = made(broker, proxy, name)  # type: ignore[arg-type]  # its own kind
        await where.prepare()
        yield where


@dataclasses.dataclass(frozen=True)
class Outcome:
    """What came of publishing through faults."""

    head: int
    arrivals: list[Arrival]
    publisher: Publisher[Event]


async def publish_through(
    books: Books, where: Place, fault: Callable[[], Awaitable[None]], times: int
) -> Outcome:
    """Post without pause, publish, let a fault happen again and again; return what arrived."""
    over = asyncio.Event()

    publisher = books.publisher(where.target())

    async def post() -> None:
        head = 0
        while not over.is_set():
            # Enough to be in mid-batch when a fault comes, and no more.
            if head - publisher.status.position < BACKLOG_MAX:
                head = await books.post(150)
            await asyncio.sleep(0.05)

    async with publishing(publisher):
        posting = asyncio.create_task(post())
        for _ in range(times):
            # In between it works, and is at work.
            confirmed = publisher.status.published
            await until(lambda before=confirmed: publisher.status.published > before)  # type: ignore[misc]
            await asyncio.sleep(random.random() * 0.3)
            await asyncio.wait_for(fault(), PATIENCE_SECONDS)
        over.set()
        await posting
        head = await books.post(20)
        await until(lambda: publisher.status.position == head)
    assert await books.position() == head
    return Outcome(head, await where.arrivals(), publisher)

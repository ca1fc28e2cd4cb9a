"""One way to publish, consume and look at dead letters, on either broker."""

import abc
import asyncio
import uuid
from collections.abc import Sequence
from typing import Any

import aio_pika
import nats
from nats.js.api import StreamConfig

from ledger_client.consume import Consumer, Handler, Inbox, Retries
from ledger_client.consume.nats import REASON_HEADER as NATS_REASON
from ledger_client.consume.nats import NatsConsumer
from ledger_client.consume.rabbitmq import REASON_HEADER as RABBITMQ_REASON
from ledger_client.consume.rabbitmq import RabbitMQConsumer
from ledger_client.publish.message import Message, from_header_text
from ledger_client.publish.topology import Topology
from ledger_client.publish.topology_declaration import declare

#: Short, for tests; 3 retries as by default.
RETRIES = Retries(first_wait_ms=20, factor=2)


class Letter:
    """A dead letter: its body and its headers."""

    def __init__(self, body: bytes, headers: dict[str, Any]) -> None:
        self.body = body
        self.headers = headers
        reason = headers.get(RABBITMQ_REASON) or from_header_text(headers.get(NATS_REASON, ""))
        self.reason = str(reason)
        self.attempts = int(headers.get("ledger-attempts", headers.get("Ledger-Attempts", -1)))


class BrokerAtHand(abc.ABC):
    """A place for events on a broker, of the test's own."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.name = f"test-{uuid.uuid4().hex[:8]}"
        self.retries = RETRIES

    @abc.abstractmethod
    async def prepare(self) -> None: ...

    @abc.abstractmethod
    async def publish(self, messages: Sequence[Message]) -> None: ...

    @abc.abstractmethod
    def consumer(
        self, inbox: Inbox[Any], handler: Handler[Any], *, url: str = "", **options: Any
    ) -> Consumer[Any]: ...

    @abc.abstractmethod
    async def dead_letters(self) -> list[Letter]: ...

    @abc.abstractmethod
    async def left(self) -> int:
        """Return how many messages are not acknowledged yet."""


class OnRabbitMQ(BrokerAtHand):
    @property
    def topology(self) -> Topology:
        return Topology.model_validate(
            {
                "exchange": self.name,
                "queues": [{"name": self.name, "bind": ["#"]}],
                "retries": self.retries.model_dump(),
            }
        )

    async def prepare(self) -> None:
        await declare(self.topology, self.url)

    async def publish(self, messages: Sequence[Message]) -> None:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel(on_return_raises=True)
            exchange = await channel.get_exchange(self.name)
            for message in messages:
                await exchange.publish(
                    aio_pika.Message(
                        message.body,
                        headers=dict(message.headers),
                        content_type=message.content_type,
                        message_id=message.id,
                        type=message.type,
                        delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                    ),
                    message.type,
                )

    def consumer(
        self, inbox: Inbox[Any], handler: Handler[Any], *, url: str = "", **options: Any
    ) -> Consumer[Any]:
        options.pop("ack_wait_seconds", None)
        return RabbitMQConsumer(
            url or self.url, self.topology, self.name, inbox, handler, **options
        )

    async def dead_letters(self) -> list[Letter]:
        found = []
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            queue = await channel.get_queue(f"{self.name}.dlq")
            while (message := await queue.get(fail=False)) is not None:
                await message.ack()
                found.append(Letter(message.body, dict(message.headers)))
        return found

    async def left(self) -> int:
        async with await aio_pika.connect(self.url) as connection:
            channel = await connection.channel()
            waiting = [f"{self.name}.retry.{retry}" for retry in range(1, self.retries.count + 1)]
            counts = [
                (await channel.declare_queue(name, passive=True)).declaration_result.message_count
                for name in (self.name, *waiting)
            ]
            return sum(count or 0 for count in counts)


class OnNats(BrokerAtHand):
    async def prepare(self) -> None:
        client = await nats.connect(self.url)
        config = StreamConfig(name=self.name, subjects=[f"{self.name}.>"])
        await client.jetstream().add_stream(config)
        await client.close()

    async def publish(self, messages: Sequence[Message]) -> None:
        client = await nats.connect(self.url)
        jetstream = client.jetstream()
        for message in messages:
            await jetstream.publish(
                f"{self.name}.{message.type}",
                message.body,
                # Without the id by which the broker itself would drop repetitions.
                headers={**message.headers, "Content-Type": message.content_type},
            )
        await client.close()

    def consumer(
        self, inbox: Inbox[Any], handler: Handler[Any], *, url: str = "", **options: Any
    ) -> Consumer[Any]:
        options.setdefault("retries", self.retries)
        options.setdefault("ack_wait_seconds", 2)
        return NatsConsumer(url or self.url, self.name, self.name, inbox, handler, **options)

    async def dead_letters(self) -> list[Letter]:
        found = []
        client = await nats.connect(self.url)
        jetstream = client.jetstream()
        subscription = await jetstream.pull_subscribe(
            f"dead.{self.name}", durable="reader", stream=f"DEAD_{self.name}"
        )
        try:
            while True:
                for message in await subscription.fetch(10, timeout=0.3):
                    await message.ack()
                    found.append(Letter(message.data, dict(message.headers or {})))
        except TimeoutError:
            pass
        await client.close()
        return found

    async def left(self) -> int:
        client = await nats.connect(self.url)
        information = await client.jetstream().consumer_info(self.name, self.name)
        await client.close()
        return (information.num_pending or 0) + (information.num_ack_pending or 0)


async def until(condition: Any, seconds: float = 60) -> None:
    """Wait for what must come."""
    async with asyncio.timeout(seconds):
        while not await condition():  # noqa: ASYNC110  # nothing there could tell
            await asyncio.sleep(0.05)

"""Consumes a queue of a RabbitMQ, as its topology has it.

A message is acknowledged last: when its effects are committed, or when it is safe elsewhere, in a
waiting queue or as a dead letter, which the broker has confirmed. So whatever breaks in between
delivers it again, and never loses it.
"""

import asyncio
import contextlib
import logging
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final, TypeVar

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage, AbstractQueue
from yarl import URL

from ledger_client.consume.consumer import CONCURRENCY_DEFAULT, Consumer
from ledger_client.consume.gaps import SequenceWatch
from ledger_client.consume.inbox import Inbox
from ledger_client.consume.processing import (
    DeadLetter,
    Delivery,
    GapHandler,
    Handler,
    Outcome,
    Resolver,
    Retry,
)
from ledger_client.publish.message import from_header_text
from ledger_client.publish.topology import Topology

logger: Final = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
CONFIRM_SECONDS: Final = 30.0
#: The driver may wait for ever for an acknowledgement to be sent, if the connection breaks then.
SETTLE_SECONDS: Final = 10.0
#: A connection without life is given up after about twice this.
HEARTBEAT_SECONDS: Final = 10
#: A queue that was deleted tells its consumers nothing that every driver hears.
CHECK_SECONDS: Final = 15.0

ATTEMPTS_HEADER: Final = "ledger-attempts"
REASON_HEADER: Final = "ledger-failure"
QUEUE_HEADER: Final = "ledger-queue"
ROUTING_KEY_HEADER: Final = "ledger-routing-key"


class RabbitMQConsumer(Consumer[T]):
    """Consumes one queue."""

    unavailable: ClassVar = (
        aiormq.exceptions.AMQPError,
        aiormq.exceptions.ChannelInvalidStateError,
        OSError,
        EOFError,
        StopAsyncIteration,
        TimeoutError,
    )

    def __init__(
        self,
        url: str,
        topology: Topology,
        queue: str,
        inbox: Inbox[T],
        handler: Handler[T],
        *,
        concurrency: int = CONCURRENCY_DEFAULT,
        in_order: bool = False,
        resolve: Resolver | None = None,
        watch: SequenceWatch | None = None,
        on_gap: GapHandler | None = None,
    ) -> None:
        """Take what is needed; nothing is connected yet.

        Args:
            url: `amqp://user:password@host:port/vhost`, or `amqps://` with TLS.
            topology: as declared; says how failures go.
            queue: which of its queues.
            inbox: where what was handled is noted.
            handler: has the effects of an event, in the inbox's transaction.
            concurrency: messages taken at once, and handled at once; not with `in_order`.
            in_order: one message at a time; one that fails is tried again in its place.
            resolve: reads the event of a reference; None makes dead letters of references.
            watch: follows sequences; of use with `in_order` and with all of a journal's events.
            on_gap: is told what `watch` misses.

        Raises:
            KeyError: the topology has no such queue.
            ValueError: as for `Consumer`.
        """
        super().__init__(
            inbox,
            handler,
            retries=topology.retries,
            concurrency=concurrency,
            in_order=in_order,
            resolve=resolve,
            watch=watch,
            on_gap=on_gap,
        )
        self._url = URL(url).update_query(heartbeat=str(HEARTBEAT_SECONDS))
        self._topology = topology
        self._queue = topology.queue(queue)

    async def _session(self) -> None:
        with _failures_named():
            await self._consume_once()

    async def _consume_once(self) -> None:
        connection = await asyncio.wait_for(aio_pika.connect(self._url), CONNECT_SECONDS)
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                await channel.set_qos(prefetch_count=self._concurrency)
                queue = await channel.declare_queue(self._queue.name, passive=True)
            self.counts.connections += 1

            async def begin(message: AbstractIncomingMessage) -> None:
                self._begin(self._settle(channel, message))

            tag = await asyncio.wait_for(queue.consume(begin), CONNECT_SECONDS)
            await self._until_over(channel, queue)
            if not channel.is_closed:
                await asyncio.wait_for(queue.cancel(tag), CLOSE_SECONDS)
        finally:
            await self._ended()
            with contextlib.suppress(*self.unavailable, asyncio.CancelledError):
                await asyncio.wait_for(connection.close(), CLOSE_SECONDS)

    async def _until_over(self, channel: AbstractChannel, queue: AbstractQueue) -> None:
        """Return on `stop`.

        Raises:
            Exception: one of `unavailable`, when connection or queue are lost.
        """
        stopping = asyncio.ensure_future(self._stopping.wait())
        closed = asyncio.ensure_future(channel.closed())
        try:
            while True:
                await asyncio.wait(
                    {stopping, closed},
                    timeout=CHECK_SECONDS,
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if stopping.done():
                    return
                if closed.done():
                    raise aiormq.exceptions.AMQPError("the connection was lost")
                found = await asyncio.wait_for(
                    channel.declare_queue(queue.name, passive=True), CONNECT_SECONDS
                )
                if not found.declaration_result.consumer_count:
                    raise aiormq.exceptions.AMQPError("the queue was deleted, and made anew")
        finally:
            stopping.cancel()
            closed.cancel()

    async def _settle(self, channel: AbstractChannel, message: AbstractIncomingMessage) -> None:
        """Handle one message and do with it what it came to."""
        outcome = await self._outcome(_delivery(message))
        try:
            with _failures_named():
                while not await self._carried_out(channel, message, outcome):
                    # Nobody would get it. Kept, not acknowledged, until somebody would.
                    await self._pause(CHECK_SECONDS)
                    if self._stopping.is_set():
                        outcome = None
        except self.unavailable as error:
            # Whether the broker knows is in doubt. Without the channel it comes again for sure.
            logger.debug("not acknowledged: %s", error)
            with contextlib.suppress(*self.unavailable), _failures_named():
                await asyncio.wait_for(channel.close(), CLOSE_SECONDS)

    async def _carried_out(
        self, channel: AbstractChannel, message: AbstractIncomingMessage, outcome: Outcome | None
    ) -> bool:
        if outcome is None:
            async with asyncio.timeout(SETTLE_SECONDS):
                await message.nack(requeue=True)
            return True
        try:
            match outcome:
                case Retry(number=number):
                    place = ("", self._queue.waiting(number))
                    await self._pass_on(channel, message, place, self._why(outcome, number))
                case DeadLetter(attempts=attempts):
                    key = self._topology.dead_letter_key(self._queue)
                    place = (self._topology.dead_letters_to, key)
                    await self._pass_on(channel, message, place, self._why(outcome, attempts))
        except aiormq.exceptions.DeliveryError:
            logger.exception(
                "%s has nowhere to go: declare the topology of queue %s",
                type(outcome).__name__,
                self._queue.name,
            )
            return False
        async with asyncio.timeout(SETTLE_SECONDS):
            await message.ack()
        if isinstance(outcome, DeadLetter):
            await self._put_aside(outcome)
        return True

    def _why(self, outcome: Retry | DeadLetter, attempts: int) -> dict[str, Any]:
        return {
            ATTEMPTS_HEADER: attempts,
            REASON_HEADER: outcome.reason,
            QUEUE_HEADER: self._queue.name,
        }

    async def _pass_on(
        self,
        channel: AbstractChannel,
        message: AbstractIncomingMessage,
        place: tuple[str, str],
        why: Mapping[str, Any],
    ) -> None:
        """Publish a message elsewhere, as it is and with why.

        Args:
            channel: to publish on.
            message: as it came.
            place: exchange, empty for the default one, and routing key.
            why: headers that it did not come with.

        Raises:
            DeliveryError: no queue is there for it.
        """
        headers: dict[str, Any] = {
            # Not the broker's own count of dead letters, by which it would see a circle.
            key: value
            for key, value in message.headers.items()
            if key != "x-death" and not key.startswith(("x-first-death", "x-last-death"))
        }
        headers.setdefault(ROUTING_KEY_HEADER, message.routing_key or "")
        exchange_name, routing_key = place
        exchange = (
            await channel.get_exchange(exchange_name, ensure=False)
            if exchange_name
            else channel.default_exchange
        )
        await exchange.publish(
            aio_pika.Message(
                message.body,
                headers={**headers, **why},
                content_type=message.content_type,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                message_id=message.message_id,
                correlation_id=message.correlation_id,
                type=message.type,
            ),
            routing_key,
            mandatory=True,
            timeout=CONFIRM_SECONDS,
        )


@contextlib.contextmanager
def _failures_named() -> Iterator[None]:
    """Give a class to what the driver raises without one where a write is cut off."""
    try:
        yield
    except Exception as error:
        if type(error) is not Exception:
            raise
        raise aiormq.exceptions.AMQPError("the connection was cut off") from error


def _delivery(message: AbstractIncomingMessage) -> Delivery:
    return Delivery(
        body=message.body,
        content_type=message.content_type or "",
        message_id=message.message_id or "",
        message_type=message.type or "",
        request_id=from_header_text(str(message.headers.get("X-Request-Id", ""))),
        redelivered=bool(message.redelivered),
    )

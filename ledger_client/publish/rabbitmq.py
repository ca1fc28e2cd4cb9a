"""RabbitMQ: a topic exchange, one message an event, each confirmed by the broker.

Order. The broker keeps the order of one channel, and a connection that breaks loses what was sent
last, never something in between. What can be refused in the middle, with later messages taken, is a
message that no queue wants, or that a full queue rejects. So the first message with each routing
key goes alone, and the others follow only when it has found a queue; queues that reject when they
are full need `in_flight=1`, at which nothing is sent before what came before it is confirmed.

One publisher. An exclusive queue belongs to one connection: who has declared it is the one that
publishes, on that connection. Another is refused by the broker until that connection is gone, with
all that it had sent; no clock is asked.
"""

import asyncio
import hashlib
import logging
from collections.abc import Sequence
from typing import Final

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractChannel, AbstractConnection, AbstractExchange
from yarl import URL

from ledger_client.publish.address import redacted, without_secrets
from ledger_client.publish.message import Message
from ledger_client.publish.target import (
    FencedError,
    MessageTooLargeError,
    Origin,
    Published,
    PublishError,
    TargetSetupError,
    TargetUnavailableError,
    UnroutableError,
)

logger: Final = logging.getLogger(__name__)

#: Messages sent before the first of them is confirmed.
IN_FLIGHT_DEFAULT: Final = 256
#: A broker that blocks publishers, for want of memory or disk, confirms nothing and says nothing.
CONFIRM_SECONDS_DEFAULT: Final = 30.0
#: Of one step of connecting.
CONNECT_SECONDS: Final = 10.0
CLOSE_SECONDS: Final = 2.0
#: A connection without life is given up by both sides after two or three times this: for so long
#: a publisher that was paused keeps another from taking over. A third of the lease goes well.
HEARTBEAT_SECONDS_DEFAULT: Final = 5
#: Of a queue's name, in bytes.
NAME_LENGTH_MAX: Final = 255

#: What the driver raises for a broker that is not there, goes away or is too slow.
_UNAVAILABLE: Final = (
    aiormq.exceptions.AMQPError,
    aiormq.exceptions.ChannelInvalidStateError,
    OSError,
    EOFError,
    StopAsyncIteration,
)


class RabbitTarget:
    """Publishes to a topic exchange; the routing key is the message's type."""

    def __init__(
        self,
        url: str,
        exchange: str,
        *,
        in_flight: int = IN_FLIGHT_DEFAULT,
        confirm_seconds: float = CONFIRM_SECONDS_DEFAULT,
        heartbeat_seconds: int = HEARTBEAT_SECONDS_DEFAULT,
    ) -> None:
        """Nothing is sent before `open`.

        Args:
            url: `amqp://user:password@host:port/vhost`, or `amqps://` with TLS.
            exchange: its name; made, durable, if it is not there.
            in_flight: messages sent before the first of them is confirmed.
            confirm_seconds: how long to wait for a confirmation before the connection is renewed.
            heartbeat_seconds: asked of the broker; two or three that are missed end a connection.
        """
        self._address = url
        self._url = URL(url).update_query(heartbeat=str(heartbeat_seconds))
        self._exchange_name = exchange
        self._in_flight = in_flight
        self._confirm_seconds = confirm_seconds
        self._connection: AbstractConnection | None = None
        self._exchange: AbstractExchange | None = None
        #: Routing keys that found a queue on this connection.
        self._routed: set[str] = set()
        #: Messages to send alone, to find the one for which the broker closed the channel.
        self._alone = 0

    @property
    def name(self) -> str:
        """The exchange and where it is, without the password."""
        return f"exchange {self._exchange_name} at {without_secrets(self._address)}"

    async def open(self, origin: Origin) -> Published | None:
        """Connect, take the origin's exclusive queue, and find or make the exchange.

        Raises:
            FencedError: another connection has the queue.
            TargetSetupError: the user may not, or the exchange is of another type.
            TargetUnavailableError: the broker does not answer.
        """
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                connection = await aio_pika.connect(
                    self._url, client_properties={"connection_name": origin.name}
                )
                self._connection = connection
                channel = await connection.channel(publisher_confirms=True, on_return_raises=True)
                await self._fence(channel, origin)
                self._exchange = await self._find_exchange(channel, connection)
        except aiormq.exceptions.ChannelLockedResource:
            raise FencedError(
                f"another connection publishes as {origin.name}, or one that was given up is not "
                "over at the broker, as it is while publishers are blocked"
            ) from None
        except (
            aiormq.exceptions.ChannelAccessRefused,
            aiormq.exceptions.ChannelPreconditionFailed,
            aiormq.exceptions.AuthenticationError,
            aiormq.exceptions.ProbableAuthenticationError,
            aiormq.exceptions.ConnectionNotAllowed,
        ) as error:
            raise TargetSetupError(self._said(error)) from None
        except _UNAVAILABLE as error:
            raise TargetUnavailableError(self._said(error)) from None
        return None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order, each confirmed.

        Raises:
            MessageTooLargeError: the broker does not take messages of this size.
            TargetUnavailableError: not confirmed in time, or refused.
            UnroutableError: no queue is bound for the message's type.
        """
        confirmed = 0
        while confirmed < len(messages):
            group = self._group(messages, confirmed)
            try:
                await self._publish_group(group)
            except PublishError as error:
                error.confirmed += confirmed
                raise
            self._routed.update(message.type for message in group)
            self._alone = max(self._alone - len(group), 0)
            confirmed += len(group)

    async def close(self) -> None:
        """Close the connection; one that blocks is dropped."""
        connection, self._connection, self._exchange = self._connection, None, None
        self._routed.clear()
        if connection is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await connection.close()
        except _UNAVAILABLE as error:
            logger.debug("the connection was gone before it was closed: %r", error)

    async def _fence(self, channel: AbstractChannel, origin: Origin) -> None:
        name = origin.name
        if len(name.encode()) > NAME_LENGTH_MAX:
            name = f"ledger.publisher.{hashlib.sha256(name.encode()).hexdigest()}"
        # Bound to nothing: nothing ever comes into it.
        await channel.declare_queue(name, exclusive=True, auto_delete=True)

    async def _find_exchange(
        self, channel: AbstractChannel, connection: AbstractConnection
    ) -> AbstractExchange:
        """Look first: who may publish need not have the right to declare."""
        try:
            return await channel.get_exchange(self._exchange_name, ensure=True)
        except aiormq.exceptions.ChannelNotFoundEntity:
            # The broker has closed the channel with that.
            again = await connection.channel(publisher_confirms=True, on_return_raises=True)
            return await again.declare_exchange(
                self._exchange_name, aio_pika.ExchangeType.TOPIC, durable=True
            )

    def _group(self, messages: Sequence[Message], begin: int) -> Sequence[Message]:
        """Return the messages that may go at once: one alone if its routing key is a new one."""
        end = begin + 1
        if self._alone or messages[begin].type not in self._routed:
            return messages[begin:end]
        while end < min(len(messages), begin + self._in_flight):
            if messages[end].type not in self._routed:
                break
            end += 1
        return messages[begin:end]

    async def _publish_group(self, group: Sequence[Message]) -> None:
        # Tasks begin in the order in which they are made, and wait in line for the channel.
        tasks = [asyncio.create_task(self._publish_one(message)) for message in group]
        try:
            await asyncio.wait(tasks, timeout=self._confirm_seconds)
            for index, (task, message) in enumerate(zip(tasks, group, strict=True)):
                if (error := self._failure(task, message, len(group))) is not None:
                    error.confirmed = index
                    raise error
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _publish_one(self, message: Message) -> None:
        assert self._exchange is not None, "publish before open"
        await self._exchange.publish(
            aio_pika.Message(
                message.body,
                headers=dict(message.headers),
                content_type=message.content_type,
                delivery_mode=aio_pika.DeliveryMode.PERSISTENT,
                message_id=message.id,
                type=message.type,
            ),
            routing_key=message.type,
            mandatory=True,
        )

    def _failure(
        self, task: "asyncio.Task[None]", message: Message, group_size: int
    ) -> PublishError | None:
        """Return why a message was not confirmed, None if it was."""
        if not task.done():
            return TargetUnavailableError(
                f"{self.name} confirmed nothing for {self._confirm_seconds:g} s; it may be "
                "blocking publishers for want of memory or disk"
            )
        if task.cancelled():
            return TargetUnavailableError(f"{self.name}: the connection was closed")
        error = task.exception()
        match error:
            case None:
                return None
            case aiormq.exceptions.PublishError():
                return UnroutableError(
                    f"no queue at {self.name} is bound for {message.type}: bind one, or give the "
                    "exchange an alternate exchange"
                )
            case aiormq.exceptions.DeliveryError():
                return TargetUnavailableError(f"{self.name} refused event {message.sequence}")
            case aiormq.exceptions.ChannelPreconditionFailed() if group_size == 1:
                return MessageTooLargeError(
                    f"{message.type} of event {message.sequence} has {len(message.body)} bytes: "
                    f"{self._said(error)}"
                )
            case aiormq.exceptions.ChannelPreconditionFailed():
                # One of them is too large and took the channel with it; which one shows next time.
                self._alone = group_size
                return TargetUnavailableError(self._said(error))
            case _ if isinstance(error, _UNAVAILABLE):
                return TargetUnavailableError(self._said(error))
            case _:
                raise error

    def _said(self, error: BaseException) -> str:
        """Return what went wrong, without the password that a driver may have put into it."""
        said = redacted(str(error), self._address) or type(error).__name__
        return f"{self.name}: {said}"

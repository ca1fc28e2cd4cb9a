"""Consumes a stream of NATS JetStream through a durable pull consumer with explicit acks.

A message is acknowledged last: when its effects are committed, or when it is safe among the dead
letters. What is to be tried again is given back with a delay. JetStream counts deliveries too, but
also those that nobody began to handle: its count is not used, and its own limit is off.
"""

import asyncio
import contextlib
import logging
from typing import Any, ClassVar, Final, TypeVar

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import AckPolicy, ConsumerConfig, StreamConfig

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
from ledger_client.publish.message import from_header_text, header_text
from ledger_client.publish.topology import Retries

logger: Final = logging.getLogger(__name__)

T = TypeVar("T")

CONNECT_SECONDS: Final = 5
CLOSE_SECONDS: Final = 2.0
#: A connection without life is given up after two of these.
PING_SECONDS: Final = 5
#: Of one request for messages; it ends earlier when there are any.
FETCH_SECONDS: Final = 1.0
#: After this without a sign of life a message is given to another.
ACK_WAIT_SECONDS_DEFAULT: Final = 30.0

ATTEMPTS_HEADER: Final = "Ledger-Attempts"
REASON_HEADER: Final = "Ledger-Failure"
CONSUMER_HEADER: Final = "Ledger-Consumer"
SUBJECT_HEADER: Final = "Ledger-Subject"
_ID_HEADER: Final = "Nats-Msg-Id"
#: Instructions to JetStream, which were for the stream that the message came from.
_EXPECTED: Final = "Nats-Expected-"


class NatsConsumer(Consumer[T]):
    """Consumes one stream as one durable consumer."""

    unavailable: ClassVar = (nats.errors.Error, OSError, EOFError, TimeoutError)

    def __init__(
        self,
        url: str,
        stream: str,
        durable: str,
        inbox: Inbox[T],
        handler: Handler[T],
        *,
        subjects: tuple[str, ...] = (),
        retries: Retries | None = None,
        ack_wait_seconds: float = ACK_WAIT_SECONDS_DEFAULT,
        concurrency: int = CONCURRENCY_DEFAULT,
        in_order: bool = False,
        resolve: Resolver | None = None,
        watch: SequenceWatch | None = None,
        on_gap: GapHandler | None = None,
    ) -> None:
        """Take what is needed; nothing is connected yet.

        The durable consumer is made if it is not there, and a stream for its dead letters: named
        `DEAD_<durable>`, with the subject `dead.<durable>`.

        Args:
            url: `nats://user:password@host:port`, or `tls://` with TLS.
            stream: its name; must be there.
            durable: the consumer's name: letters, digits, `_` and `-`. Those who share it share
                the messages.
            inbox: where what was handled is noted.
            handler: has the effects of an event, in the inbox's transaction.
            subjects: which of the stream's subjects; all of them if empty.
            retries: how often and after which waits what failed is tried again.
            ack_wait_seconds: how soon a message comes again whose consumer has died.
            concurrency: messages taken at once, and handled at once; not with `in_order`.
            in_order: one message at a time; one that fails is tried again in its place.
            resolve: reads the event of a reference; None makes dead letters of references.
            watch: follows sequences; of use with `in_order` and with all of a journal's events.
            on_gap: is told what `watch` misses.

        Raises:
            ValueError: as for `Consumer`.
        """
        super().__init__(
            inbox,
            handler,
            retries=retries or Retries(),
            concurrency=concurrency,
            in_order=in_order,
            resolve=resolve,
            watch=watch,
            on_gap=on_gap,
        )
        self._url = url
        self._stream = stream
        self._durable = durable
        self._subjects = subjects
        self._ack_wait_seconds = ack_wait_seconds

    @property
    def dead_letter_stream(self) -> str:
        """The stream of what failed for good."""
        return f"DEAD_{self._durable}"

    @property
    def dead_letter_subject(self) -> str:
        """The subject of what failed for good."""
        return f"dead.{self._durable}"

    async def _session(self) -> None:
        client = Client()
        try:
            await client.connect(
                servers=[self._url],
                name=self._durable,
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=1,
                error_cb=_note_error,
            )
            jetstream = client.jetstream(timeout=CONNECT_SECONDS)
            await self._prepare(jetstream)
            subscription = await jetstream.pull_subscribe_bind(self._durable, self._stream)
            self.counts.connections += 1
            await self._until_over(client, jetstream, subscription)
        finally:
            await self._ended()
            with contextlib.suppress(*self.unavailable):
                await asyncio.wait_for(client.close(), CLOSE_SECONDS)

    async def _prepare(self, jetstream: JetStreamContext) -> None:
        """Make the durable consumer and the stream of dead letters, unless they are there."""
        await jetstream.add_stream(
            StreamConfig(name=self.dead_letter_stream, subjects=[self.dead_letter_subject])
        )
        await jetstream.add_consumer(
            self._stream,
            ConsumerConfig(
                durable_name=self._durable,
                ack_policy=AckPolicy.EXPLICIT,
                ack_wait=self._ack_wait_seconds,
                filter_subjects=list(self._subjects) or None,
                max_ack_pending=self._concurrency,
                max_deliver=-1,
            ),
        )

    async def _until_over(
        self,
        client: Client,
        jetstream: JetStreamContext,
        subscription: JetStreamContext.PullSubscription,
    ) -> None:
        """Take messages as others are settled; return on `stop`.

        Raises:
            Exception: one of `unavailable`, when connection or consumer are lost.
        """
        while not self._stopping.is_set():
            if client.is_closed:
                raise nats.errors.ConnectionClosedError
            room = self._concurrency - len(self._tasks)
            if room == 0:
                await asyncio.wait(self._tasks, return_when=asyncio.FIRST_COMPLETED)
                continue
            try:
                messages = await subscription.fetch(room, FETCH_SECONDS)
            except TimeoutError:
                continue
            for message in messages:
                self._begin(self._settle(jetstream, message))

    async def _settle(self, jetstream: JetStreamContext, message: Msg) -> None:
        """Handle one message and do with it what it came to."""
        alive = asyncio.create_task(self._keep(message))
        try:
            outcome = await self._outcome(_delivery(message))
            await self._carry_out(jetstream, message, outcome)
        except self.unavailable as error:
            # It comes again.
            logger.debug("not acknowledged: %s", error)
        finally:
            alive.cancel()

    async def _keep(self, message: Msg) -> None:
        """Tell the broker that the message is being handled."""
        with contextlib.suppress(*self.unavailable):
            while True:
                await asyncio.sleep(self._ack_wait_seconds / 3)
                await message.in_progress()

    async def _carry_out(
        self, jetstream: JetStreamContext, message: Msg, outcome: Outcome | None
    ) -> None:
        match outcome:
            case None:
                await message.nak()
            case Retry(wait_seconds=wait_seconds):
                await message.nak(delay=wait_seconds)
            case DeadLetter():
                await jetstream.publish(
                    self.dead_letter_subject,
                    message.data,
                    headers=self._dead_letter_headers(message, outcome),
                )
                await message.ack()
                await self._put_aside(outcome)
            case _:
                await message.ack()

    def _dead_letter_headers(self, message: Msg, letter: DeadLetter) -> dict[str, Any]:
        """Return the headers that it came with, and why it is here.

        Without its id: JetStream would drop what is put aside a second time, after a replay.
        """
        kept = {
            name: value
            for name, value in (message.headers or {}).items()
            if name != _ID_HEADER and not name.startswith(_EXPECTED)
        }
        return kept | {
            "event-id": kept.get("event-id") or (message.headers or {}).get(_ID_HEADER, ""),
            ATTEMPTS_HEADER: str(letter.attempts),
            REASON_HEADER: header_text(letter.reason),
            CONSUMER_HEADER: self._durable,
            SUBJECT_HEADER: message.subject,
        }


async def _note_error(error: Exception) -> None:
    """Take what the driver would print as a traceback; what matters is raised elsewhere too."""
    logger.debug("nats: %s", error)


def _delivery(message: Msg) -> Delivery:
    headers = message.headers or {}
    return Delivery(
        body=message.data,
        content_type=headers.get("Content-Type", headers.get("content-type", "")),
        message_id=headers.get(_ID_HEADER) or headers.get("event-id", ""),
        message_type=headers.get("event-type", ""),
        request_id=from_header_text(headers.get("X-Request-Id", "")),
        redelivered=message.metadata.num_delivered > 1,
    )

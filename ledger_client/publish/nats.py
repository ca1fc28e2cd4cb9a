"""NATS JetStream: a stream for one publisher, a subject for each type.

Order and one publisher. Each message says which sequence of the stream, and which message, it must
follow. If one fails, those behind it do not fit and fail too, though they were on their way
already; and a publisher that was paused finds that the stream has gone on without it. The sequence
alone would not do: of several messages on their way one could fit a stream that has come just so
far by other ones. So the stream is this publisher's alone: what another writes into it stops this
one, until it has looked where it ends.

No needless repetitions. JetStream forgets ids after its duplicate window, two minutes by default.
The last message of the stream tells what was published last, so an outage may last as it likes.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import quote

import nats.errors
import nats.js.errors
from nats.aio.client import Client
from nats.js import JetStreamContext
from nats.js.api import StreamConfig

from ledger_client.publish.address import redacted, without_secrets
from ledger_client.publish.jetstream_acks import (
    TOO_LARGE,
    WRONG_LAST_ID,
    WRONG_LAST_SEQUENCE,
    Ack,
    AckError,
    Acks,
    NoStreamError,
)
from ledger_client.publish.message import Message, header_text
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
CONFIRM_SECONDS_DEFAULT: Final = 30.0
CONNECT_SECONDS: Final = 5
CLOSE_SECONDS: Final = 2.0
#: A connection without life is given up after two of these.
PING_SECONDS: Final = 5
#: Kept by a stream that is made here; the last message serves where it is shorter.
DUPLICATE_WINDOW_SECONDS: Final = 3600

PUBLISHER_HEADER: Final = "Ledger-Publisher"
SEQUENCE_HEADER: Final = "Ledger-Sequence"
_ID_HEADER: Final = "Nats-Msg-Id"
_FOLLOWS_HEADER: Final = "Nats-Expected-Last-Sequence"
_FOLLOWS_ID_HEADER: Final = "Nats-Expected-Last-Msg-Id"

#: What a message's headers cost beside names and values: the version line and the empty one.
_HEADERS_BYTES: Final = len(b"NATS/1.0\r\n\r\n")
_HEADER_BYTES: Final = len(b": \r\n")

_UNAVAILABLE: Final = (nats.errors.Error, OSError, EOFError)


class NatsTarget:
    """Publishes to one stream, on `prefix.journal.type`, or on the type alone."""

    def __init__(
        self,
        url: str,
        stream: str,
        *,
        subject_prefix: str = "ledger",
        subjects: str = ">",
        create_stream: bool = False,
        in_flight: int = IN_FLIGHT_DEFAULT,
        confirm_seconds: float = CONFIRM_SECONDS_DEFAULT,
    ) -> None:
        """Nothing is sent before `open`.

        Args:
            url: `nats://user:password@host:port`, or `tls://` with TLS.
            stream: its name; of this publisher alone.
            subject_prefix: the first word, or words, of all subjects; if it is empty a subject is
                the type alone, without the journal.
            subjects: pattern of the types, for a stream that is made here.
            create_stream: make the stream if it is not there.
            in_flight: messages sent before the first of them is confirmed.
            confirm_seconds: how long to wait for a confirmation before the connection is renewed.
        """
        self._url = url
        self._stream = stream
        self._prefix = subject_prefix
        self._types = subjects
        self._create_stream = create_stream
        self._in_flight = in_flight
        self._confirm_seconds = confirm_seconds
        self._client: Client | None = None
        self._jetstream: JetStreamContext | None = None
        self._origin: Origin | None = None
        #: Of the stream; the next message must follow it.
        self._last_sequence = 0
        self._acks: Acks | None = None

    @property
    def name(self) -> str:
        """The stream and where it is, without the password."""
        return f"stream {self._stream} at {without_secrets(self._url)}"

    async def open(self, origin: Origin) -> Published | None:
        """Connect and look where the stream ends.

        Raises:
            TargetSetupError: there is no such stream, or another publisher writes into it.
            TargetUnavailableError: the broker does not answer.
        """
        self._origin = origin
        client = Client()
        self._client = client
        try:
            await client.connect(
                servers=[self._url],
                name=origin.name,
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS,
                ping_interval=PING_SECONDS,
                max_outstanding_pings=1,
                error_cb=_note_error,
                closed_cb=self._end_pending,
            )
            self._acks = await Acks.open(client)
            self._jetstream = client.jetstream(timeout=CONNECT_SECONDS)
            return await self._last_published(self._jetstream, origin)
        except nats.js.errors.NotFoundError:
            raise TargetSetupError(
                f"there is no {self.name}: make it for {self._subjects}, or have it made"
            ) from None
        except _UNAVAILABLE as error:
            raise TargetUnavailableError(self._said(error)) from None

    async def publish(self, messages: Sequence[Message]) -> None:
        """Publish in order, each confirmed.

        Raises:
            FencedError: somebody else has written into the stream.
            MessageTooLargeError: the server does not take messages of this size.
            TargetUnavailableError: not confirmed in time.
            UnroutableError: the stream does not take the message's subject.
        """
        confirmed = 0
        while confirmed < len(messages):
            try:
                confirmed += await self._publish_group(
                    messages[confirmed : confirmed + self._in_flight]
                )
            except PublishError as error:
                error.confirmed += confirmed
                raise

    async def close(self) -> None:
        """Close the connection; one that blocks is dropped."""
        client, self._client, self._jetstream, self._acks = self._client, None, None, None
        if client is None:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await client.close()
        except _UNAVAILABLE as error:
            logger.debug("the connection was gone before it was closed: %r", error)

    async def _last_published(
        self, jetstream: JetStreamContext, origin: Origin
    ) -> Published | None:
        try:
            info = await jetstream.stream_info(self._stream)
        except nats.js.errors.NotFoundError:
            if not self._create_stream:
                raise
            info = await jetstream.add_stream(
                StreamConfig(
                    name=self._stream,
                    subjects=[self._subjects],
                    duplicate_window=DUPLICATE_WINDOW_SECONDS,
                )
            )
        self._last_sequence = info.state.last_seq
        if not info.state.messages:
            return None
        try:
            last = await jetstream.get_msg(self._stream, seq=info.state.last_seq)
        except nats.js.errors.NotFoundError:
            return None  # read and removed, as streams for work do; the cursor tells enough
        headers = last.headers or {}
        if headers.get(PUBLISHER_HEADER) != header_text(origin.name):
            raise TargetSetupError(
                f"{self.name} ends with a message of {headers.get(PUBLISHER_HEADER, 'another')}, "
                f"not of {origin.name}: each publisher needs a stream of its own"
            )
        return Published(int(headers[SEQUENCE_HEADER]), headers[_ID_HEADER])

    async def _publish_group(self, group: Sequence[Message]) -> int:
        """Send some at once and return how many were confirmed: fewer only after a duplicate."""
        assert self._client is not None, "publish before open"
        assert self._acks is not None, "publish before open"
        too_large: MessageTooLargeError | None = None
        pending: list[asyncio.Future[Ack]] = []
        try:
            async with asyncio.timeout(self._confirm_seconds):
                for index, message in enumerate(group):
                    headers = self._headers(message, self._last_sequence + index)
                    if index:
                        # A server that was started anew may not know the id of its last message,
                        # so the first goes by the sequence, at which that was seen.
                        headers[_FOLLOWS_ID_HEADER] = group[index - 1].id
                    too_large = self._too_large(message, headers, self._client.max_payload)
                    if too_large is not None:
                        break
                    subject = self._subject(message.type)
                    pending.append(await self._acks.publish(subject, message.body, headers))
                confirmed = await self._confirmations(group, pending)
        except TimeoutError:
            raise TargetUnavailableError(
                f"{self.name} did not confirm all within {self._confirm_seconds:g} s",
                confirmed=_confirmed_count(pending),
            ) from None
        except _UNAVAILABLE as error:
            raise TargetUnavailableError(self._said(error)) from None
        finally:
            for future in pending:
                future.cancel()
        if too_large is not None and confirmed == len(pending):
            too_large.confirmed = confirmed
            raise too_large
        return confirmed

    async def _confirmations(
        self, group: Sequence[Message], pending: "Sequence[asyncio.Future[Ack]]"
    ) -> int:
        """Wait for what is pending, and stop at the first that does not fit."""
        assert self._jetstream is not None, "publish before open"
        for index, future in enumerate(pending):
            try:
                ack = await future
            except (AckError, *_UNAVAILABLE) as error:
                failure = self._failure(error, group[index])
                failure.confirmed = index
                raise failure from None
            if ack.is_duplicate:
                # Known from before, so the stream has not grown: those behind it do not fit.
                info = await self._jetstream.stream_info(self._stream)
                self._last_sequence = info.state.last_seq
                return index + 1
            self._last_sequence = ack.sequence
        return len(pending)

    def _failure(self, error: Exception, message: Message) -> PublishError:
        """Return what a message failed with in our words."""
        code = error.code if isinstance(error, AckError) else 0
        if code in {WRONG_LAST_SEQUENCE, WRONG_LAST_ID}:
            return FencedError(f"somebody else has written into {self.name}")
        if code == TOO_LARGE:
            return MessageTooLargeError(
                f"{message.type} of event {message.sequence} has {len(message.body)} bytes: "
                f"{self._said(error)}"
            )
        if isinstance(error, NoStreamError):
            return UnroutableError(
                f"no stream takes {self._subject(message.type)}: add {self._subjects} to the "
                f"subjects of {self.name}"
            )
        return TargetUnavailableError(self._said(error))

    def _headers(self, message: Message, follows: int) -> dict[str, str]:
        assert self._origin is not None, "publish before open"
        return {
            **message.headers,
            "Content-Type": message.content_type,
            PUBLISHER_HEADER: header_text(self._origin.name),
            SEQUENCE_HEADER: str(message.sequence),
            _ID_HEADER: message.id,
            _FOLLOWS_HEADER: str(follows),
        }

    def _too_large(
        self, message: Message, headers: Mapping[str, str], bytes_max: int
    ) -> MessageTooLargeError | None:
        """Return why a message cannot be sent: the server would end the connection over it."""
        size = len(message.body) + _HEADERS_BYTES
        size += sum(len(key) + len(value) + _HEADER_BYTES for key, value in headers.items())
        if size <= bytes_max:
            return None
        return MessageTooLargeError(
            f"{message.type} of event {message.sequence} has {size} bytes with its headers; "
            f"{self.name} takes {bytes_max} (max_payload)"
        )

    @property
    def _subjects(self) -> str:
        return self._subject(self._types)

    def _subject(self, event_type: str) -> str:
        if not self._prefix:
            return event_type
        assert self._origin is not None, "subjects are of a journal"
        # A dot would begin a new word, a star or a blank would be refused.
        journal = quote(self._origin.journal, safe="").replace(".", "%2E")
        return f"{self._prefix}.{journal}.{event_type}"

    async def _end_pending(self) -> None:
        if self._acks is not None:
            self._acks.fail(nats.errors.ConnectionClosedError())

    def _said(self, error: BaseException) -> str:
        """Return what went wrong, without the password that a driver may have put into it."""
        said = redacted(str(error), self._url) or type(error).__name__
        return f"{self.name}: {said}"


async def _note_error(error: Any) -> None:
    """Take what the driver would print with a traceback; calls fail with it as well."""
    logger.debug("nats: %r", error)


def _confirmed_count(pending: "Sequence[asyncio.Future[Ack]]") -> int:
    """Return how many messages, from the first on, are known to be stored."""
    for index, future in enumerate(pending):
        if not future.done() or future.cancelled() or future.exception() is not None:
            return index
    return len(pending)

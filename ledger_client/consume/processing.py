"""What becomes of one delivery: decided here, carried out by the consumer of the broker."""

import dataclasses
import logging
from collections.abc import Awaitable, Callable
from typing import Final, Generic, TypeAlias, TypeVar

from ledger_client.consume.gaps import Gap, SequenceWatch
from ledger_client.consume.inbox import Inbox, InboxUnavailableError
from ledger_client.consume.received import EventReference, ReceivedEvent, UnreadableError, read
from ledger_client.publish.topology import Retries

logger: Final = logging.getLogger(__name__)

T = TypeVar("T")

#: Has the effects of an event, with what the inbox gives; raises if it cannot.
Handler: TypeAlias = Callable[[ReceivedEvent, T], Awaitable[None]]
#: Reads from the ledger the event that a reference is about.
Resolver: TypeAlias = Callable[[EventReference], Awaitable[ReceivedEvent]]
#: Is told of a gap before the event behind it is handled; raises if that must not be.
GapHandler: TypeAlias = Callable[[Gap], Awaitable[None]]

#: What headers carry of a reason, in characters.
REASON_LENGTH_MAX: Final = 500


class RejectEventError(Exception):
    """Raised by a handler: the event can never be handled. It is not tried again."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A message as the broker handed it over."""

    body: bytes
    content_type: str
    #: Id and type as properties or headers have them; may be empty.
    message_id: str
    message_type: str
    request_id: str
    #: It may have been handed over before.
    redelivered: bool


@dataclasses.dataclass(frozen=True, slots=True)
class Handled:
    """Its effects are there."""


@dataclasses.dataclass(frozen=True, slots=True)
class Repeated:
    """Its effects were there before."""


@dataclasses.dataclass(frozen=True, slots=True)
class Retry:
    """It failed and is to be tried again."""

    #: Which retry it will be, from 1.
    number: int
    wait_seconds: float
    reason: str


@dataclasses.dataclass(frozen=True, slots=True)
class DeadLetter:
    """It failed for good."""

    reason: str
    attempts: int
    #: Whose attempts are to be forgotten once it is put aside; empty if it has no id.
    event_id: str


Outcome: TypeAlias = Handled | Repeated | Retry | DeadLetter


class Processor(Generic[T]):
    """Reads, tells repetitions, handles, counts attempts. The broker counts nothing."""

    def __init__(
        self,
        inbox: Inbox[T],
        handler: Handler[T],
        *,
        retries: Retries,
        resolve: Resolver | None = None,
        watch: SequenceWatch | None = None,
        on_gap: GapHandler | None = None,
    ) -> None:
        """Take what the consumer was given."""
        self._inbox = inbox
        self._handler = handler
        self._retries = retries
        self._resolve = resolve
        self._watch = watch
        self._on_gap = on_gap

    async def process(self, delivery: Delivery) -> Outcome:
        """Handle a delivery, and say what is to be done with its message.

        Raises:
            InboxUnavailableError: nothing could be noted; the message is to be kept.
        """
        try:
            received = read(
                delivery.body,
                content_type=delivery.content_type,
                message_id=delivery.message_id,
                message_type=delivery.message_type,
                request_id=delivery.request_id,
            )
        except UnreadableError as error:
            return DeadLetter(_reason("unreadable", error), 0, "")
        # An attempt is counted when it has failed, so that a good one costs no more than its own
        # transaction. But who dies in a handler counts nothing: what comes again is counted first.
        counted = await self._inbox.count_attempt(received.id) if delivery.redelivered else None
        try:
            return await self._handle(received)
        except InboxUnavailableError:
            raise
        except RejectEventError as error:
            return DeadLetter(_reason("rejected", error), counted or 1, received.id)
        except Exception as error:
            attempts = counted or await self._inbox.count_attempt(received.id)
            logger.warning(
                "attempt %d at %s %s failed", attempts, received.type, received.id, exc_info=error
            )
            return self._after(attempts, received.id, _reason("failed", error))

    async def put_aside(self, letter: DeadLetter) -> None:
        """Note that a dead letter is where it belongs: if it is replayed, it begins anew."""
        if letter.event_id:
            await self._inbox.forget_attempts(letter.event_id)

    async def _handle(self, received: ReceivedEvent | EventReference) -> Outcome:
        if isinstance(received, EventReference):
            if self._resolve is None:
                raise RejectEventError(
                    f"a reference to event {received.sequence} of {received.place} "
                    f"({received.problem}), and this consumer reads none"
                )
            event = await self._resolve(received)
        else:
            event = received
        await self._look_for_gap(event)
        async with self._inbox.handling(received.id) as transaction:
            if transaction is not None:
                await self._handler(event, transaction)
        if self._watch is not None:
            self._watch.passed(event)
        return Repeated() if transaction is None else Handled()

    async def _look_for_gap(self, event: ReceivedEvent) -> None:
        if self._watch is None or self._on_gap is None:
            return
        if gap := self._watch.gap_before(event):
            await self._on_gap(gap)

    def _after(self, attempts: int, event_id: str, reason: str) -> Outcome:
        waits_ms = self._retries.waits_ms
        if attempts > len(waits_ms):
            return DeadLetter(reason, attempts, event_id)
        return Retry(attempts, waits_ms[attempts - 1] / 1000, reason)


def _reason(what: str, error: Exception) -> str:
    return f"{what}: {type(error).__name__}: {error}"[:REASON_LENGTH_MAX]

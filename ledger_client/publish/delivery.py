"""Delivery: events become messages and stay in hand until the broker has confirmed them.

This is where a publisher waits while a broker is down: with one batch in its hands, and nothing
more read from the feed.
"""

import contextlib
import dataclasses
from collections.abc import Sequence
from typing import Final, Generic, Literal

from ledger_client.errors import LedgerError
from ledger_client.publish.feed import E, Feed, FeedBatch
from ledger_client.publish.lease import Lease
from ledger_client.publish.message import Envelope, Message, UnpublishableError
from ledger_client.publish.pacing import Backoff
from ledger_client.publish.reference import CONTENT_TYPE
from ledger_client.publish.status import State, Status
from ledger_client.publish.target import (
    FencedError,
    MessageTooLargeError,
    Origin,
    Published,
    PublishError,
    Target,
    TargetSetupError,
    TargetUnavailableError,
    UnroutableError,
)
from ledger_client.publish.troubles import Troubles

#: Between looks whether the broker still takes another for this publisher.
FENCE_SECONDS: Final = 0.5
#: A predecessor that was cut off may hold the broker's fence until the broker notices; that is as
#: it should be, and nobody need know of it before this.
FENCE_ALERT_SECONDS: Final = 30.0


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Route(Generic[E]):
    """What is published where, and in which form."""

    feed: Feed[E]
    origin: Origin
    #: Of this publisher alone.
    target: Target
    envelope: Envelope[E]
    #: What is done with an event that cannot be published, as it is too large for the broker or
    #: has no form in the envelope: stand still before it, or publish in its place where to find it.
    unpublishable: Literal["stop", "refer"]


class Delivery(Generic[E]):
    """Brings batches to the target, one after the other, each whole before the next."""

    def __init__(self, route: Route[E], status: Status, troubles: Troubles) -> None:
        """Open nothing yet."""
        self._feed = route.feed
        self._route = route
        self._target = route.target
        self._status = status
        self._troubles = troubles
        self._is_open = False
        #: The last message that the target had when it was opened, until those after it come.
        self._found: Published | None = None
        #: Sequence of the last message that the target confirmed to this process.
        self._confirmed = 0
        self._backoff = Backoff()

    async def deliver(self, lease: Lease, batch: FeedBatch[E]) -> bool:
        """Have the broker confirm a batch, however long it takes.

        Returns:
            False if the publisher was to end before that.

        Raises:
            GaveUpError: it took too long.
        """
        events: Sequence[E] = batch.events
        while True:
            messages, broken = self._messages(events)
            if not await self._send(lease, messages):
                return False
            if broken is None:
                break
            # What has no form stands in the way of all behind it.
            events = events[len(messages) :]
            self._moved_to(lease, events[0].sequence - 1)
            await self._stuck(broken, events[0].sequence)
            if self._troubles.stopping.is_set():
                return False
        self._moved_to(lease, batch.position)
        return True

    async def close(self) -> None:
        """Close the target; what was not confirmed is in doubt."""
        self._is_open = False
        self._found = None
        await self._target.close()

    def _messages(self, events: Sequence[E]) -> tuple[list[Message], Exception | None]:
        """Return the messages of events up to the first that has none, and why it has none."""
        messages: list[Message] = []
        for event in events:
            try:
                messages.append(self._route.envelope.message(event))
            except UnpublishableError as error:
                if self._route.unpublishable == "stop":
                    return messages, error
                problem = f"{event.type} of event {event.sequence}: {error}"
                self._refer(error, problem)
                messages.append(self._feed.reference_of_event(event, problem))
        return messages, None

    async def _send(self, lease: Lease, messages: Sequence[Message]) -> bool:
        """Have the broker confirm messages in order; return False at the end, with some left."""
        waiting = self._left(messages)
        while waiting:
            if self._troubles.stopping.is_set():
                return False
            await lease.ensure()
            confirmed, failure = 0, None
            try:
                if not self._is_open:
                    await self._open()
                    waiting = self._left(waiting)
                if waiting:
                    await self._target.publish(waiting)
                confirmed = len(waiting)
            except PublishError as error:
                confirmed, failure = error.confirmed, error
            if confirmed:
                self._status.published += confirmed
                self._confirmed = waiting[confirmed - 1].sequence
            waiting = waiting[confirmed:]
            if waiting:
                self._moved_to(lease, waiting[0].sequence - 1)
            if confirmed:
                self._backoff.reset()
            if failure is None:
                self._troubles.over()
            else:
                self._status.retried += 1
                waiting = await self._failed(failure, waiting)
        return True

    async def _open(self) -> None:
        """Open the target and learn what it has."""
        try:
            found = await self._target.open(self._route.origin)
            await self._check_found(found)
        except BaseException:
            await self._target.close()
            raise
        self._is_open = True
        self._found = found

    async def _check_found(self, found: Published | None) -> None:
        """Hold what the target has against what is known of it.

        Raises:
            TargetSetupError: it has events which the feed has not: a backup was restored.
        """
        if found is None:
            return
        if found.sequence < self._confirmed:
            self._troubles.alert(
                "ConfirmedMessagesLost",
                f"{self._target.name} ends with event {found.sequence}, and had confirmed event "
                f"{self._confirmed}: what lies between was lost there; {self._feed.name} has it",
            )
        if found.sequence <= self._status.head:
            return
        try:
            head = await self._feed.head()
        except LedgerError as error:
            raise TargetUnavailableError(
                f"the head of {self._feed.name} is not known: {error}"
            ) from error
        if found.sequence > head:
            raise TargetSetupError(
                f"{self._target.name} ends with event {found.sequence}, {self._feed.name} with "
                f"{head}: it was published from another past of it; give it a new place"
            )

    def _left(self, messages: Sequence[Message]) -> list[Message]:
        """Return the messages that the target does not have yet, as far as it can tell."""
        left = unpublished(messages, self._found)
        self._status.skipped += len(messages) - len(left)
        if left:
            self._found = None
        return left

    async def _failed(self, error: PublishError, waiting: list[Message]) -> list[Message]:
        """Do what can be done about a failure and wait; return what is to be published next."""
        may_refer = self._route.unpublishable == "refer" and waiting[0].content_type != CONTENT_TYPE
        if isinstance(error, MessageTooLargeError) and may_refer:
            self._refer(error, str(error))
            stand_in = self._feed.reference_of_message(waiting[0], str(error))
            return [stand_in, *waiting[1:]]
        if isinstance(error, UnroutableError):
            self._status.returned += 1
        if isinstance(error, MessageTooLargeError | UnroutableError):
            await self._stuck(error, waiting[0].sequence)
        elif isinstance(error, FencedError):
            await self._fenced(error)
        else:
            await self._troubled(error)
        return waiting

    async def _stuck(self, error: Exception, sequence: int) -> None:
        message = f"stands still before event {sequence}: {error}"
        self._troubles.alert(type(error).__name__, message)
        self._troubles.note(error, State.STUCK)
        await self.close()
        await self._troubles.pause(self._backoff.next_seconds())

    async def _fenced(self, error: PublishError) -> None:
        if self._troubles.note(error) >= FENCE_ALERT_SECONDS:
            self._troubles.alert(type(error).__name__, str(error))
        await self.close()
        await self._troubles.pause(FENCE_SECONDS)

    async def _troubled(self, error: PublishError) -> None:
        self._troubles.alert(type(error).__name__, str(error))
        self._troubles.note(error)
        await self.close()
        # The lag is wanted most when nothing goes out; without an answer it stays as it was.
        with contextlib.suppress(LedgerError):
            self._status.head = max(self._status.head, await self._feed.head())
        await self._troubles.pause(self._backoff.next_seconds())

    def _refer(self, error: Exception, problem: str) -> None:
        self._status.referred += 1
        kind = type(error).__name__
        self._troubles.alert(kind, f"{problem}; a reference to it is published in its place")

    def _moved_to(self, lease: Lease, position: int) -> None:
        lease.advance(position)
        self._status.position = lease.position
        self._status.head = max(self._status.head, lease.position)


def unpublished(messages: Sequence[Message], found: Published | None) -> list[Message]:
    """Return the messages that come after the last one that the broker has.

    Several messages share a sequence where balances are published; their ids tell them apart. If
    the id found is none of theirs, those of its sequence go out again: rather twice than never.
    """
    if found is None:
        return list(messages)
    for index, message in enumerate(messages):
        if message.id == found.id:
            return list(messages[index + 1 :])
    return [message for message in messages if message.sequence >= found.sequence]

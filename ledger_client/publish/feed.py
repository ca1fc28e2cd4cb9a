"""What a publisher follows: events in order, and the cursor that says how far it has come."""

from collections.abc import AsyncGenerator, Sequence
from typing import Protocol, TypeVar

from ledger_client.publish.message import Message
from ledger_client.publish.target import Origin

E = TypeVar("E", bound="FeedEvent")
E_co = TypeVar("E_co", bound="FeedEvent", covariant=True)


class FeedEvent(Protocol):
    """One event of a feed."""

    @property
    def sequence(self) -> int:
        """Place in the feed: from 1, without gaps."""

    @property
    def type(self) -> str:
        """Such as `journal.posted`."""


class FeedBatch(Protocol[E_co]):
    """Some events of a feed, in order; none in a heartbeat."""

    @property
    def events(self) -> Sequence[E_co]:
        """In order of sequence."""

    @property
    def position(self) -> int:
        """Everything up to here was sent, or not asked for."""

    @property
    def head_sequence(self) -> int:
        """Sequence of the feed's last event, as it was known then."""


class FeedHolding(Protocol):
    """A cursor in one's hands."""

    @property
    def position(self) -> int:
        """Every event up to here was handled."""

    @property
    def token(self) -> int:
        """Names this holding to the calls that move the cursor."""


class Feed(Protocol[E]):
    """Events with a head, to be followed from any position, and cursors beside them.

    All calls fail with `LedgerError`. What its subclasses mean to a publisher: `RefusedError` with
    the reasons `CURSOR_HELD` and `CURSOR_LOST` are of cursors; `InvalidRequestError`,
    `NotFoundError` and any other `RefusedError` end it; all others pass.
    """

    @property
    def name(self) -> str:
        """What it is, for people: a journal's code."""

    @property
    def known_head(self) -> int:
        """Sequence of the last event when the feed was opened."""

    def origin(self, publisher: str) -> Origin:
        """Return as whom a publisher appears to brokers.

        Args:
            publisher: name of its cursor.
        """

    async def head(self) -> int:
        """Return the sequence of the last event."""

    def batches(self, after: int) -> AsyncGenerator[FeedBatch[E], None]:
        """Give what comes after a position, without end but by an error or by closing it."""

    async def acquire_cursor(self, name: str, *, holder: str, lease_seconds: int) -> FeedHolding:
        """Take a cursor, made at 0 if there is none."""

    async def advance_cursor(
        self, name: str, *, token: int, position: int, lease_seconds: int
    ) -> None:
        """Note that every event up to `position` was handled, and renew the lease."""

    async def release_cursor(self, name: str, *, token: int) -> None:
        """Give a cursor back; nothing happens if the holding was over already."""

    def reference_of_event(self, event: E, problem: str) -> Message:
        """Return what takes the place of an event that has no form in its envelope."""

    def reference_of_message(self, message: Message, problem: str) -> Message:
        """Return what takes the place of a message that the broker cannot carry."""

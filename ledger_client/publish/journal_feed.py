"""A journal as a feed."""

import dataclasses
from collections.abc import AsyncGenerator

from ledger_client.client import LedgerClient
from ledger_client.models import CursorHolding, Event, EventBatch, EventFilter, Journal
from ledger_client.publish import reference
from ledger_client.publish.message import Message, message_id
from ledger_client.publish.target import Origin


@dataclasses.dataclass(frozen=True, slots=True)
class JournalHolding:
    """A cursor of the ledger in one's hands."""

    holding: CursorHolding

    @property
    def position(self) -> int:
        """Every event up to here was handled."""
        return self.holding.cursor.position

    @property
    def token(self) -> int:
        """Names this holding."""
        return self.holding.token


class JournalFeed:
    """The events of one journal, and its cursors, which the ledger keeps."""

    def __init__(
        self,
        ledger: LedgerClient,
        journal: Journal,
        *,
        types: tuple[str, ...] = (),
        balance_updates: bool = False,
    ) -> None:
        """Nothing is sent yet.

        Args:
            ledger: where the events come from and the cursor is kept.
            journal: whose events.
            types: only events of these types, such as `journal.posted`; empty for all.
            balance_updates: a `balance.updated` for each entry too.
        """
        self._ledger = ledger
        self._journal = journal
        self._filter = EventFilter(types=types) if types else None
        self._balance_updates = balance_updates

    @property
    def name(self) -> str:
        """The journal's code."""
        return self._journal.code

    @property
    def known_head(self) -> int:
        """The head when the journal was looked up."""
        return self._journal.head_sequence

    def origin(self, publisher: str) -> Origin:
        """Return as whom a publisher appears to brokers."""
        return Origin(self._journal.code, publisher)

    async def head(self) -> int:
        """Return the journal's head."""
        return (await self._ledger.get_head(self._journal.code)).sequence

    def batches(self, after: int) -> AsyncGenerator[EventBatch, None]:
        """Follow the journal after a position."""
        return self._ledger.subscribe(
            self._journal.code,
            after_sequence=after,
            filter=self._filter,
            include_balance_updates=self._balance_updates,
        )

    async def acquire_cursor(self, name: str, *, holder: str, lease_seconds: int) -> JournalHolding:
        """Take a cursor, made at 0 if there is none."""
        return JournalHolding(
            await self._ledger.acquire_cursor(
                self._journal.code, name, holder=holder, lease_seconds=lease_seconds
            )
        )

    async def advance_cursor(
        self, name: str, *, token: int, position: int, lease_seconds: int
    ) -> None:
        """Note a position and renew the lease."""
        await self._ledger.advance_cursor(
            self._journal.code, name, token=token, position=position, lease_seconds=lease_seconds
        )

    async def release_cursor(self, name: str, *, token: int) -> None:
        """Give a cursor back."""
        await self._ledger.release_cursor(self._journal.code, name, token=token)

    def reference_of_event(self, event: Event, problem: str) -> Message:
        """Return what takes the place of an event that has no form in its envelope.

        Its type is the event's own, without what an envelope makes of it.
        """
        identity = message_id(self._journal.id, event)
        return reference.reference(
            Message(
                id=identity,
                type=event.type,
                sequence=event.sequence,
                body=b"",
                content_type="",
                headers={
                    "event-id": identity,
                    "event-type": event.type,
                    "journal-id": str(self._journal.id),
                    "sequence": str(event.sequence),
                },
            ),
            {"journal_id": str(self._journal.id)},
            problem,
        )

    def reference_of_message(self, message: Message, problem: str) -> Message:
        """Return what takes the place of a message that the broker cannot carry."""
        return reference.reference(message, {"journal_id": str(self._journal.id)}, problem)

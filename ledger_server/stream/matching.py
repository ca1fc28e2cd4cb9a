"""Which events a subscriber asks for."""

import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any, Final
from uuid import UUID

from ledger_proto.v1 import events_pb2
from ledger_server.domain.primitives import JournalId
from ledger_server.store import account_sets
from ledger_server.store.database import Database
from ledger_server.store.event_codec import TRANSACTION_TYPES, StreamEvent, balance_updates
from ledger_server.stream.watches import Interest, Mark

#: Facts after which another account may be in a set.
_MEMBERSHIP_TYPES: Final = frozenset(
    {
        events_pb2.Event.ACCOUNT_SET_MEMBERS_ADDED_FIELD_NUMBER,
        events_pb2.Event.ACCOUNT_SET_MEMBERS_REMOVED_FIELD_NUMBER,
    }
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """What an event must be; all that is given must hold."""

    #: Numbers of facts; None for all.
    types: frozenset[int] | None = None
    #: Ids, as events have them: texts. None for all.
    account_ids: frozenset[str] | None = None
    account_set_id: UUID | None = None
    template_code: str = ""
    correlation_id: str = ""

    @property
    def asks_for_subjects(self) -> bool:
        """Whether events must be decoded to tell."""
        return bool(
            self.account_ids is not None
            or self.account_set_id
            or self.template_code
            or self.correlation_id
        )


_EVERYTHING: Final = EventFilter()


@dataclasses.dataclass(frozen=True, slots=True)
class Subject:
    """What an event is about."""

    account_ids: frozenset[str] = frozenset()
    account_set_id: str = ""
    template_code: str = ""
    correlation_id: str = ""


class Matcher:
    """Picks the events that a filter lets through, and what is derived from them."""

    def __init__(
        self, database: Database, journal_id: JournalId, wanted: EventFilter, *, balances: bool
    ) -> None:
        """Know no members yet; the first page looks them up.

        Args:
            database: holds the members of the filter's set.
            journal_id: of the events.
            wanted: the filter.
            balances: whether `balance_updated` is to be derived.
        """
        #: What must be read: changes of a set's members too, as they change what matches.
        self.types = wanted.types
        if wanted.types is not None and wanted.account_set_id is not None:
            self.types = wanted.types | _MEMBERSHIP_TYPES
        self._database = database
        self._journal_id = journal_id
        self._wanted = wanted
        self._balances = balances
        self._members: frozenset[str] | None = None

    @property
    def takes_all(self) -> bool:
        """Whether every event is let through."""
        return self._wanted == _EVERYTHING

    @property
    def interest(self) -> Interest | None:
        """What any event has that is asked for; None if that tells too little to wait by it."""
        wanted = self._wanted
        marks: frozenset[Mark] | None = None
        # Changes of a set's members must be seen, and they have other marks than what is asked for.
        if wanted.account_set_id is None:
            if wanted.correlation_id:
                marks = frozenset({_correlation_mark(wanted.correlation_id)})
            elif wanted.account_ids is not None:
                marks = wanted.account_ids
            elif wanted.template_code:
                marks = frozenset({_template_mark(wanted.template_code)})
        if marks is None and self.types is None:
            return None
        return Interest(self.types, marks)

    async def prepare(self, events: Sequence[StreamEvent]) -> None:
        """Get ready to pick from `events`: learn who is in the set if that may have changed."""
        if self._wanted.account_set_id is None:
            return
        if self._members is None or any(event.type in _MEMBERSHIP_TYPES for event in events):
            async with self._database.look_up_connection() as tx:
                found = await account_sets.accounts_below_in_tx(
                    tx, self._journal_id, self._wanted.account_set_id
                )
            self._members = frozenset(map(str, found))

    def frames_of(self, events: Sequence[StreamEvent]) -> list[bytes]:
        """Return the bytes of a response for those of `events` that are asked for."""
        if self.takes_all and not self._balances:
            return [part for event in events for part in (event.head, event.payload)]
        return [part for event in events for part in self.frames(event)]

    def frames(self, event: StreamEvent) -> Sequence[bytes]:
        """Return the bytes of a response for `event`, nothing if it is not asked for."""
        if not self._matches(event):
            return ()
        if not self._balances:
            return event.head, event.payload
        wanted = [ids for ids in (self._wanted.account_ids, self._members) if ids is not None]
        return [event.head, event.payload, *balance_updates(event, wanted)]

    def _matches(self, event: StreamEvent) -> bool:
        wanted = self._wanted
        if wanted.types is not None and event.type not in wanted.types:
            return False
        if not wanted.asks_for_subjects:
            return True
        subject = _subject(event)
        if wanted.account_ids is not None and subject.account_ids.isdisjoint(wanted.account_ids):
            return False
        if wanted.account_set_id is not None and not self._is_of_set(subject):
            return False
        if wanted.template_code and subject.template_code != wanted.template_code:
            return False
        return not wanted.correlation_id or subject.correlation_id == wanted.correlation_id

    def _is_of_set(self, subject: Subject) -> bool:
        assert self._members is not None, "prepared"
        return subject.account_set_id == str(self._wanted.account_set_id) or not (
            subject.account_ids.isdisjoint(self._members)
        )


def marks_of(event: StreamEvent) -> Iterator[Mark]:
    """Give what `event` can be waited for by, besides its type."""
    subject = _subject(event)
    yield from subject.account_ids
    if subject.template_code:
        yield _template_mark(subject.template_code)
    if subject.correlation_id:
        yield _correlation_mark(subject.correlation_id)


def _template_mark(code: str) -> Mark:
    return f"template {code}"


def _correlation_mark(correlation_id: str) -> Mark:
    return f"correlation {correlation_id}"


def _subject(event: StreamEvent) -> Subject:
    """Return what `event` is about; it is decoded once, however many ask."""
    if event.subject is None:
        event.subject = _read_subject(event)
    subject: Subject = event.subject
    return subject


def _read_subject(event: StreamEvent) -> Subject:
    stored = events_pb2.Event.FromString(event.payload)
    name = stored.WhichOneof("fact")
    if name is None:
        # Of a type that only a newer server knows, as during an upgrade: about nothing known here.
        return Subject()
    fact: Any = getattr(stored, name)
    if event.type in TRANSACTION_TYPES:
        transaction = fact.transaction
        return Subject(
            account_ids=frozenset(entry.account_id for entry in transaction.entries),
            template_code=transaction.template_code,
            correlation_id=transaction.correlation_id,
        )
    if name == "template_created":
        return Subject(template_code=fact.template.code)
    if name == "account_set_created":
        return Subject(account_set_id=fact.account_set.id)
    if name.startswith("account_set_"):
        return Subject(frozenset(fact.account_ids), fact.account_set_id)
    if name.startswith("account_"):
        return Subject(frozenset({fact.account.id}))
    if name in {"limit_attached", "limit_detached"}:
        bound = fact.attachment
        return Subject(frozenset({bound.account_id} - {""}), bound.account_set_id)
    return Subject()

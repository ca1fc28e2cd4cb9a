"""Who waits for which events: an event wakes those that it may be for, and nobody else.

A thousand subscribers with a filter that nothing matches must not cost a thousand looks at every
event. Each waits with what any event for it must have: one of some types, or an account, template
or correlation id. An event is looked up by what it has, once for all. That a watch was not woken
also tells that nothing up to the tail's position is for its subscriber: it moves on unseen.
"""

import asyncio
import dataclasses
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from typing import TypeAlias

from ledger_server.store.event_codec import StreamEvent

_log = logging.getLogger(__name__)

#: An account's id, or a template's code or a correlation id with a mark before it.
Mark: TypeAlias = str


@dataclasses.dataclass(frozen=True, slots=True)
class Interest:
    """What any event has that a subscriber asks for; another may have it too."""

    #: Numbers of facts; None for all.
    types: frozenset[int] | None
    #: Marks of which it has one; None if it need have none.
    marks: frozenset[Mark] | None

    @property
    def keys(self) -> frozenset[int] | frozenset[Mark]:
        """Under what to look for it: its marks, which are rarer, or its types."""
        if self.marks is not None:
            return self.marks
        assert self.types is not None, "who asks for everything waits for any event"
        return self.types


class Watch:
    """One subscriber that waits."""

    __slots__ = ("after", "first", "interest", "woken")

    def __init__(self, interest: Interest, after: int) -> None:
        """Wait for an event after a position."""
        self.interest = interest
        self.after = after
        #: The first event that may be for the subscriber; None while there is none.
        self.first: int | None = None
        #: Set when there is one, or when it is to look at how things are.
        self.woken = asyncio.Event()

    def note(self, event: StreamEvent) -> None:
        """Wake, if `event` may be for the subscriber and is the first such."""
        types = self.interest.types
        is_of_type = types is None or event.type in types
        if self.first is None and is_of_type and event.sequence > self.after:
            self.first = event.sequence
            self.woken.set()


class Watches:
    """All who wait at one tail."""

    def __init__(self, marks_of: Callable[[StreamEvent], Iterable[Mark]]) -> None:
        """Begin with nobody waiting.

        Args:
            marks_of: the marks of an event; asked only if somebody waits for marks, as the event
                must be decoded for it.
        """
        self._marks_of = marks_of
        #: By the number of a fact or by a mark.
        self._waiting: dict[int | Mark, set[Watch]] = {}
        #: Types of which those who wait for marks take events, and how many do; None for all.
        self._marked_types: Counter[int | None] = Counter()

    def add(self, interest: Interest, after: int) -> Watch:
        """Wait for events after `after`."""
        watch = Watch(interest, after)
        for key in interest.keys:
            self._waiting.setdefault(key, set()).add(watch)
        if interest.marks is not None:
            self._marked_types.update(interest.types or [None])
        return watch

    def remove(self, watch: Watch) -> None:
        """Wait no more."""
        for key in watch.interest.keys:
            waiting = self._waiting[key]
            waiting.discard(watch)
            if not waiting:
                del self._waiting[key]
        if watch.interest.marks is not None:
            self._marked_types -= Counter(watch.interest.types or [None])

    def note(self, events: Iterable[StreamEvent]) -> None:
        """Wake those for whom one of `events`, in order, may be."""
        if not self._waiting:
            return
        for event in events:
            for watch in self._waiting.get(event.type, ()):
                watch.note(event)
            # Decoded only if somebody may take an event of this type.
            if event.type in self._marked_types or None in self._marked_types:
                for mark in self._marks(event):
                    for watch in self._waiting.get(mark, ()):
                        watch.note(event)

    def _marks(self, event: StreamEvent) -> list[int | Mark]:
        """Return an event's marks; of one that cannot be read, all that anybody waits for.

        Whoever is woken looks at it himself, and his stream fails; nobody moves on past it, or
        past what is behind it, unseen.
        """
        try:
            return list(self._marks_of(event))
        except Exception:  # noqa: BLE001  # whatever is stored must not silence the others
            _log.exception("event %s cannot be read", event.sequence)
            return list(self._waiting)

    def wake_all(self) -> None:
        """Have everyone look at how things are."""
        for waiting in self._waiting.values():
            for watch in waiting:
                watch.woken.set()

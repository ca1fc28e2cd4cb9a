"""Where a consumer notes what it has handled, so that what comes again is told."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator
from typing import Protocol, TypeVar

T_co = TypeVar("T_co", covariant=True)


class InboxUnavailableError(Exception):
    """Nothing can be noted now. That is no fault of an event: the consumer waits."""


class Inbox(Protocol[T_co]):
    """The notes of one consumer, by ids of events. `T` is what a handler writes with."""

    def handling(self, event_id: str) -> contextlib.AbstractAsyncContextManager[T_co | None]:
        """Enter the transaction in which an event is handled and noted as handled.

        Both are there when the block has ended well, and neither if it raised. Gives None if the
        event was handled before. While one is in the block for an event, others wait.

        Raises:
            InboxUnavailableError: it could not be entered.
        """
        ...

    async def count_attempt(self, event_id: str) -> int:
        """Count an attempt, and return how many there were with it; kept whatever comes.

        Raises:
            InboxUnavailableError: it could not be noted.
        """
        ...

    async def forget_attempts(self, event_id: str) -> None:
        """Forget the attempts at an event that was not handled: another begins anew.

        Raises:
            InboxUnavailableError: it could not be noted.
        """
        ...


class MemoryInbox:
    """Notes that end with the process: for handlers to whom a repetition does nothing."""

    def __init__(self, *, events_max: int = 100_000) -> None:
        """Begin with nothing handled.

        Args:
            events_max: how many handled events are remembered, the latest.
        """
        self._events_max = events_max
        self._handled: dict[str, None] = {}
        self._attempts: dict[str, int] = {}
        self._locks: weakref.WeakValueDictionary[str, asyncio.Lock] = weakref.WeakValueDictionary()

    @contextlib.asynccontextmanager
    async def handling(self, event_id: str) -> AsyncIterator[str | None]:
        """Give the event's id, or None if it was handled before."""
        lock = self._locks.setdefault(event_id, asyncio.Lock())
        async with lock:
            if event_id in self._handled:
                self._attempts.pop(event_id, None)
                yield None
                return
            yield event_id
            self._handled[event_id] = None
            self._attempts.pop(event_id, None)
            if len(self._handled) > self._events_max:
                del self._handled[next(iter(self._handled))]

    async def count_attempt(self, event_id: str) -> int:
        """Count an attempt."""
        self._attempts[event_id] = self._attempts.get(event_id, 0) + 1
        return self._attempts[event_id]

    async def forget_attempts(self, event_id: str) -> None:
        """Forget the attempts at an event."""
        self._attempts.pop(event_id, None)

"""The bank's time. Everything that is dated asks a clock, so that tests can set it."""

import datetime as dt
from typing import Protocol


class Clock(Protocol):
    """Tells the time."""

    def now(self) -> dt.datetime:
        """Return the time, in UTC."""


class SystemClock:
    """The machine's time."""

    def now(self) -> dt.datetime:
        """Return the time, in UTC."""
        return dt.datetime.now(dt.UTC)


class ManualClock:
    """Stands still until it is set."""

    def __init__(self, start: dt.datetime) -> None:
        """Begin at a time, which must have an offset."""
        self._now = start.astimezone(dt.UTC)

    def now(self) -> dt.datetime:
        """Return the time, in UTC."""
        return self._now

    def set(self, time: dt.datetime) -> None:
        """Go on to a later time.

        Raises:
            ValueError: it is earlier, or has no offset.
        """
        if time.tzinfo is None:
            raise ValueError("a time needs an offset")
        if time < self._now:
            raise ValueError(f"the clock stands at {self._now.isoformat()} and never goes back")
        self._now = time.astimezone(dt.UTC)

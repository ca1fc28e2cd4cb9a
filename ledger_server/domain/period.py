"""Periods: which days of a journal are closed or locked, and how that may change."""

import dataclasses
from datetime import date, datetime, timedelta
from typing import Final

from ledger_server.domain.errors import (
    LedgerError,
    PeriodClosedError,
    PeriodLockedError,
    PeriodOrderError,
)

#: The last day that can be closed: one must stay open.
CLOSABLE_MAX: Final = date.max - timedelta(days=1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Which days are closed and locked, and the change that made it so."""

    #: Last day on which nothing posts; None if no day is closed.
    closed_through: date | None
    #: Last day behind the soft lock; None if no day is locked. Never before `closed_through`.
    locked_through: date | None
    #: Of the change's event; 0 if there was none yet.
    sequence: int
    changed_at: datetime | None
    #: Empty while the server runs without authentication.
    actor: str
    reason: str

    def __post_init__(self) -> None:
        """Hold the invariant for every period, also one read back from the store."""
        assert self.closed_through is None or (
            self.locked_through is not None and self.locked_through >= self.closed_through
        ), f"closed through {self.closed_through} but locked through {self.locked_through}"

    def refusal(self, effective: date, *, behind_soft_lock: bool) -> LedgerError | None:
        """Return why nothing may be effective on this day, None if it may.

        Args:
            effective: the day.
            behind_soft_lock: whether the caller means to post on days that are locked.
        """
        if self.closed_through is not None and effective <= self.closed_through:
            return PeriodClosedError(effective, self.closed_through)
        if behind_soft_lock or self.locked_through is None or effective > self.locked_through:
            return None
        return PeriodLockedError(effective, self.locked_through)

    def first_open_day(self, today: date) -> date:
        """Return `today`, or the first day after it that is neither closed nor locked."""
        if self.locked_through is None or self.locked_through < today:
            return today
        return self.locked_through + timedelta(days=1)

    def closed(self, through: date) -> "Days":
        """Return the days after a hard close, which locks what it closes.

        Raises:
            PeriodOrderError: they are closed that far already.
        """
        if self.closed_through is not None and through <= self.closed_through:
            raise self._order_error("a close must go further than the last one", through)
        return Days(through, max(through, self.locked_through or through))

    def locked(self, through: date) -> "Days":
        """Return the days after a soft close.

        Raises:
            PeriodOrderError: they are locked that far already.
        """
        if self.locked_through is not None and through <= self.locked_through:
            raise self._order_error("a lock must go further than the last one", through)
        return Days(self.closed_through, through)

    def reopened(self, through: date | None) -> "Days":
        """Return the days after opening all after `through`; None opens all there are.

        The soft lock moves back to the same day: whoever opens days means to post on them.

        Raises:
            PeriodOrderError: the day asked for is not closed, or is the last that is.
        """
        if self.closed_through is None or (through is not None and through >= self.closed_through):
            raise self._order_error("opening must leave fewer days closed", through)
        return Days(through, through)

    def unlocked(self, through: date | None) -> "Days":
        """Return the days after moving the soft lock back; None unlocks all that is not closed.

        Raises:
            PeriodOrderError: that would not move it back, or would move it before closed days.
        """
        if self.locked_through is None or (through is not None and through >= self.locked_through):
            raise self._order_error("unlocking must leave fewer days locked", through)
        if self.closed_through is not None and (through is None or through < self.closed_through):
            raise self._order_error("closed days stay locked", through)
        return Days(self.closed_through, through)

    def _order_error(self, rule: str, through: date | None) -> PeriodOrderError:
        return PeriodOrderError(
            rule, _text(through), _text(self.closed_through), _text(self.locked_through)
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Days:
    """What a change makes of a period."""

    closed_through: date | None
    locked_through: date | None


#: Of a journal whose days were never closed or locked.
ALL_OPEN: Final = Period(
    closed_through=None, locked_through=None, sequence=0, changed_at=None, actor="", reason=""
)


def _text(day: date | None) -> str:
    return "" if day is None else day.isoformat()

"""Refusals about closed and locked days."""

import dataclasses
from datetime import date

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class PeriodClosedError(LedgerError):
    """A transaction is effective on a day that is closed."""

    reason = "PERIOD_CLOSED"
    kind = Kind.REFUSED

    effective_date: date
    closed_through: date

    def __str__(self) -> str:
        """Name both days."""
        return f"{self.effective_date} is closed: nothing posts on or before {self.closed_through}"


@dataclasses.dataclass(eq=False)
class PeriodLockedError(LedgerError):
    """A transaction is effective behind the soft lock and does not say that it means to be."""

    reason = "PERIOD_LOCKED"
    kind = Kind.REFUSED

    effective_date: date
    locked_through: date

    def __str__(self) -> str:
        """Name both days and the way past the lock."""
        return (
            f"{self.effective_date} is locked: only requests with behind_soft_lock post on or "
            f"before {self.locked_through}"
        )


@dataclasses.dataclass(eq=False)
class PeriodOrderError(LedgerError):
    """A close does not go forwards, or an opening does not go backwards. Days are empty if none."""

    reason = "PERIOD_ORDER"
    kind = Kind.REFUSED

    #: The rule that would be broken.
    rule: str
    through: str
    closed_through: str
    locked_through: str

    def __str__(self) -> str:
        """State the rule, what was asked and what is."""
        return (
            f"{self.rule}; asked for: {self.through or 'none'}, "
            f"closed through: {self.closed_through or 'none'}, "
            f"locked through: {self.locked_through or 'none'}"
        )

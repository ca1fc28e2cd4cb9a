"""Refusals about journals, their currencies and their positions."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class JournalNotFoundError(LedgerError):
    """No journal has this code or id."""

    reason = "JOURNAL_NOT_FOUND"
    kind = Kind.NOT_FOUND

    journal: str

    def __str__(self) -> str:
        """Name the journal."""
        return f"no journal has the code or id {self.journal!r}"


@dataclasses.dataclass(eq=False)
class JournalExistsError(LedgerError):
    """A journal has this code already."""

    reason = "JOURNAL_EXISTS"
    kind = Kind.CONFLICT

    code: str

    def __str__(self) -> str:
        """Name the code."""
        return f"a journal with the code {self.code!r} is there already"


@dataclasses.dataclass(eq=False)
class CurrencyUnknownError(LedgerError):
    """A currency is not registered in the journal."""

    reason = "CURRENCY_UNKNOWN"
    kind = Kind.INVALID

    currency: str

    def __str__(self) -> str:
        """Name the currency."""
        return f"currency {self.currency!r} is not registered in this journal"


@dataclasses.dataclass(eq=False)
class CurrencyConflictError(LedgerError):
    """A currency is registered with another exponent."""

    reason = "CURRENCY_CONFLICT"
    kind = Kind.CONFLICT

    currency: str
    exponent: int
    registered_exponent: int

    def __str__(self) -> str:
        """State both exponents."""
        return (
            f"currency {self.currency} is registered with exponent {self.registered_exponent}, "
            f"not {self.exponent}; it can never change"
        )


@dataclasses.dataclass(eq=False)
class PositionUnavailableError(LedgerError):
    """A sequence lies beyond the journal's head, or the head of its tree."""

    reason = "POSITION_UNAVAILABLE"
    kind = Kind.OUT_OF_RANGE

    sequence: int
    head_sequence: int

    def __str__(self) -> str:
        """State both positions."""
        return f"sequence {self.sequence} is beyond the head {self.head_sequence}"


@dataclasses.dataclass(eq=False)
class ReportTooLargeError(LedgerError):
    """A report by chart would show more rows, or look at more places, than it may."""

    reason = "REPORT_TOO_LARGE"
    kind = Kind.INVALID

    rows_max: int

    def __str__(self) -> str:
        """State the bound and what to do."""
        return f"the report would have more than {self.rows_max} rows: ask for a smaller set_depth"

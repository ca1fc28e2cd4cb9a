"""Refusals about the chart of accounts."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError, Violation


@dataclasses.dataclass(eq=False)
class ChartInvalidError(LedgerError):
    """A chart has mistakes, or is not what is there; each is a violation with its place."""

    reason = "CHART_INVALID"
    kind = Kind.INVALID

    #: How many there are; the violations may be fewer.
    mistakes: int
    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """Count the mistakes and state the first."""
        first = self.violations[0]
        return (
            f"the chart has {self.mistakes} mistake(s), "
            f"the first at {first.field}: {first.description}"
        )


@dataclasses.dataclass(eq=False)
class AccountSetNotLeafError(LedgerError):
    """An account is to be created in a set that has sets below it."""

    reason = "ACCOUNT_SET_NOT_LEAF"
    kind = Kind.REFUSED

    account_set: str

    def __str__(self) -> str:
        """Name the set."""
        return f"account set {self.account_set!r} has sets below it: name one of those"

"""Refusals about fiscal years and their close."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class FiscalYearNotFoundError(LedgerError):
    """No fiscal year of the journal has this code."""

    reason = "FISCAL_YEAR_NOT_FOUND"
    kind = Kind.NOT_FOUND

    year: str

    def __str__(self) -> str:
        """Name the year."""
        return f"no fiscal year has the code {self.year!r}"


@dataclasses.dataclass(eq=False)
class FiscalYearExistsError(LedgerError):
    """A fiscal year has this code already."""

    reason = "FISCAL_YEAR_EXISTS"
    kind = Kind.CONFLICT

    year: str

    def __str__(self) -> str:
        """Name the code that is taken."""
        return f"a fiscal year with the code {self.year!r} is there already"


@dataclasses.dataclass(eq=False)
class FiscalYearOrderError(LedgerError):
    """Years adjoin, are closed from the earliest on and reopened from the latest back."""

    reason = "FISCAL_YEAR_ORDER"
    kind = Kind.REFUSED

    #: The rule that would be broken.
    rule: str
    year: str
    #: The year that is in the way.
    other: str

    def __str__(self) -> str:
        """State the rule and both years."""
        return f"fiscal year {self.year!r}: {self.rule}; see {self.other!r}"


@dataclasses.dataclass(eq=False)
class FiscalYearStateError(LedgerError):
    """A year is closed and nothing came late, is not closed, or there is nothing to close by."""

    reason = "FISCAL_YEAR_STATE"
    kind = Kind.REFUSED

    year: str
    problem: str

    def __str__(self) -> str:
        """Name the year and the problem."""
        return f"fiscal year {self.year!r}: {self.problem}"


@dataclasses.dataclass(eq=False)
class RetainedEarningsInvalidError(LedgerError):
    """The account that a year's result goes to is not named, or is not one that can take it."""

    reason = "RETAINED_EARNINGS_INVALID"
    kind = Kind.REFUSED

    year: str
    #: Empty if none is named.
    account: str
    problem: str

    def __str__(self) -> str:
        """Name the account and the problem."""
        account = f" {self.account!r}" if self.account else ""
        return f"fiscal year {self.year!r}: retained earnings account{account} {self.problem}"


@dataclasses.dataclass(eq=False)
class AccountCategoryAmbiguousError(LedgerError):
    """An account stands in revenue or expense and also elsewhere in the chart."""

    reason = "ACCOUNT_CATEGORY_AMBIGUOUS"
    kind = Kind.REFUSED

    account: str
    categories: str
    #: How many such accounts there are.
    accounts: int

    def __str__(self) -> str:
        """Name the first account and its places."""
        more = f" (and {self.accounts - 1} more)" if self.accounts > 1 else ""
        return f"account {self.account!r}{more} stands in {self.categories}: it may in one only"

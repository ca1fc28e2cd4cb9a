"""Refusals about limits."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError, Violation


@dataclasses.dataclass(eq=False)
class LimitNotFoundError(LedgerError):
    """No limit of the journal has this code."""

    reason = "LIMIT_NOT_FOUND"
    kind = Kind.NOT_FOUND

    limit: str

    def __str__(self) -> str:
        """Name the limit."""
        return f"no limit has the code {self.limit!r}"


@dataclasses.dataclass(eq=False)
class LimitExistsError(LedgerError):
    """A limit has this code already."""

    reason = "LIMIT_EXISTS"
    kind = Kind.CONFLICT

    limit: str

    def __str__(self) -> str:
        """Name the code that is taken."""
        return f"a limit with the code {self.limit!r} is there already"


@dataclasses.dataclass(eq=False)
class LimitInvalidError(LedgerError):
    """A condition does not compile, or a scope does not fit; each violation says where."""

    reason = "LIMIT_INVALID"
    kind = Kind.INVALID

    violations: tuple[Violation, ...]

    def __str__(self) -> str:
        """Count the mistakes and state the first."""
        first = self.violations[0]
        return (
            f"the limit has {len(self.violations)} mistake(s), "
            f"the first at {first.field}: {first.description}"
        )


@dataclasses.dataclass(eq=False)
class LimitNotAttachedError(LedgerError):
    """A limit does not bind this account or set by itself."""

    reason = "LIMIT_NOT_ATTACHED"
    kind = Kind.NOT_FOUND

    limit: str
    #: The account or set as the caller named it.
    target: str

    def __str__(self) -> str:
        """Name the limit and what it does not bind."""
        return f"limit {self.limit!r} is not attached to {self.target!r}"


@dataclasses.dataclass(eq=False)
class LimitExceededError(LedgerError):
    """A posting or hold would pass a limit. Amounts are in whole currency units."""

    reason = "LIMIT_EXCEEDED"
    kind = Kind.REFUSED

    limit: str
    #: The account, or the set that is bound as a whole.
    account: str
    currency: str
    bound: str
    #: What is available, or what has moved in the window.
    current: str
    asked: str
    left: str

    def __str__(self) -> str:
        """State the bound, what is there, what was asked and what is left."""
        return (
            f"limit {self.limit!r} on {self.account!r}: bound {self.bound} {self.currency}, "
            f"current {self.current}, asked {self.asked}, left {self.left}"
        )

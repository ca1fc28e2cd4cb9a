"""Refusals that are about the server and its database, not about what was asked."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class OverloadedError(LedgerError):
    """More postings wait than the server accepts."""

    reason = "OVERLOADED"
    kind = Kind.TOO_MUCH

    waiting_max: int

    def __str__(self) -> str:
        """State the bound."""
        return f"{self.waiting_max} postings are waiting already; try again shortly"


@dataclasses.dataclass(eq=False)
class TooManyCallsError(LedgerError):
    """As many calls are under way as the server takes."""

    reason = "TOO_MANY_CALLS"
    kind = Kind.TOO_MUCH

    calls_max: int

    def __str__(self) -> str:
        """State the bound."""
        return f"{self.calls_max} calls are under way already; try again shortly"


@dataclasses.dataclass(eq=False)
class TooManySubscribersError(LedgerError):
    """As many streams are open as the server serves."""

    reason = "TOO_MANY_SUBSCRIBERS"
    kind = Kind.TOO_MUCH

    subscribers_max: int

    def __str__(self) -> str:
        """State the bound."""
        return f"this server has its {self.subscribers_max} subscribers; try another one, or later"


@dataclasses.dataclass(eq=False)
class ContentionError(LedgerError):
    """Other servers' commits came in between too often."""

    reason = "CONTENTION"
    kind = Kind.CONTENTION

    attempts: int

    def __str__(self) -> str:
        """Count the attempts."""
        return (
            f"gave way to other commits {self.attempts} times; the same request may be sent again"
        )


@dataclasses.dataclass(eq=False)
class StorageUnavailableError(LedgerError):
    """The database cannot be reached, is read-only or full."""

    reason = "STORAGE_UNAVAILABLE"
    kind = Kind.UNAVAILABLE

    def __str__(self) -> str:
        """Say that the outcome may be open, and how to learn it."""
        return "the database does not answer; send the same request with the same id again"


@dataclasses.dataclass(eq=False)
class ShuttingDownError(LedgerError):
    """The server is stopping and takes no more postings."""

    reason = "SHUTTING_DOWN"
    kind = Kind.UNAVAILABLE

    def __str__(self) -> str:
        """Say what to do."""
        return "this server is stopping; send the same request to another one"


@dataclasses.dataclass(eq=False)
class InternalError(LedgerError):
    """A bug: the server met something that it does not know."""

    reason = "INTERNAL"
    kind = Kind.INTERNAL

    incident: str

    def __str__(self) -> str:
        """Name the log entry."""
        return f"internal error; the server's log has it under {self.incident}"


@dataclasses.dataclass(eq=False)
class LedgerInvariantError(LedgerError):
    """The database refused what the rules allowed: one of them is wrong."""

    reason = "LEDGER_INVARIANT"
    kind = Kind.BROKEN

    constraint: str

    def __str__(self) -> str:
        """Name the guard."""
        return f"the database's own check {self.constraint} refused a write; nothing was written"

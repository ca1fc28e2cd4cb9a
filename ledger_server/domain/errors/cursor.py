"""Refusals about cursors."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class CursorHeldError(LedgerError):
    """Another holder's lease of the cursor runs."""

    reason = "CURSOR_HELD"
    kind = Kind.REFUSED

    cursor: str
    holder: str
    #: ISO 8601, by the database's clock.
    lease_expire_time: str

    def __str__(self) -> str:
        """Name the holder and when its lease ends."""
        return f"cursor {self.cursor!r} is held by {self.holder!r} until {self.lease_expire_time}"


@dataclasses.dataclass(eq=False)
class CursorLostError(LedgerError):
    """The holding that the token names is over: another has taken the cursor, or it was reset."""

    reason = "CURSOR_LOST"
    kind = Kind.REFUSED

    cursor: str

    def __str__(self) -> str:
        """Say what to do."""
        return f"cursor {self.cursor!r} is no longer held with this token; stop, or acquire it anew"


@dataclasses.dataclass(eq=False)
class CursorNotFoundError(LedgerError):
    """The journal has no cursor of this name."""

    reason = "CURSOR_NOT_FOUND"
    kind = Kind.NOT_FOUND

    cursor: str

    def __str__(self) -> str:
        """Name the cursor."""
        return f"the journal has no cursor {self.cursor!r}"

"""Refusals of the services that all modules share."""

import dataclasses

from ledger_client.banking.foundation.errors import BankError, Kind


@dataclasses.dataclass(eq=False)
class ModuleUnknownError(BankError):
    """No such module runs here."""

    reason = "MODULE_UNKNOWN"
    kind = Kind.NOT_FOUND

    module: str

    def __str__(self) -> str:
        """Name it."""
        return f"module {self.module!r} does not run here"


@dataclasses.dataclass(eq=False)
class PositionUnavailableError(BankError):
    """The reader is ahead of the events: they are those of another past."""

    reason = "POSITION_UNAVAILABLE"
    kind = Kind.INVALID

    after_sequence: int
    head_sequence: int

    def __str__(self) -> str:
        """Say where the events end."""
        return f"no event {self.after_sequence}: the last is {self.head_sequence}"


@dataclasses.dataclass(eq=False)
class DeadLetterFailedError(BankError):
    """The event could not be handled this time either."""

    reason = "DEAD_LETTER_FAILED"
    kind = Kind.REFUSED

    #: The reason of what the module refused it with.
    refusal: str
    problem: str

    def __str__(self) -> str:
        """Say why."""
        return f"the event stays set aside: {self.refusal}: {self.problem}"


@dataclasses.dataclass(eq=False)
class CursorHeldError(BankError):
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
class CursorLostError(BankError):
    """The holding that the token names is over, or is another caller's."""

    reason = "CURSOR_LOST"
    kind = Kind.REFUSED

    cursor: str

    def __str__(self) -> str:
        """Say what to do."""
        return f"cursor {self.cursor!r} is not held with this token; stop, or acquire it anew"


@dataclasses.dataclass(eq=False)
class CursorNotFoundError(BankError):
    """The tenant has no cursor of this name in this module."""

    reason = "CURSOR_NOT_FOUND"
    kind = Kind.NOT_FOUND

    cursor: str

    def __str__(self) -> str:
        """Name the cursor."""
        return f"there is no cursor {self.cursor!r}"

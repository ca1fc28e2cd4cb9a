"""Refusals about holds. Amounts are in whole currency units."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class HoldNotFoundError(LedgerError):
    """No hold of the journal has this id."""

    reason = "HOLD_NOT_FOUND"
    kind = Kind.NOT_FOUND

    hold_id: str

    def __str__(self) -> str:
        """Name the id."""
        return f"no hold has the id {self.hold_id}"


@dataclasses.dataclass(eq=False)
class HoldNotOpenError(LedgerError):
    """A hold was captured, released or expired, also one whose time has passed just now."""

    reason = "HOLD_NOT_OPEN"
    kind = Kind.REFUSED

    hold_id: str
    status: str

    def __str__(self) -> str:
        """Name the hold and how it ended."""
        return f"hold {self.hold_id} is {self.status}; only an open one can be captured or released"


@dataclasses.dataclass(eq=False)
class CaptureExceedsError(LedgerError):
    """A capture asks for more than is left of a hold's entry."""

    reason = "CAPTURE_EXCEEDS"
    kind = Kind.REFUSED

    hold_id: str
    account: str
    currency: str
    asked: str
    left: str

    def __str__(self) -> str:
        """State what was asked and what is left."""
        return (
            f"hold {self.hold_id} has {self.left} {self.currency} left on account "
            f"{self.account!r}, not {self.asked}"
        )


@dataclasses.dataclass(eq=False)
class HoldLayerError(LedgerError):
    """A template cannot place a hold: one of its entries is not on SETTLED."""

    reason = "HOLD_LAYER"
    kind = Kind.INVALID

    account: str
    layer: str

    def __str__(self) -> str:
        """Name the entry's account and layer."""
        return (
            f"the entry on account {self.account!r} is {self.layer}; "
            "a hold needs a template with entries on SETTLED only"
        )


@dataclasses.dataclass(eq=False)
class ExpireTimePassedError(LedgerError):
    """A hold would have expired before it was placed."""

    reason = "EXPIRE_TIME_PASSED"
    kind = Kind.REFUSED

    expire_time: str
    #: By the database's clock.
    now: str

    def __str__(self) -> str:
        """Name both times."""
        return f"expire_time {self.expire_time} has passed: it is {self.now}"

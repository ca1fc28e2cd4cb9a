"""Refusals about proofs."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class CheckpointUnavailableError(LedgerError):
    """No checkpoint covers what was asked for yet."""

    reason = "CHECKPOINT_UNAVAILABLE"
    kind = Kind.OUT_OF_RANGE

    covers_sequence: int
    size: int

    def __str__(self) -> str:
        """State both positions."""
        if not self.size:
            return "no checkpoint of this journal has been signed yet"
        return (
            f"no checkpoint covers sequence {self.covers_sequence} yet: the newest has "
            f"{self.size} events"
        )


@dataclasses.dataclass(eq=False)
class SigningDisabledError(LedgerError):
    """The server has no key to sign checkpoints with, and none was signed by another."""

    reason = "SIGNING_DISABLED"
    kind = Kind.REFUSED

    def __str__(self) -> str:
        """Say what to do."""
        return "this server has no signing key, so there are no checkpoints: start it with one"


@dataclasses.dataclass(eq=False)
class TreeInconsistentError(LedgerError):
    """The database does not agree with what was signed before."""

    reason = "TREE_INCONSISTENT"
    kind = Kind.BROKEN

    size: int

    def __str__(self) -> str:
        """State the size at which they differ."""
        return (
            f"the first {self.size} events are not those over which a checkpoint was signed: "
            "stop and verify the journal"
        )

"""Refusals of governance."""

import dataclasses
from uuid import UUID

from ledger_client.banking.foundation.errors import BankError, Kind


@dataclasses.dataclass(eq=False)
class NotAMemberError(BankError):
    """The caller is not in the committee now."""

    reason = "NOT_A_MEMBER"
    kind = Kind.REFUSED

    #: Such as `user:0192...`.
    subject: str
    process_id: UUID

    def __str__(self) -> str:
        """Name who may not vote on what."""
        return f"{self.subject} is not in the committee that votes on process {self.process_id}"


@dataclasses.dataclass(eq=False)
class InitiatorExcludedError(BankError):
    """The caller asked for it, and the rules shut out who did."""

    reason = "INITIATOR_EXCLUDED"
    kind = Kind.REFUSED

    subject: str
    process_id: UUID

    def __str__(self) -> str:
        """Name who may not vote on what."""
        return f"{self.subject} asked for process {self.process_id} and may not vote on it"


@dataclasses.dataclass(eq=False)
class VoteCastError(BankError):
    """The caller voted otherwise before."""

    reason = "VOTE_CAST"
    kind = Kind.REFUSED

    subject: str
    process_id: UUID
    #: The vote that stands: `approve` or `deny`.
    decision: str

    def __str__(self) -> str:
        """Name the vote that stands."""
        return f"{self.subject} voted to {self.decision} process {self.process_id}, which stands"


@dataclasses.dataclass(eq=False)
class ProcessConcludedError(BankError):
    """The process has ended."""

    reason = "PROCESS_CONCLUDED"
    kind = Kind.REFUSED

    process_id: UUID
    #: `approved`, `denied` or `expired`.
    status: str

    def __str__(self) -> str:
        """Say how it ended."""
        return f"process {self.process_id} is {self.status}"


@dataclasses.dataclass(eq=False)
class ProcessIdTakenError(BankError):
    """The id belongs to another process."""

    reason = "PROCESS_ID_TAKEN"
    kind = Kind.CONFLICT

    process_id: UUID

    def __str__(self) -> str:
        """Name the id."""
        return f"{self.process_id} is the id of something else; each process needs its own"


@dataclasses.dataclass(eq=False)
class ThresholdTooHighError(BankError):
    """No vote of the committee as it is could reach the threshold."""

    reason = "THRESHOLD_TOO_HIGH"
    kind = Kind.REFUSED

    committee_id: UUID
    threshold: int
    members: int

    def __str__(self) -> str:
        """Compare the two."""
        return (
            f"threshold {self.threshold}, but committee {self.committee_id} has {self.members} "
            f"member{'' if self.members == 1 else 's'}"
        )


@dataclasses.dataclass(eq=False)
class AutoApprovalForbiddenError(BankError):
    """The tenant's settings forbid auto-approval."""

    reason = "AUTO_APPROVAL_FORBIDDEN"
    kind = Kind.REFUSED

    process_type: str

    def __str__(self) -> str:
        """Say what is wanted."""
        return f"{self.process_type}: auto-approval is forbidden here; name a committee"

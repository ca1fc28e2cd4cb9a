"""Domain events of governance."""

import datetime as dt
from typing import ClassVar, Literal
from uuid import UUID

from ledger_client.banking.foundation.events import DomainEvent


class CommitteeCreated(DomainEvent):
    """There is a new committee, without members."""

    TYPE: ClassVar[str] = "governance.committee-created"

    id: UUID
    name: str


class CommitteeRenamed(DomainEvent):
    """A committee has another name."""

    TYPE: ClassVar[str] = "governance.committee-renamed"

    id: UUID
    name: str


class MemberAdded(DomainEvent):
    """A user is now in a committee."""

    TYPE: ClassVar[str] = "governance.member-added"

    #: Of the committee.
    id: UUID
    user_id: UUID


class MemberRemoved(DomainEvent):
    """A user is no longer in a committee."""

    TYPE: ClassVar[str] = "governance.member-removed"

    #: Of the committee.
    id: UUID
    user_id: UUID


class PolicyChanged(DomainEvent):
    """A type of process has other rules, for processes that start from now on."""

    TYPE: ClassVar[str] = "governance.policy-changed"

    id: UUID
    process_type: str
    #: None for auto-approval; what follows is 0 or false then.
    committee_id: UUID | None
    threshold: int
    exclude_initiator: bool
    #: 0 for never.
    expire_after_hours: int


class ApprovalProcessStarted(DomainEvent):
    """An approval was asked for."""

    TYPE: ClassVar[str] = "governance.approval-process-started"

    #: Of the process, and of what is to be approved.
    id: UUID
    process_type: str
    target_ref: str
    #: None where no committee votes.
    committee_id: UUID | None
    threshold: int
    #: None for never.
    expires_at: dt.datetime | None


class VoteCast(DomainEvent):
    """A member voted."""

    TYPE: ClassVar[str] = "governance.vote-cast"

    #: Of the process.
    id: UUID
    process_type: str
    voter_id: UUID
    decision: Literal["approve", "deny"]


class ApprovalProcessConcluded(DomainEvent):
    """A process has ended; exactly one for each process."""

    TYPE: ClassVar[str] = "governance.approval-process-concluded"

    #: Of the process, and of what was to be approved.
    id: UUID
    process_type: str
    approved: bool
    #: None if it was approved.
    denied_reason: str | None
    target_ref: str


ALL: tuple[type[DomainEvent], ...] = (
    CommitteeCreated,
    CommitteeRenamed,
    MemberAdded,
    MemberRemoved,
    PolicyChanged,
    ApprovalProcessStarted,
    VoteCast,
    ApprovalProcessConcluded,
)

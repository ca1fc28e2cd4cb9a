"""Approval processes: how they start, are voted on and end. Pure, as `rules`.

A process is judged against its committee as it is at that moment. Who leaves the committee loses
his vote, so the votes that stand are always those of members, and no change of members can approve
anything: only a vote can.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.governance.errors import (
    InitiatorExcludedError,
    NotAMemberError,
    ProcessConcludedError,
    ProcessIdTakenError,
    VoteCastError,
)
from ledger_client.banking.governance.rules import AUTO_APPROVAL, Committee, Rules, policy_id

EXPIRED: Final = "expired"


class Status(enum.StrEnum):
    """How a process stands; also the words that lists are filtered by."""

    PENDING = "pending"
    APPROVED = "approved"
    DENIED = "denied"
    EXPIRED = "expired"


class Decision(enum.StrEnum):
    """What a member votes."""

    APPROVE = "approve"
    DENY = "deny"


class ProcessStarted(StoredEvent):
    """The first event of a process."""

    type: Literal["started"] = "started"
    process_type: str
    target_ref: str
    initiator: str
    rules: Rules
    time: dt.datetime


class VoteCast(StoredEvent):
    """A member voted."""

    type: Literal["vote-cast"] = "vote-cast"
    voter: UUID
    decision: Decision
    #: Of a denial.
    reason: str
    time: dt.datetime


class VoteLost(StoredEvent):
    """Who voted left the committee."""

    type: Literal["vote-lost"] = "vote-lost"
    voter: UUID


class ProcessConcluded(StoredEvent):
    """The last event of a process."""

    type: Literal["concluded"] = "concluded"
    status: Literal[Status.APPROVED, Status.DENIED, Status.EXPIRED]
    #: Empty if it was approved.
    denied_reason: str
    time: dt.datetime


ProcessEvent = Annotated[
    ProcessStarted | VoteCast | VoteLost | ProcessConcluded, Field(discriminator="type")
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Process(Entity[ProcessEvent]):
    """One question put to a committee."""

    KIND: ClassVar[str] = "approval_process"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(ProcessEvent)

    process_type: str = ""
    target_ref: str = ""
    #: `user:<uuid>` or `system:<module>`.
    initiator: str = ""
    rules: Rules = AUTO_APPROVAL
    status: Status = Status.PENDING
    #: At most one of each member.
    votes: tuple[VoteCast, ...] = ()
    denied_reason: str = ""
    started_at: dt.datetime | None = None
    expires_at: dt.datetime | None = None
    concluded_at: dt.datetime | None = None

    @property
    def parent_id(self) -> UUID | None:
        """Its type's policy, also one that was not set: so lists find processes by type."""
        return policy_id(self.tenant, self.process_type)

    @property
    def state(self) -> str:
        """Its status."""
        return self.status.value

    @property
    def is_pending(self) -> bool:
        """Tell whether it has not ended."""
        return self.status is Status.PENDING

    def is_excluded(self, user_id: UUID) -> bool:
        """Tell whether the rules shut a user out because he asked for it."""
        return self.rules.exclude_initiator and self.initiator == subject_of(user_id)

    def vote_of(self, user_id: UUID) -> VoteCast | None:
        """Return the vote of a user that stands."""
        return next((vote for vote in self.votes if vote.voter == user_id), None)

    def apply(self, event: ProcessEvent) -> Self:
        """Return the process after an event."""
        match event:
            case ProcessStarted():
                hours = event.rules.expire_after_hours
                return dataclasses.replace(
                    self,
                    process_type=event.process_type,
                    target_ref=event.target_ref,
                    initiator=event.initiator,
                    rules=event.rules,
                    started_at=event.time,
                    expires_at=event.time + dt.timedelta(hours=hours) if hours else None,
                )
            case VoteCast():
                return dataclasses.replace(self, votes=(*self.votes, event))
            case VoteLost():
                kept = tuple(vote for vote in self.votes if vote.voter != event.voter)
                return dataclasses.replace(self, votes=kept)
            case ProcessConcluded():
                return dataclasses.replace(
                    self,
                    status=event.status,
                    denied_reason=event.denied_reason,
                    concluded_at=event.time,
                )


def subject_of(user_id: UUID) -> str:
    """Return how a user is named as one who does something."""
    return f"user:{user_id}"


def eligible(process: Process, committee: Committee) -> list[UUID]:
    """Return the members whose approval counts."""
    return [member for member in committee.members if not process.is_excluded(member)]


def start(
    process: Process,
    started: ProcessStarted,
    committee: Committee | None,
    *,
    allow_auto_approval: bool,
) -> list[ProcessEvent]:
    """Return what starting changes: nothing if it was started so already.

    Args:
        process: with the id wanted; new if there was none.
        started: what is asked, with the rules of the policy.
        committee: that these rules name; None if they name none.
        allow_auto_approval: as the tenant has set.

    Raises:
        ProcessIdTakenError: another process was started with the id.
    """
    if process.version:
        asked = (started.process_type, started.target_ref, started.initiator)
        if asked != (process.process_type, process.target_ref, process.initiator):
            raise ProcessIdTakenError(process.id)
        return []
    if committee is not None:
        return [started, *judge(process.after(started), committee, started.time)]
    if allow_auto_approval:
        return [started, _concluded(Status.APPROVED, "", started.time)]
    reason = f"NO_POLICY: {started.process_type} needs a policy with a committee"
    return [started, _concluded(Status.DENIED, reason, started.time)]


def vote(
    process: Process,
    committee: Committee | None,
    *,
    subject: str,
    decision: Decision,
    reason: str,
    now: dt.datetime,
) -> list[ProcessEvent]:
    """Return what a vote changes: nothing if the caller voted so already.

    Args:
        process: voted on.
        committee: of the process, as it is now; None if there is none.
        subject: who votes.
        decision: for or against.
        reason: of a denial; empty for an approval.
        now: in UTC.

    Raises:
        ProcessConcludedError: it has ended, or its time is over.
        NotAMemberError: the caller is not in the committee.
        InitiatorExcludedError: the caller started it, and may not vote.
        VoteCastError: the caller voted otherwise.
    """
    voter = next((each.voter for each in process.votes if subject_of(each.voter) == subject), None)
    before = process.vote_of(voter) if voter else None
    if before and (before.decision, before.reason) == (decision, reason):
        return []
    if not process.is_pending:
        raise ProcessConcludedError(process.id, process.status.value)
    if is_due(process, now):
        raise ProcessConcludedError(process.id, EXPIRED)
    members = committee.members if committee else ()
    member = next((each for each in members if subject_of(each) == subject), None)
    if committee is None or member is None:
        raise NotAMemberError(subject, process.id)
    if process.is_excluded(member):
        raise InitiatorExcludedError(subject, process.id)
    if before:
        raise VoteCastError(subject, process.id, before.decision.value)
    cast = VoteCast(voter=member, decision=decision, reason=reason, time=now)
    return [cast, *judge(process.after(cast), committee, now)]


def judge(process: Process, committee: Committee, now: dt.datetime) -> list[ProcessEvent]:
    """Return what follows for a process from its votes, its committee as it is now, and the time.

    Votes of who is no longer a member are lost first. One that has ended stays as it is.
    """
    if not process.is_pending:
        return []
    lost: list[ProcessEvent] = [
        VoteLost(voter=each.voter) for each in process.votes if each.voter not in committee.members
    ]
    for event in lost:
        process = process.after(event)
    return [*lost, *_ending(process, committee, now)]


def expire(process: Process, now: dt.datetime) -> list[ProcessEvent]:
    """Return what time changes: the end of a pending process whose time is over."""
    return [_concluded(Status.EXPIRED, EXPIRED, now)] if is_due(process, now) else []


def is_due(process: Process, now: dt.datetime) -> bool:
    """Tell whether a process is pending and its time is over."""
    return process.is_pending and process.expires_at is not None and process.expires_at <= now


def waits_for(process: Process, user_id: UUID, now: dt.datetime) -> bool:
    """Tell whether a vote of a member of its committee is still wanted."""
    return (
        process.is_pending
        and not is_due(process, now)
        and not process.is_excluded(user_id)
        and process.vote_of(user_id) is None
    )


def _ending(process: Process, committee: Committee, now: dt.datetime) -> Sequence[ProcessEvent]:
    if is_due(process, now):
        return expire(process, now)
    denial = next((each for each in process.votes if each.decision is Decision.DENY), None)
    if denial:
        return [_concluded(Status.DENIED, denial.reason, now)]
    threshold = process.rules.threshold
    able = eligible(process, committee)
    if len(able) < threshold:
        reason = (
            f"COMMITTEE_TOO_SMALL: {len(able)} of committee {committee.name!r} may vote, "
            f"{threshold} must approve"
        )
        return [_concluded(Status.DENIED, reason, now)]
    approvals = [each for each in process.votes if each.voter in able]
    return [_concluded(Status.APPROVED, "", now)] if len(approvals) >= threshold else []


def _concluded(
    status: Literal[Status.APPROVED, Status.DENIED, Status.EXPIRED],
    denied_reason: str,
    now: dt.datetime,
) -> ProcessConcluded:
    return ProcessConcluded(status=status, denied_reason=denied_reason, time=now)

"""Committees and policies, and what may happen to them: pure. Processes are in `process`."""

import dataclasses
import datetime as dt
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id
from ledger_client.banking.governance.errors import (
    AutoApprovalForbiddenError,
    ThresholdTooHighError,
)


class Rules(BaseModel):
    """How processes of a type are decided; kept in events."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: None approves at once.
    committee_id: UUID | None = None
    #: Members who must approve; 0 without a committee.
    threshold: int = 0
    exclude_initiator: bool = False
    #: 0 for never.
    expire_after_hours: int = 0


AUTO_APPROVAL: Final = Rules()


class CommitteeCreated(StoredEvent):
    """The first event of a committee."""

    type: Literal["created"] = "created"
    name: str
    time: dt.datetime


class CommitteeRenamed(StoredEvent):
    """Has another name."""

    type: Literal["renamed"] = "renamed"
    name: str


class MemberAdded(StoredEvent):
    """A user joined."""

    type: Literal["member-added"] = "member-added"
    user_id: UUID


class MemberRemoved(StoredEvent):
    """A user left."""

    type: Literal["member-removed"] = "member-removed"
    user_id: UUID


CommitteeEvent = Annotated[
    CommitteeCreated | CommitteeRenamed | MemberAdded | MemberRemoved, Field(discriminator="type")
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Committee(Entity[CommitteeEvent]):
    """People who vote."""

    KIND: ClassVar[str] = "committee"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(CommitteeEvent)

    name: str = ""
    #: Ids of users in the order in which they joined, each once.
    members: tuple[UUID, ...] = ()
    created_at: dt.datetime | None = None

    @property
    def key(self) -> str | None:
        """Its name."""
        return self.name

    def apply(self, event: CommitteeEvent) -> Self:
        """Return the committee after an event."""
        match event:
            case CommitteeCreated():
                return dataclasses.replace(self, name=event.name, created_at=event.time)
            case CommitteeRenamed():
                return dataclasses.replace(self, name=event.name)
            case MemberAdded():
                return dataclasses.replace(self, members=(*self.members, event.user_id))
            case MemberRemoved():
                left = tuple(member for member in self.members if member != event.user_id)
                return dataclasses.replace(self, members=left)


def rename(committee: Committee, name: str) -> list[CommitteeEvent]:
    """Return what giving it a name changes: nothing if it has it."""
    return [] if committee.name == name else [CommitteeRenamed(name=name)]


def add_member(committee: Committee, user_id: UUID) -> list[CommitteeEvent]:
    """Return what joining changes: nothing for a member."""
    return [] if user_id in committee.members else [MemberAdded(user_id=user_id)]


def remove_member(committee: Committee, user_id: UUID) -> list[CommitteeEvent]:
    """Return what leaving changes: nothing for who is no member."""
    return [MemberRemoved(user_id=user_id)] if user_id in committee.members else []


class PolicySet(StoredEvent):
    """Has these rules from now on; also the first event of a policy."""

    type: Literal["set"] = "set"
    process_type: str
    rules: Rules
    time: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy(Entity[PolicySet]):
    """The rules of a type of process."""

    KIND: ClassVar[str] = "policy"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(PolicySet)

    process_type: str = ""
    rules: Rules = AUTO_APPROVAL
    set_at: dt.datetime | None = None

    @property
    def key(self) -> str | None:
        """The type of process."""
        return self.process_type

    def apply(self, event: PolicySet) -> Self:
        """Return the policy after an event."""
        return dataclasses.replace(
            self, process_type=event.process_type, rules=event.rules, set_at=event.time
        )


def policy_id(tenant: str, process_type: str) -> UUID:
    """Return the id of a type's policy, also of one that was not set yet."""
    return derived_id(tenant, "policy", process_type)


def set_policy(
    policy: Policy,
    process_type: str,
    rules: Rules,
    committee: Committee | None,
    now: dt.datetime,
    *,
    allow_auto_approval: bool,
) -> list[PolicySet]:
    """Return what setting rules changes: nothing if they are set.

    Args:
        policy: of the type; new if there was none.
        process_type: such as `withdraw`.
        rules: wanted.
        committee: that they name; None if they name none.
        now: in UTC.
        allow_auto_approval: as the tenant has set.

    Raises:
        AutoApprovalForbiddenError: they approve without a vote, which the tenant forbids.
        ThresholdTooHighError: the committee has fewer members.
    """
    if committee is None:
        if not allow_auto_approval:
            raise AutoApprovalForbiddenError(process_type)
    elif rules.threshold > len(committee.members):
        raise ThresholdTooHighError(committee.id, rules.threshold, len(committee.members))
    if policy.version and policy.rules == rules:
        return []
    return [PolicySet(process_type=process_type, rules=rules, time=now)]

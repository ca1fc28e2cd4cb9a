"""Commands and queries on committees and policies. Those on processes are in `voting`."""

from uuid import UUID

from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, KeyTakenError
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.governance import events, rules, tables, voting
from ledger_client.banking.governance.rules import Committee, Policy, Rules
from ledger_client.banking.governance.settings import GovernanceSettings


async def create_committee(unit: Unit, request_id: str, name: str) -> Committee:
    """Create a committee without members.

    Raises:
        KeyTakenError: another one has the name.
    """
    await _check_name_free(unit, name, None)
    committee_id = derived_id(unit.tenant, "CreateCommittee", request_id)
    committee = Committee(id=committee_id, tenant=unit.tenant)
    committee = unit.change(committee, rules.CommitteeCreated(name=name, time=unit.now))
    unit.publish(events.CommitteeCreated(id=committee.id, name=name), about=committee.id)
    return committee


async def rename_committee(unit: Unit, committee_id: UUID, name: str) -> Committee:
    """Give a committee another name.

    Raises:
        EntityNotFoundError: the tenant has no such committee.
        KeyTakenError: another one has the name.
    """
    committee = await tables.held_committee(unit, committee_id)
    await _check_name_free(unit, name, committee_id)
    for event in rules.rename(committee, name):
        committee = unit.change(committee, event)
        unit.publish(events.CommitteeRenamed(id=committee.id, name=name), about=committee.id)
    return committee


async def add_member(unit: Unit, committee_id: UUID, user_id: UUID) -> Committee:
    """Put a user into a committee. No process under way can end by that.

    Raises:
        EntityNotFoundError: the tenant has no such committee.
    """
    committee = await tables.held_committee(unit, committee_id)
    for event in rules.add_member(committee, user_id):
        committee = unit.change(committee, event)
        unit.publish(events.MemberAdded(id=committee.id, user_id=user_id), about=committee.id)
    return committee


async def remove_member(unit: Unit, committee_id: UUID, user_id: UUID) -> Committee:
    """Take a user out of a committee, and judge anew what it has to decide.

    Raises:
        EntityNotFoundError: the tenant has no such committee.
    """
    committee = await tables.held_committee(unit, committee_id)
    for event in rules.remove_member(committee, user_id):
        committee = unit.change(committee, event)
        unit.publish(events.MemberRemoved(id=committee.id, user_id=user_id), about=committee.id)
        await voting.judge_open(unit, committee)
    return committee


async def remove_user(unit: Unit, user_id: UUID) -> None:
    """Take a user out of all committees."""
    committees = await unit.all_of(Committee)
    for committee_id in sorted(each.id for each in committees if user_id in each.members):
        await remove_member(unit, committee_id, user_id)


async def set_policy(unit: Unit, process_type: str, wanted: Rules) -> Policy:
    """Set the rules of a type of process, for those that start from now on.

    Raises:
        EntityNotFoundError: the tenant has no such committee.
        AutoApprovalForbiddenError: the tenant's settings forbid it.
        ThresholdTooHighError: the committee has fewer members.
    """
    committee = None
    if wanted.committee_id is not None:
        committee = await tables.shared_committee(unit, wanted.committee_id)
    policy_id = rules.policy_id(unit.tenant, process_type)
    policy = await unit.find(Policy, policy_id) or Policy(id=policy_id, tenant=unit.tenant)
    changes = rules.set_policy(
        policy,
        process_type,
        wanted,
        committee,
        unit.now,
        allow_auto_approval=unit.settings(GovernanceSettings).allow_auto_approval,
    )
    for event in changes:
        policy = unit.change(policy, event)
        changed = events.PolicyChanged(
            id=policy.id, process_type=process_type, **wanted.model_dump()
        )
        unit.publish(changed, about=policy.id)
    return policy


async def get_policy(unit: Unit, process_type: str) -> Policy:
    """Return the policy of a type of process.

    Raises:
        EntityNotFoundError: the tenant has none.
    """
    policy = await unit.find(Policy, rules.policy_id(unit.tenant, process_type))
    if policy is None:
        raise EntityNotFoundError(Policy.KIND, process_type)
    return policy


async def _check_name_free(unit: Unit, name: str, own_id: UUID | None) -> None:
    other = await unit.find_by_key(Committee, name)
    if other is not None and other.id != own_id:
        raise KeyTakenError(Committee.KIND, name)

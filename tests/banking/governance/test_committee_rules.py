"""Committees and policies."""

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.banking.governance import rules
from ledger_client.banking.governance.errors import (
    AutoApprovalForbiddenError,
    ThresholdTooHighError,
)
from ledger_client.banking.governance.rules import Committee, Policy, Rules

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
USERS = [UUID(int=number) for number in range(1, 5)]
COMMITTEE = Committee(id=UUID(int=50), tenant="BANK", name="Credit", members=tuple(USERS[:2]))


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(USERS))))
def test_members_are_a_set_and_only_a_change_is_an_event(steps: list[tuple[bool, UUID]]) -> None:
    committee, expected = COMMITTEE, set(COMMITTEE.members)
    for joins, user in steps:
        events = (rules.add_member if joins else rules.remove_member)(committee, user)
        assert len(events) == (joins != (user in expected))
        for event in events:
            committee = committee.after(event)
        (expected.add if joins else expected.discard)(user)
        assert len(committee.members) == len(expected)
        assert set(committee.members) == expected


@given(st.integers(1, 5))
def test_a_threshold_is_at_most_the_number_of_members(threshold: int) -> None:
    policy = Policy(id=rules.policy_id("BANK", "withdraw"), tenant="BANK")
    wanted = Rules(committee_id=COMMITTEE.id, threshold=threshold)

    def events() -> list[rules.PolicySet]:
        return rules.set_policy(
            policy, "withdraw", wanted, COMMITTEE, NOW, allow_auto_approval=False
        )

    if threshold > 2:
        with pytest.raises(ThresholdTooHighError):
            events()
        return
    (event,) = events()
    policy = policy.after(event)
    assert (policy.key, policy.rules) == ("withdraw", wanted)
    assert events() == []


def test_auto_approval_is_a_policy_only_where_it_is_allowed() -> None:
    policy = Policy(id=rules.policy_id("BANK", "withdraw"), tenant="BANK")
    with pytest.raises(AutoApprovalForbiddenError):
        rules.set_policy(policy, "withdraw", Rules(), None, NOW, allow_auto_approval=False)
    assert rules.set_policy(policy, "withdraw", Rules(), None, NOW, allow_auto_approval=True)

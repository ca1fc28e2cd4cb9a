"""Approval processes: votes, members who leave, time, and what is refused."""

import datetime as dt
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.banking.governance.errors import (
    InitiatorExcludedError,
    NotAMemberError,
    ProcessConcludedError,
    ProcessIdTakenError,
    VoteCastError,
)
from ledger_client.banking.governance.process import (
    Decision,
    Process,
    ProcessConcluded,
    ProcessEvent,
    ProcessStarted,
    Status,
    VoteCast,
    expire,
    judge,
    start,
    subject_of,
    vote,
    waits_for,
)
from ledger_client.banking.governance.rules import Committee, Rules

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
USERS = [UUID(int=number) for number in range(1, 7)]
PROCESS_ID = UUID(int=100)
APPROVE, DENY = Decision.APPROVE, Decision.DENY


def committee_of(*members: UUID) -> Committee:
    return Committee(id=UUID(int=50), tenant="BANK", name="Credit", members=members)


def started(
    committee: Committee | None,
    *,
    initiator: str = "system:deposit",
    allow: bool = True,
    threshold: int = 0,
    exclude: bool = False,
    hours: int = 0,
) -> Process:
    asked = ProcessStarted(
        process_type="withdraw",
        target_ref="withdrawal 100",
        initiator=initiator,
        rules=Rules(
            committee_id=committee.id if committee else None,
            threshold=threshold,
            exclude_initiator=exclude,
            expire_after_hours=hours,
        ),
        time=NOW,
    )
    process = Process(id=PROCESS_ID, tenant="BANK")
    return after(process, start(process, asked, committee, allow_auto_approval=allow))


def after(process: Process, events: list[ProcessEvent]) -> Process:
    for event in events:
        process = process.after(event)
    return process


def voted(
    process: Process,
    committee: Committee | None,
    user: UUID,
    decision: Decision = APPROVE,
    now: dt.datetime = NOW,
) -> Process:
    reason = "too risky" if decision is DENY else ""
    events = vote(
        process, committee, subject=subject_of(user), decision=decision, reason=reason, now=now
    )
    return after(process, events)


@given(st.integers(1, 5), st.integers(1, 5), st.permutations(USERS))
def test_exactly_the_kth_approval_approves(k: int, n: int, users: list[UUID]) -> None:
    committee = committee_of(*users[:n])
    process = started(committee, threshold=k)
    for count, user in enumerate(users[: min(k, n)] if k <= n else [], 1):
        assert process.is_pending
        process = voted(process, committee, user)
        assert (process.status is Status.APPROVED) == (count == k)
    if k > n:
        assert process.status is Status.DENIED
        assert process.denied_reason.startswith("COMMITTEE_TOO_SMALL")


def test_a_policy_without_committee_approves_or_denies_as_the_tenant_allows() -> None:
    assert started(None).status is Status.APPROVED
    denied = started(None, allow=False)
    assert denied.status is Status.DENIED
    assert denied.denied_reason.startswith("NO_POLICY")


def test_one_denial_ends_it_with_its_reason() -> None:
    committee = committee_of(*USERS[:3])
    process = voted(started(committee, threshold=2), committee, USERS[0])
    process = voted(process, committee, USERS[1], DENY)
    assert (process.status, process.denied_reason) == (Status.DENIED, "too risky")
    with pytest.raises(ProcessConcludedError):
        voted(process, committee, USERS[2])
    assert voted(process, committee, USERS[1], DENY) == process


def test_a_vote_stands() -> None:
    committee = committee_of(*USERS[:3])
    process = voted(started(committee, threshold=2), committee, USERS[0])
    assert voted(process, committee, USERS[0]) == process
    with pytest.raises(VoteCastError):
        voted(process, committee, USERS[0], DENY)


def test_only_members_vote_and_not_an_excluded_initiator() -> None:
    committee = committee_of(*USERS[:3])
    mine = subject_of(USERS[0])
    process = started(committee, initiator=mine, threshold=2, exclude=True)
    with pytest.raises(InitiatorExcludedError):
        voted(process, committee, USERS[0], DENY)
    with pytest.raises(NotAMemberError):
        voted(process, committee, USERS[5])
    assert not waits_for(process, USERS[0], NOW)
    assert waits_for(process, USERS[1], NOW)


def test_who_leaves_loses_his_vote_also_if_he_comes_back() -> None:
    everyone, without = committee_of(*USERS[:3]), committee_of(*USERS[1:3])
    process = voted(started(everyone, threshold=2), everyone, USERS[0])
    process = after(process, judge(process, without, NOW))
    process = voted(process, everyone, USERS[1])
    assert process.is_pending
    assert voted(process, everyone, USERS[0]).status is Status.APPROVED


def test_time_over_counts_before_anything_else() -> None:
    committee, none = committee_of(*USERS[:2]), committee_of()
    process = started(committee, threshold=2, hours=3)
    late = NOW + dt.timedelta(hours=3)
    early = late - dt.timedelta(microseconds=1)
    assert expire(process, early) == []
    assert voted(process, committee, USERS[0], now=early).votes
    with pytest.raises(ProcessConcludedError) as refusal:
        voted(process, committee, USERS[0], now=late)
    assert refusal.value.status == "expired"
    assert after(process, judge(process, none, late)).status is Status.EXPIRED
    ended = after(process, expire(process, late))
    assert (ended.status, ended.denied_reason) == (Status.EXPIRED, "expired")
    assert expire(ended, late) == []


def test_an_id_starts_one_process() -> None:
    committee = committee_of(*USERS[:2])
    process = started(committee, threshold=1)
    asked = ProcessStarted(
        process_type="withdraw",
        target_ref="withdrawal 100",
        initiator="system:deposit",
        rules=Rules(),
        time=NOW,
    )
    assert start(process, asked, None, allow_auto_approval=True) == []
    other = asked.model_copy(update={"target_ref": "withdrawal 101"})
    with pytest.raises(ProcessIdTakenError):
        start(process, other, None, allow_auto_approval=True)


def test_stored_events_come_back_as_they_were() -> None:
    committee = committee_of(*USERS[:2])
    process = started(committee, threshold=1, hours=5)
    events: list[ProcessEvent] = [
        VoteCast(voter=USERS[0], decision=DENY, reason="no", time=NOW),
        ProcessConcluded(status=Status.DENIED, denied_reason="no", time=NOW),
    ]
    stored = [Process.EVENTS.validate_json(event.model_dump_json()) for event in events]
    assert after(process, stored) == after(process, events)


def test_an_excluded_initiator_does_not_count_as_one_who_may_vote() -> None:
    committee, mine = committee_of(*USERS[:2]), subject_of(USERS[0])
    assert started(committee, initiator=mine, threshold=2).is_pending
    shut_out = started(committee, initiator=mine, threshold=2, exclude=True)
    assert shut_out.status is Status.DENIED
    assert shut_out.denied_reason.startswith("COMMITTEE_TOO_SMALL: 1 of committee 'Credit'")

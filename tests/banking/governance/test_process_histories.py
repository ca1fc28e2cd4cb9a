"""Whatever happens to a process and its committee, it ends at most once, and rightly."""

import datetime as dt
from uuid import UUID

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ledger_client.banking.foundation.errors import BankError
from ledger_client.banking.governance import rules
from ledger_client.banking.governance.process import (
    Decision,
    Process,
    ProcessConcluded,
    ProcessEvent,
    ProcessStarted,
    Status,
    expire,
    judge,
    start,
    subject_of,
    vote,
)
from ledger_client.banking.governance.rules import Committee, Rules

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
USERS = [UUID(int=number) for number in range(1, 6)]
users = st.sampled_from(USERS)


class History(RuleBasedStateMachine):
    """Beside the process goes a model that knows who is in, who approved, and what time it is."""

    @initialize(
        members=st.sets(users),
        threshold=st.integers(1, 3),
        exclude=st.booleans(),
        hours=st.sampled_from([0, 12]),
    )
    def begin(self, members: set[UUID], threshold: int, exclude: bool, hours: int) -> None:
        self.committee = Committee(id=UUID(int=50), tenant="BANK", members=tuple(members))
        self.members, self.threshold = members, threshold
        self.excluded = {USERS[0]} if exclude else set[UUID]()
        self.approvals: set[UUID] = set()
        self.now, self.ends_at = NOW, NOW + dt.timedelta(hours=hours) if hours else None
        self.endings = 0
        asked = ProcessStarted(
            process_type="withdraw",
            target_ref="withdrawal 100",
            initiator=subject_of(USERS[0]),
            rules=Rules(
                committee_id=self.committee.id,
                threshold=threshold,
                exclude_initiator=exclude,
                expire_after_hours=hours,
            ),
            time=NOW,
        )
        self.process = Process(id=UUID(int=100), tenant="BANK")
        self.happen(start(self.process, asked, self.committee, allow_auto_approval=True), "start")

    def happen(self, events: list[ProcessEvent], what: str) -> None:
        for event in events:
            assert not self.endings, f"{event} after the end"
            self.process = self.process.after(event)
            if isinstance(event, ProcessConcluded):
                self.endings += 1
                self.check_end(what)

    def check_end(self, what: str) -> None:
        match self.process.status:
            case Status.APPROVED:
                assert what == "approve"
                assert len(self.eligible & self.approvals) >= self.threshold
                assert not self.is_over
            case Status.EXPIRED:
                assert self.is_over
            case Status.DENIED:
                assert what == "deny" or len(self.eligible) < self.threshold
                assert not self.is_over
            case Status.PENDING:
                raise AssertionError("concluded and pending")

    @property
    def eligible(self) -> set[UUID]:
        return self.members - self.excluded

    @property
    def is_over(self) -> bool:
        return self.ends_at is not None and self.now >= self.ends_at

    @rule(user=users, decision=st.sampled_from([*[Decision.APPROVE] * 4, Decision.DENY]))
    def vote(self, user: UUID, decision: Decision) -> None:
        reason = "no" if decision is Decision.DENY else ""
        may = user in self.eligible and self.process.is_pending and not self.is_over
        try:
            events = vote(
                self.process,
                self.committee,
                subject=subject_of(user),
                decision=decision,
                reason=reason,
                now=self.now,
            )
        except BankError:
            assert not may or (user in self.approvals and decision is Decision.DENY)
            return
        assert not events or may
        if may and decision is Decision.APPROVE:
            assert bool(events) == (user not in self.approvals)
            self.approvals.add(user)
        self.happen(events, decision.value)

    @rule(user=users, joins=st.booleans())
    def change_members(self, user: UUID, joins: bool) -> None:
        for event in (rules.add_member if joins else rules.remove_member)(self.committee, user):
            self.committee = self.committee.after(event)
        (self.members.add if joins else self.members.discard)(user)
        self.approvals &= self.members
        self.happen(judge(self.process, self.committee, self.now), "members")

    @rule(hours=st.integers(0, 3))
    def pass_time(self, hours: int) -> None:
        self.now += dt.timedelta(hours=hours)

    @precondition(lambda self: self.ends_at is not None)
    @rule()
    def tick(self) -> None:
        self.happen(expire(self.process, self.now), "tick")
        assert not self.is_over or not self.process.is_pending

    @invariant()
    def is_pending_only_while_it_is_open(self) -> None:
        if hasattr(self, "process") and self.process.is_pending and not self.is_over:
            assert len(self.eligible) >= self.threshold
            assert len(self.eligible & self.approvals) < self.threshold
            assert {each.voter for each in self.process.votes} == self.approvals


TestHistories = History.TestCase
TestHistories.settings = settings(max_examples=60, stateful_step_count=20)

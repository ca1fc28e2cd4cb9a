"""Deposits and withdrawals under any order of decisions and of the ledger's answers."""

import contextlib
import datetime as dt
import uuid
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.banking.deposit import deposit_rules, withdrawal_rules
from ledger_client.banking.deposit.account_rules import (
    AccountStatus,
    CloseWanted,
    CustomerType,
    DepositAccount,
    FreezeReason,
    Initialized,
    LedgerStep,
    ReasonAdded,
    StepDone,
)
from ledger_client.banking.deposit.deposit_rules import Deposit, DepositStatus
from ledger_client.banking.deposit.errors import (
    AccountNotActiveError,
    DepositStateError,
    InsufficientFundsError,
    Refusal,
    WithdrawalStateError,
)
from ledger_client.banking.deposit.withdrawal import HoldPlaced, Withdrawal
from ledger_client.banking.deposit.withdrawal import WithdrawalStatus as S
from ledger_client.banking.foundation.errors import LedgerRefusedError

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
CLOSED_DAY = Refusal(reason="PERIOD_CLOSED", message="that day is closed")


def active() -> DepositAccount:
    account = DepositAccount(id=uuid.uuid4(), tenant="BANK")
    initialized = Initialized(
        customer_id=uuid.uuid4(),
        customer_type=CustomerType.INDIVIDUAL,
        currency="USD",
        decimals=2,
        freeze_reasons=(),
        at=NOW,
    )
    return account.after(initialized).after(StepDone(step=LedgerStep.OPEN))


def folded(entity: Any, events: list[Any]) -> Any:
    for event in events:
        entity = entity.after(event)
    return entity


ACTIVE = active()
FROZEN = ACTIVE.after(ReasonAdded(reason=FreezeReason.BY_HAND))


class Hold:
    """A withdrawal and its hold at a ledger, where a hold ends once."""

    def __init__(self) -> None:
        events = withdrawal_rules.initiate(ACTIVE, "10.00", "", "user:x", NOW)
        self.withdrawal = folded(Withdrawal(id=uuid.uuid4(), tenant="BANK"), events)
        self.account = ACTIVE
        #: Calls that the ledger has not answered.
        self.calls: list[tuple[str, uuid.UUID]] = [("place", self.withdrawal.id)]
        self.known_ids = {self.withdrawal.id}
        self.is_held = False
        self.ends: Counter[str] = Counter()

    def happen(self, events: list[Any]) -> None:
        before = self.withdrawal
        self.withdrawal = after = folded(before, events)
        for deed, count, earlier, call_id in (
            ("capture", after.captures, before.captures, after.capture_call_id),
            ("release", after.releases, before.releases, after.release_call_id),
            ("revert", after.reverts, before.reverts, after.revert_call_id),
        ):
            if count > earlier:
                assert call_id not in self.known_ids, "an id is used once"
                self.known_ids.add(call_id)
                self.calls.append((deed, call_id))

    def decide(self, deed: str) -> None:  # a case a deed
        withdrawal = self.withdrawal
        if deed == "approve":
            of_withdrawal, of_account = withdrawal_rules.approve(withdrawal, self.account)
            self.happen(of_withdrawal)
            self.account = folded(self.account, of_account)
        elif deed == "deny":
            self.happen(withdrawal_rules.deny(withdrawal, "no"))
        elif deed == "cancel":
            with contextlib.suppress(WithdrawalStateError):
                self.happen(withdrawal_rules.cancel(withdrawal, uuid.uuid4()))
        elif deed == "freeze":
            self.account = FROZEN
        elif deed == "unfreeze":
            waiting = self.account.awaiting
            self.account = ACTIVE
            if waiting:
                self.happen(withdrawal_rules.pay_out(withdrawal))
        elif deed == "end of day":
            self.happen(withdrawal_rules.release_again(withdrawal))
            if self.account.status is AccountStatus.ACTIVE:
                self.happen(withdrawal_rules.pay_out(withdrawal))
        elif deed == "revert":
            with contextlib.suppress(WithdrawalStateError, AccountNotActiveError):
                self.happen(withdrawal_rules.revert(withdrawal, self.account, uuid.uuid4()))

    def answer(self, *, passes: bool) -> None:
        """Answer the oldest call: as a ledger would, or with a refusal that passes by itself."""
        if not self.calls:
            return
        deed, call_id = self.calls.pop(0)
        can = deed in {"place", "revert"} or self.is_held
        self.noted(deed, call_id, CLOSED_DAY if not passes or not can else None)
        if passes and can:
            self.is_held = deed == "place"
            self.ends[deed] += deed != "place"

    def noted(self, deed: str, call_id: uuid.UUID, refusal: Refusal | None) -> None:
        rules = withdrawal_rules
        if refusal is None:
            done: dict[str, Any] = {
                "place": rules.held,
                "release": rules.released,
                "revert": rules.taken_back,
            }
            is_capture = deed == "capture"
            self.happen(
                rules.captured(self.withdrawal, call_id)
                if is_capture
                else done[deed](self.withdrawal)
            )
            return
        refused: dict[str, Any] = {
            "place": rules.not_held,
            "capture": rules.not_captured,
            "release": rules.not_released,
            "revert": rules.not_taken_back,
        }
        self.happen(refused[deed](self.withdrawal, refusal))


DECISIONS = ("approve", "deny", "cancel", "freeze", "unfreeze", "end of day", "revert")
HISTORIES = st.lists(
    st.one_of(
        st.sampled_from(DECISIONS).map(lambda deed: (deed, True)),
        st.booleans().map(lambda passes: ("answer", passes)),
    ),
    max_size=40,
)


@given(HISTORIES)
def test_a_hold_ends_once_and_as_it_was_decided(history: list[tuple[str, bool]]) -> None:
    hold = Hold()
    for deed, passes in history:
        was_released = hold.withdrawal.releases > 0
        captures = hold.withdrawal.captures
        if deed == "answer":
            hold.answer(passes=passes)
        else:
            hold.decide(deed)
        if was_released:
            assert hold.withdrawal.captures == captures, "nothing else after a release"
        assert len(hold.calls) <= 1, "one after another"
    hold.decide("unfreeze")
    for _ in range(3):
        hold.answer(passes=True)
        hold.decide("end of day")
    status = hold.withdrawal.status
    assert hold.ends["capture"] + hold.ends["release"] <= 1
    assert (status in {S.DENIED, S.CANCELLED}) == (hold.ends["release"] == 1)
    assert (status in {S.CONFIRMED, S.REVERTED}) == (hold.ends["capture"] == 1)
    assert (status is S.REVERTED) == (hold.ends["revert"] == 1)
    assert hold.is_held == (status is S.PENDING_APPROVAL)


def test_what_another_attempt_did_counts() -> None:
    """One attempt is refused, another succeeds: then money has moved."""
    hold = Hold()
    hold.noted("place", hold.withdrawal.id, CLOSED_DAY)
    assert hold.withdrawal.status is S.REFUSED
    hold.noted("place", hold.withdrawal.id, None)
    assert (hold.withdrawal.status, hold.withdrawal.refusal) == (S.PENDING_APPROVAL, None)
    hold.decide("approve")
    first = hold.withdrawal.capture_call_id
    hold.noted("capture", first, CLOSED_DAY)
    hold.decide("cancel")
    hold.noted("capture", first, None)
    assert (hold.withdrawal.status, hold.withdrawal.capture_id) == (S.CONFIRMED, first)
    hold.noted("release", hold.withdrawal.release_call_id, CLOSED_DAY)
    assert hold.withdrawal.status.value == "confirmed"


def test_approved_while_frozen_waits_for_the_account() -> None:
    hold = Hold()
    hold.answer(passes=True)
    hold.decide("freeze")
    hold.decide("approve")
    assert (hold.withdrawal.status, hold.calls) == (S.APPROVED, [])
    assert hold.account.awaiting == {hold.withdrawal.id}
    hold.decide("unfreeze")
    assert hold.withdrawal.status is S.CAPTURING


def recorded() -> Deposit:
    deposit = Deposit(id=uuid.uuid4(), tenant="BANK")
    deposit = folded(deposit, deposit_rules.record(ACTIVE, "25.00", "gift", NOW))
    assert isinstance(deposit, Deposit)
    return deposit


def test_a_deposit_goes_to_an_active_account() -> None:
    with pytest.raises(AccountNotActiveError, match="is frozen"):
        deposit_rules.record(FROZEN, "25.00", "", NOW)
    with pytest.raises(AccountNotActiveError, match="is frozen"):
        withdrawal_rules.initiate(FROZEN, "25.00", "", "user:x", NOW)


def test_a_deposit_is_taken_back_once() -> None:
    deposit = recorded()
    with pytest.raises(DepositStateError, match="is pending"):
        deposit_rules.revert(deposit, ACTIVE, uuid.uuid4())
    deposit = folded(deposit, deposit_rules.posted(deposit))
    assert deposit_rules.posted(deposit) == []
    with pytest.raises(AccountNotActiveError):
        deposit_rules.revert(deposit, FROZEN, uuid.uuid4())
    mine = uuid.uuid4()
    deposit = folded(deposit, deposit_rules.revert(deposit, ACTIVE, mine))
    assert deposit_rules.revert(deposit, ACTIVE, uuid.uuid4()) == []
    first = deposit.revert_id
    facts = {"limit": "deposit-overdraft-USD", "current": "3.5"}
    spent = Refusal(reason="LIMIT_EXCEEDED", message="spent", facts=facts)
    deposit = folded(deposit, deposit_rules.not_taken_back(deposit, spent))
    assert deposit.status is DepositStatus.CONFIRMED
    refusal = deposit.refusal_of(mine)
    assert isinstance(refusal, InsufficientFundsError)
    assert (refusal.amount, refusal.available) == ("25.00", "3.50")
    assert deposit.refusal_of(uuid.uuid4()) is None, "who recorded it is not told of that"
    deposit = folded(deposit, deposit_rules.revert(deposit, ACTIVE, uuid.uuid4()))
    assert deposit.revert_id != first
    deposit = folded(deposit, deposit_rules.taken_back(deposit))
    assert deposit.status is DepositStatus.REVERTED
    assert deposit_rules.taken_back(deposit) == []
    assert deposit_rules.not_taken_back(deposit, spent) == []


def test_a_refused_deposit_says_why_unless_it_was_posted_after_all() -> None:
    deposit = recorded()
    deposit = folded(deposit, deposit_rules.not_posted(deposit, CLOSED_DAY))
    refusal = deposit.refusal_of(uuid.uuid4())
    assert isinstance(refusal, LedgerRefusedError)
    assert refusal.ledger_reason == "PERIOD_CLOSED"
    deposit = folded(deposit, deposit_rules.posted(deposit))
    assert (deposit.status, deposit.refusal) == (DepositStatus.CONFIRMED, None)


def test_another_limit_is_not_a_lack_of_money() -> None:
    refusal = Refusal(reason="LIMIT_EXCEEDED", message="", facts={"limit": "daily-cash"})
    assert isinstance(refusal.error(uuid.uuid4(), amount="1"), LedgerRefusedError)


def test_nothing_is_paid_out_of_a_frozen_account_that_is_being_closed() -> None:
    hold = Hold()
    withdrawal = hold.withdrawal.after(HoldPlaced())
    closing = ACTIVE.after(CloseWanted(request_id=uuid.uuid4()))
    frozen = closing.after(ReasonAdded(reason=FreezeReason.KYC))
    assert frozen.status is AccountStatus.CLOSING

    of_withdrawal, of_account = withdrawal_rules.approve(withdrawal, frozen)
    assert folded(withdrawal, of_withdrawal).status is S.APPROVED
    assert folded(frozen, of_account).awaiting == {withdrawal.id}

    of_withdrawal, _ = withdrawal_rules.approve(withdrawal, closing)
    assert folded(withdrawal, of_withdrawal).status is S.CAPTURING

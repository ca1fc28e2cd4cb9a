"""Accounts: whatever is asked in whatever order, the ledger ends up as the account is to be."""

import datetime as dt
import uuid

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.banking.deposit import account_rules, holder_rules
from ledger_client.banking.deposit.account_rules import (
    AccountStatus,
    CustomerType,
    DepositAccount,
    FreezeReason,
    Initialized,
    LedgerStep,
    StepAsked,
    StepDone,
    StepRefused,
)
from ledger_client.banking.deposit.errors import AccountNotActiveError, Refusal
from ledger_client.banking.deposit.holder_rules import AccountHolder

NOW = dt.datetime(2026, 1, 31, tzinfo=dt.UTC)
NOT_EMPTY = Refusal(reason="ACCOUNT_NOT_EMPTY", message="not at zero")

DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("freeze"), st.sampled_from(FreezeReason)),
        st.tuples(st.just("unfreeze"), st.sampled_from(FreezeReason)),
        st.tuples(st.just("close"), st.none()),
        st.tuples(st.just("answer"), st.booleans()),
    ),
    max_size=40,
)


class Ledger:
    """Does what it is asked for when `answer` comes; has one request about an account at once."""

    def __init__(self, account: DepositAccount) -> None:
        self.account = account
        self.asked: LedgerStep | None = LedgerStep.OPEN
        self.is_locked = False
        self.is_closed = False

    def step_on(self) -> None:
        step = account_rules.next_step(self.account)
        if step is not None:
            assert self.asked is None, "one after another"
            self.asked = step
            self.account = self.account.after(StepAsked(step=step))

    def answer(self, *, closes: bool) -> None:
        step, self.asked = self.asked, None
        if step is None:
            return
        if step is LedgerStep.CLOSE and not closes:
            self.account = self.account.after(StepRefused(step=step, refusal=NOT_EMPTY))
        else:
            assert not self.is_closed, "nothing is asked of a closed account"
            self.is_locked = {LedgerStep.LOCK: True, LedgerStep.UNLOCK: False}.get(
                step, self.is_locked
            )
            self.is_closed = step is LedgerStep.CLOSE
            self.account = self.account.after(StepDone(step=step))
        self.step_on()

    def decide(self, deed: str, reason: FreezeReason | None) -> None:
        before = self.account
        try:
            if deed == "close":
                events = account_rules.close(before, uuid.uuid4())
            else:
                assert reason is not None
                rule = account_rules.freeze if deed == "freeze" else account_rules.unfreeze
                events = rule(before, reason)
        except AccountNotActiveError:
            assert before.status is not AccountStatus.ACTIVE
            return
        for event in events:
            self.account = self.account.after(event)
        self.step_on()


def opened(*reasons: FreezeReason) -> DepositAccount:
    account = DepositAccount(id=uuid.uuid4(), tenant="BANK")
    return account.after(
        Initialized(
            customer_id=uuid.uuid4(),
            customer_type=CustomerType.BANK,
            currency="USD",
            decimals=2,
            freeze_reasons=reasons,
            at=NOW,
        )
    )


@given(st.sets(st.sampled_from(FreezeReason)), DEEDS)
def test_the_ledger_ends_up_as_the_account_is(
    reasons: set[FreezeReason], deeds: list[tuple[str, FreezeReason | bool | None]]
) -> None:
    ledger = Ledger(opened(*reasons))
    for deed, what in deeds:
        if deed == "answer":
            ledger.answer(closes=bool(what))
        else:
            ledger.decide(deed, what if isinstance(what, FreezeReason) else None)
    for _ in range(4):
        ledger.answer(closes=False)
    account = ledger.account
    assert ledger.asked is None
    assert account.is_closed == ledger.is_closed
    assert account.is_locked == ledger.is_locked
    if not account.is_closed:
        assert ledger.is_locked == bool(account.freeze_reasons)
        is_frozen = account.status is AccountStatus.FROZEN
        assert is_frozen == bool(account.freeze_reasons)


def test_an_account_is_frozen_until_the_last_reason_is_gone() -> None:
    account = opened().after(StepDone(step=LedgerStep.OPEN))
    for event in account_rules.freeze(account, FreezeReason.BY_HAND, "court order"):
        account = account.after(event)
    for event in account_rules.freeze(account, FreezeReason.KYC):
        account = account.after(event)
    assert (account.status, account.freeze_note) == (AccountStatus.FROZEN, "court order")
    assert account_rules.freeze(account, FreezeReason.BY_HAND, "again") == []
    for event in account_rules.unfreeze(account, FreezeReason.BY_HAND):
        account = account.after(event)
    assert (account.status, account.freeze_note) == (AccountStatus.FROZEN, "")
    assert account_rules.unfreeze(account, FreezeReason.BY_HAND) == []
    for event in account_rules.unfreeze(account, FreezeReason.KYC):
        account = account.after(event)
    assert account.status is AccountStatus.ACTIVE


def test_a_closing_that_failed_is_told_to_who_asked_for_it_alone() -> None:
    account = opened().after(StepDone(step=LedgerStep.OPEN))
    mine, other = uuid.uuid4(), uuid.uuid4()
    for event in account_rules.close(account, mine):
        account = account.after(event)
    assert account.status is AccountStatus.CLOSING
    with pytest.raises(AccountNotActiveError):
        account_rules.require_active(account)
    account = account.after(StepRefused(step=LedgerStep.CLOSE, refusal=NOT_EMPTY))
    assert account.status is AccountStatus.ACTIVE
    refusal = account.refusal_of(mine)
    assert refusal is not None
    assert refusal.reason == "ACCOUNT_NOT_EMPTY"
    assert account.refusal_of(other) is None


def test_an_account_that_the_ledger_refused_stays_refused() -> None:
    refusal = Refusal(reason="ACCOUNT_SET_NOT_FOUND", message="no such node")
    account = opened().after(StepRefused(step=LedgerStep.OPEN, refusal=refusal))
    assert account.status is AccountStatus.REFUSED
    assert account_rules.next_step(account) is None
    error = account.refusal_of(uuid.uuid4())
    assert error is not None
    assert error.facts()["ledger_reason"] == "ACCOUNT_SET_NOT_FOUND"
    with pytest.raises(AccountNotActiveError):
        account_rules.freeze(account, FreezeReason.KYC)


def test_a_reason_of_the_customers_is_kept_for_accounts_to_come() -> None:
    holder = AccountHolder(id=uuid.uuid4(), tenant="BANK")
    (added,) = holder_rules.add_reason(holder, FreezeReason.KYC)
    holder = holder.after(added)
    assert holder_rules.add_reason(holder, FreezeReason.KYC) == []
    assert holder.freeze_reasons == {FreezeReason.KYC}
    (removed,) = holder_rules.remove_reason(holder, FreezeReason.KYC)
    assert holder_rules.remove_reason(holder.after(removed), FreezeReason.KYC) == []

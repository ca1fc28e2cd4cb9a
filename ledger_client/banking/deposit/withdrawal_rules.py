"""Withdrawals, and what may happen to them: pure.

A hold ends once: with a capture or with a release. Which of them is asked for is decided here, by
the one event that leads out of `pending-approval` or `approved`; two that decide at once change the
same entity, so one of them is decided anew and finds that it is too late. After a release was asked
for there is no way to a capture, and a denial and a cancellation ask for the same release.

What the ledger did is noted whatever was known before, as with deposits.
"""

import datetime as dt
from typing import Final
from uuid import UUID

from ledger_client.banking.deposit.account_rules import (
    CaptureAwaited,
    DepositAccount,
    require_active,
)
from ledger_client.banking.deposit.errors import Refusal, WithdrawalStateError
from ledger_client.banking.deposit.withdrawal import (
    Approved,
    CaptureAsked,
    Captured,
    CaptureRefused,
    HoldPlaced,
    HoldRefused,
    Initiated,
    ReleaseAsked,
    Released,
    ReleaseRefused,
    RevertAsked,
    Reverted,
    RevertRefused,
    Withdrawal,
    WithdrawalEvent,
)
from ledger_client.banking.deposit.withdrawal import WithdrawalStatus as S

#: The ledger is to give the money back, or did.
_RELEASING: Final = frozenset({S.DENYING, S.CANCELLING})
_CANCELLED: Final = frozenset({S.CANCELLING, S.CANCELLED})
#: Money has left, whatever became of it.
_PAID: Final = frozenset({S.CONFIRMED, S.REVERTING, S.REVERTED})


def initiate(
    account: DepositAccount, amount: str, reference: str, initiator: str, now: dt.datetime
) -> list[WithdrawalEvent]:
    """Ask for money of an account; `amount` in whole currency units.

    Raises:
        AccountNotActiveError: nothing may leave the account now.
    """
    require_active(account)
    initiated = Initiated(
        account_id=account.id,
        amount=amount,
        currency=account.currency,
        decimals=account.decimals,
        reference=reference,
        initiator=initiator,
        at=now,
    )
    return [initiated]


def held(withdrawal: Withdrawal) -> list[WithdrawalEvent]:
    """Note that the ledger holds the money."""
    return [HoldPlaced()] if withdrawal.status in {S.INITIATED, S.REFUSED} else []


def not_held(withdrawal: Withdrawal, refusal: Refusal) -> list[WithdrawalEvent]:
    """Note that the ledger refused to hold it."""
    return [HoldRefused(refusal=refusal)] if withdrawal.status is S.INITIATED else []


def approve(
    withdrawal: Withdrawal, account: DepositAccount
) -> tuple[list[WithdrawalEvent], list[CaptureAwaited]]:
    """Have a withdrawal paid out, or wait while its account is frozen.

    Returns:
        What happens to the withdrawal, and to the account: one that is unfrozen at the same moment
        is changed by both, so none of the two can be missed.
    """
    if withdrawal.status is not S.PENDING_APPROVAL:
        return [], []
    if account.freeze_reasons:  # not the status: one that is being closed may be frozen too
        return [Approved()], [CaptureAwaited(withdrawal_id=withdrawal.id)]
    return [Approved(), CaptureAsked()], []


def pay_out(withdrawal: Withdrawal) -> list[WithdrawalEvent]:
    """Ask for what was approved and waits; nothing if it was cancelled meanwhile."""
    return [CaptureAsked()] if withdrawal.status is S.APPROVED else []


def deny(withdrawal: Withdrawal, reason: str) -> list[WithdrawalEvent]:
    """Give the money back because it was denied; nothing if it was cancelled before."""
    is_open = withdrawal.status is S.PENDING_APPROVAL
    return [ReleaseAsked(is_denial=True, reason=reason)] if is_open else []


def cancel(withdrawal: Withdrawal, request_id: UUID) -> list[WithdrawalEvent]:
    """Give the money back because nobody wants it; nothing if it is so already, or under way.

    Raises:
        WithdrawalStateError: it is decided otherwise, or the ledger does not hold the money yet.
    """
    if withdrawal.status in _CANCELLED:
        return []
    if withdrawal.status not in {S.PENDING_APPROVAL, S.APPROVED}:
        raise WithdrawalStateError(withdrawal.id, withdrawal.status.value)
    return [ReleaseAsked(is_denial=False, request_id=request_id)]


def captured(withdrawal: Withdrawal, transaction_id: UUID) -> list[WithdrawalEvent]:
    """Note that the ledger posted it."""
    return [] if withdrawal.status in _PAID else [Captured(transaction_id=transaction_id)]


def not_captured(withdrawal: Withdrawal, refusal: Refusal) -> list[WithdrawalEvent]:
    """Note that the ledger refused to post it: it stays approved, to be asked again."""
    return [CaptureRefused(refusal=refusal)] if withdrawal.status is S.CAPTURING else []


def released(withdrawal: Withdrawal) -> list[WithdrawalEvent]:
    """Note that the ledger gave the money back."""
    return [Released()] if withdrawal.status in _RELEASING else []


def not_released(withdrawal: Withdrawal, refusal: Refusal) -> list[WithdrawalEvent]:
    """Note that the ledger refused to give the money back: to be asked again."""
    return [ReleaseRefused(refusal=refusal)] if withdrawal.status in _RELEASING else []


def release_again(withdrawal: Withdrawal) -> list[WithdrawalEvent]:
    """Ask once more for a release that was refused; nothing if an answer is awaited."""
    if withdrawal.status not in _RELEASING or withdrawal.refused is None:
        return []
    again = ReleaseAsked(is_denial=withdrawal.status is S.DENYING, reason=withdrawal.denied_reason)
    return [again]


def revert(
    withdrawal: Withdrawal, account: DepositAccount, request_id: UUID
) -> list[WithdrawalEvent]:
    """Take back what was paid out; nothing if it is so already, or under way.

    Raises:
        WithdrawalStateError: it was not paid out.
        AccountNotActiveError: nothing may come to the account now.
    """
    if withdrawal.status in {S.REVERTING, S.REVERTED}:
        return []
    if withdrawal.status is not S.CONFIRMED:
        raise WithdrawalStateError(withdrawal.id, withdrawal.status.value)
    require_active(account)
    return [RevertAsked(request_id=request_id)]


def taken_back(withdrawal: Withdrawal) -> list[WithdrawalEvent]:
    """Note that the ledger took it back."""
    return [] if withdrawal.status is S.REVERTED else [Reverted()]


def not_taken_back(withdrawal: Withdrawal, refusal: Refusal) -> list[WithdrawalEvent]:
    """Note that the ledger refused to take it back: it stays paid out."""
    return [RevertRefused(refusal=refusal)] if withdrawal.status is S.REVERTING else []

"""What the module does about outcomes of its calls, other modules' events, and the end of a day.

An outcome is looked at by what it is an outcome of, and noted by rules that know what came before;
whatever order things come in, an entity that has moved on is left as it is.
"""

import logging
from collections.abc import Callable
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.deposit import (
    deposit_rules,
    events,
    fields,
    holder_rules,
    movements,
    withdrawal_rules,
)
from ledger_client.banking.deposit.account_rules import (
    DepositAccount,
    FreezeReason,
    LedgerStep,
    StepDone,
    StepRefused,
)
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.errors import Refusal
from ledger_client.banking.deposit.holder_rules import AccountHolder
from ledger_client.banking.deposit.other_modules import START_APPROVAL, WITHDRAW, start_approval
from ledger_client.banking.deposit.service import alive_accounts, freeze, unfreeze
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.banking.deposit.withdrawal import Withdrawal, WithdrawalStatus
from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.unit import Unit

_log: Final = logging.getLogger(__name__)

_STEPS: Final = {
    "ledger.create_account": LedgerStep.OPEN,
    "ledger.lock_account": LedgerStep.LOCK,
    "ledger.unlock_account": LedgerStep.UNLOCK,
    "ledger.close_account": LedgerStep.CLOSE,
}
_OF_STEPS: Final = {
    LedgerStep.OPEN: events.DepositAccountCreated,
    LedgerStep.LOCK: events.DepositAccountFrozen,
    LedgerStep.UNLOCK: events.DepositAccountUnfrozen,
    LedgerStep.CLOSE: events.DepositAccountClosed,
}


async def on_outcome(unit: Unit, call: Call, outcome: Outcome) -> None:
    """Note how a call ended."""
    match call.entity_kind:
        case DepositAccount.KIND:
            await _of_account(unit, call, outcome)
        case Deposit.KIND:
            await _of_deposit(unit, call, outcome)
        case Withdrawal.KIND:
            await _of_withdrawal(unit, call, outcome)
        case other:
            raise AssertionError(f"no call is about a {other}")


async def _of_account(unit: Unit, call: Call, outcome: Outcome) -> None:
    account = await unit.load(DepositAccount, call.entity_id)
    step = _STEPS[call.kind]
    if outcome.is_done:
        account = unit.change(account, StepDone(step=step))
        event = _OF_STEPS[step](account_holder_id=account.customer_id, id=account.id)
        unit.publish(event, about=account.id)
        movements.step_on(unit, account)
        return
    account = unit.change(account, StepRefused(step=step, refusal=Refusal.of(outcome)))
    if step is LedgerStep.CLOSE:
        movements.step_on(unit, account)
    else:  # nothing that is to be expected, and asking again would not help
        _log.error(
            "the ledger refused to %s deposit account %s: %s: %s",
            step.value,
            account.id,
            outcome.reason,
            outcome.message,
        )


async def _of_deposit(unit: Unit, call: Call, outcome: Outcome) -> None:
    deposit = await unit.load(Deposit, call.entity_id)
    is_reversal = call.kind == "ledger.reverse"
    if outcome.is_done:
        rule = deposit_rules.taken_back if is_reversal else deposit_rules.posted
        event = events.DepositReverted if is_reversal else events.DepositInitialized
        noted = rule(deposit)
        unit.change(deposit, *noted)
        _tell(unit, event if noted else None, deposit)
        return
    refusal = Refusal.of(outcome)
    if is_reversal:
        unit.change(deposit, *deposit_rules.not_taken_back(deposit, refusal))
        return
    noted = deposit_rules.not_posted(deposit, refusal)
    unit.change(deposit, *noted)
    _tell(unit, events.DepositRefused if noted else None, deposit)


async def _of_withdrawal(unit: Unit, call: Call, outcome: Outcome) -> None:
    withdrawal = await unit.load(Withdrawal, call.entity_id)
    if call.kind == START_APPROVAL:
        if not outcome.is_done:
            reason = f"no approval could be asked for: {outcome.reason}: {outcome.message}"
            _log.error("withdrawal %s: %s", withdrawal.id, reason)
            movements.release(unit, withdrawal, withdrawal_rules.deny(withdrawal, reason))
        return
    if outcome.is_done:
        _withdrawal_done(unit, withdrawal, call)
        return
    refusal = Refusal.of(outcome)
    rule: Callable[[Withdrawal, Refusal], Any] = {
        "ledger.place_hold": withdrawal_rules.not_held,
        "ledger.capture_hold": withdrawal_rules.not_captured,
        "ledger.release_hold": withdrawal_rules.not_released,
        "ledger.reverse": withdrawal_rules.not_taken_back,
    }[call.kind]
    noted = rule(withdrawal, refusal)
    unit.change(withdrawal, *noted)
    if call.kind == "ledger.place_hold":
        _tell(unit, events.WithdrawalRefused if noted else None, withdrawal)
    elif call.kind != "ledger.reverse":
        _log.error("%s of withdrawal %s was refused: %s", call.kind, withdrawal.id, refusal)


def _withdrawal_done(unit: Unit, withdrawal: Withdrawal, call: Call) -> None:
    event: type[events.MoneyEvent]
    match call.kind:
        case "ledger.place_hold":
            noted, event = withdrawal_rules.held(withdrawal), events.WithdrawalInitiated
        case "ledger.capture_hold":
            noted = withdrawal_rules.captured(withdrawal, call.id)
            event = events.WithdrawalConfirmed
        case "ledger.release_hold":
            noted = withdrawal_rules.released(withdrawal)
            is_denied = withdrawal.status is WithdrawalStatus.DENYING
            event = events.WithdrawalDenied if is_denied else events.WithdrawalCancelled
        case "ledger.reverse":
            noted, event = withdrawal_rules.taken_back(withdrawal), events.WithdrawalReverted
        case other:
            raise AssertionError(f"no {other} is about a withdrawal")
    withdrawal = unit.change(withdrawal, *noted)
    _tell(unit, event if noted else None, withdrawal)
    if noted and call.kind == "ledger.place_hold":
        unit.call(start_approval(withdrawal))


def _tell(
    unit: Unit, event: "type[events.MoneyEvent] | None", movement: Deposit | Withdrawal
) -> None:
    """Publish what happened to a deposit or withdrawal, unless it was known before."""
    if event is None:
        return
    amount = fields.minor_units_of(movement.amount, movement.decimals)
    payload = event(amount=amount, deposit_account_id=movement.account_id, id=movement.id)
    unit.publish(payload, about=movement.id)


async def on_event(unit: Unit, event: Envelope) -> None:
    """React to what another module tells."""
    match event.event_type:
        case "governance.approval-process-concluded":
            if event.payload["process_type"] == WITHDRAW:
                await _concluded(unit, event)
        case "core.customer.customer-account-kyc-verification-updated":
            await _kyc_updated(unit, event)
        case "core.customer.customer-activity-updated":
            await _activity_updated(unit, event)
        case "core.time.end-of-day":
            await _ask_again(unit)


async def _concluded(unit: Unit, event: Envelope) -> None:
    """Pay a withdrawal out, or give its money back."""
    withdrawal = await unit.find(Withdrawal, UUID(event.payload["id"]))
    if withdrawal is None:
        _log.error("an approval process was concluded for no withdrawal: %s", event.payload["id"])
        return
    if not event.payload["approved"]:
        reason = str(event.payload["denied_reason"] or "")
        movements.release(unit, withdrawal, withdrawal_rules.deny(withdrawal, reason))
        return
    account = await unit.load(DepositAccount, withdrawal.account_id)
    of_withdrawal, of_account = withdrawal_rules.approve(withdrawal, account)
    movements.capture(unit, withdrawal, of_withdrawal)
    unit.change(account, *of_account)


async def _kyc_updated(unit: Unit, event: Envelope) -> None:
    """Freeze the accounts of who was rejected, until that customer is verified."""
    verification = event.payload["kyc_verification"]
    if verification in {"rejected", "verified"}:
        await _set_reason(unit, event, FreezeReason.KYC, is_given=verification == "rejected")


async def _activity_updated(unit: Unit, event: Envelope) -> None:
    """Freeze the accounts of who is suspended, if the tenant wants that, until active again."""
    is_suspended = event.payload["activity"] == "suspended"
    if is_suspended and not unit.settings(DepositSettings).freeze_suspended:
        return
    await _set_reason(unit, event, FreezeReason.SUSPENDED, is_given=is_suspended)


async def _set_reason(unit: Unit, event: Envelope, reason: FreezeReason, *, is_given: bool) -> None:
    customer_id = UUID(event.payload["id"])
    holder = await unit.find(AccountHolder, customer_id)
    holder = holder or AccountHolder(id=customer_id, tenant=unit.tenant)
    rule = holder_rules.add_reason if is_given else holder_rules.remove_reason
    unit.change(holder, *rule(holder, reason))
    for account in await alive_accounts(unit, holder):
        if is_given:
            freeze(unit, account, reason)
        else:
            await unfreeze(unit, account, reason)


async def _ask_again(unit: Unit) -> None:
    """Ask the ledger once more for what it refused: a day can be closed, and the next one not."""
    for status in (WithdrawalStatus.DENYING, WithdrawalStatus.CANCELLING):
        for withdrawal in await unit.all_of(Withdrawal, state=status.value):
            movements.release(unit, withdrawal, withdrawal_rules.release_again(withdrawal))
    approved = await unit.all_of(Withdrawal, state=WithdrawalStatus.APPROVED.value)
    accounts = await unit.find_many(DepositAccount, {each.account_id for each in approved})
    for withdrawal in approved:
        if not accounts[withdrawal.account_id].freeze_reasons:
            movements.capture(unit, withdrawal, withdrawal_rules.pay_out(withdrawal))

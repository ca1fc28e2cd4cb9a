"""What is asked of the ledger: the calls that belong to changes of entities.

Each function changes an entity and has the call made in the same unit, so none is ever without the
other.
"""

import datetime as dt
import zoneinfo

from ledger_client.banking.deposit import account_rules, params, withdrawal_rules
from ledger_client.banking.deposit.account_rules import (
    AwaitedTaken,
    DepositAccount,
    LedgerStep,
    StepAsked,
)
from ledger_client.banking.deposit.chart import ALL_ACCOUNTS, account_code, deposit_node
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.settings import DepositSettings
from ledger_client.banking.deposit.withdrawal import Withdrawal, WithdrawalEvent
from ledger_client.banking.foundation import calls
from ledger_client.banking.foundation.unit import Unit


def today(unit: Unit) -> dt.date:
    """Return the bank's day, on which postings count."""
    zone = zoneinfo.ZoneInfo(unit.settings(DepositSettings).time_zone)
    return unit.now.astimezone(zone).date()


def open_at_ledger(unit: Unit, account: DepositAccount) -> None:
    """Have the ledger's account opened, where the customer's type belongs in the chart."""
    node = deposit_node(unit.settings(DepositSettings), account.customer_type)
    unit.call(
        calls.create_account(
            account,
            account.id,
            account_code(account.id),
            name=f"Deposit account {account.id}",
            is_credit_normal=True,
            account_sets=[node, ALL_ACCOUNTS],
        )
    )


def step_on(unit: Unit, account: DepositAccount) -> DepositAccount:
    """Ask the ledger for what an account needs next, if anything and if nothing is awaited."""
    step = account_rules.next_step(account)
    if step is None:
        return account
    account = unit.change(account, StepAsked(step=step))
    match step:
        case LedgerStep.LOCK:
            unit.call(calls.lock_account(account, account.id))
        case LedgerStep.UNLOCK:
            unit.call(calls.unlock_account(account, account.id))
        case LedgerStep.CLOSE:
            unit.call(calls.close_account(account, account.id))
        case LedgerStep.OPEN:
            raise AssertionError("an account is opened once, when it is made")
    return account


async def pay_out_awaiting(unit: Unit, account: DepositAccount) -> DepositAccount:
    """Pay out what was approved while an account was frozen, if it is frozen no longer.

    A lock lets what was held before still leave, so this does not wait for the ledger to unlock.
    """
    if account.freeze_reasons or not account.awaiting:
        return account
    waiting = await unit.find_many(Withdrawal, sorted(account.awaiting))
    for withdrawal in waiting.values():
        capture(unit, withdrawal, withdrawal_rules.pay_out(withdrawal))
    return unit.change(account, AwaitedTaken())


def post_deposit(unit: Unit, deposit: Deposit) -> None:
    """Have a deposit posted."""
    given = params.movement_params(deposit)
    unit.call(
        calls.post(deposit, deposit.id, params.RECORD_DEPOSIT, given, effective_date=today(unit))
    )


def hold_withdrawal(unit: Unit, withdrawal: Withdrawal) -> None:
    """Have the money of a withdrawal held."""
    given = params.movement_params(withdrawal)
    unit.call(
        calls.place_hold(
            withdrawal, withdrawal.id, params.WITHDRAW, given, effective_date=today(unit)
        )
    )


def capture(unit: Unit, withdrawal: Withdrawal, events: list[WithdrawalEvent]) -> Withdrawal:
    """Change a withdrawal, and have its money paid out if that is what the events ask for."""
    before = withdrawal.captures
    withdrawal = unit.change(withdrawal, *events)
    if withdrawal.captures > before:
        unit.call(
            calls.capture_hold(
                withdrawal, withdrawal.capture_call_id, withdrawal.id, effective_date=today(unit)
            )
        )
    return withdrawal


def release(unit: Unit, withdrawal: Withdrawal, events: list[WithdrawalEvent]) -> Withdrawal:
    """Change a withdrawal, and have its money given back if that is what the events ask for."""
    before = withdrawal.releases
    withdrawal = unit.change(withdrawal, *events)
    if withdrawal.releases > before:
        unit.call(
            calls.release_hold(
                withdrawal, withdrawal.release_call_id, withdrawal.id, effective_date=today(unit)
            )
        )
    return withdrawal

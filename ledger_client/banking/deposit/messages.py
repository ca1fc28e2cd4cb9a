"""Entities as the contract shows them.

The values of each enumeration stand in the contract in the same order, from 1 on; a test holds it.
"""

import enum

from bank_proto.deposit.v1 import deposit_pb2 as pb
from ledger_client.banking.deposit.account_rules import DepositAccount, FreezeReason
from ledger_client.banking.deposit.deposit_rules import Deposit
from ledger_client.banking.deposit.holder_rules import AccountHolder
from ledger_client.banking.deposit.withdrawal import Withdrawal
from ledger_client.banking.foundation.timestamps import timestamp_of


def account_message(account: DepositAccount) -> pb.DepositAccount:
    """Show an account."""
    return pb.DepositAccount(
        id=str(account.id),
        customer_id=str(account.customer_id),
        customer_type=pb.CustomerType.ValueType(number_of(account.customer_type)),
        currency=account.currency,
        status=pb.AccountStatus.ValueType(number_of(account.status)),
        freeze_reasons=_reasons(account.freeze_reasons),
        freeze_note=account.freeze_note,
        create_time=timestamp_of(account.create_time),
    )


def holder_message(holder: AccountHolder) -> pb.AccountHolder:
    """Show whose accounts they are."""
    return pb.AccountHolder(
        customer_id=str(holder.id),
        account_ids=[str(account_id) for account_id in holder.account_ids],
        freeze_reasons=_reasons(holder.freeze_reasons),
    )


def deposit_message(deposit: Deposit) -> pb.Deposit:
    """Show a deposit."""
    return pb.Deposit(
        id=str(deposit.id),
        account_id=str(deposit.account_id),
        amount=deposit.amount,
        currency=deposit.currency,
        reference=deposit.reference,
        status=pb.DepositStatus.ValueType(number_of(deposit.status)),
        create_time=timestamp_of(deposit.create_time),
    )


def withdrawal_message(withdrawal: Withdrawal) -> pb.Withdrawal:
    """Show a withdrawal."""
    return pb.Withdrawal(
        id=str(withdrawal.id),
        account_id=str(withdrawal.account_id),
        amount=withdrawal.amount,
        currency=withdrawal.currency,
        reference=withdrawal.reference,
        status=pb.WithdrawalStatus.ValueType(number_of(withdrawal.status)),
        denied_reason=withdrawal.denied_reason,
        ledger_refusal="" if withdrawal.refused is None else str(withdrawal.refused),
        create_time=timestamp_of(withdrawal.create_time),
    )


def number_of(value: enum.StrEnum) -> int:
    """Return the number of a value in the contract."""
    return list(type(value)).index(value) + 1


def _reasons(reasons: frozenset[FreezeReason]) -> list[pb.FreezeReason.ValueType]:
    return [pb.FreezeReason.ValueType(number_of(each)) for each in FreezeReason if each in reasons]

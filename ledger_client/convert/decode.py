"""From messages to the values of callers."""

import datetime as dt
from decimal import Decimal
from typing import Final
from uuid import UUID

import grpc

from ledger_client import models
from ledger_client.convert import words
from ledger_client.convert.params import from_struct, from_value
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    balances_pb2,
    common_pb2,
    holds_pb2,
    journals_pb2,
    periods_pb2,
    transactions_pb2,
    tx_templates_pb2,
)

_STATUS_BY_NUMBER: Final = {status.value[0]: status for status in grpc.StatusCode}


def journal(received: journals_pb2.Journal) -> models.Journal:
    """Return a journal."""
    return models.Journal(
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        time_zone=received.time_zone,
        create_time=words.instant(received.create_time),
        head_sequence=received.head_sequence,
    )


def currency(received: journals_pb2.Currency) -> models.Currency:
    """Return a currency."""
    return models.Currency(code=received.code, exponent=received.exponent)


def account(received: accounts_pb2.Account) -> models.Account:
    """Return an account."""
    status = accounts_pb2.AccountStatus.Name(received.status)
    return models.Account(
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        normal_side=words.direction(received.normal_side),
        status=models.AccountStatus(status.removeprefix("ACCOUNT_STATUS_")),
        metadata=dict(received.metadata),
        create_time=words.instant(received.create_time),
        lock_allows_hold_ends=received.lock_allows_hold_ends,
    )


def account_set(received: account_sets_pb2.AccountSet) -> models.AccountSet:
    """Return an account set; unspecified category and side are None."""
    category = account_sets_pb2.AccountCategory.Name(received.category)
    return models.AccountSet(
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        category=(
            models.AccountCategory(category.removeprefix("ACCOUNT_CATEGORY_"))
            if received.category
            else None
        ),
        normal_side=words.direction(received.normal_side) if received.normal_side else None,
        metadata=dict(received.metadata),
        create_time=words.instant(received.create_time),
    )


def account_set_member(received: account_sets_pb2.AccountSetMember) -> models.AccountSetMember:
    """Return a member of an account set."""
    return models.AccountSetMember(
        id=UUID(received.id),
        code=received.code,
        name=received.name,
        is_account_set=received.is_account_set,
    )


def tx_template(received: tx_templates_pb2.TxTemplate) -> models.TxTemplate:
    """Return one version of a template."""
    return models.TxTemplate(
        code=received.code,
        version=received.version,
        description=received.description,
        params=tuple(_param(param) for param in received.params),
        transaction=models.TransactionFields(
            effective_date=received.transaction.effective_date,
            description=received.transaction.description,
            external_id=received.transaction.external_id,
            correlation_id=received.transaction.correlation_id,
            metadata=received.transaction.metadata,
        ),
        entries=tuple(_entry_definition(entry) for entry in received.entries),
        create_time=words.optional_instant(received, "create_time"),
    )


def transaction(received: transactions_pb2.Transaction) -> models.Transaction:
    """Return a transaction."""
    kind = transactions_pb2.TransactionKind.Name(received.kind)
    return models.Transaction(
        id=UUID(received.id),
        sequence=received.sequence or None,
        template_code=received.template_code,
        template_version=received.template_version,
        effective_date=dt.date.fromisoformat(received.effective_date),
        record_time=words.optional_instant(received, "record_time"),
        description=received.description,
        external_id=received.external_id,
        correlation_id=received.correlation_id,
        metadata=dict(received.metadata),
        params=from_struct(received.params),
        entries=tuple(_entry(entry) for entry in received.entries),
        kind=models.TransactionKind(kind.removeprefix("TRANSACTION_KIND_")),
        hold_id=_optional_id(received.hold_id),
        reverses=_optional_id(received.reverses),
        reversed_by=tuple(UUID(each) for each in received.reversed_by),
    )


def hold(received: holds_pb2.Hold) -> models.Hold:
    """Return a hold."""
    status = holds_pb2.HoldStatus.Name(received.status)
    return models.Hold(
        id=UUID(received.id),
        status=models.HoldStatus(status.removeprefix("HOLD_STATUS_")),
        expire_time=words.optional_instant(received, "expire_time"),
        entries=tuple(_hold_entry(entry) for entry in received.entries),
        transaction=transaction(received.transaction),
    )


def period(received: periods_pb2.Period) -> models.Period:
    """Return which days are closed after a change."""
    return models.Period(
        closed_through=words.optional_date(received.closed_through),
        locked_through=words.optional_date(received.locked_through),
        sequence=received.sequence or None,
        change_time=words.optional_instant(received, "change_time"),
        actor=received.actor,
        reason=received.reason,
    )


def balance_after(received: transactions_pb2.BalanceAfter) -> models.BalanceAfter:
    """Return the sums of a layer right after an entry."""
    return models.BalanceAfter(
        debit=Decimal(received.debit), credit=Decimal(received.credit), version=received.version
    )


def refusal(received: common_pb2.Refusal) -> models.Refusal:
    """Return why a posting was refused."""
    return models.Refusal(
        reason=received.reason,
        message=received.message,
        facts=dict(received.metadata),
        status=_STATUS_BY_NUMBER.get(received.status_code, grpc.StatusCode.UNKNOWN),
    )


def post_result(received: transactions_pb2.PostResult) -> models.PostResult | models.Refusal:
    """Return what came of one item of a batch."""
    if received.HasField("refusal"):
        return refusal(received.refusal)
    return models.PostResult(
        transaction=transaction(received.transaction), replayed=received.replayed
    )


def validation(received: transactions_pb2.PostTransactionResponse) -> models.Validation:
    """Return what a posting would do."""
    return models.Validation(
        transaction=transaction(received.transaction),
        balance_changes=tuple(_balance_change(change) for change in received.balance_changes),
        refusal=refusal(received.refusal) if received.HasField("refusal") else None,
        replayed=received.replayed,
    )


def balance(received: balances_pb2.Balance, sequence: int) -> models.Balance:
    """Return a balance as read at the head `sequence`."""
    return models.Balance(
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        normal_side=words.direction(received.normal_side),
        currency=received.currency,
        settled=_layer_balance(received.settled),
        pending=_layer_balance(received.pending),
        encumbrance=_layer_balance(received.encumbrance),
        available=Decimal(received.available) if received.available else None,
        version=received.version,
        sequence=sequence,
    )


def _param(received: tx_templates_pb2.Param) -> models.Param:
    param_type = tx_templates_pb2.ParamType.Name(received.type)
    has_default = received.HasField("default_value")
    return models.Param(
        name=received.name,
        type=models.ParamType(param_type.removeprefix("PARAM_TYPE_")),
        description=received.description,
        default=from_value(received.default_value) if has_default else models.REQUIRED,
    )


def _entry_definition(received: tx_templates_pb2.EntryDefinition) -> models.EntryDefinition:
    return models.EntryDefinition(
        account=received.account,
        direction=received.direction,
        layer=received.layer,
        units=received.units,
        currency=received.currency,
        when=received.when,
        for_each=received.for_each,
    )


def _entry(received: transactions_pb2.Entry) -> models.Entry:
    return models.Entry(
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        direction=words.direction(received.direction),
        layer=words.layer(received.layer),
        units=Decimal(received.units),
        currency=received.currency,
        balance_after=(
            balance_after(received.balance_after) if received.HasField("balance_after") else None
        ),
    )


def _hold_entry(received: holds_pb2.HoldEntry) -> models.HoldEntry:
    return models.HoldEntry(
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        direction=words.direction(received.direction),
        currency=received.currency,
        placed=Decimal(received.placed),
        captured=Decimal(received.captured),
        released=Decimal(received.released),
        left=Decimal(received.left),
    )


def _balance_change(received: transactions_pb2.BalanceChange) -> models.BalanceChange:
    return models.BalanceChange(
        account_id=UUID(received.account_id),
        account_code=received.account_code,
        currency=received.currency,
        layer=words.layer(received.layer),
        net_debit_before=Decimal(received.net_debit_before),
        net_debit_after=Decimal(received.net_debit_after),
    )


def _layer_balance(received: balances_pb2.LayerBalance) -> models.LayerBalance:
    return models.LayerBalance(
        debit=_sum(received.debit), credit=_sum(received.credit), net=_sum(received.net)
    )


def _sum(text: str) -> Decimal:
    """Return a sum; a layer that was never used may come without one."""
    return Decimal(text) if text else Decimal(0)


def _optional_id(text: str) -> UUID | None:
    return UUID(text) if text else None

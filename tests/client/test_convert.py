"""Messages and values: there and back, and what is not set."""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.protobuf import struct_pb2, timestamp_pb2

from ledger_client import (
    REQUIRED,
    AccountCategory,
    AccountStatus,
    Direction,
    EntryDefinition,
    HoldStatus,
    Layer,
    LimitScope,
    NewAccount,
    NewTxTemplate,
    Param,
    ParamType,
    Posting,
    PostResult,
    Refusal,
    TransactionFields,
    TransactionKind,
    TrialBalanceRowKind,
    VelocityMeasure,
    VelocityWindow,
    new_id,
)
from ledger_client.convert import decode, encode
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    balances_pb2,
    common_pb2,
    holds_pb2,
    limits_pb2,
    reports_pb2,
    transactions_pb2,
    tx_templates_pb2,
)

NOON = timestamp_pb2.Timestamp(seconds=1_767_268_800, nanos=123_456_789)
NOON_PYTHON = dt.datetime(2026, 1, 1, 12, 0, 0, 123_456, tzinfo=dt.UTC)
ID = new_id()


@pytest.mark.parametrize(
    ("enum_class", "encoder", "wire"),
    [
        (Direction, encode.direction, common_pb2.Direction),
        (Layer, encode.layer, common_pb2.Layer),
        (AccountStatus, encode.account_status, accounts_pb2.AccountStatus),
        (AccountCategory, encode.account_category, account_sets_pb2.AccountCategory),
        (HoldStatus, encode.hold_status, holds_pb2.HoldStatus),
        (LimitScope, encode.limit_scope, limits_pb2.LimitScope),
        (VelocityMeasure, encode.velocity_measure, limits_pb2.VelocityMeasure),
        (VelocityWindow, encode.velocity_window, limits_pb2.VelocityWindow),
    ],
)
def test_every_enum_value_of_the_contract_has_a_name(
    enum_class: Any, encoder: Any, wire: Any
) -> None:
    assert [encoder(value) for value in enum_class] == list(range(1, len(wire.keys())))
    assert encoder(None) == 0


def test_param_types_and_row_kinds_are_those_of_the_contract() -> None:
    wire = tx_templates_pb2.ParamType.keys()[1:]
    assert [f"PARAM_TYPE_{one.name}" for one in ParamType] == wire
    wire = reports_pb2.TrialBalanceRowKind.keys()[1:]
    assert [f"TRIAL_BALANCE_ROW_KIND_{one.name}" for one in TrialBalanceRowKind] == wire
    wire = transactions_pb2.TransactionKind.keys()[1:]
    assert [f"TRANSACTION_KIND_{one.name}" for one in TransactionKind] == wire


def test_an_enum_may_be_given_as_its_name() -> None:
    account = NewAccount(code="a", normal_side="DEBIT")  # type: ignore[arg-type]  # allowed in practice
    assert encode.new_account(account).normal_side == common_pb2.DIRECTION_DEBIT
    with pytest.raises(ValueError, match="'DEBET' is not a valid Direction"):
        encode.direction("DEBET")  # type: ignore[arg-type]  # the point of it


def test_a_date_is_not_an_instant() -> None:
    assert encode.date(dt.date(2026, 1, 31)) == "2026-01-31"
    assert encode.date(None) == ""
    with pytest.raises(TypeError, match="give a civil date, not the instant"):
        encode.date(NOON_PYTHON)


def test_an_instant_has_an_offset() -> None:
    there = encode.instant(NOON_PYTHON.astimezone(dt.timezone(dt.timedelta(hours=-9))), "x")
    assert there == timestamp_pb2.Timestamp(seconds=NOON.seconds, nanos=123_456_000)
    assert encode.instant(None, "x") is None
    with pytest.raises(ValueError, match="expire_time: an instant needs an offset"):
        encode.instant(NOON_PYTHON.replace(tzinfo=None), "expire_time")


def test_template_comes_back_as_it_went() -> None:
    template = NewTxTemplate(
        code="T",
        description="what for",
        params=(
            Param(name="a", type=ParamType.ACCOUNT, description="who"),
            Param(name="b", type=ParamType.STRING, default=None),
            Param(name="c", type=ParamType.DECIMAL, default="1.50"),
            Param(name="d", type=ParamType.JSON, default=[{"x": 1}, True]),
        ),
        transaction=TransactionFields(description="params.b", metadata="{'a': params.c}"),
        entries=(
            EntryDefinition(
                account="params.a",
                direction="DEBIT",
                units="params.c",
                currency="'USD'",
                layer="PENDING",
                when="true",
                for_each="params.d",
            ),
        ),
    )
    message = encode.new_tx_template(template)
    back = decode.tx_template(message)

    assert [param.HasField("default_value") for param in message.params] == [
        False,
        True,
        True,
        True,
    ]
    assert [param.default for param in back.params] == [REQUIRED, None, "1.50", [{"x": 1}, True]]
    for field in dataclasses.fields(NewTxTemplate):
        assert getattr(back, field.name) == getattr(template, field.name)
    assert back.create_time is None


def test_a_float_default_is_refused_by_name() -> None:
    param = Param(name="rate", type=ParamType.DECIMAL, default=0.015)
    with pytest.raises(TypeError, match=r"params\.rate\.default: a float is not exact"):
        encode.new_tx_template(NewTxTemplate(code="T", params=[param], entries=[]))


def test_posting_with_all_and_with_nothing() -> None:
    full = Posting(
        template_code="T",
        params={"amount": Decimal("1.20")},
        transaction_id=ID,
        template_version=3,
        effective_date=dt.date(2026, 1, 31),
        description="d",
        external_id="e",
        correlation_id="c",
        metadata={"k": "v"},
        behind_soft_lock=True,
    )
    message = encode.transaction_request(full)
    assert message.transaction_id == str(ID)
    assert (message.template_code, message.template_version) == ("T", 3)
    assert message.params["amount"] == "1.20"
    assert message.effective_date == "2026-01-31"
    assert (message.description, message.external_id, message.correlation_id) == ("d", "e", "c")
    assert dict(message.metadata) == {"k": "v"}
    assert message.behind_soft_lock

    bare = encode.transaction_request(Posting(template_code="T", params={}, transaction_id=ID))
    assert bare == transactions_pb2.TransactionRequest(
        transaction_id=str(ID), template_code="T", params=struct_pb2.Struct()
    )


def transaction_message(**changes: Any) -> transactions_pb2.Transaction:
    fields: dict[str, Any] = {
        "id": str(ID),
        "sequence": 7,
        "template_code": "T",
        "template_version": 2,
        "effective_date": "2026-01-31",
        "record_time": NOON,
        "params": {"n": 3, "amount": "1.00"},
        "kind": transactions_pb2.TRANSACTION_KIND_POSTING,
        "entries": [
            transactions_pb2.Entry(
                account_id=str(ID),
                account_code="a",
                direction=common_pb2.DIRECTION_CREDIT,
                layer=common_pb2.LAYER_SETTLED,
                units="1.00",
                currency="USD",
                balance_after=transactions_pb2.BalanceAfter(debit="0", credit="1.00", version=1),
            )
        ],
    }
    return transactions_pb2.Transaction(**{**fields, **changes})


def test_transaction_as_posted() -> None:
    posted = decode.transaction(transaction_message())

    assert (posted.id, posted.sequence, posted.record_time) == (ID, 7, NOON_PYTHON)
    assert posted.effective_date == dt.date(2026, 1, 31)
    assert posted.params == {"n": 3, "amount": "1.00"}
    assert isinstance(posted.params["n"], int)
    (entry,) = posted.entries
    assert (entry.direction, entry.layer, entry.units) == (
        Direction.CREDIT,
        Layer.SETTLED,
        Decimal("1.00"),
    )
    assert entry.balance_after is not None
    assert entry.balance_after.credit == Decimal("1.00")


def test_transaction_as_validated() -> None:
    message = transaction_message(sequence=0, record_time=None)
    message.entries[0].ClearField("balance_after")
    response = transactions_pb2.PostTransactionResponse(
        transaction=message,
        balance_changes=[
            transactions_pb2.BalanceChange(
                account_id=str(ID),
                account_code="a",
                currency="USD",
                layer=common_pb2.LAYER_PENDING,
                net_debit_before="-5",
                net_debit_after="-6.00",
            )
        ],
        refusal=common_pb2.Refusal(
            reason="ACCOUNT_NOT_ACTIVE", message="m", metadata={"account": "a"}, status_code=9
        ),
    )
    validation = decode.validation(response)

    assert validation.transaction.sequence is None
    assert validation.transaction.record_time is None
    assert validation.transaction.entries[0].balance_after is None
    assert validation.balance_changes[0].net_debit_after == Decimal("-6.00")
    assert validation.balance_changes[0].layer is Layer.PENDING
    assert validation.refusal is not None
    assert validation.refusal.status is grpc.StatusCode.FAILED_PRECONDITION
    assert validation.refusal.facts == {"account": "a"}


def test_result_of_a_batch_is_one_or_the_other() -> None:
    posted = decode.post_result(
        transactions_pb2.PostResult(transaction=transaction_message(), replayed=True)
    )
    refused = decode.post_result(
        transactions_pb2.PostResult(refusal=common_pb2.Refusal(reason="X", status_code=77))
    )
    assert isinstance(posted, PostResult)
    assert posted.replayed
    assert isinstance(refused, Refusal)
    assert refused.status is grpc.StatusCode.UNKNOWN


def test_balance_with_and_without_available() -> None:
    message = balances_pb2.Balance(
        account_id=str(ID),
        account_code="a",
        normal_side=common_pb2.DIRECTION_DEBIT,
        currency="USD",
        settled=balances_pb2.LayerBalance(debit="5.00", credit="7.00", net="-2.00"),
        available="-2.00",
        version=4,
    )
    now = decode.balance(message, 9)
    assert (now.settled.net, now.available, now.sequence) == (Decimal(-2), Decimal(-2), 9)
    assert now.pending.debit == 0

    message.ClearField("available")
    assert decode.balance(message, 9).available is None


def test_set_without_category_or_side() -> None:
    message = account_sets_pb2.AccountSet(id=str(ID), code="s", create_time=NOON)
    bare = decode.account_set(message)
    assert (bare.category, bare.normal_side) == (None, None)

    message.category = account_sets_pb2.ACCOUNT_CATEGORY_OFF_BALANCE
    message.normal_side = common_pb2.DIRECTION_CREDIT
    full = decode.account_set(message)
    assert full.category is AccountCategory.OFF_BALANCE
    assert full.normal_side is Direction.CREDIT

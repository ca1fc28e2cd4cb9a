"""Messages and values of holds, reversals, limits and periods: there and back."""

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf import timestamp_pb2

from ledger_client import (
    Direction,
    HoldEntry,
    HoldStatus,
    LimitAttachment,
    LimitScope,
    Period,
    StandingLimit,
    TransactionKind,
    VelocityLimit,
    VelocityMeasure,
    VelocityWindow,
    new_id,
)
from ledger_client.convert import decode, limits
from ledger_proto.v1 import common_pb2, holds_pb2, limits_pb2, periods_pb2, transactions_pb2

ID = new_id()
OTHER = new_id()
NOON = timestamp_pb2.Timestamp(seconds=1_767_268_800)
NOON_PYTHON = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
STANDING = StandingLimit(available_min=Decimal("-500.00"))
VELOCITY = VelocityLimit(
    amount_max=Decimal(1000),
    direction=Direction.DEBIT,
    measure=VelocityMeasure.NET,
    window=VelocityWindow.ROLLING,
    rolling_seconds=86_400,
    condition="params.units > decimal('1')",
)


def transaction_message(**fields: Any) -> transactions_pb2.Transaction:
    given = {"id": str(ID), "effective_date": "2026-01-31", "kind": 1, **fields}
    return transactions_pb2.Transaction(**given)


def test_what_a_transaction_does_and_its_links() -> None:
    bare = decode.transaction(transaction_message())
    assert (bare.kind, bare.hold_id, bare.reverses, bare.reversed_by) == (
        *(TransactionKind.POSTING, None, None),
        (),
    )
    message = transaction_message(
        kind=transactions_pb2.TRANSACTION_KIND_REVERSAL,
        hold_id=str(OTHER),
        reverses=str(ID),
        reversed_by=[str(OTHER), str(ID)],
    )
    full = decode.transaction(message)
    assert (full.kind, full.hold_id, full.reverses) == (TransactionKind.REVERSAL, OTHER, ID)
    assert full.reversed_by == (OTHER, ID)


def test_a_hold() -> None:
    message = holds_pb2.Hold(
        id=str(ID),
        status=holds_pb2.HOLD_STATUS_RELEASED,
        expire_time=NOON,
        entries=[
            holds_pb2.HoldEntry(
                account_id=str(OTHER),
                account_code="a",
                direction=common_pb2.DIRECTION_CREDIT,
                currency="USD",
                placed="10.00",
                captured="4.00",
                released="6.00",
                left="0.00",
            )
        ],
        transaction=transaction_message(kind=2, hold_id=str(ID)),
    )
    hold = decode.hold(message)
    assert (hold.id, hold.status, hold.expire_time) == (ID, HoldStatus.RELEASED, NOON_PYTHON)
    assert (hold.transaction.kind, hold.transaction.hold_id) == (TransactionKind.HOLD, ID)
    assert hold.entries == (
        HoldEntry(
            account_id=OTHER,
            account_code="a",
            direction=Direction.CREDIT,
            currency="USD",
            placed=Decimal(10),
            captured=Decimal(4),
            released=Decimal(6),
            left=Decimal(0),
        ),
    )
    message.ClearField("expire_time")
    assert decode.hold(message).expire_time is None


@pytest.mark.parametrize("rule", [STANDING, VELOCITY])
def test_a_limit_comes_back_as_it_went(rule: StandingLimit | VelocityLimit) -> None:
    message = limits.message("L", name="Limit", currency="USD", rule=rule)
    message.create_time.CopyFrom(NOON)
    back = limits.limit(message)
    assert (back.code, back.name, back.currency) == ("L", "Limit", "USD")
    assert (back.rule, back.create_time) == (rule, NOON_PYTHON)
    assert back.bound == Decimal(-500 if rule is STANDING else 1000)


def test_a_bound_is_exact() -> None:
    with pytest.raises(TypeError, match="available_min: a float is not exact"):
        limits.message(
            "L",
            name="",
            currency="USD",
            rule=StandingLimit(available_min=0.5),  # type: ignore[arg-type]  # the point of it
        )
    with pytest.raises(ValueError, match="bound: NaN is not an amount"):
        limits.bound(Decimal("NaN"), "bound")
    assert limits.bound(Decimal("1E+3"), "bound") == "1000"


def test_what_a_limit_binds_and_its_use() -> None:
    attached = limits_pb2.LimitAttachment(
        limit="L", account_set_id=str(ID), scope=limits_pb2.LIMIT_SCOPE_WHOLE_SET
    )
    message = limits_pb2.LimitUse(
        limit=limits.message("L", name="", currency="USD", rule=VELOCITY),
        attachment=attached,
        used="990.00",
        left="-10.00",
        window_start=NOON,
    )
    use = limits.use(message)
    assert (use.used, use.left, use.window_start) == (Decimal(990), Decimal(-10), NOON_PYTHON)
    assert use.attachment == LimitAttachment(
        limit_code="L", account_id=None, account_set_id=ID, scope=LimitScope.WHOLE_SET
    )
    message.ClearField("window_start")
    assert limits.use(message).window_start is None


def test_a_period_and_none_yet() -> None:
    assert decode.period(periods_pb2.Period()) == Period(
        closed_through=None,
        locked_through=None,
        sequence=None,
        change_time=None,
        actor="",
        reason="",
    )
    message = periods_pb2.Period(
        closed_through="2026-01-31",
        locked_through="2026-02-28",
        sequence=7,
        change_time=NOON,
        actor="ann",
        reason="audited",
    )
    assert decode.period(message) == Period(
        closed_through=dt.date(2026, 1, 31),
        locked_through=dt.date(2026, 2, 28),
        sequence=7,
        change_time=NOON_PYTHON,
        actor="ann",
        reason="audited",
    )

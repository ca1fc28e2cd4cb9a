"""Params: exact values in, JSON on the wire, floats refused."""

import datetime as dt
import enum
import re
from collections import OrderedDict
from decimal import Decimal
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from ledger_client import Direction
from ledger_client.convert.params import from_struct, from_value, to_struct, to_value

ID = UUID("01890000-0000-7000-8000-000000000001")


class Size(enum.Enum):
    LARGE = 3


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, None),
        (True, True),
        (False, False),
        ("text", "text"),
        (Decimal("12.30"), "12.30"),
        (Decimal("1E+3"), "1000"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("-0.00"), "0.00"),
        (Decimal("-1.5"), "-1.5"),
        (Decimal("9" * 20 + "." + "1" * 18), "9" * 20 + "." + "1" * 18),
        (0, 0),
        (-(2**53), -(2**53)),
        (2**53, 2**53),
        (2**53 + 1, str(2**53 + 1)),
        (-(2**63), str(-(2**63))),
        (dt.date(2026, 1, 31), "2026-01-31"),
        (dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC), "2026-01-31T12:00:00+00:00"),
        (ID, "01890000-0000-7000-8000-000000000001"),
        (Direction.DEBIT, "DEBIT"),
        (Size.LARGE, "3"),
        ([Decimal(1), [ID]], ["1", [str(ID)]]),
        ((1, "a"), [1, "a"]),
        (OrderedDict(a={"b": Decimal("2.5")}), {"a": {"b": "2.5"}}),
        ([], []),
        ({}, {}),
    ],
)
def test_wire_form(value: Any, wire: Any) -> None:
    assert from_struct(to_struct({"x": value})) == {"x": wire}


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"amount": 1.5}, "params.amount: a float is not exact"),
        ({"amount": 2.0}, "params.amount: a float is not exact"),
        ({"lines": [{"debit": "1"}, {"debit": 0.1}]}, "params.lines[1].debit: a float"),
        ({"when": dt.timedelta(1)}, "params.when: timedelta has no exact JSON form"),
        ({"blob": b"x"}, "params.blob: bytes has no exact JSON form"),
        ({"some": {1, 2}}, "params.some: set has no exact JSON form"),
        ({"some": SimpleNamespace()}, "params.some: SimpleNamespace has no"),
        ({"map": {1: "a"}}, "params.map: the key 1 is not a string"),
    ],
)
def test_refuses_what_is_not_exact(params: dict[str, Any], message: str) -> None:
    with pytest.raises(TypeError, match=re.escape(message)):
        to_struct(params)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (Decimal("NaN"), "params.x: NaN is not an amount"),
        (Decimal("-Infinity"), "params.x: -Infinity is not an amount"),
        (Decimal("1E+999999999"), "params.x: 1E+999999999 has more digits than an amount may"),
        (Decimal("0E-999999999"), "params.x: 0E-999999999 has more digits than an amount may"),
        (dt.datetime(2026, 1, 31, 12), "params.x: an instant needs an offset"),  # noqa: DTZ001  # the point of it
    ],
)
def test_refuses_values_without_a_meaning(value: Any, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        to_struct({"x": value})


def test_refuses_a_fraction_from_the_wire() -> None:
    with pytest.raises(ValueError, match=r"a number with a fraction: 0\.5"):
        from_value(struct_pb2.Value(number_value=0.5))


@given(st.decimals(min_value=-(10**20), max_value=10**20, places=18))
def test_decimals_keep_their_value_and_decimals(value: Decimal) -> None:
    text = from_value(to_value(value, "x"))

    assert Decimal(text) == value
    assert "E" not in text
    assert text != "-0"


@given(st.integers(-(2**63), 2**63 - 1))
def test_integers_keep_their_value(value: int) -> None:
    assert int(from_value(to_value(value, "x"))) == value

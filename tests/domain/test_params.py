"""Params: JSON in, values of the declared types out, or a refusal that names the param."""

import uuid
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import ParamInvalidError, Violation
from ledger_server.domain.params import bind_params
from ledger_server.domain.template import Json, Param, ParamType
from tests.domain.strategies import json_values

ID = "01890a5d-ac96-774b-bcce-b302099a8057"


def nested(depth: int) -> Json:
    value: Json = "leaf"
    for _ in range(depth):
        value = [value]
    return value


def bound(param_type: ParamType, value: Json) -> object:
    return bind_params({"x": Param(name="x", type=param_type)}, {"x": value})["x"]


def problem(declared: Mapping[str, Param], given: Mapping[str, Json]) -> tuple[str, str]:
    with pytest.raises(ParamInvalidError) as refusal:
        bind_params(declared, given)
    found = refusal.value
    assert found.violations_found() == (Violation(f"params.{found.param}", found.problem),)
    return found.param, found.problem


@pytest.mark.parametrize(
    ("param_type", "value", "expected"),
    [
        (ParamType.STRING, "", ""),
        (ParamType.STRING, "Bücher 💶\n", "Bücher 💶\n"),
        (ParamType.STRING, "x" * 1_024, "x" * 1_024),
        (ParamType.INTEGER, 0, 0),
        (ParamType.INTEGER, "-12", -12),
        (ParamType.INTEGER, 2**63 - 1, 2**63 - 1),
        (ParamType.INTEGER, str(-(2**63) + 1), -(2**63) + 1),
        (ParamType.DECIMAL, "12.340", Decimal("12.34")),
        (ParamType.DECIMAL, "-0.01", Decimal("-0.01")),
        (ParamType.DECIMAL, "9" * 38, Decimal("9" * 38)),
        (ParamType.BOOLEAN, True, True),
        (ParamType.BOOLEAN, False, False),
        (ParamType.UUID, ID.upper(), uuid.UUID(ID)),
        (ParamType.DATE, "2024-02-29", date(2024, 2, 29)),
        (ParamType.DATE, "9999-12-31", date(9999, 12, 31)),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00Z", datetime(2026, 1, 31, 12, tzinfo=UTC)),
        (
            ParamType.TIMESTAMP,
            "2026-01-31T12:00:00.123456+05:45",
            datetime(2026, 1, 31, 12, 0, 0, 123456, timezone(timedelta(hours=5, minutes=45))),
        ),
        (
            ParamType.TIMESTAMP,
            "2026-01-31T12:00:00.5-23:59",
            datetime(2026, 1, 31, 12, 0, 0, 500_000, timezone(-timedelta(hours=23, minutes=59))),
        ),
        (ParamType.TIMESTAMP, "2026-01-31T00:00:00-00:00", datetime(2026, 1, 31, tzinfo=UTC)),
        (ParamType.JSON, {"a": [1, "2", {"b": None}], "c": True}, None),
        (ParamType.JSON, "text", None),
        (ParamType.JSON, 0, None),
        (ParamType.JSON, [], None),
        (ParamType.JSON, nested(16), None),
        (ParamType.ACCOUNT, "assets:bank", "assets:bank"),
        (ParamType.ACCOUNT, ID, ID),
        (ParamType.ACCOUNT, "日" * 255, "日" * 255),
        (ParamType.CURRENCY, "USD", "USD"),
    ],
)
def test_accepted(param_type: ParamType, value: Json, expected: object) -> None:
    found = bound(param_type, value)
    wanted = value if expected is None else expected
    assert found == wanted
    assert type(found) is type(wanted)


@pytest.mark.parametrize(
    ("param_type", "value", "rule"),
    [
        (ParamType.STRING, 1, "not a string"),
        (ParamType.STRING, None, "not a string"),
        (ParamType.STRING, ["a"], "not a string"),
        (ParamType.STRING, "x" * 1_025, "longer than 1024 characters"),
        (ParamType.STRING, "a\0", "holds a NUL character"),
        (ParamType.INTEGER, True, "not a whole number of 64 bits"),
        (ParamType.INTEGER, "", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "+1", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "01", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "1.0", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "1e3", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "1_000", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "٣", "not a whole number of 64 bits"),
        (ParamType.INTEGER, 2**63, "not a whole number of 64 bits"),
        (ParamType.INTEGER, "9223372036854775808", "not a whole number of 64 bits"),
        (ParamType.INTEGER, "9" * 5_000, "not a whole number of 64 bits"),
        (ParamType.INTEGER, 10**400, "not a whole number of 64 bits"),
        (ParamType.DECIMAL, 12, 'not a decimal string such as "12.34"'),
        (ParamType.DECIMAL, True, 'not a decimal string such as "12.34"'),
        (ParamType.DECIMAL, "NaN", "not a plain decimal such as 12.34"),
        (ParamType.DECIMAL, "1e400", "not a plain decimal such as 12.34"),
        (ParamType.DECIMAL, "-0.0", "negative zero"),
        (ParamType.DECIMAL, "9" * 39, "more than 38 digits"),
        (ParamType.BOOLEAN, "true", "not true or false"),
        (ParamType.BOOLEAN, 1, "not true or false"),
        (ParamType.UUID, ID.replace("-", ""), "not a UUID"),
        (ParamType.UUID, 7, "not a UUID"),
        (ParamType.DATE, 20260131, "not a date such as 2026-01-31"),
        (ParamType.DATE, "20260131", "not a date such as 2026-01-31"),
        (ParamType.DATE, "2026-1-31", "not a date such as 2026-01-31"),
        (ParamType.DATE, "2026-W05-6", "not a date such as 2026-01-31"),
        (ParamType.DATE, "2026-01-31\n", "not a date such as 2026-01-31"),
        (ParamType.DATE, "2026-02-30", "no such date"),
        (ParamType.DATE, "2026-13-01", "no such date"),
        (ParamType.DATE, "0000-01-01", "no such date"),
        (ParamType.TIMESTAMP, "2026-01-31", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, "2026-01-31 12:00:00Z", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00.1234567Z", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, "2026-01-31T24:00:00Z", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:60Z", "no such time"),
        (ParamType.TIMESTAMP, "2026-02-30T12:00:00Z", "no such time"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00+24:00", "no such time"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00+99:99", "no such time"),
        (ParamType.TIMESTAMP, "2026-01-31T12:00:00+0100", "not an RFC 3339 timestamp"),
        (ParamType.TIMESTAMP, 1_769_860_800, "not an RFC 3339 timestamp"),
        (ParamType.JSON, nested(17), "nested deeper than 16"),
        (ParamType.JSON, {"a": nested(50_000)}, "nested deeper than 16"),
        (ParamType.ACCOUNT, "", "not a code or id"),
        (ParamType.ACCOUNT, 5, "not a code or id"),
        (ParamType.ACCOUNT, "x" * 256, "not a code or id"),
        (ParamType.ACCOUNT, "a\0b", "not a code or id"),
        (ParamType.CURRENCY, None, "not a code or id"),
    ],
)
def test_refused(param_type: ParamType, value: Json, rule: str) -> None:
    name, found = problem({"x": Param(name="x", type=param_type)}, {"x": value})
    assert name == "x"
    assert found.startswith(rule)


@pytest.mark.parametrize("test", [test_accepted, test_refused])
def test_every_type_has_its_cases(test: Any) -> None:
    (mark,) = test.pytestmark
    assert {case[0] for case in mark.args[1]} == set(ParamType)


@given(st.sampled_from(ParamType), json_values)
def test_any_json_is_a_value_or_refused(param_type: ParamType, value: Json) -> None:
    """Never another error than the one that names the param."""
    named = "x"
    try:
        bound(param_type, value)
    except ParamInvalidError as refusal:
        named = refusal.param
    assert named == "x"


@given(
    st.dictionaries(
        st.sampled_from(["a", "b", "c", "d"]),
        st.tuples(st.sampled_from(ParamType), st.none() | json_values, st.booleans()),
    ),
    st.dictionaries(st.sampled_from(["a", "b", "c", "e"]), json_values),
)
def test_any_call_is_bound_or_refused(
    declarations: dict[str, tuple[ParamType, Json, bool]], given: dict[str, Json]
) -> None:
    declared = {
        name: Param(name=name, type=kind, has_default=has_default, default=default)
        for name, (kind, default, has_default) in declarations.items()
    }
    try:
        values = bind_params(declared, given)
    except ParamInvalidError as refusal:
        named = {refusal.param}
        values = declared  # type: ignore[assignment]  # none is absent
    else:
        named = set()
        assert given.keys() <= declared.keys()
    assert named <= declared.keys() | given.keys()
    absent = declared.keys() - values.keys()
    assert all(declared[name].has_default and declared[name].default is None for name in absent)


DECLARED = {
    "amount": Param(name="amount", type=ParamType.DECIMAL),
    "memo": Param(name="memo", type=ParamType.STRING, has_default=True),
    "rate": Param(name="rate", type=ParamType.DECIMAL, has_default=True, default="0.5"),
}


def test_defaults_take_the_place_of_what_is_left_out() -> None:
    assert bind_params(DECLARED, {"amount": "1"}) == {
        "amount": Decimal(1),
        "rate": Decimal("0.5"),
    }
    assert bind_params(DECLARED, {"amount": "1", "memo": "m", "rate": "2"}) == {
        "amount": Decimal(1),
        "memo": "m",
        "rate": Decimal(2),
    }


def test_null_leaves_an_optional_param_absent() -> None:
    assert "memo" not in bind_params(DECLARED, {"amount": "1", "memo": None})


def test_null_is_no_value_where_the_default_is_one() -> None:
    assert problem(DECLARED, {"amount": "1", "rate": None})[0] == "rate"


def test_missing() -> None:
    assert problem(DECLARED, {}) == ("amount", "missing; a DECIMAL is required")
    assert problem(DECLARED, {"amount": None})[0] == "amount"


def test_unknown() -> None:
    assert problem(DECLARED, {"amount": "1", "ammount": "1"}) == (
        "ammount",
        "unknown; the template takes amount, memo, rate",
    )
    assert problem({}, {"x": 1}) == ("x", "unknown; the template takes none")


def test_a_long_unknown_name_does_not_fill_the_answer() -> None:
    name, _ = problem(DECLARED, {"x" * 1_000_000: "1"})
    assert name == "x" * 64

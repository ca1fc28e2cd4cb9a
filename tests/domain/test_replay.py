"""When a request is one that was posted before, and where it differs if it is not."""

import uuid
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.replay import Recorded, first_difference
from ledger_server.domain.template import Json, ParamType
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, RequestField
from tests.domain.samples import draft, param
from tests.domain.strategies import json_values

DECLARED = {
    one.name: one
    for one in (
        param("amount"),
        param("rate", default="0.5"),
        param("memo", ParamType.STRING, default=None),
        param("at", ParamType.TIMESTAMP, default=None),
        param("to", ParamType.UUID, default=None),
        param("count", ParamType.INTEGER, default=None),
        param("extra", ParamType.JSON, default=None),
    )
}
ID = uuid.UUID(int=1)
KEY = "01890a5d-ac96-774b-bcce-b302099a8057"

optional_fields = st.fixed_dictionaries(
    {},
    optional={
        "template_version": st.just(3),
        "effective": st.dates(),
        "description": st.text(max_size=2),
        "external_id": st.text(min_size=1, max_size=2),
        "correlation_id": st.text(max_size=2),
        "metadata": st.dictionaries(st.text(max_size=2), st.text(max_size=2), max_size=2),
    },
)


def request(**fields: Any) -> Draft:
    params: dict[str, Json] = fields.pop("params", {})
    return draft([], ID, declared=DECLARED, params={"amount": "1.00"} | params, **fields)


def difference(first: Draft, second: Draft) -> str | None:
    return first_difference(second, Recorded.of(first))


@given(optional_fields, json_values)
def test_the_same_request_is_the_same(fields: dict[str, Any], extra: Json) -> None:
    asked = fields | {"params": {"extra": extra}}
    assert difference(request(**asked), request(**asked)) is None


@given(optional_fields, optional_fields)
def test_a_field_that_differs_is_named(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Given or not, and given as what: the first that differs, in the order of the contract."""
    names = {
        "template_version": "template_version",
        "effective": "effective_date",
        "description": "description",
        "external_id": "external_id",
        "correlation_id": "correlation_id",
        "metadata": "metadata",
    }
    differing = [shown for name, shown in names.items() if first.get(name) != second.get(name)]
    expected = differing[0] if differing else None
    assert difference(request(**first), request(**second)) == expected


def test_the_order_of_the_fields_is_that_of_the_contract() -> None:
    assert [field.name.lower() for field in RequestField] == [
        "template_version",
        "effective_date",
        "description",
        "external_id",
        "correlation_id",
        "metadata",
        "params",
        "final",
    ]


def test_another_template_differs_first() -> None:
    first, second = request(template_code="A"), request(template_code="B", description="x")
    assert difference(first, second) == "template_code"


def test_what_was_not_asked_may_have_changed_since() -> None:
    first, second = request(version=3), request(version=4)
    second.effective = date(2030, 1, 1)
    second.description = "from the newer template"
    assert difference(first, second) is None


def test_an_empty_text_is_not_the_same_as_none() -> None:
    assert difference(request(), request(description="")) == "description"
    assert difference(request(metadata={}), request()) == "metadata"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ({"amount": "1"}, {"amount": "1.00"}),
        ({}, {"rate": "0.50"}),
        ({}, {"memo": None}),
        ({"to": KEY}, {"to": KEY.upper()}),
        ({"at": "2026-01-31T12:00:00Z"}, {"at": "2026-01-31T14:00:00+02:00"}),
        ({"count": 7}, {"count": "7"}),
        ({"extra": {"a": 1, "b": [True]}}, {"extra": {"b": [True], "a": 1}}),
    ],
)
def test_params_compare_by_value(first: dict[str, Json], second: dict[str, Json]) -> None:
    assert difference(request(params=first), request(params=second)) is None
    assert difference(request(params=second), request(params=first)) is None


@pytest.mark.parametrize(
    ("first", "second", "field"),
    [
        ({"amount": "1"}, {"amount": "1.01"}, "amount"),
        ({}, {"rate": "0.51"}, "rate"),
        ({}, {"memo": ""}, "memo"),
        ({"at": "2026-01-31T12:00:00Z"}, {"at": "2026-01-31T12:00:00+02:00"}, "at"),
        ({"extra": "1.0"}, {"extra": "1.00"}, "extra"),
        ({"extra": [1, 2]}, {"extra": [2, 1]}, "extra"),
        ({"extra": {"a": None}}, {"extra": {}}, "extra"),
        ({"extra": [1]}, {"extra": [True]}, "extra"),
        ({"extra": {"a": [{"b": 0}]}}, {"extra": {"a": [{"b": False}]}}, "extra"),
        ({"memo": "b", "amount": "2"}, {"memo": "a", "amount": "3"}, "amount"),
    ],
)
def test_a_param_that_differs_is_named(
    first: dict[str, Json], second: dict[str, Json], field: str
) -> None:
    for one, other in ((first, second), (second, first)):
        assert difference(request(params=one), request(params=other)) == f"params.{field}"


@given(json_values, json_values)
def test_json_is_the_same_if_it_is_written_the_same(first: Json, second: Json) -> None:
    written = [repr(sorted_keys(value)) for value in (first, second)]
    found = difference(request(params={"extra": first}), request(params={"extra": second}))
    assert found == (None if written[0] == written[1] else "params.extra")


def sorted_keys(value: Json) -> object:
    if isinstance(value, dict):
        return {key: sorted_keys(value[key]) for key in sorted(value)}
    return [sorted_keys(one) for one in value] if isinstance(value, list) else value


def test_a_template_that_changed_compares_the_words() -> None:
    """Params that no longer fit cannot be compared by value."""
    first = draft([], ID, declared={"old": param("old")}, params={"old": "1"})
    assert difference(first, request()) == "params.amount"
    same_words = draft([], ID, declared={"old": param("old")}, params={"old": "1"})
    same_words.bind = request().bind
    assert difference(first, same_words) is None


def leg(units: str, direction: Direction = Direction.DEBIT) -> DraftEntry:
    return DraftEntry(BalanceKey(ID, "USD"), "cash", direction, Layer.SETTLED, Decimal(units))


def erased(first: Draft) -> Recorded:
    """What a record tells once its personal data is gone."""
    recorded = Recorded.of(first)
    recorded.description, recorded.metadata, recorded.params = "", {}, {}
    recorded.erased, recorded.entries = True, first.entries or ()
    return recorded


@given(optional_fields, json_values)
def test_the_same_request_is_the_same_after_an_erasure(fields: dict[str, Any], extra: Json) -> None:
    asked = fields | {"params": {"extra": extra}}
    assert first_difference(request(**asked), erased(request(**asked))) is None


@given(optional_fields, optional_fields)
def test_what_is_left_after_an_erasure_is_compared(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    """All that is not personal, and whether what is was given at all."""
    same = {"description": "", "metadata": {}}
    given = [
        fields | {name: same[name] for name in fields.keys() & same.keys()}
        for fields in (first, second)
    ]
    found = first_difference(request(**second), erased(request(**first)))
    assert found == difference(*(request(**fields) for fields in given))


def test_other_entries_are_another_request_after_an_erasure() -> None:
    """Nothing else is left of the params; another version of the template cannot tell."""
    asked = [leg("1.00"), leg("1.00", Direction.CREDIT)]
    other = [leg("2.00"), leg("2.00", Direction.CREDIT)]
    kept = erased(draft(asked, ID))
    assert first_difference(draft(asked, ID), kept) is None
    assert first_difference(draft(other, ID), kept) == "params"
    assert first_difference(draft(asked[::-1], ID), kept) == "params"
    assert first_difference(draft(asked[:1], ID), kept) == "params"
    kept.template_version += 1
    assert first_difference(draft(other, ID), kept) is None

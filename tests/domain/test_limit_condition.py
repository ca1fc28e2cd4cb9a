"""Conditions of velocity limits."""

from decimal import Decimal

import pytest

from ledger_server.domain.errors import LimitInvalidError
from ledger_server.domain.expression import SOURCE_LENGTH_MAX
from ledger_server.domain.limit_condition import CONDITION_PARAMS, compile_condition

TRANSACTION = {
    "template": "CARD_PURCHASE",
    "description": "Coffee",
    "external_id": "",
    "correlation_id": "c1",
    "metadata": {"channel": "atm"},
    "units": Decimal("12.50"),
    "currency": "USD",
}

#: A condition and whether it holds for the transaction above.
CONDITIONS = [
    ("params.template == 'CARD_PURCHASE'", True),
    ("params.template == 'X' || params.metadata.channel == 'atm'", True),
    ("params.units > decimal('12.50')", False),
    ("params.units >= decimal('12.50') && params.currency == 'USD'", True),
    ("has(params.metadata.card)", False),
    (
        "params.description == 'Tea' || params.external_id != '' || params.correlation_id == 'x'",
        False,
    ),
    ("true", True),
]

#: A source that is no condition, and a part of what is said of it.
MISTAKES = [
    (" ", "line 1, column "),
    ("params.units", "DECIMAL, not BOOLEAN"),
    ("params.amount > decimal('1')", "amount"),
    ("params.template ==\n  ", "line 2, column "),
    ("item == 1", "item"),
    ("true" + " " * SOURCE_LENGTH_MAX, "longer than"),
    ("a && b", "a"),
]


@pytest.mark.parametrize(("source", "holds"), CONDITIONS)
def test_conditions(source: str, holds: bool) -> None:
    assert set(TRANSACTION) == set(CONDITION_PARAMS)
    assert compile_condition(source).evaluate(TRANSACTION, {"USD": 2}) is holds


@pytest.mark.parametrize(("source", "part"), MISTAKES)
def test_mistakes_have_places(source: str, part: str) -> None:
    with pytest.raises(LimitInvalidError) as refusal:
        compile_condition(source)
    first = refusal.value.violations_found()[0]
    assert first.field == "limit.velocity.condition"
    assert first.description.startswith("line ")
    assert part in first.description

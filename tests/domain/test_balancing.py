"""Debits equal credits, in each layer and currency by itself."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.errors import UnbalancedError
from ledger_server.domain.primitives import EXACT, Direction, Layer, plain
from ledger_server.domain.transaction import DraftEntry
from tests.domain.strategies import (
    ACCOUNTS,
    CURRENCIES,
    amount,
    balanced_entries,
    layers,
    leg,
    minor_units,
)

DEBIT, CREDIT = Direction


@given(balanced_entries())
def test_balanced_entries_pass(entries: list[DraftEntry]) -> None:
    check_balanced(entries)


@given(balanced_entries(), minor_units, st.data())
def test_any_one_entry_changed_is_refused(
    entries: list[DraftEntry], extra: int, data: st.DataObject
) -> None:
    """The error must name exactly what differs, and by how much."""
    index = data.draw(st.integers(0, len(entries) - 1))
    right = entries[index]
    added = amount(extra, right.key.currency)
    wrong = right._replace(units=EXACT.add(right.units, added))

    with pytest.raises(UnbalancedError) as refusal:
        check_balanced([*entries[:index], wrong, *entries[index + 1 :]])

    assert (refusal.value.layer, refusal.value.currency) == (wrong.layer.name, wrong.key.currency)
    difference = EXACT.subtract(Decimal(refusal.value.debits), Decimal(refusal.value.credits))
    assert difference == (added if wrong.direction is DEBIT else EXACT.minus(added))


@given(balanced_entries(), st.data())
def test_an_entry_in_another_book_is_refused(
    entries: list[DraftEntry], data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    entry = entries[index]
    if data.draw(st.booleans()):
        moved = entry._replace(layer=data.draw(layers.filter(lambda one: one is not entry.layer)))
    else:
        others = sorted(set(CURRENCIES) - {entry.key.currency})
        moved = entry._replace(key=entry.key._replace(currency=data.draw(st.sampled_from(others))))

    with pytest.raises(UnbalancedError):
        check_balanced([*entries[:index], moved, *entries[index + 1 :]])


@given(balanced_entries(), st.data())
def test_an_entry_left_out_is_refused(entries: list[DraftEntry], data: st.DataObject) -> None:
    index = data.draw(st.integers(0, len(entries) - 1))
    with pytest.raises(UnbalancedError) as refusal:
        check_balanced(entries[:index] + entries[index + 1 :])
    assert refusal.value.currency == entries[index].key.currency


@pytest.mark.parametrize(
    ("second", "debits", "credits_"),
    [
        (leg(ACCOUNTS[1], CREDIT, Layer.SETTLED, 99, "USD"), "1", "0.99"),
        (leg(ACCOUNTS[1], DEBIT, Layer.SETTLED, 100, "USD"), "2", "0"),
        (leg(ACCOUNTS[1], CREDIT, Layer.PENDING, 100, "USD"), "1", "0"),
        (leg(ACCOUNTS[1], CREDIT, Layer.SETTLED, 1, "JPY"), "1", "0"),
    ],
)
def test_two_legs_that_do_not_match(second: DraftEntry, debits: str, credits_: str) -> None:
    first = leg(ACCOUNTS[0], DEBIT, Layer.SETTLED, 100, "USD")
    with pytest.raises(UnbalancedError) as refusal:
        check_balanced([first, second])
    assert refusal.value.facts() == {
        "layer": "SETTLED",
        "currency": "USD",
        "debits": debits,
        "credits": credits_,
    }
    assert str(refusal.value) == (
        f"SETTLED USD: debits {debits} != credits {credits_}; "
        "entries must balance in each layer and currency"
    )


def test_one_account_may_stand_on_both_sides() -> None:
    check_balanced([leg(ACCOUNTS[0], side, Layer.SETTLED, 100, "USD") for side in Direction])


@pytest.mark.parametrize("off", [0, 1])
def test_thirty_eight_digits_are_not_rounded(off: int) -> None:
    """In any decimal context: the default one has 28 digits and would not see the difference."""
    most = 10**38 - 1
    entries = [
        leg(ACCOUNTS[0], DEBIT, Layer.SETTLED, most, "JPY"),
        leg(ACCOUNTS[1], CREDIT, Layer.SETTLED, most - 10, "JPY"),
        leg(ACCOUNTS[2], CREDIT, Layer.SETTLED, 10 - off, "JPY"),
    ]
    if not off:
        check_balanced(entries)
        return
    with pytest.raises(UnbalancedError) as refusal:
        check_balanced(entries)
    assert refusal.value.debits == plain(Decimal(most))
    assert refusal.value.credits == plain(Decimal(most - 1))

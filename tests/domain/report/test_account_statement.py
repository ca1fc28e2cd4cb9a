"""Statements: a running balance that begins with the opening and ends with the closing."""

from collections import defaultdict
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.primitives import EXACT, ZERO, Direction
from ledger_server.domain.report.account_statement import (
    Balance,
    Movement,
    Place,
    on_side,
    running_balances,
    set_side,
)
from ledger_server.domain.report.periods import NOTHING, Sums
from tests.domain.strategies import ACCOUNTS, accounts, amount, directions, minor_units


@st.composite
def movements(draw: st.DrawFn) -> list[Movement]:
    found = []
    for number in range(draw(st.integers(0, 8))):
        currency = draw(st.sampled_from(["USD", "BTC"]))
        found.append(
            Movement(
                place=Place(date(2026, 1, 1), number + 1, 0),
                account_id=draw(accounts),
                direction=draw(directions),
                units=amount(draw(minor_units), currency),
                currency=currency,
            )
        )
    return found


def sums_of(found: list[Movement]) -> dict[str, Sums]:
    sums: defaultdict[str, Sums] = defaultdict(lambda: NOTHING)
    for each in found:
        is_debit = each.direction is Direction.DEBIT
        pair = (each.units, ZERO) if is_debit else (ZERO, each.units)
        sums[each.currency] += Sums(ZERO, ZERO, *pair)
    return dict(sums)


@given(movements(), movements(), directions)
def test_from_the_opening_to_the_closing(
    before: list[Movement], within: list[Movement], side: Direction
) -> None:
    openings = {currency: sums.movement() for currency, sums in sums_of(before).items()}
    nets = running_balances(openings, within, lambda each: each.currency)
    last = {each.currency: net for each, net in zip(within, nets, strict=True)}
    for currency, sums in sums_of(within).items():
        opening = openings.get(currency, ZERO)
        pair = (max(opening, ZERO), max(EXACT.minus(opening), ZERO))
        balance = Balance.of(Sums(*pair, sums.debit, sums.credit), side)
        assert balance.opening == on_side(opening, side)
        assert balance.closing == on_side(last[currency], side)
        change = on_side(EXACT.subtract(balance.debits, balance.credits), side)
        assert EXACT.add(balance.opening, change) == balance.closing


@given(movements(), st.integers(0, 8))
def test_a_later_page_goes_on_where_the_one_before_ended(found: list[Movement], cut: int) -> None:
    whole = running_balances({}, found, lambda each: each.currency)
    first, second = found[:cut], found[cut:]
    openings = {currency: sums.movement() for currency, sums in sums_of(first).items()}
    pages = running_balances({}, first, lambda each: each.currency)
    pages += running_balances(openings, second, lambda each: each.currency)
    assert pages == whole


@given(movements())
def test_what_is_kept_apart_does_not_meet(found: list[Movement]) -> None:
    nets = running_balances({}, found, lambda each: (each.account_id, each.currency))
    for account in ACCOUNTS:
        own = [each for each in found if each.account_id == account]
        alone = running_balances({}, own, lambda each: each.currency)
        shown = [net for each, net in zip(found, nets, strict=True) if each.account_id == account]
        assert shown == alone


def test_the_side_of_amounts() -> None:
    assert on_side(Decimal(5), Direction.DEBIT) == 5
    assert on_side(Decimal(5), Direction.CREDIT) == -5


@pytest.mark.parametrize(
    ("own", "categories", "expected"),
    [
        (None, [], Direction.DEBIT),
        (None, [AccountCategory.ASSET], Direction.DEBIT),
        (None, [AccountCategory.LIABILITY], Direction.CREDIT),
        (None, [AccountCategory.REVENUE, AccountCategory.REVENUE], Direction.CREDIT),
        (None, [AccountCategory.LIABILITY, AccountCategory.ASSET], Direction.DEBIT),
        (Direction.DEBIT, [AccountCategory.LIABILITY], Direction.DEBIT),
        (Direction.CREDIT, [], Direction.CREDIT),
    ],
)
def test_the_side_of_a_set(
    own: Direction | None, categories: list[AccountCategory], expected: Direction
) -> None:
    assert set_side(own, categories) is expected

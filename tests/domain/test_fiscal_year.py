"""Fiscal years: months that cover a year, years that adjoin, and closing entries that balance."""

import datetime as dt
import itertools
import uuid
from collections import defaultdict
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.balancing import check_balanced
from ledger_server.domain.errors import FiscalYearExistsError, FiscalYearOrderError
from ledger_server.domain.fiscal_year import (
    DayState,
    FiscalYear,
    FiscalYearStatus,
    Profit,
    check_place,
    closing_transactions,
    day_state,
    months,
    results,
)
from ledger_server.domain.period import ALL_OPEN, Period
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.transaction import ENTRIES_MAX, BalanceKey

RETAINED = uuid.UUID(int=10**9)
EXPONENTS = {"BTC": 8, "JPY": 0, "USD": 2}

days = st.dates(dt.date(1900, 1, 1), dt.date(2200, 1, 1))
spans = st.integers(0, 1200)


def year(first: dt.date, last: dt.date, code: str = "Y") -> FiscalYear:
    return FiscalYear(
        code=code,
        first_day=first,
        last_day=last,
        retained_earnings_id=None,
        retained_earnings_code="",
        status=FiscalYearStatus.OPEN,
        sequence=1,
        changed_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        actor="",
        reason="",
    )


def period(closed: dt.date | None, locked: dt.date | None) -> Period:
    return Period(
        closed_through=closed,
        locked_through=locked,
        sequence=1,
        changed_at=None,
        actor="",
        reason="",
    )


@given(days, spans)
def test_months_cover_a_year_without_gaps(first: dt.date, span: int) -> None:
    last = first + dt.timedelta(days=span)
    found = months(year(first, last), ALL_OPEN)
    assert (found[0].first_day, found[-1].last_day) == (first, last)
    for one in found:
        assert one.first_day <= one.last_day
        assert (one.first_day.year, one.first_day.month) == (one.last_day.year, one.last_day.month)
    for one, other in itertools.pairwise(found):
        assert other.first_day == one.last_day + dt.timedelta(days=1)
        assert other.first_day.day == 1


def test_the_last_month_of_the_calendar() -> None:
    found = months(year(dt.date(9999, 12, 1), dt.date.max), ALL_OPEN)
    assert [one.last_day for one in found] == [dt.date.max]


def test_the_state_of_a_day() -> None:
    first, second, third = (dt.date(2026, 1, day) for day in (1, 2, 3))
    states = [day_state(period(first, second), day) for day in (first, second, third)]
    assert states == [DayState.CLOSED, DayState.LOCKED, DayState.OPEN]
    assert day_state(ALL_OPEN, first) is DayState.OPEN


@given(days, spans, st.integers(-3, 3), st.booleans())
def test_years_adjoin(first: dt.date, span: int, shift: int, after: bool) -> None:
    """One day too early overlaps, one too late leaves a gap; both ends may grow."""
    last = first + dt.timedelta(days=span)
    there = [year(first, last)]
    if after:
        begin = last + dt.timedelta(days=1 + shift)
        end = begin + dt.timedelta(days=10)
    else:
        end = first - dt.timedelta(days=1 + shift)
        begin = end - dt.timedelta(days=10)
    adjoins = begin == last + dt.timedelta(days=1) or end + dt.timedelta(days=1) == first
    if adjoins:
        check_place("Z", begin, end, there)
    else:
        with pytest.raises(FiscalYearOrderError):
            check_place("Z", begin, end, there)


def test_a_code_is_taken_once() -> None:
    there = [year(dt.date(2025, 1, 1), dt.date(2025, 12, 31))]
    with pytest.raises(FiscalYearExistsError):
        check_place("Y", dt.date(2026, 1, 1), dt.date(2026, 12, 31), there)
    check_place("first", dt.date(2026, 1, 1), dt.date(2026, 1, 1), [])


@st.composite
def profits(draw: st.DrawFn) -> list[Profit]:
    found = []
    for currency in draw(st.sets(st.sampled_from(sorted(EXPONENTS)))):
        for number in range(draw(st.integers(0, 12))):
            units = draw(st.integers(-(10**12), 10**12))
            found.append(
                Profit(
                    BalanceKey(uuid.UUID(int=number + 1), currency),
                    f"account {number:05}",
                    draw(st.sampled_from([AccountCategory.REVENUE, AccountCategory.EXPENSE])),
                    Decimal(units).scaleb(-EXPONENTS[currency]),
                    Decimal(0),
                )
            )
    return found


def check(found: list[Profit]) -> list[int]:
    """Hold closing entries against what they close; return the sizes of the transactions."""
    transactions = closing_transactions(found, RETAINED, "retained", EXPONENTS)
    left = {one.key: one.net_debit for one in found}
    retained: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entries in transactions:
        check_balanced(entries)
        assert 2 <= len(entries) <= ENTRIES_MAX
        assert len({entry.key for entry in entries}) == len(entries), "a balance once each"
        for entry in entries:
            assert entry.layer is Layer.SETTLED
            assert entry.units > 0
            assert entry.units.as_tuple().exponent == -EXPONENTS[entry.key.currency]
            signed = entry.units if entry.direction is Direction.DEBIT else -entry.units
            if entry.key.account_id == RETAINED:
                retained[entry.key.currency] += signed
            else:
                left[entry.key] += signed
    assert all(net == 0 for net in left.values())
    for currency, result in results(found).items():
        assert retained[currency] == -result.net_income
    return [len(entries) for entries in transactions]


@given(profits())
def test_a_close_brings_all_to_zero_and_balances(found: list[Profit]) -> None:
    sizes = check(found)
    assert len(sizes) == (1 if any(one.net_debit for one in found) else 0)


@pytest.mark.parametrize(
    ("counts", "expected"),
    [
        ({"USD": 999}, [1000]),
        ({"USD": 1000}, [1000, 2]),
        ({"USD": 2000}, [1000, 1000, 3]),
        ({"BTC": 500, "USD": 498}, [1000]),
        ({"BTC": 500, "USD": 499}, [501, 500]),
        ({"BTC": 1000, "JPY": 10, "USD": 5}, [1000, 2 + 11 + 6]),
    ],
)
def test_at_most_so_many_entries(counts: dict[str, int], expected: list[int]) -> None:
    found = [
        Profit(
            BalanceKey(uuid.UUID(int=number + 1), currency),
            f"{number:05}",
            AccountCategory.EXPENSE,
            Decimal(1).scaleb(-EXPONENTS[currency]),
            Decimal(0),
        )
        for currency, count in counts.items()
        for number in range(count)
    ]
    assert check(found) == expected


def test_what_cancels_out_needs_nothing_from_retained_earnings() -> None:
    found = [
        Profit(BalanceKey(uuid.UUID(int=number + 1), "USD"), str(number), category, net, Decimal(0))
        for number, (category, net) in enumerate(
            [
                (AccountCategory.REVENUE, Decimal("-5.00")),
                (AccountCategory.EXPENSE, Decimal("5.00")),
            ]
        )
    ]
    assert check(found) == [2]

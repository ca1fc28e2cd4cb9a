"""Periods: what lies before them, and how days are cut so that one pass serves all of them."""

import uuid
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ledger_server.domain.primitives import ZERO
from ledger_server.domain.report.periods import (
    NOTHING,
    Cut,
    FiscalCalendar,
    Interval,
    Period,
    SegmentRows,
    Sums,
    SumsByKey,
    taken_off,
)

ACCOUNT = uuid.UUID(int=1)
DAY = timedelta(days=1)

dates = st.dates(date(2023, 12, 1), date(2024, 3, 31))
ends = st.none() | dates | st.just(date.max)


@st.composite
def periods(draw: st.DrawFn) -> Period:
    from_date, as_of = draw(st.none() | dates), draw(ends)
    if from_date and as_of and from_date > as_of:
        from_date, as_of = as_of, from_date
    return Period(from_date, as_of)


def summed(days: Sequence[tuple[date, int]], period: Period) -> Sums:
    """Return the sums of amounts by day, told in the shortest way; all are debits."""
    first, last = period.bounds()
    opening = sum(amount for day, amount in days if day < first and day <= last)
    movement = sum(amount for day, amount in days if first <= day <= last)
    return Sums(Decimal(opening), ZERO, Decimal(movement), ZERO)


@given(
    st.lists(st.tuples(dates | st.just(date.max), st.integers(1, 9)), max_size=8),
    st.lists(periods(), min_size=1, max_size=4),
)
def test_each_column_is_what_a_report_of_it_alone_would_have(
    days: list[tuple[date, int]], columns: list[Period]
) -> None:
    cut = Cut(columns)
    assert cut.boundaries == sorted(set(cut.boundaries))
    rows: defaultdict[int, Decimal] = defaultdict(Decimal)
    for day, amount in days:
        if day <= cut.last_day:
            # As PostgreSQL's width_bucket: how many boundaries are not after the day.
            rows[sum(boundary <= day for boundary in cut.boundaries)] += amount
    made = cut.nothing()
    for segment, moved in rows.items():
        # Rows come in parts, of which any may be empty.
        cut.add(made, SegmentRows([ACCOUNT], ["USD"], [segment], [moved], [ZERO]))
        cut.add(made, SegmentRows([], [], [], [], []))
    assert len(made) == len(columns)
    for period, sums in zip(columns, made, strict=True):
        assert sums.get((ACCOUNT, "USD"), NOTHING) == summed(days, period)
    event(f"{len(cut.boundaries)} boundaries")


def test_no_period_cuts_nothing() -> None:
    assert Cut([Period(None, None)]).boundaries == []
    assert Cut([Period(None, date.max)]).boundaries == []


#: First day, last day, interval, and the earlier periods, the latest first.
EARLIER = [
    # Months keep their last days, whatever their lengths.
    ("2024-03-01", "2024-03-31", Interval.OWN, "2024-02-01..2024-02-29 2024-01-01..2024-01-31"),
    ("2024-02-01", "2024-02-29", Interval.MONTH, "2024-01-01..2024-01-31"),
    ("2024-02-01", "2024-02-29", Interval.YEAR, "2023-02-01..2023-02-28"),
    ("2021-02-01", "2021-02-28", Interval.YEAR, "2020-02-01..2020-02-29"),
    # A quarter and a year by their own length.
    ("2024-01-01", "2024-03-31", Interval.OWN, "2023-10-01..2023-12-31"),
    ("2013-01-01", "2013-12-31", Interval.OWN, "2012-01-01..2012-12-31 2011-01-01..2011-12-31"),
    ("2024-01-01", "2024-03-31", Interval.QUARTER, "2023-10-01..2023-12-31"),
    # What is not of whole months goes by days.
    ("2024-03-04", "2024-03-10", Interval.OWN, "2024-02-26..2024-03-03 2024-02-19..2024-02-25"),
    ("2024-03-04", "2024-03-30", Interval.MONTH, "2024-02-04..2024-02-29"),
    # From the beginning only the ends move.
    ("", "2024-06-30", Interval.QUARTER, "..2024-03-31 ..2023-12-31"),
]


@pytest.mark.parametrize(("first", "last", "interval", "expected"), EARLIER)
def test_earlier_periods(first: str, last: str, interval: Interval, expected: str) -> None:
    own = Period(date.fromisoformat(first) if first else None, date.fromisoformat(last))
    earlier = own.earlier(interval, len(expected.split()))
    assert " ".join(f"{one.from_date or ''}..{one.as_of}" for one in earlier) == expected


@given(dates, st.integers(0, 40), st.integers(1, 3))
def test_periods_of_their_own_length_lie_side_by_side(first: date, more: int, count: int) -> None:
    period = Period(first, first + timedelta(days=more))
    for earlier in period.earlier(Interval.OWN, count):
        assert earlier.as_of is not None
        assert period.from_date is not None
        assert earlier.as_of + DAY == period.from_date
        period = earlier


@pytest.mark.parametrize(
    ("period", "interval", "says"),
    [
        (Period(None, None), Interval.YEAR, "give a last day"),
        (Period(None, date(2024, 1, 31)), Interval.OWN, "give an interval"),
        (Period(date(1, 1, 1), date(1, 12, 31)), Interval.YEAR, "beyond the year 1"),
        (Period(date(1, 1, 3), date(1, 1, 9)), Interval.OWN, "beyond the year 1"),
    ],
)
def test_what_has_nothing_before_it(period: Period, interval: Interval, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        period.earlier(interval, 1)


class TestFiscalYears:
    @given(st.dates(date(2, 1, 1)), st.dates(date(2001, 1, 1), date(2001, 12, 31)))
    def test_a_day_is_in_the_year_that_began_last(self, day: date, start: date) -> None:
        first = FiscalCalendar((), start.month, start.day).year_start(day)
        assert (first.month, first.day) == (start.month, start.day)
        assert first <= day
        assert day - first < timedelta(days=366)

    def test_the_first_year_of_the_calendar_begins_with_it(self) -> None:
        assert FiscalCalendar((), 7, 1).year_start(date(1, 3, 1)) == date.min

    @pytest.mark.parametrize(
        ("day", "start"),
        [
            ("2025-04-01", "2025-04-01"),
            ("2025-12-31", "2025-04-01"),  # a short year
            ("2026-01-01", "2026-01-01"),
            ("2027-06-30", "2026-01-01"),  # a long one
            ("2027-07-01", "2027-07-01"),
            ("2029-06-30", "2028-07-01"),
            ("2025-03-31", "2024-04-01"),
            ("2024-03-31", "2023-04-01"),
        ],
    )
    def test_years_that_are_known(self, day: str, start: str) -> None:
        known = [
            (date(2025, 4, 1), date(2025, 12, 31)),
            (date(2026, 1, 1), date(2027, 6, 30)),
        ]
        found = FiscalCalendar(known).year_start(date.fromisoformat(day))
        assert found == date.fromisoformat(start)

    def test_a_year_from_a_leap_day(self) -> None:
        leap = FiscalCalendar([(date(2024, 2, 29), date(2024, 12, 31))])
        assert leap.year_start(date(2023, 2, 28)) == date(2023, 2, 28)
        assert leap.year_start(date(2023, 2, 27)) == date(2022, 2, 28)

    def test_a_day_that_some_years_lack_is_refused(self) -> None:
        with pytest.raises(ValueError, match="day"):
            FiscalCalendar((), 2, 29)


def test_what_is_taken_off() -> None:
    one, two = Sums(ZERO, ZERO, Decimal(5), ZERO), Sums(ZERO, ZERO, Decimal(3), ZERO)
    sums: SumsByKey = {(ACCOUNT, "USD"): one, (ACCOUNT, "BTC"): two, (ACCOUNT, "JPY"): NOTHING}
    before = dict(sums)
    left = taken_off(sums, {(ACCOUNT, "USD"): two}, {(ACCOUNT, "BTC"): two})
    assert left == {(ACCOUNT, "USD"): Sums(ZERO, ZERO, Decimal(2), ZERO)}
    assert sums == before
    assert taken_off(sums) == {(ACCOUNT, "USD"): one, (ACCOUNT, "BTC"): two}

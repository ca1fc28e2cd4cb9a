"""The days that the columns of a report are about, and how they cut the books into segments."""

import calendar
import dataclasses
import enum
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from itertools import repeat
from typing import Final, NamedTuple

from ledger_server.domain.primitives import EXACT, ZERO, AccountId

#: Earlier columns of a report: three years of months. More is an export.
COMPARISONS_MAX: Final = 36

_ONE_DAY: Final = timedelta(days=1)
_add, _subtract = EXACT.add, EXACT.subtract


class Interval(enum.IntEnum):
    """How far columns lie apart. OWN is the length of the period itself."""

    OWN = 0
    MONTH = 1
    QUARTER = 2
    YEAR = 3


_MONTHS: Final = {Interval.MONTH: 1, Interval.QUARTER: 3, Interval.YEAR: 12}


@dataclasses.dataclass(frozen=True, slots=True)
class Period:
    """The days of one column."""

    #: First day of the movement; None for the beginning of the books.
    from_date: date | None
    #: Last day that counts; None for everything.
    as_of: date | None

    def bounds(self) -> tuple[date, date]:
        """Return the first and the last day, those of the calendar where there is none."""
        return self.from_date or date.min, self.as_of or date.max

    def earlier(self, interval: Interval, count: int) -> list["Period"]:
        """Return the `count` periods before this one, the latest first.

        A period by months that ends on the last day of a month always does. A period from the
        beginning of the books stays one. OWN goes by whole months where the period is of whole
        months, else by days.

        Raises:
            ValueError: the period has no end, OWN has no beginning, or the calendar ends.
        """
        if self.as_of is None:
            raise ValueError("everything posted has no earlier period: give a last day")
        months = _MONTHS.get(interval, 0) or self._months()
        try:
            if months:
                return [self._months_back(months * number) for number in range(1, count + 1)]
            return [self._lengths_back(number) for number in range(1, count + 1)]
        except OverflowError as error:
            raise ValueError("goes back beyond the year 1") from error

    def _months(self) -> int:
        """Return of how many whole months it is, 0 if it is not."""
        if self.from_date is None:
            raise ValueError("a period from the beginning has no length: give an interval")
        assert self.as_of is not None, "checked by the caller"
        if self.from_date.day != 1 or not _ends_month(self.as_of):
            return 0
        return _month_number(self.as_of) - _month_number(self.from_date) + 1

    def _months_back(self, months: int) -> "Period":
        assert self.as_of is not None, "checked by the caller"
        as_of = _shifted(self.as_of, months)
        if _ends_month(self.as_of):
            as_of = as_of.replace(day=calendar.monthrange(as_of.year, as_of.month)[1])
        return Period(_shifted(self.from_date, months) if self.from_date else None, as_of)

    def _lengths_back(self, number: int) -> "Period":
        assert self.as_of is not None, "checked by the caller"
        assert self.from_date is not None, "checked by `_months`"
        days = (self.as_of - self.from_date + _ONE_DAY) * number
        return Period(self.from_date - days, self.as_of - days)


@dataclasses.dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """When fiscal years begin: those that are known by their days, others by month and day."""

    #: First and last day of each, in order; they adjoin.
    years: Sequence[tuple[date, date]] = ()
    #: Where no year is known. Every year has this day.
    month: int = 1
    day: int = 1

    def __post_init__(self) -> None:
        """Refuse a day that some years lack.

        Raises:
            ValueError: there is no such day in every year.
        """
        date(2001, self.month, self.day)  # no leap year

    def year_start(self, day: date) -> date:
        """Return the first day of the fiscal year of `day`.

        Beyond the years that are known, years are taken to have twelve months, before the first
        as after the last.
        """
        if not self.years:
            return _anniversary(self.month, self.day, day)
        for first, last in self.years:
            if first <= day <= last:
                return first
        first, last = self.years[0][0], self.years[-1][1]
        start = first if day < first else last + _ONE_DAY
        return _anniversary(start.month, start.day, day)


class Sums(NamedTuple):
    """Gross sums of one account in one currency, before a period and within it.

    A tuple, as large books have hundreds of thousands: it is made in a third of the time.
    """

    opening_debit: Decimal
    opening_credit: Decimal
    debit: Decimal
    credit: Decimal

    def __add__(self, other: "Sums") -> "Sums":  # type: ignore[override]  # sums are no sequence
        """Add column by column."""
        return Sums(
            _add(self.opening_debit, other.opening_debit),
            _add(self.opening_credit, other.opening_credit),
            _add(self.debit, other.debit),
            _add(self.credit, other.credit),
        )

    def __sub__(self, other: "Sums") -> "Sums":
        """Subtract column by column."""
        return Sums(
            _subtract(self.opening_debit, other.opening_debit),
            _subtract(self.opening_credit, other.opening_credit),
            _subtract(self.debit, other.debit),
            _subtract(self.credit, other.credit),
        )

    def opening(self) -> Decimal:
        """Return the net debit before the period."""
        return _subtract(self.opening_debit, self.opening_credit)

    def movement(self) -> Decimal:
        """Return the net debit of the period."""
        return _subtract(self.debit, self.credit)

    def closing(self) -> Decimal:
        """Return the net debit after the period."""
        return _add(self.opening(), self.movement())


NOTHING: Final = Sums(ZERO, ZERO, ZERO, ZERO)
#: Makes one of a tuple of four, without the call in Python that a class of named fields costs.
_sums: Final[Callable[[tuple[Decimal, ...]], Sums]] = partial(tuple.__new__, Sums)

Key = tuple[AccountId, str]
SumsByKey = dict[Key, Sums]


class SegmentRows(NamedTuple):
    """Gross sums of accounts in a currency over a segment of days: columns of as many rows each."""

    account_ids: Iterable[AccountId]
    currencies: Iterable[str]
    segments: Iterable[int]
    debits: Iterable[Decimal]
    credits: Iterable[Decimal]


class Cut:
    """Days cut where any column begins or ends, so that one pass over the books serves all.

    Segment 0 lies before the first of `boundaries`; a segment n begins with boundary n - 1. Each
    column is made of whole segments: of those before its first day, and of those up to its last.
    """

    def __init__(self, periods: Sequence[Period]) -> None:
        """Cut for the columns `periods`."""
        starts = {period.from_date for period in periods if period.from_date is not None}
        #: The last day that counts in any column.
        self.last_day = max((period.as_of or date.max for period in periods), default=date.max)
        # Nothing is read beyond it, so no column needs to be cut off there.
        ends = {
            period.as_of + _ONE_DAY
            for period in periods
            if period.as_of is not None and period.as_of < self.last_day
        }
        #: First days of all segments but the first.
        self.boundaries = sorted(starts | ends)
        self._parts = [self._parts_of(periods, n) for n in range(len(self.boundaries) + 1)]
        self._count = len(periods)

    def nothing(self) -> list[SumsByKey]:
        """Return the sums of each column before any row was added."""
        if not self.boundaries:
            # All columns are of the same days.
            return [{}] * self._count
        return [{} for _ in range(self._count)]

    def add(self, columns: Sequence[SumsByKey], rows: SegmentRows) -> None:
        """Add rows to the sums of each column; a key that has no row in a column is not in it.

        Args:
            columns: what `nothing` returned, and rows were added to.
            rows: one for each key and segment, in all that are added.
        """
        keys = zip(rows.account_ids, rows.currencies, strict=True)
        if not self.boundaries:
            # All is movement, and a key has one row.
            movements = zip(repeat(ZERO), repeat(ZERO), rows.debits, rows.credits)
            for column in columns[:1]:
                column.update(zip(keys, map(_sums, movements), strict=True))
            return
        for key, segment, debit, credit in zip(
            keys, rows.segments, rows.debits, rows.credits, strict=True
        ):
            for index, is_opening in self._parts[segment]:
                column = columns[index]
                sums = (
                    Sums(debit, credit, ZERO, ZERO)
                    if is_opening
                    else Sums(ZERO, ZERO, debit, credit)
                )
                before = column.get(key)
                column[key] = sums if before is None else before + sums

    def _parts_of(self, periods: Sequence[Period], segment: int) -> list[tuple[int, bool]]:
        """Return in which columns a segment counts, and whether before their first day."""
        parts = []
        for index, period in enumerate(periods):
            first = bisect_right(self.boundaries, period.from_date) if period.from_date else 0
            end = bisect_right(self.boundaries, period.as_of or date.max)
            if segment <= end:
                parts.append((index, segment < first))
        return parts


def taken_off(sums: SumsByKey, *others: SumsByKey) -> SumsByKey:
    """Return `sums` less others: what came after a position, what closed a year.

    A key of which nothing is left had no entry at that position, and is not in the result.
    """
    left = dict(sums) if any(others) else sums
    for other in others:
        for key, one in other.items():
            left[key] = left.get(key, NOTHING) - one
    # Most books have none of those, and need no second table.
    return left if all(map(any, left.values())) else {k: one for k, one in left.items() if any(one)}


def _anniversary(month: int, day_of_month: int, day: date) -> date:
    """Return the last day up to `day` with this month and day, 29 February's in other years too."""
    for year in (day.year, day.year - 1):
        if year >= date.min.year:
            start = date(year, month, min(day_of_month, calendar.monthrange(year, month)[1]))
            if start <= day:
                return start
    return date.min


def _ends_month(day: date) -> bool:
    return day.day == calendar.monthrange(day.year, day.month)[1]


def _month_number(day: date) -> int:
    return day.year * 12 + day.month - 1


def _shifted(day: date, months: int) -> date:
    """Return the day so many months earlier, the month's last where it has no such day."""
    year, month = divmod(_month_number(day) - months, 12)
    if year < date.min.year:
        raise OverflowError("before the year 1")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))

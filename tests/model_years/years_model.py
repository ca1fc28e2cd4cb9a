"""Fiscal years in plain Python: what the books must be after any history of them."""

import dataclasses
import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

REVENUE, EXPENSE = frozenset({"sales", "fees"}), frozenset({"rent", "wages"})
RETAINED = "retained"

Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Entry:
    """A net debit on a day."""

    account: str
    currency: str
    net: Decimal
    day: dt.date


@dataclasses.dataclass
class Year:
    """A year and what closed it."""

    first_day: dt.date
    last_day: dt.date
    is_closed: bool = False
    closings: list[Entry] = dataclasses.field(default_factory=list)


class YearsModel:
    """Books with years, all of them from their beginning."""

    def __init__(self, first: int, count: int) -> None:
        self.years = {
            str(number): Year(dt.date(number, 1, 1), dt.date(number, 12, 31))
            for number in range(first, first + count)
        }
        self.posted: list[Entry] = []
        self.closed_through: dt.date | None = None

    def post(self, debit: str, credit: str, amount: Decimal, currency: str, day: dt.date) -> str:
        """Post on any day that is not closed for good; return the reason if it is."""
        if self.closed_through is not None and day <= self.closed_through:
            return "PERIOD_CLOSED"
        self.posted += [
            Entry(debit, currency, amount, day),
            Entry(credit, currency, -amount, day),
        ]
        return ""

    def nets(self, through: dt.date) -> dict[Key, Decimal]:
        """Return the net debits that are not zero."""
        found: dict[Key, Decimal] = defaultdict(Decimal)
        closings = [one for year in self.years.values() for one in year.closings]
        for entry in (*self.posted, *closings):
            if entry.day <= through:
                found[entry.account, entry.currency] += entry.net
        return {key: net for key, net in found.items() if net}

    def profits(self, through: dt.date) -> dict[Key, Decimal]:
        """Return what of it is revenue and expense."""
        found = self.nets(through)
        return {key: net for key, net in found.items() if key[0] in REVENUE | EXPENSE}

    def close(self, code: str) -> str | Mapping[str, Decimal]:
        """Close a year; return its net income by currency, or the reason of the refusal."""
        year = self.years[code]
        if self.closed_through is not None and year.last_day <= self.closed_through:
            return "PERIOD_CLOSED"
        before = year.first_day - dt.timedelta(days=1)
        if code != min(self.years) and self.profits(before):
            return "FISCAL_YEAR_ORDER"
        profits = self.profits(year.last_day)
        if year.is_closed and not profits:
            return "FISCAL_YEAR_STATE"
        income: dict[str, Decimal] = defaultdict(Decimal)
        for (account, currency), net in profits.items():
            year.closings.append(Entry(account, currency, -net, year.last_day))
            year.closings.append(Entry(RETAINED, currency, net, year.last_day))
            income[currency] -= net
        year.is_closed = True
        return dict(income)

    def reopen(self, code: str) -> str:
        """Reopen a year; return the reason of the refusal."""
        year = self.years[code]
        if not year.is_closed:
            return "FISCAL_YEAR_STATE"
        if self.closed_through is not None and year.last_day <= self.closed_through:
            return "PERIOD_CLOSED"
        if any(one.is_closed for number, one in self.years.items() if number > code):
            return "FISCAL_YEAR_ORDER"
        year.closings.clear()
        year.is_closed = False
        return ""

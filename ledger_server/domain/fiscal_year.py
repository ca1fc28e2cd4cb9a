"""Fiscal years: their months, their order, and the entries that close them."""

import calendar
import dataclasses
import enum
import itertools
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final, NamedTuple

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import FiscalYearExistsError, FiscalYearOrderError
from ledger_server.domain.period import Period
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, Layer
from ledger_server.domain.transaction import ENTRIES_MAX, BalanceKey, DraftEntry

#: Where a result comes from.
PROFIT_AND_LOSS: Final = frozenset({AccountCategory.REVENUE, AccountCategory.EXPENSE})

_add, _subtract = EXACT.add, EXACT.subtract


class FiscalYearStatus(enum.IntEnum):
    """Whether a year's books are closed. Stored as its number."""

    OPEN = 1
    CLOSED = 2


class DayState(enum.IntEnum):
    """Whether a day takes postings. The contract's numbers."""

    OPEN = 1
    LOCKED = 2
    CLOSED = 3


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYear:
    """A year, and the change that made it what it is."""

    code: str
    first_day: date
    last_day: date
    #: Where its result goes; None if no account was named yet.
    retained_earnings_id: AccountId | None
    retained_earnings_code: str
    status: FiscalYearStatus
    #: Of the change's event.
    sequence: int
    changed_at: datetime
    #: Empty while the server runs without authentication.
    actor: str
    reason: str

    def __post_init__(self) -> None:
        """Hold the invariant for every year, also one read back from the store."""
        assert self.first_day <= self.last_day, f"fiscal year {self.code} ends before it begins"


@dataclasses.dataclass(frozen=True, slots=True)
class Month:
    """A civil month of a year, or the part of one that is in it."""

    first_day: date
    last_day: date
    state: DayState


class Profit(NamedTuple):
    """What an account of revenue or expense holds in a currency through the last day of a year."""

    key: BalanceKey
    account_code: str
    category: AccountCategory
    #: Debits less credits on SETTLED.
    net_debit: Decimal
    #: The same before the first day.
    net_debit_before: Decimal


@dataclasses.dataclass(slots=True)
class Result:
    """Revenue and expense in one currency."""

    revenue: Decimal = ZERO
    expense: Decimal = ZERO

    @property
    def net_income(self) -> Decimal:
        """Revenue less expense."""
        return _subtract(self.revenue, self.expense)


def day_state(period: Period, day: date) -> DayState:
    """Tell whether a day takes postings."""
    if period.closed_through is not None and day <= period.closed_through:
        return DayState.CLOSED
    if period.locked_through is not None and day <= period.locked_through:
        return DayState.LOCKED
    return DayState.OPEN


def months(year: FiscalYear, period: Period) -> list[Month]:
    """Return the months of a year in order, each with the state of its last day."""
    found: list[Month] = []
    first = year.first_day
    while True:
        end = first.replace(day=calendar.monthrange(first.year, first.month)[1])
        last = min(end, year.last_day)
        found.append(Month(first, last, day_state(period, last)))
        if last == year.last_day:
            return found
        first = last + timedelta(days=1)


def check_place(code: str, first_day: date, last_day: date, years: Sequence[FiscalYear]) -> None:
    """Refuse a new year that has a code already taken or does not adjoin the others.

    Args:
        code: of the new year.
        first_day: of the new year.
        last_day: of the new year, not before the first.
        years: those that are there, by their days.

    Raises:
        FiscalYearExistsError: the code is taken.
        FiscalYearOrderError: there would be a gap or an overlap.
    """
    if any(year.code == code for year in years):
        raise FiscalYearExistsError(code)
    if not years:
        return
    earliest, latest = years[0], years[-1]
    follows = latest.last_day < date.max and first_day == latest.last_day + timedelta(days=1)
    precedes = last_day < date.max and last_day + timedelta(days=1) == earliest.first_day
    if not follows and not precedes:
        rule = (
            f"a year begins the day after {latest.last_day} or ends the day before "
            f"{earliest.first_day}"
        )
        raise FiscalYearOrderError(rule, code, latest.code)


def results(profits: Iterable[Profit]) -> dict[str, Result]:
    """Return revenue and expense of each currency, by currency."""
    found: dict[str, Result] = {}
    for profit in sorted(profits, key=lambda one: one.key.currency):
        result = found.setdefault(profit.key.currency, Result())
        if profit.category is AccountCategory.REVENUE:
            result.revenue = _subtract(result.revenue, profit.net_debit)
        else:
            result.expense = _add(result.expense, profit.net_debit)
    return found


def closing_transactions(
    profits: Iterable[Profit],
    retained_id: AccountId,
    retained_code: str,
    exponents: Mapping[str, int],
) -> list[list[DraftEntry]]:
    """Return the entries of the transactions that bring `profits` to zero, by currency and account.

    Each transaction balances in each currency by itself, against retained earnings, and has at most
    `ENTRIES_MAX` entries; as few transactions as that allows, but one currency does not wait for
    another to fill up.

    Args:
        profits: each balance once; zeros need nothing.
        retained_id: the account that takes the result.
        retained_code: its code.
        exponents: the decimals of each currency.
    """
    ordered = sorted(
        (profit for profit in profits if profit.net_debit),
        key=lambda one: (one.key.currency, one.account_code),
    )
    transactions: list[list[DraftEntry]] = []
    current: list[DraftEntry] = []
    for currency, group in itertools.groupby(ordered, key=lambda one: one.key.currency):
        zero = ZERO.scaleb(-exponents[currency])
        retained = BalanceKey(retained_id, currency)
        left = list(group)
        while left:
            # One entry of each currency in a transaction is that of retained earnings.
            room = ENTRIES_MAX - len(current) - 1
            if room < min(len(left), ENTRIES_MAX - 1) and current:
                transactions.append(current)
                current = []
                continue
            part, left = left[:room], left[room:]
            total = zero
            for profit in part:
                current.append(_entry(profit.key, profit.account_code, profit.net_debit, zero))
                total = _add(total, profit.net_debit)
            if total:
                # What was taken from the debit side of the others goes to its own.
                own = EXACT.minus(total)
                current.append(_entry(retained, retained_code, own, zero))
    if current:
        transactions.append(current)
    return transactions


def _entry(key: BalanceKey, code: str, net_debit: Decimal, zero: Decimal) -> DraftEntry:
    """Return the entry that takes a net debit away; `zero` carries the currency's decimals."""
    direction = Direction.CREDIT if net_debit > 0 else Direction.DEBIT
    units = _add(EXACT.abs(net_debit), zero)
    return DraftEntry(key, code, direction, Layer.SETTLED, units)

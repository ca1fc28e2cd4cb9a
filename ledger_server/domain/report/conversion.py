"""Statements in one currency: balances at the closing rate, earnings at the rate of each day.

Sums are converted before a statement is made of them, account by account, so that lines add up to
the totals above them as in any other statement. What conversion itself leaves over is computed
from the accounts, not from the statement: a ledger that is broken still shows.
"""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date, datetime
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.rate import RateInForce, RateKey, last_moment
from ledger_server.domain.report.periods import NOTHING, Period, Sums, SumsByKey
from ledger_server.domain.report.section import Amounts

#: What a converted amount stays below, so that sums of them are exact with any decimals.
CONVERTED_BOUND: Final = Decimal("1e50")

_add, _subtract = EXACT.add, EXACT.subtract


class DayRow(NamedTuple):
    """What moved on one account in one currency on one day."""

    account_id: AccountId
    currency: str
    day: date
    net_debit: Decimal


@dataclasses.dataclass(frozen=True, slots=True)
class ReportingCurrency:
    """What a statement is converted to."""

    code: str
    #: Its decimals.
    exponent: int
    #: Of the journal: a day ends at its midnight.
    zone: ZoneInfo

    def rate_of(self, currency: str, day: date) -> RateKey:
        """Name the rate with which a currency is converted at the end of a day."""
        return RateKey(currency, self.code, last_moment(day, self.zone))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a conversion goes by."""

    target: ReportingCurrency
    #: The accounts of revenue and expense.
    earning: AbstractSet[AccountId]
    #: What moved on them, each day of any period. Other days do not count.
    days: Sequence[DayRow]
    #: Of those that `wanted_rates` names, the ones that there are.
    rates: Mapping[RateKey, RateInForce]
    #: Whether all that stands is shown, as in a balance sheet, and so what conversion leaves over;
    #: else what moved within the periods alone.
    with_balances: bool
    #: Accounts that the report does not show: they need no rates.
    left_out: AbstractSet[AccountId] = frozenset()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """How a statement was converted."""

    currency: str
    #: What conversion leaves over, for each period: converted net debits of all accounts, less
    #: what their net debits come to when they are added first and converted then, at the closing
    #: rate. Empty without balances.
    translation_difference: Amounts
    #: By pair, then time; each once.
    used: Sequence[RateInForce]
    #: Currencies that lack a rate in any period; there they stand as they were.
    unconverted: Sequence[str]


def wanted_rates(
    currencies: AbstractSet[str],
    days: Sequence[DayRow],
    periods: Sequence[Period],
    target: ReportingCurrency,
) -> set[RateKey]:
    """Return all rates that a conversion may need: closing rates, and those of days with rows."""
    ends = {period.bounds()[1] for period in periods}
    wanted = {(currency, end) for currency in currencies for end in ends}
    wanted |= {(row.currency, row.day) for row in days}
    return {target.rate_of(currency, day) for currency, day in wanted if currency != target.code}


def converted(
    sums: Sequence[SumsByKey], periods: Sequence[Period], terms: Terms
) -> tuple[list[SumsByKey], Conversion]:
    """Convert the sums of accounts, each rounded half to even to the currency's decimals.

    What moved on earning accounts within a period is converted day by day, so that ranges add up;
    everything else, what they held before it included, at the rate in force at the period's end.
    A currency that lacks one of the rates it needs in a period stays as it is in that period.

    Args:
        sums: for each period those of each account and currency.
        periods: of the sums.
        terms: what to convert to, and with what.

    Raises:
        FieldInvalidError: an amount at its rate is not below `CONVERTED_BOUND`.

    Returns:
        Sums as they were given, with a net debit on the debit side alone where they are
        converted, and how.
    """
    target = terms.target
    made, differences = [], []
    used: dict[tuple[int, bool], RateInForce] = {}
    unconverted: set[str] = set()
    for column, period in zip(sums, periods, strict=True):
        one = _Column(column, period, terms)
        made.append(one.sums)
        differences.append(one.difference)
        unconverted |= one.unconverted
        used.update(((rate.rate.sequence, rate.inverse), rate) for rate in one.used)
    ordered = sorted(used.values(), key=lambda one: _place(one, target.code))
    return made, Conversion(
        currency=target.code,
        translation_difference=tuple(differences) if terms.with_balances else (),
        used=ordered,
        unconverted=sorted(unconverted),
    )


class _Column:
    """The conversion of one period."""

    def __init__(self, sums: SumsByKey, period: Period, terms: Terms) -> None:
        self._terms = terms
        self._target = terms.target
        self._days = _within(terms.days, period)
        self._end = period.bounds()[1]
        self.sums: SumsByKey = {}
        self.difference = ZERO
        self.unconverted: set[str] = set()
        self.used: list[RateInForce] = []
        by_currency: defaultdict[str, dict[AccountId, Sums]] = defaultdict(dict)
        for (account_id, currency), one in sums.items():
            if account_id not in terms.left_out:
                by_currency[currency][account_id] = one
        for currency, accounts in by_currency.items():
            if currency == self._target.code:
                self._put(accounts)
            else:
                self._convert_or_keep(currency, accounts)

    def _convert_or_keep(self, currency: str, accounts: Mapping[AccountId, Sums]) -> None:
        """Convert a currency if all rates that it needs are there, else leave it as it is."""
        needed = {row.day for row in self._days.get(currency, ())}
        # Where earnings are all there is, the end of the period is not asked for its rate.
        if any(self._at_end(key, one) for key, one in accounts.items()) or self._net(accounts):
            needed.add(self._end)
        # Zeros go where the rest of their currency would go, and neither use nor lack a rate.
        keys = {day: self._target.rate_of(currency, day) for day in needed or {self._end}}
        if all(key in self._terms.rates for key in keys.values()):
            rates = {day: self._terms.rates[keys[day]] for day in needed}
            self.used += rates.values()
            self._convert(currency, accounts, rates)
        else:
            self.sums.update(((key, currency), one) for key, one in accounts.items())
            if needed:
                self.unconverted.add(currency)

    def _convert(
        self, currency: str, accounts: Mapping[AccountId, Sums], rates: Mapping[date, RateInForce]
    ) -> None:
        """Add what the accounts have in a currency, and what that leaves over."""

        def at_end(units: Decimal) -> Decimal:
            return self._converted(rates[self._end], units) if units else ZERO

        movements: defaultdict[AccountId, Decimal] = defaultdict(lambda: ZERO)
        for row in self._days.get(currency, ()):
            amount = self._converted(rates[row.day], row.net_debit)
            movements[row.account_id] = _add(movements[row.account_id], amount)
        made: dict[AccountId, Sums] = {}
        for account_id, one in accounts.items():
            standing = at_end(self._at_end(account_id, one))
            moved = movements.get(account_id, ZERO)
            if self._terms.with_balances:
                made[account_id] = Sums(standing, ZERO, moved, ZERO)
            else:
                made[account_id] = Sums(ZERO, ZERO, _add(standing, moved), ZERO)
        self._put(made)
        left_over = _subtract(self._net(made), at_end(self._net(accounts)))
        self.difference = _add(self.difference, left_over)

    def _at_end(self, account_id: AccountId, sums: Sums) -> Decimal:
        """Return what of an account is converted at the rate of the period's end."""
        is_earning = account_id in self._terms.earning
        if self._terms.with_balances:
            return sums.opening() if is_earning else sums.closing()
        return ZERO if is_earning else sums.movement()

    def _net(self, accounts: Mapping[AccountId, Sums]) -> Decimal:
        """Return the net debit of all accounts together: zero, or the ledger is broken."""
        net = ZERO
        if self._terms.with_balances:
            for one in accounts.values():
                net = _add(net, one.closing())
        return net

    def _converted(self, rate: RateInForce, units: Decimal) -> Decimal:
        amount = rate.convert(units, self._target.exponent)
        if abs(amount) >= CONVERTED_BOUND:
            text = f"at rate {rate.rate.sequence} an amount is too large to be converted"
            raise FieldInvalidError("reporting_currency", text)
        return amount

    def _put(self, accounts: Mapping[AccountId, Sums]) -> None:
        for account_id, one in accounts.items():
            key = (account_id, self._target.code)
            self.sums[key] = self.sums.get(key, NOTHING) + one


def _within(days: Sequence[DayRow], period: Period) -> dict[str, list[DayRow]]:
    """Return the rows of a period by currency."""
    first, last = period.bounds()
    found: defaultdict[str, list[DayRow]] = defaultdict(list)
    for row in days:
        if first <= row.day <= last:
            found[row.currency].append(row)
    return found


def _place(one: RateInForce, quote: str) -> tuple[str, datetime, int]:
    """Return where a rate stands in the list of those used: by currency, then time."""
    other = one.rate.base if one.rate.quote == quote else one.rate.quote
    return (other, one.rate.effective_at, one.rate.sequence)

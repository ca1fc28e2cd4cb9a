"""Conversion of statements: it balances whatever the rates, and shows what is broken."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, Layer
from ledger_server.domain.rate import Rate, RateInForce, RateKey
from ledger_server.domain.report.balance_sheet import BalanceSheet, balance_sheet
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.conversion import (
    Conversion,
    DayRow,
    ReportingCurrency,
    Terms,
    converted,
    wanted_rates,
)
from ledger_server.domain.report.income_statement import IncomeStatement, income_statement
from ledger_server.domain.report.periods import Period, Sums, SumsByKey
from ledger_server.domain.report.section import Choice, Classified, SectionKind
from ledger_server.domain.transaction import DraftEntry
from tests.domain.report.test_balance_sheet import COMPLETE, Posted, sums, transactions
from tests.domain.report.test_chart import account_id
from tests.domain.report.test_section import categorised_charts
from tests.domain.strategies import days

USD = ReportingCurrency("USD", 2, ZoneInfo("Europe/Zurich"))
Rates = Mapping[RateKey, RateInForce]
periods = st.tuples(days, days).map(lambda two: Period(min(two), max(two)))


def earning(of: Chart) -> set[AccountId]:
    members = Classified(of).members
    return members[SectionKind.REVENUE] | members[SectionKind.EXPENSES]


def by_day(posted: Iterable[Posted], of: Chart) -> list[DayRow]:
    """Return what moved on earning accounts as the store gives it."""
    earns = earning(of)
    nets: defaultdict[tuple[object, str, date], Decimal] = defaultdict(lambda: ZERO)
    for day, entries in posted:
        for entry in entries:
            if entry.layer is Layer.SETTLED and entry.key.account_id in earns:
                sign = 1 if entry.direction is Direction.DEBIT else -1
                place = (entry.key.account_id, entry.key.currency, day)
                nets[place] = EXACT.add(nets[place], EXACT.multiply(entry.units, sign))
    return [DayRow(*place, net) for place, net in nets.items() if net]  # type: ignore[arg-type]


def not_income(of: Chart) -> frozenset[AccountId]:
    members = Classified(of).members
    return frozenset(of.accounts) - earning(of) - members[SectionKind.UNMAPPED]


@dataclasses.dataclass(frozen=True)
class Made:
    """Statements of the same books, converted."""

    sheet: BalanceSheet
    income: IncomeStatement
    conversion: Conversion
    plain: BalanceSheet


def made(posted: Sequence[Posted], of: Chart, rates: Rates, *asked: Period) -> Made:
    columns = [sums(posted, *period.bounds()) for period in asked]
    terms = Terms(
        target=USD,
        earning=earning(of),
        days=by_day(posted, of),
        rates=rates,
        with_balances=True,
    )
    balances, conversion = converted(columns, asked, terms)
    movements, _ = converted(
        columns, asked, dataclasses.replace(terms, with_balances=False, left_out=not_income(of))
    )
    return Made(
        balance_sheet(balances, of, Choice(), conversion),
        income_statement(movements, of, Choice()),
        conversion,
        balance_sheet(columns, of, Choice()),
    )


@st.composite
def rates_for(
    draw: st.DrawFn, posted: Sequence[Posted], asked: Sequence[Period], *, complete: bool
) -> Rates:
    """Return a rate for each that may be needed; unless `complete`, some are missing."""
    currencies = {entry.key.currency for _, entries in posted for entry in entries}
    rows = [
        DayRow(entry.key.account_id, entry.key.currency, day, entry.units)
        for day, entries in posted
        for entry in entries
    ]
    found = {}
    for number, key in enumerate(sorted(wanted_rates(currencies, rows, asked, USD)), 1):
        if complete or draw(st.booleans()):
            value = Decimal(draw(st.integers(1, 10**9))).scaleb(-draw(st.integers(0, 9)))
            found[key] = in_force(key, value, number, inverse=draw(st.booleans()))
    return found


def in_force(
    key: RateKey, value: Decimal, sequence: int = 1, *, inverse: bool = False
) -> RateInForce:
    rate = Rate(
        base=key.quote if inverse else key.base,
        quote=key.base if inverse else key.quote,
        effective_at=key.moment,
        rate=value,
        source="S",
        sequence=sequence,
        recorded_at=key.moment,
    )
    return RateInForce(rate, inverse)


@given(transactions, categorised_charts(), st.lists(periods, min_size=1, max_size=3), st.data())
def test_nothing_is_ever_unexplained(
    posted: list[Posted], of: Chart, asked: list[Period], data: st.DataObject
) -> None:
    """Whatever the rates, and also where some are missing."""
    rates = data.draw(rates_for(posted, asked, complete=data.draw(st.booleans())))
    report = made(posted, of, rates, *asked)
    for total in report.sheet.totals.values():
        assert not any(total.unexplained)
    event(f"left over: {any(report.conversion.translation_difference)}")
    event(f"unconverted: {bool(report.conversion.unconverted)}")


@given(transactions, periods, st.data())
def test_a_complete_chart_balances(
    posted: list[Posted], asked: Period, data: st.DataObject
) -> None:
    """Assets are liabilities, equity, earnings and what conversion left over."""
    rates = data.draw(rates_for(posted, [asked], complete=True))
    report = made(posted, COMPLETE, rates, asked)
    assert report.sheet.totals.keys() <= {"USD"}
    for total in report.sheet.totals.values():
        right = ZERO
        for amounts in (
            total.liabilities,
            total.equity,
            total.current_earnings,
            total.earlier_earnings,
            total.translation_difference,
        ):
            right = EXACT.add(right, amounts[0])
        assert total.assets == (right,)


@given(transactions, categorised_charts(), periods, st.data())
def test_what_is_left_over_is_rounding_and_the_earnings_between_two_rates(
    posted: list[Posted], of: Chart, asked: Period, data: st.DataObject
) -> None:
    """Against fractions: earnings at the closing rate less those at the days' rates."""
    rates = data.draw(rates_for(posted, [asked], complete=True))
    report = made(posted, of, rates, asked)
    expected = Fraction(0)
    conversions = 1
    for row in by_day(posted, of):
        if row.currency != "USD" and asked.bounds()[0] <= row.day <= asked.bounds()[1]:
            earned = -Fraction(row.net_debit)
            closing, own = (
                value_of(rates[USD.rate_of(row.currency, day)])
                for day in (asked.bounds()[1], row.day)
            )
            expected += earned * closing - earned * own
            conversions += 1
    conversions += len({entry.key for _, entries in posted for entry in entries}) * 2
    left_over = Fraction(report.conversion.translation_difference[0])
    assert abs(left_over - expected) <= Fraction(1, 200) * conversions


def in_usd(entry: DraftEntry) -> DraftEntry:
    return entry._replace(key=entry.key._replace(currency="USD"))


def value_of(found: RateInForce) -> Fraction:
    rate = Fraction(found.rate.rate)
    return 1 / rate if found.inverse else rate


@given(transactions, categorised_charts(), periods)
def test_without_rates_it_is_the_unconverted_report(
    posted: list[Posted], of: Chart, asked: Period
) -> None:
    report = made(posted, of, {}, asked)
    assert report.sheet == report.plain
    assert not report.conversion.used


@given(transactions, categorised_charts(), periods, st.data())
def test_the_reporting_currency_is_not_converted(
    posted: list[Posted], of: Chart, asked: Period, data: st.DataObject
) -> None:
    """Books of it alone are the same report, whatever rates there are."""
    rates = data.draw(rates_for(posted, [asked], complete=True))
    own = [(day, [in_usd(one) for one in entries]) for day, entries in posted]
    report = made(own, of, rates, asked)
    assert report.sheet == report.plain


@given(transactions, categorised_charts(), st.lists(days, min_size=2, max_size=4), st.data())
def test_ranges_of_income_add_up(
    posted: list[Posted], of: Chart, cuts: list[date], data: st.DataObject
) -> None:
    """Each day is rounded by itself, so months add up to their year."""
    first, *inner, last = sorted(cuts)
    starts = [first, *(day + timedelta(days=1) for day in inner)]
    parts = [Period(*each) for each in zip(starts, [*inner, last], strict=True)]
    parts = [part for part in parts if part.bounds()[0] <= part.bounds()[1]]
    whole = Period(first, last)
    earned = [
        (day, [one for one in entries if one.key.account_id in earning(of)])
        for day, entries in posted
    ]
    rates = data.draw(rates_for(earned, [whole, *parts], complete=True))
    of_whole, *of_parts = (made(earned, of, rates, each).income for each in (whole, *parts))
    added = ZERO
    for part in of_parts:
        if "USD" in part.totals:
            added = EXACT.add(added, part.totals["USD"].net_income[0])
    expected = of_whole.totals["USD"].net_income[0] if "USD" in of_whole.totals else ZERO
    assert added == expected


@given(transactions, categorised_charts(), st.lists(periods, min_size=2, max_size=3), st.data())
def test_columns_are_reports_of_their_own(
    posted: list[Posted], of: Chart, asked: list[Period], data: st.DataObject
) -> None:
    rates = data.draw(rates_for(posted, asked, complete=False))
    together = made(posted, of, rates, *asked)
    for index, period in enumerate(asked):
        alone = made(posted, of, rates, period)
        for currency, total in alone.sheet.totals.items():
            whole = together.sheet.totals[currency]
            for field in dataclasses.fields(total):
                one, all_ = getattr(total, field.name), getattr(whole, field.name)
                assert one[0] == all_[index], field.name
        assert set(alone.conversion.unconverted) <= set(together.conversion.unconverted)
        assert set(alone.conversion.used) <= set(together.conversion.used)


DAY = date(2026, 3, 31)
YEAR = Period(date(2026, 1, 1), DAY)
#: Of COMPLETE: an asset and revenue.
ASSET, REVENUE = account_id(1), account_id(4)


def of_books(books: SumsByKey, days_: Sequence[DayRow], rates: Rates) -> BalanceSheet:
    terms = Terms(
        target=USD,
        earning={REVENUE},
        days=days_,
        rates=rates,
        with_balances=True,
    )
    made_, conversion = converted([books], [YEAR], terms)
    return balance_sheet(made_, COMPLETE, Choice(), conversion)


def test_books_that_do_not_balance_show_by_how_much() -> None:
    """At the closing rate; what is left over does not hide it."""
    books: SumsByKey = {
        (ASSET, "BTC"): Sums(ZERO, ZERO, Decimal(10), ZERO),
        (REVENUE, "BTC"): Sums(ZERO, ZERO, ZERO, Decimal(7)),
    }
    closing, own = USD.rate_of("BTC", DAY), USD.rate_of("BTC", date(2026, 2, 1))
    rates = {closing: in_force(closing, Decimal(100)), own: in_force(own, Decimal(90), 2)}
    row = DayRow(REVENUE, "BTC", date(2026, 2, 1), Decimal(-7))
    total = of_books(books, [row], rates).totals["USD"]
    assert (total.assets, total.current_earnings) == ((Decimal(1000),), (Decimal(630),))
    assert total.translation_difference == (Decimal(70),)
    assert total.difference == total.unexplained == (Decimal(300),)


def test_a_currency_that_lacks_one_rate_stays_as_it_is() -> None:
    """Half of its books in another currency would be worse than none."""
    books: SumsByKey = {
        (ASSET, "BTC"): Sums(ZERO, ZERO, Decimal(7), ZERO),
        (REVENUE, "BTC"): Sums(ZERO, ZERO, ZERO, Decimal(7)),
    }
    closing = USD.rate_of("BTC", DAY)
    row = DayRow(REVENUE, "BTC", date(2026, 2, 1), Decimal(-7))
    totals = of_books(books, [row], {closing: in_force(closing, Decimal(100))}).totals
    assert list(totals) == ["BTC"]
    assert totals["BTC"].assets == totals["BTC"].current_earnings == (Decimal(7),)


def test_an_amount_that_no_sum_has_room_for_is_refused() -> None:
    books: SumsByKey = {(ASSET, "BTC"): Sums(Decimal("1e37"), ZERO, ZERO, ZERO)}
    closing = USD.rate_of("BTC", DAY)
    with pytest.raises(FieldInvalidError):
        of_books(books, [], {closing: in_force(closing, Decimal("1e37"))})

"""The balance sheet: assets are liabilities, equity and earnings, for any books and any chart."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from hypothesis import event, given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer
from ledger_server.domain.report.balance_sheet import BalanceSheet, balance_sheet
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.income_statement import income_statement
from ledger_server.domain.report.periods import NOTHING, Sums, SumsByKey
from ledger_server.domain.report.section import Choice, SectionKind
from ledger_server.domain.transaction import DraftEntry
from tests.domain.report.test_chart import account_id, chart, set_id
from tests.domain.report.test_section import CATEGORIES, categorised_charts
from tests.domain.strategies import balanced_entries, days

Posted = tuple[date, Sequence[DraftEntry]]

transactions = st.lists(st.tuples(days, balanced_entries()), max_size=6)

#: A complete chart: each account in one of five categories.
COMPLETE = chart({}, {number: [number + 1] for number in range(5)}, 6)
COMPLETE.categories = {set_id(number): CATEGORIES[number] for number in range(5)}
COMPLETE.accounts.pop(account_id(0))


def sums(posted: Iterable[Posted], from_date: date, as_of: date) -> SumsByKey:
    """Return the sums of settled entries as the store gives them."""
    found: defaultdict[tuple[object, str], Sums] = defaultdict(lambda: NOTHING)
    for day, entries in posted:
        for entry in entries:
            if entry.layer is Layer.SETTLED and day <= as_of:
                place = (2 if day >= from_date else 0) + (entry.direction is Direction.CREDIT)
                four = [entry.units if place == index else ZERO for index in range(4)]
                found[entry.key.account_id, entry.key.currency] += Sums(*four)
    return dict(found)  # type: ignore[arg-type]  # ids


def made(of: Chart, *columns: SumsByKey) -> BalanceSheet:
    return balance_sheet(columns, of, Choice())


@given(transactions, categorised_charts(), days, days)
def test_nothing_is_ever_unexplained(
    posted: list[Posted], of: Chart, from_date: date, as_of: date
) -> None:
    sheet = made(of, sums(posted, from_date, as_of))
    for total in sheet.totals.values():
        assert total.unexplained == (ZERO,)
        apart = EXACT.add(total.unmapped[0], total.off_balance[0])
        assert total.difference == (EXACT.minus(apart),)
    event(f"difference: {any(any(total.difference) for total in sheet.totals.values())}")


@given(transactions, days, days)
def test_a_complete_chart_balances(posted: list[Posted], from_date: date, as_of: date) -> None:
    """Accounts 1 to 4 are an asset, a liability, equity, revenue; there is no expense."""
    for total in made(COMPLETE, sums(posted, from_date, as_of)).totals.values():
        assert total.difference == (ZERO,)
        right = total.liabilities + total.equity + total.current_earnings + total.earlier_earnings
        added = ZERO
        for amount in right:
            added = EXACT.add(added, amount)
        assert total.assets == (added,)


def test_books_that_do_not_balance_show_by_how_much() -> None:
    """Nothing is made to fit."""
    broken: SumsByKey = {
        (account_id(1), "USD"): Sums(ZERO, ZERO, Decimal(10), ZERO),
        (account_id(4), "USD"): Sums(ZERO, ZERO, ZERO, Decimal(7)),
    }
    total = made(COMPLETE, broken).totals["USD"]
    assert total.difference == total.unexplained == (Decimal(3),)


@given(transactions, categorised_charts(), days, days)
def test_earnings_are_what_the_income_statement_says(
    posted: list[Posted], of: Chart, from_date: date, as_of: date
) -> None:
    of_year = sums(posted, from_date, as_of)
    sheet = made(of, of_year)
    income = income_statement([of_year], of, Choice()).totals
    for currency, total in sheet.totals.items():
        expected = income[currency].net_income if currency in income else (ZERO,)
        assert total.current_earnings == expected


@given(transactions, categorised_charts(), days, days)
def test_the_first_day_of_the_year_only_parts_the_earnings(
    posted: list[Posted], of: Chart, from_date: date, as_of: date
) -> None:
    parted = made(of, sums(posted, from_date, as_of))
    whole = made(of, sums(posted, date.min, as_of))
    assert parted.sections == whole.sections
    for currency, total in parted.totals.items():
        together = EXACT.add(total.current_earnings[0], total.earlier_earnings[0])
        assert whole.totals[currency].current_earnings == (together,)
        assert whole.totals[currency].earlier_earnings == (ZERO,)


@given(transactions, categorised_charts(), st.lists(st.tuples(days, days), min_size=2, max_size=3))
def test_columns_are_reports_of_their_own(
    posted: list[Posted], of: Chart, periods: list[tuple[date, date]]
) -> None:
    columns = [sums(posted, *period) for period in periods]
    together = made(of, *columns)
    for index, column in enumerate(columns):
        alone = made(of, column)
        for section, whole in zip(alone.sections, together.sections, strict=True):
            assert section.kind is whole.kind
            assert amounts(section.totals, 0) == amounts(whole.totals, index)
        for currency, total in alone.totals.items():
            for field in ("assets", "current_earnings", "earlier_earnings", "difference"):
                column_of_all = getattr(together.totals[currency], field)[index]
                assert getattr(total, field) == (column_of_all,)


def amounts(totals: Mapping[str, Sequence[Decimal]], index: int) -> dict[str, Decimal]:
    return {currency: each[index] for currency, each in totals.items() if each[index]}


def test_sections_and_sides() -> None:
    """Everything that is normal is positive; what stands the other way is negative."""
    books: SumsByKey = {
        (account_id(1), "USD"): Sums(Decimal(100), ZERO, Decimal(20), Decimal(5)),
        (account_id(2), "USD"): Sums(ZERO, Decimal(60), ZERO, ZERO),
        (account_id(3), "USD"): Sums(Decimal(10), ZERO, ZERO, ZERO),
        (account_id(4), "USD"): Sums(ZERO, Decimal(50), ZERO, Decimal(20)),
        (account_id(5), "USD"): Sums(ZERO, ZERO, Decimal(5), ZERO),
    }
    sheet = made(COMPLETE, books)
    shown = {section.kind: dict(section.totals) for section in sheet.sections}
    assert shown == {
        SectionKind.ASSETS: {"USD": (Decimal(115),)},
        SectionKind.LIABILITIES: {"USD": (Decimal(60),)},
        SectionKind.EQUITY: {"USD": (Decimal(-10),)},
        SectionKind.UNMAPPED: {},
        SectionKind.OFF_BALANCE: {},
    }
    total = sheet.totals["USD"]
    assert (total.current_earnings, total.earlier_earnings) == ((Decimal(15),), (Decimal(50),))
    assert total.difference == (ZERO,)
    assert COMPLETE.categories[set_id(0)] is AccountCategory.ASSET


def test_sums_of_thirty_eight_digits_are_not_rounded() -> None:
    most = Decimal("9" * 38)
    books: SumsByKey = {
        (account_id(1), "JPY"): Sums(most, ZERO, most, ZERO),
        (account_id(2), "JPY"): Sums(ZERO, most, ZERO, most),
    }
    total = made(COMPLETE, books).totals["JPY"]
    assert total.assets == (EXACT.add(most, most),)
    assert total.difference == (ZERO,)

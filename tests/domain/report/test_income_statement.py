"""The income statement: what moved on revenue and expense, and nothing else."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from hypothesis import given

from ledger_server.domain.primitives import EXACT, ZERO
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.income_statement import IncomeStatement, income_statement
from ledger_server.domain.report.periods import Sums, SumsByKey
from ledger_server.domain.report.section import Choice, SectionKind
from tests.domain.report.test_balance_sheet import COMPLETE, Posted, sums, transactions
from tests.domain.report.test_chart import account_id
from tests.domain.report.test_section import categorised_charts
from tests.domain.strategies import days


def made(of: Chart, *columns: SumsByKey) -> IncomeStatement:
    return income_statement(columns, of, Choice())


def test_revenue_and_expense_of_the_range_alone() -> None:
    books: SumsByKey = {
        (account_id(1), "USD"): Sums(ZERO, ZERO, Decimal(20), Decimal(5)),
        (account_id(4), "USD"): Sums(ZERO, Decimal(50), Decimal(1), Decimal(21)),
        (account_id(5), "USD"): Sums(Decimal(3), ZERO, Decimal(5), ZERO),
        (account_id(5), "BTC"): Sums(Decimal(3), ZERO, ZERO, ZERO),
    }
    statement = made(COMPLETE, books)
    assert {each.kind: dict(each.totals) for each in statement.sections} == {
        SectionKind.REVENUE: {"USD": (Decimal(20),)},
        SectionKind.EXPENSES: {"USD": (Decimal(5),), "BTC": (ZERO,)},
        SectionKind.UNMAPPED: {},
    }
    assert statement.totals["USD"].net_income == (Decimal(15),)
    assert [line.currency for each in statement.sections for line in each.lines] == ["USD"] * 4


@given(transactions, categorised_charts(), days, days, days)
def test_ranges_that_follow_add_up(
    posted: Sequence[Posted], of: Chart, first: date, split: date, last: date
) -> None:
    first, split, last = sorted((first, split, last))
    day_before = date.fromordinal(split.toordinal() - 1)
    whole = made(of, sums(posted, first, last)).totals
    parts = [
        made(of, sums(posted, first, day_before)).totals,
        made(of, sums(posted, split, last)).totals,
    ]
    for currency, total in whole.items():
        added = ZERO
        for part in parts:
            if currency in part:
                added = EXACT.add(added, part[currency].net_income[0])
        assert total.net_income == (added,)

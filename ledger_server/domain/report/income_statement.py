"""The income statement: what was earned and spent in a range of days."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from ledger_server.domain.primitives import ZERO
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.periods import NOTHING, SumsByKey
from ledger_server.domain.report.section import (
    Amounts,
    Choice,
    Classified,
    Section,
    SectionKind,
    Statement,
    added,
    negated,
)

_SHOWN: Final = (SectionKind.REVENUE, SectionKind.EXPENSES, SectionKind.UNMAPPED)


@dataclasses.dataclass(frozen=True, slots=True)
class IncomeStatementTotal:
    """The sums of one currency, each with an amount for each period."""

    revenue: Amounts
    expenses: Amounts

    @property
    def net_income(self) -> Amounts:
        """Revenue less expenses."""
        return added(self.revenue, negated(self.expenses))


@dataclasses.dataclass(frozen=True, slots=True)
class IncomeStatement:
    """Sections in the order in which they are read, and the sums by currency."""

    sections: Sequence[Section]
    totals: Mapping[str, IncomeStatementTotal]


def income_statement(sums: Sequence[SumsByKey], chart: Chart, choice: Choice) -> IncomeStatement:
    """Make the income statement.

    Args:
        sums: for each period those of each account and currency; what stands before the period
            does not count.
        chart: as it was at the position of the report.
        choice: what is shown.

    Raises:
        ReportTooLargeError: it has more lines than a statement may have.
    """
    keys = {key for each in sums for key in each}
    nets = {key: tuple(each.get(key, NOTHING).movement() for each in sums) for key in keys}
    classified = Classified(chart)
    revenue = classified.net_debits(SectionKind.REVENUE, nets)
    expenses = classified.net_debits(SectionKind.EXPENSES, nets)
    nothing = (ZERO,) * len(sums)
    totals = {
        currency: IncomeStatementTotal(
            revenue=negated(revenue.get(currency, nothing)),
            expenses=expenses.get(currency, nothing),
        )
        for currency in sorted(revenue.keys() | expenses.keys())
    }
    statement = Statement(classified, nets, choice, len(sums))
    return IncomeStatement(statement.sections(*_SHOWN), totals)

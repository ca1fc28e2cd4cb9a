"""The balance sheet: what is owned, owed and the owners', and the number that checks it."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Final

from ledger_server.domain.primitives import ZERO
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.periods import NOTHING, Key, SumsByKey
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

_SHOWN: Final = (
    SectionKind.ASSETS,
    SectionKind.LIABILITIES,
    SectionKind.EQUITY,
    SectionKind.UNMAPPED,
    SectionKind.OFF_BALANCE,
)
_EARNINGS: Final = (SectionKind.REVENUE, SectionKind.EXPENSES)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheetTotal:
    """The sums of one currency, each with an amount for each period."""

    assets: Amounts
    liabilities: Amounts
    equity: Amounts
    #: Revenue less expense since the fiscal year began.
    current_earnings: Amounts
    #: The same of all years before, as far as no closing moved it to equity.
    earlier_earnings: Amounts
    #: Net debits.
    unmapped: Amounts
    off_balance: Amounts

    @property
    def difference(self) -> Amounts:
        """Assets less liabilities, equity and earnings: the check, never made to fit."""
        right = (self.liabilities, self.equity, self.current_earnings, self.earlier_earnings)
        difference = self.assets
        for amounts in right:
            difference = added(difference, negated(amounts))
        return difference

    @property
    def unexplained(self) -> Amounts:
        """What of the difference stands neither unmapped nor off balance: a broken ledger."""
        return added(added(self.difference, self.unmapped), self.off_balance)


@dataclasses.dataclass(frozen=True, slots=True)
class BalanceSheet:
    """Sections in the order in which they are read, and the sums by currency."""

    sections: Sequence[Section]
    totals: Mapping[str, BalanceSheetTotal]


def balance_sheet(sums: Sequence[SumsByKey], chart: Chart, choice: Choice) -> BalanceSheet:
    """Make the balance sheet.

    Args:
        sums: for each period, which is from the first day of a fiscal year to the day of the
            balance sheet, those of each account and currency. What stands before the period was
            earned in earlier years.
        chart: as it was at the position of the report.
        choice: what is shown.

    Raises:
        ReportTooLargeError: it has more lines than a statement may have.
    """
    keys = {key for each in sums for key in each}
    columns = {key: [each.get(key, NOTHING) for each in sums] for key in keys}
    standing = {key: tuple(one.closing() for one in each) for key, each in columns.items()}
    current = {key: tuple(one.movement() for one in each) for key, each in columns.items()}
    earlier = {key: tuple(one.opening() for one in each) for key, each in columns.items()}
    classified = Classified(chart)
    statement = Statement(classified, standing, choice, len(sums))
    net_debits = {kind: classified.net_debits(kind, standing) for kind in _SHOWN}
    nothing = (ZERO,) * len(sums)

    def net(kind: SectionKind, currency: str) -> Amounts:
        return net_debits[kind].get(currency, nothing)

    current_earnings, earlier_earnings = _earned(classified, current), _earned(classified, earlier)
    totals = {
        currency: BalanceSheetTotal(
            assets=net(SectionKind.ASSETS, currency),
            liabilities=negated(net(SectionKind.LIABILITIES, currency)),
            equity=negated(net(SectionKind.EQUITY, currency)),
            current_earnings=current_earnings.get(currency, nothing),
            earlier_earnings=earlier_earnings.get(currency, nothing),
            unmapped=net(SectionKind.UNMAPPED, currency),
            off_balance=net(SectionKind.OFF_BALANCE, currency),
        )
        for currency in sorted({currency for _, currency in keys})
    }
    return BalanceSheet(statement.sections(*_SHOWN), totals)


def _earned(classified: Classified, nets: Mapping[Key, Amounts]) -> dict[str, Amounts]:
    """Return revenue less expense by currency: net credits."""
    earned: dict[str, Amounts] = {}
    for kind in _EARNINGS:
        for currency, net_debits in classified.net_debits(kind, nets).items():
            amounts = negated(net_debits)
            earned[currency] = added(earned[currency], amounts) if currency in earned else amounts
    return earned

"""The trial balance: opening, movement and closing of each account and currency, and the check."""

import dataclasses
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.report.chart import Chart, Named

_add, _subtract = EXACT.add, EXACT.subtract

#: Rows of a trial balance by chart. A set that stands in several others is shown in each, so the
#: rows of a chart that is no tree can double with each level.
ROWS_MAX: Final = 1_000_000


@dataclasses.dataclass(frozen=True, slots=True)
class Sums:
    """Gross sums of one account in one currency, before the period and within it."""

    opening_debit: Decimal
    opening_credit: Decimal
    debit: Decimal
    credit: Decimal

    def __add__(self, other: "Sums") -> "Sums":
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


NOTHING = Sums(ZERO, ZERO, ZERO, ZERO)

SumsByKey = Mapping[tuple[AccountId, str], Sums]


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """The six columns. Openings and closings are net: one of each pair is zero."""

    opening_debit: Decimal = ZERO
    opening_credit: Decimal = ZERO
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    closing_debit: Decimal = ZERO
    closing_credit: Decimal = ZERO

    @classmethod
    def of(cls, sums: Sums) -> "Columns":
        """Net the openings, and close them with the movement."""
        opening = _subtract(sums.opening_debit, sums.opening_credit)
        closing = _add(opening, _subtract(sums.debit, sums.credit))
        return cls(
            opening_debit=max(opening, ZERO),
            opening_credit=max(EXACT.minus(opening), ZERO),
            debit=sums.debit,
            credit=sums.credit,
            closing_debit=max(closing, ZERO),
            closing_credit=max(EXACT.minus(closing), ZERO),
        )

    def __add__(self, other: "Columns") -> "Columns":
        """Add column by column."""
        return Columns(
            *(
                _add(getattr(self, field.name), getattr(other, field.name))
                for field in dataclasses.fields(self)
            )
        )

    def is_zero(self) -> bool:
        """Tell whether all six are zero."""
        return not (
            self.opening_debit
            or self.opening_credit
            or self.debit
            or self.credit
            or self.closing_debit
            or self.closing_credit
        )

    def is_balanced(self) -> bool:
        """Tell whether debits equal credits in all three pairs."""
        return (
            self.opening_debit == self.opening_credit
            and self.debit == self.credit
            and self.closing_debit == self.closing_credit
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An account or a set in one currency."""

    named: Named
    is_set: bool
    #: Sets above it.
    depth: int
    #: Empty for an account that never had an entry.
    currency: str
    columns: Columns


@dataclasses.dataclass(frozen=True, slots=True)
class TrialBalance:
    """Rows, and the totals over all accounts by currency."""

    rows: Sequence[Row]
    totals: Mapping[str, Columns]


def trial_balance(
    sums: SumsByKey,
    later: SumsByKey,
    chart: Chart,
    *,
    set_depth: int,
    include_zero_rows: bool,
    currency: str,
) -> TrialBalance:
    """Make the trial balance.

    Args:
        sums: of each account and currency, as they stand.
        later: what came after the position of the report; taken off.
        chart: as it was at that position.
        set_depth: 0 for accounts only, else how many levels of the chart to show.
        include_zero_rows: show accounts whose six columns are all zero.
        currency: the only one asked for, or empty; where zero rows of accounts without entries go.

    Raises:
        ReportTooLargeError: the chart down to that depth has more rows than a report may have.

    Returns:
        Accounts by code, then currency; with `set_depth` in the order of the chart.
    """
    # Where nothing is left, the account had no entry in the currency yet: it has no row, and the
    # currency no total, as it was at that position.
    known = {
        key: left
        for key, one in sums.items()
        if key[0] in chart.accounts
        and (left := one - later[key] if key in later else one) != NOTHING
    }
    by_account: defaultdict[AccountId, dict[str, Columns]] = defaultdict(dict)
    totals: defaultdict[str, Columns] = defaultdict(Columns)
    for (account_id, code), one in sorted(known.items(), key=lambda item: item[0][1]):
        columns = Columns.of(one)
        totals[code] += columns
        if include_zero_rows or not columns.is_zero():
            by_account[account_id][code] = columns
    if include_zero_rows:
        for account_id in chart.accounts.keys() - by_account.keys():
            by_account[account_id][currency] = Columns()
    if set_depth:
        rows = list(islice(_ChartRows(chart, known, by_account, set_depth).rows(), ROWS_MAX + 1))
        if len(rows) > ROWS_MAX:
            raise ReportTooLargeError(ROWS_MAX)
    else:
        rows = [
            row
            for named in sorted(chart.accounts.values(), key=lambda one: one.code)
            for row in _account_rows(named, by_account, 0)
        ]
    return TrialBalance(rows, dict(sorted(totals.items())))


def _account_rows(
    named: Named, by_account: Mapping[AccountId, Mapping[str, Columns]], depth: int
) -> Iterable[Row]:
    for currency, columns in by_account.get(named.id, {}).items():
        yield Row(named, False, depth, currency, columns)


class _ChartRows:
    """The rows of a chart in its own order: each set, the sets in it, the accounts in it."""

    def __init__(
        self,
        chart: Chart,
        sums: SumsByKey,
        by_account: Mapping[AccountId, Mapping[str, Columns]],
        set_depth: int,
    ) -> None:
        self._chart = chart
        self._by_account = by_account
        self._set_depth = set_depth
        self._below = chart.accounts_below()
        self._sums: defaultdict[AccountId, dict[str, Sums]] = defaultdict(dict)
        for (account_id, currency), one in sums.items():
            self._sums[account_id][currency] = one

    def rows(self) -> Iterable[Row]:
        for named in self._chart.top_sets():
            yield from self._set_rows(named)
        for named in self._chart.unmapped_accounts():
            yield from _account_rows(named, self._by_account, 0)

    def _set_rows(self, top: Named) -> Iterable[Row]:
        # Depth first without recursion: charts are as deep as their makers like.
        pending = [(top, True, 0)]
        while pending:
            named, is_set, depth = pending.pop()
            if not is_set:
                yield from _account_rows(named, self._by_account, depth)
                continue
            for currency, columns in self._set_columns(named.id):
                yield Row(named, True, depth, currency, columns)
            if depth + 1 < self._set_depth:
                accounts = self._chart.member_accounts(named.id)
                pending += [(account, False, depth + 1) for account in reversed(accounts)]
                sets = self._chart.member_sets(named.id)
                pending += [(inner, True, depth + 1) for inner in reversed(sets)]

    def _set_columns(self, set_id: UUID) -> Iterable[tuple[str, Columns]]:
        sums: defaultdict[str, Sums] = defaultdict(lambda: NOTHING)
        for account_id in self._below[set_id]:
            for currency, one in self._sums.get(account_id, {}).items():
                sums[currency] += one
        for currency in sorted(sums):
            columns = Columns.of(sums[currency])
            if not columns.is_zero():
                yield currency, columns

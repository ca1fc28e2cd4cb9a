"""The trial balance: opening, movement and closing of each account and currency, and the check."""

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.report.chart import Chart, Named
from ledger_server.domain.report.periods import NOTHING, Key, Sums, SumsByKey

_add = EXACT.add

#: Rows of a trial balance by chart.
ROWS_MAX: Final = 1_000_000


class Form(enum.IntEnum):
    """How openings and closings are written."""

    NET = 1
    GROSS = 2


@dataclasses.dataclass(frozen=True, slots=True)
class Columns:
    """The six columns. In the net form one of each pair of openings and closings is zero."""

    opening_debit: Decimal = ZERO
    opening_credit: Decimal = ZERO
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    closing_debit: Decimal = ZERO
    closing_credit: Decimal = ZERO

    @classmethod
    def of(cls, sums: Sums, form: Form = Form.NET) -> "Columns":
        """Net the openings if the form asks for it, and close them with the movement."""
        if form is Form.GROSS:
            return cls(
                opening_debit=sums.opening_debit,
                opening_credit=sums.opening_credit,
                debit=sums.debit,
                credit=sums.credit,
                closing_debit=_add(sums.opening_debit, sums.debit),
                closing_credit=_add(sums.opening_credit, sums.credit),
            )
        opening = sums.opening()
        closing = _add(opening, sums.movement())
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
            _add(self.opening_debit, other.opening_debit),
            _add(self.opening_credit, other.opening_credit),
            _add(self.debit, other.debit),
            _add(self.credit, other.credit),
            _add(self.closing_debit, other.closing_debit),
            _add(self.closing_credit, other.closing_credit),
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


#: One for each period of the report: first its own, then the earlier ones.
ColumnsByPeriod = tuple[Columns, ...]


@dataclasses.dataclass(frozen=True, slots=True)
class Row:
    """An account or a set in one currency."""

    named: Named
    is_set: bool
    #: Sets above it.
    depth: int
    #: Empty for an account that never had an entry.
    currency: str
    periods: ColumnsByPeriod

    @property
    def columns(self) -> Columns:
        """The columns of the report's own period."""
        return self.periods[0]


@dataclasses.dataclass(frozen=True, slots=True)
class TrialBalance:
    """Rows, and the totals over all accounts by currency, for each period."""

    rows: Sequence[Row]
    totals: Mapping[str, ColumnsByPeriod]


def trial_balance(
    sums: Sequence[SumsByKey],
    chart: Chart,
    *,
    set_depth: int,
    include_zero_rows: bool,
    currency: str,
    form: Form = Form.NET,
) -> TrialBalance:
    """Make the trial balance.

    Args:
        sums: for each period those of each account and currency, without any that is `NOTHING`.
        chart: as it was at the position of the report.
        set_depth: 0 for accounts only, else how many levels of the chart to show.
        include_zero_rows: show accounts whose columns are all zero.
        currency: the only one asked for, or empty; where zero rows of accounts without entries go.
        form: how openings and closings are written.

    Raises:
        ReportTooLargeError: the chart down to that depth has more rows than a report may have.

    Returns:
        Accounts by code, then currency; with `set_depth` in the order of the chart.
    """
    known = _by_account(sums, chart)
    shown: defaultdict[AccountId, dict[str, ColumnsByPeriod]] = defaultdict(dict)
    totals: dict[str, ColumnsByPeriod] = {}
    for (account_id, code), each in known.items():
        columns = tuple(Columns.of(one, form) for one in each)
        before = totals.get(code)
        totals[code] = _summed(before, columns) if before else columns
        if include_zero_rows or not all(one.is_zero() for one in columns):
            shown[account_id][code] = columns
    if include_zero_rows:
        for account_id in chart.accounts.keys() - shown.keys():
            shown[account_id][currency] = (Columns(),) * len(sums)
    if set_depth:
        by_chart = _ChartRows(chart, known, shown, set_depth, form)
        rows = list(islice(by_chart.rows(), ROWS_MAX + 1))
        if len(rows) > ROWS_MAX:
            raise ReportTooLargeError(ROWS_MAX)
    else:
        # Only accounts with a row are put in order, not all of the chart.
        names = sorted((chart.accounts[key] for key in shown), key=lambda one: one.code)
        rows = [row for named in names for row in _account_rows(named, shown, 0)]
    return TrialBalance(rows, dict(sorted(totals.items())))


def _by_account(sums: Sequence[SumsByKey], chart: Chart) -> dict[Key, tuple[Sums, ...]]:
    """Return the sums of each key in all periods, those that the chart knows."""
    if len(sums) == 1:
        return {key: (one,) for key, one in sums[0].items() if key[0] in chart.accounts}
    keys = {key for each in sums for key in each if key[0] in chart.accounts}
    return {key: tuple(each.get(key, NOTHING) for each in sums) for key in keys}


def _summed(one: ColumnsByPeriod, other: ColumnsByPeriod) -> ColumnsByPeriod:
    return tuple(first + second for first, second in zip(one, other, strict=True))


def _account_rows(
    named: Named, shown: Mapping[AccountId, Mapping[str, ColumnsByPeriod]], depth: int
) -> Iterable[Row]:
    for currency, columns in sorted(shown.get(named.id, {}).items()):
        yield Row(named, False, depth, currency, columns)


class _ChartRows:
    """The rows of a chart in its own order: each set, the sets in it, the accounts in it."""

    def __init__(
        self,
        chart: Chart,
        known: Mapping[Key, tuple[Sums, ...]],
        shown: Mapping[AccountId, Mapping[str, ColumnsByPeriod]],
        set_depth: int,
        form: Form,
    ) -> None:
        self._chart = chart
        self._shown = shown
        self._set_depth = set_depth
        self._form = form
        self._below = chart.accounts_below()
        self._sums: defaultdict[AccountId, dict[str, tuple[Sums, ...]]] = defaultdict(dict)
        for (account_id, currency), each in known.items():
            self._sums[account_id][currency] = each

    def rows(self) -> Iterable[Row]:
        for top in self._chart.top_sets():
            for place in self._chart.walk(top, depth_max=self._set_depth, is_shown=self._has_rows):
                if place.is_set:
                    for currency, columns in self._set_columns(place.named.id):
                        yield Row(place.named, True, place.depth, currency, columns)
                else:
                    yield from _account_rows(place.named, self._shown, place.depth)
        for named in self._chart.unmapped_accounts():
            yield from _account_rows(named, self._shown, 0)

    def _has_rows(self, set_id: UUID) -> bool:
        return not self._below[set_id].isdisjoint(self._shown)

    def _set_columns(self, set_id: UUID) -> Iterable[tuple[str, ColumnsByPeriod]]:
        sums: dict[str, tuple[Sums, ...]] = {}
        for account_id in self._below[set_id]:
            for currency, each in self._sums.get(account_id, {}).items():
                before = sums.get(currency)
                sums[currency] = (
                    tuple(one + other for one, other in zip(before, each, strict=True))
                    if before
                    else each
                )
        for currency in sorted(sums):
            columns = tuple(Columns.of(one, self._form) for one in sums[currency])
            if not all(one.is_zero() for one in columns):
                yield currency, columns

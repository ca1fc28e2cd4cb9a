"""The trial balance: opening, movement and closing of each account and currency, and the check."""

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from functools import partial, reduce
from itertools import islice
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.report.chart import Chart, Named, Place
from ledger_server.domain.report.periods import NOTHING, Key, Sums, SumsByKey

_add, _subtract = EXACT.add, EXACT.subtract

#: Rows of a trial balance by chart.
ROWS_MAX: Final = 1_000_000


class Form(enum.IntEnum):
    """How openings and closings are written."""

    NET = 1
    GROSS = 2


class Columns(NamedTuple):
    """The six columns. In the net form one of each pair of openings and closings is zero."""

    opening_debit: Decimal = ZERO
    opening_credit: Decimal = ZERO
    debit: Decimal = ZERO
    credit: Decimal = ZERO
    closing_debit: Decimal = ZERO
    closing_credit: Decimal = ZERO

    def __add__(self, other: "Columns") -> "Columns":  # type: ignore[override]  # no sequence
        """Add column by column."""
        return Columns(*map(_add, self, other))

    def is_zero(self) -> bool:
        """Tell whether all six are zero."""
        return not any(self)

    def is_balanced(self) -> bool:
        """Tell whether debits equal credits in all three pairs."""
        return (
            self.opening_debit == self.opening_credit
            and self.debit == self.credit
            and self.closing_debit == self.closing_credit
        )


#: Makes them of a tuple of six.
_columns: Final[Callable[[tuple[Decimal, ...]], Columns]] = partial(tuple.__new__, Columns)
_NOTHING: Final = Columns()

#: One for each period of the report: first its own, then the earlier ones.
ColumnsByPeriod = tuple[Columns, ...]
#: Of each account in each of its currencies.
ColumnsByAccount = dict[AccountId, list[tuple[str, ColumnsByPeriod]]]


class Row(NamedTuple):
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


#: Makes one of a tuple of its fields.
_row: Final[Callable[[tuple[object, ...]], Row]] = partial(tuple.__new__, Row)


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
        chart: as it was at the position of the report; every account that has sums is in it, as
            no entry comes before its account.
        set_depth: 0 for accounts only, else how many levels of the chart to show.
        include_zero_rows: show accounts whose columns are all zero.
        currency: the only one asked for, or empty; where zero rows of accounts without entries go.
        form: how openings and closings are written.

    Raises:
        ReportTooLargeError: the chart down to that depth has more rows than a report may have.

    Returns:
        Accounts by code, then currency; with `set_depth` in the order of the chart.
    """
    made = [dict(zip(each, columns_of(each.values(), form), strict=True)) for each in sums]
    totals = [_totals(each) for each in made]
    currencies = sorted({code for each in totals for code in each})
    shown = _joined(made, include_zero_rows=include_zero_rows)
    if include_zero_rows:
        for account_id in chart.accounts.keys() - shown.keys():
            shown[account_id] = [(currency, (_NOTHING,) * len(sums))]
    if set_depth:
        by_chart = _ChartRows(chart, sums, shown, set_depth, form)
        rows = list(islice(by_chart.rows(), ROWS_MAX + 1))
        if len(rows) > ROWS_MAX:
            raise ReportTooLargeError(ROWS_MAX)
    else:
        rows = _account_rows(chart, shown)
    return TrialBalance(
        rows, {code: tuple([each.get(code, _NOTHING) for each in totals]) for code in currencies}
    )


def columns_of(sums: Iterable[Sums], form: Form = Form.NET) -> list[Columns]:
    """Net the openings if the form asks for it, and close them with the movement."""
    if form is Form.GROSS:
        return list(map(_gross, sums))
    made = []
    for opening_debit, opening_credit, debit, credit in sums:
        # Most rows of most reports have no opening. They are made as a tuple is, without a call in
        # Python; and the less is taken from the more, so that no sign has to be turned.
        if opening_debit or opening_credit:
            opening = _subtract(opening_debit, opening_credit)
            closing = _add(opening, _subtract(debit, credit))
            made.append(Columns(*_sides(opening), debit, credit, *_sides(closing)))
        elif debit < credit:
            made.append(_columns((ZERO, ZERO, debit, credit, ZERO, _subtract(credit, debit))))
        else:
            made.append(_columns((ZERO, ZERO, debit, credit, _subtract(debit, credit), ZERO)))
    return made


def _gross(sums: Sums) -> Columns:
    opening_debit, opening_credit, debit, credit = sums
    return Columns(*sums, _add(opening_debit, debit), _add(opening_credit, credit))


def _totals(columns: Mapping[Key, Columns]) -> dict[str, Columns]:
    """Add up the accounts of each currency."""
    by_currency: defaultdict[str, list[Columns]] = defaultdict(list)
    for (_, currency), each in columns.items():
        by_currency[currency].append(each)
    return {
        # Half of all columns are zero, and asking for it is cheaper than adding it.
        currency: _columns(
            tuple([reduce(_add, filter(None, column), ZERO) for column in zip(*found, strict=True)])
        )
        for currency, found in by_currency.items()
    }


def _joined(made: Sequence[Mapping[Key, Columns]], *, include_zero_rows: bool) -> ColumnsByAccount:
    """Put the columns of all periods side by side, nothing where a key has none."""
    shown: ColumnsByAccount = {}
    if len(made) == 1:
        for (account_id, currency), columns in made[0].items():
            if include_zero_rows or any(columns):
                shown.setdefault(account_id, []).append((currency, (columns,)))
        return shown
    for key in dict.fromkeys(key for each in made for key in each):
        joined = tuple([each.get(key, _NOTHING) for each in made])
        if include_zero_rows or any(map(any, joined)):
            account_id, currency = key
            shown.setdefault(account_id, []).append((currency, joined))
    return shown


def _account_rows(chart: Chart, shown: ColumnsByAccount) -> list[Row]:
    """Return the rows of accounts by code, then currency."""
    # In the order of the chart, which is that of the codes already if it comes from the store:
    # then sorting only looks. To sort a hundred thousand that are strewn over the memory takes as
    # long as all else here.
    rows = [
        _row((named, False, 0, currency, periods))
        for account_id, named in chart.accounts.items()
        if (of_account := shown.get(account_id))
        for currency, periods in (sorted(of_account) if len(of_account) > 1 else of_account)
    ]
    rows.sort(key=lambda row: row[0][1])
    return rows


def _sides(net_debit: Decimal) -> tuple[Decimal, Decimal]:
    """Return a net debit as debit and credit, of which one is zero."""
    if net_debit < 0:
        return ZERO, EXACT.minus(net_debit)
    return net_debit, ZERO


class _ChartRows:
    """The rows of a chart in its own order: each set, the sets in it, the accounts in it."""

    def __init__(
        self,
        chart: Chart,
        sums: Sequence[SumsByKey],
        shown: ColumnsByAccount,
        set_depth: int,
        form: Form,
    ) -> None:
        self._chart = chart
        self._set_depth = set_depth
        self._form = form
        self._nothing = (NOTHING,) * len(sums)
        self._below = chart.accounts_below()
        self._shown = shown
        self._sums: defaultdict[AccountId, dict[str, list[Sums]]] = defaultdict(dict)
        for index, each in enumerate(sums):
            for (account_id, currency), one in each.items():
                of_account = self._sums[account_id]
                of_account.setdefault(currency, [NOTHING] * len(sums))[index] = one

    def rows(self) -> Iterable[Row]:
        for top in self._chart.top_sets():
            for place in self._chart.walk(top, depth_max=self._set_depth, is_shown=self._has_rows):
                if place.is_set:
                    yield from self._set_rows(place)
                else:
                    yield from self._account_rows(place.named, place.depth)
        for named in self._chart.unmapped_accounts():
            yield from self._account_rows(named, 0)

    def _has_rows(self, set_id: UUID) -> bool:
        return not self._below[set_id].isdisjoint(self._shown)

    def _account_rows(self, named: Named, depth: int) -> Iterable[Row]:
        for currency, periods in sorted(self._shown.get(named.id, ())):
            yield Row(named, False, depth, currency, periods)

    def _set_rows(self, place: Place) -> Iterable[Row]:
        sums: dict[str, Sequence[Sums]] = {}
        for account_id in self._below[place.named.id]:
            for currency, each in self._sums.get(account_id, {}).items():
                before = sums.get(currency, self._nothing)
                sums[currency] = [one + other for one, other in zip(before, each, strict=True)]
        for currency in sorted(sums):
            columns = tuple(columns_of(sums[currency], self._form))
            if any(map(any, columns)):
                yield Row(place.named, True, place.depth, currency, columns)

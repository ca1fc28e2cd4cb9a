"""Sections of the statements: parts of the chart by category, and what belongs to none."""

import dataclasses
import enum
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from itertools import islice
from typing import Final
from uuid import UUID

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO, AccountId
from ledger_server.domain.report.chart import Chart, Named
from ledger_server.domain.report.periods import Key

#: Lines of a statement: what fits into one answer, and more than anybody reads.
LINES_MAX: Final = 100_000

#: One for each period of the report: first its own, then the earlier ones.
Amounts = tuple[Decimal, ...]

_add, _minus = EXACT.add, EXACT.minus


class SectionKind(enum.IntEnum):
    """Which part of the books a section shows."""

    ASSETS = 1
    LIABILITIES = 2
    EQUITY = 3
    REVENUE = 4
    EXPENSES = 5
    OFF_BALANCE = 6
    UNMAPPED = 7


_CATEGORIES: Final = {
    SectionKind.ASSETS: AccountCategory.ASSET,
    SectionKind.LIABILITIES: AccountCategory.LIABILITY,
    SectionKind.EQUITY: AccountCategory.EQUITY,
    SectionKind.REVENUE: AccountCategory.REVENUE,
    SectionKind.EXPENSES: AccountCategory.EXPENSE,
    SectionKind.OFF_BALANCE: AccountCategory.OFF_BALANCE,
}
#: Sections whose amounts are positive on the credit side.
_ON_CREDIT: Final = {SectionKind.LIABILITIES, SectionKind.EQUITY, SectionKind.REVENUE}


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """An account or a set in one currency."""

    named: Named
    is_set: bool
    #: Sets of the section above it.
    depth: int
    #: Empty for an account that never had an entry.
    currency: str
    #: Positive on the side of the section.
    amounts: Amounts
    #: Accounts in it were shown above already. Totals count each once.
    is_repeated: bool = False
    #: Of an unmapped account: those of the sets it stands below, several or none.
    categories: tuple[AccountCategory, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True)
class Section:
    """A part of a statement."""

    kind: SectionKind
    lines: Sequence[Line]
    #: By currency, over the accounts of the section, each once.
    totals: Mapping[str, Amounts]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What of a section is shown."""

    #: Levels of the chart; 0 for all, with their accounts.
    set_depth: int = 0
    #: Also lines whose amounts are all zero.
    include_zero_rows: bool = False
    #: The only one asked for, or empty; where zero lines of accounts without entries go.
    currency: str = ""


class Classified:
    """The chart with the section of each account.

    An account belongs to the category of the sets that it stands below. One that stands below
    sets of several categories belongs to none of them: it is unmapped, as is one below none, so
    that no amount is counted twice and none is lost.
    """

    def __init__(self, chart: Chart) -> None:
        """Find the section of each account of the chart."""
        self.chart = chart
        #: All accounts below each set.
        self.below = chart.accounts_below()
        #: Of accounts below any set with a category: those of all such sets.
        self.categories = chart.account_categories(self.below)
        self.members: defaultdict[SectionKind, set[AccountId]] = defaultdict(set)
        kinds = {category: kind for kind, category in _CATEGORIES.items()}
        for account_id in chart.accounts:
            found = self.categories.get(account_id, frozenset())
            kind = kinds[next(iter(found))] if len(found) == 1 else SectionKind.UNMAPPED
            self.members[kind].add(account_id)

    def net_debits(self, kind: SectionKind, nets: Mapping[Key, Amounts]) -> dict[str, Amounts]:
        """Return the net debit of a section by currency, whatever its own side."""
        members = self.members[kind]
        sums: dict[str, Amounts] = {}
        for (account_id, currency), amounts in nets.items():
            if account_id in members:
                sums[currency] = added(sums[currency], amounts) if currency in sums else amounts
        return dict(sorted(sums.items()))


class Statement:
    """Makes sections of the chart and of the net debits of its accounts."""

    def __init__(
        self,
        classified: Classified,
        nets: Mapping[Key, Amounts],
        choice: Choice,
        period_count: int,
    ) -> None:
        """Take the net debit of each account and currency, for each period."""
        self._chart = classified.chart
        self._below = classified.below
        self._classified = classified
        self._choice = choice
        self._all_nets = nets
        self._nets: defaultdict[AccountId, dict[str, Amounts]] = defaultdict(dict)
        for (account_id, currency), amounts in nets.items():
            self._nets[account_id][currency] = amounts
        self._zeros = (ZERO,) * period_count

    def sections(self, *kinds: SectionKind) -> list[Section]:
        """Return the sections asked for, in the order of the chart.

        Raises:
            ReportTooLargeError: they have more lines than a statement may have.
        """
        made: list[Section] = []
        left = LINES_MAX
        for kind in kinds:
            lines = list(islice(self._lines(kind), left + 1))
            left -= len(lines)
            if left < 0:
                raise ReportTooLargeError(LINES_MAX)
            nets = self._classified.net_debits(kind, self._all_nets)
            totals = {currency: _sided(kind, amounts) for currency, amounts in nets.items()}
            made.append(Section(kind, lines, totals))
        return made

    def _lines(self, kind: SectionKind) -> Iterator[Line]:
        if kind is SectionKind.UNMAPPED:
            names = (self._chart.accounts[key] for key in self._classified.members[kind])
            for named in sorted(names, key=lambda one: one.code):
                categories = tuple(sorted(self._classified.categories.get(named.id, ())))
                yield from self._account_lines(kind, named, 0, categories=categories)
            return
        counted: set[AccountId] = set()
        for top in self._chart.category_tops(_CATEGORIES[kind]):
            yield from self._lines_below(kind, top, counted)

    def _lines_below(
        self, kind: SectionKind, top: Named, counted: set[AccountId]
    ) -> Iterator[Line]:
        """Give the lines of a set and all below it, and add its accounts to `counted`."""
        depth_max = self._choice.set_depth or len(self._chart.sets) + 2
        members = self._classified.members[kind]

        def has_lines(set_id: UUID) -> bool:
            if self._choice.include_zero_rows:
                return True
            inside = self._below[set_id]
            return not inside.isdisjoint(self._nets) and not inside.isdisjoint(members)

        for place in self._chart.walk(top, depth_max=depth_max, is_shown=has_lines):
            if place.is_set:
                inside = self._below[place.named.id] & members
                is_repeated = not counted.isdisjoint(inside)
                yield from self._set_lines(kind, place.named, place.depth, inside, is_repeated)
                if place.depth + 1 >= depth_max:
                    counted |= inside
            elif place.named.id in members:
                is_repeated = place.named.id in counted
                yield from self._account_lines(kind, place.named, place.depth, is_repeated)
                counted.add(place.named.id)

    def _set_lines(
        self,
        kind: SectionKind,
        named: Named,
        depth: int,
        inside: frozenset[AccountId],
        is_repeated: bool,  # passed on
    ) -> Iterator[Line]:
        sums: dict[str, Amounts] = {}
        for account_id in inside:
            for currency, amounts in self._nets.get(account_id, {}).items():
                sums[currency] = added(sums[currency], amounts) if currency in sums else amounts
        if self._choice.include_zero_rows and not sums:
            sums[self._choice.currency] = self._zeros
        for currency in sorted(sums):
            if self._choice.include_zero_rows or any(sums[currency]):
                amounts = _sided(kind, sums[currency])
                yield Line(named, True, depth, currency, amounts, is_repeated)

    def _account_lines(
        self,
        kind: SectionKind,
        named: Named,
        depth: int,
        is_repeated: bool = False,  # passed on
        categories: tuple[AccountCategory, ...] = (),
    ) -> Iterator[Line]:
        nets: Mapping[str, Amounts] = self._nets.get(named.id, {})
        if self._choice.include_zero_rows and not nets:
            nets = {self._choice.currency: self._zeros}
        for currency in sorted(nets):
            if self._choice.include_zero_rows or any(nets[currency]):
                amounts = _sided(kind, nets[currency])
                yield Line(named, False, depth, currency, amounts, is_repeated, categories)


def added(one: Amounts, other: Amounts) -> Amounts:
    """Add amounts period by period."""
    return tuple(map(_add, one, other))


def negated(amounts: Amounts) -> Amounts:
    """Turn amounts over to the other side, period by period."""
    return tuple(map(_minus, amounts))


def _sided(kind: SectionKind, net_debits: Amounts) -> Amounts:
    return negated(net_debits) if kind in _ON_CREDIT else net_debits

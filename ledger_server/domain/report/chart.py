"""The chart of accounts as a report sees it: names and memberships, also as they once were."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import AccountId

#: Places of a chart that one report looks at. A set that stands in several others is looked at in
#: each, so the places of a chart that is no tree can double with each level.
PLACES_MAX: Final = 1_000_000


class Named(NamedTuple):
    """An account or a set: what a row shows of it."""

    id: UUID
    code: str
    name: str


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """Where an account or a set is met on the way down a chart."""

    named: Named
    is_set: bool
    #: Sets above it on this way.
    depth: int


@dataclasses.dataclass(slots=True)
class Chart:
    """Accounts, sets, and what stands in what."""

    accounts: dict[AccountId, Named]
    sets: dict[UUID, Named]
    #: Accounts that are direct members of each set.
    set_accounts: dict[UUID, set[AccountId]]
    #: Sets that are direct members of each set.
    set_sets: dict[UUID, set[UUID]]
    #: Of sets that have one of their own; all that stands below takes it.
    categories: dict[UUID, AccountCategory] = dataclasses.field(default_factory=dict)

    def accounts_below(self) -> Mapping[UUID, frozenset[AccountId]]:
        """Return all accounts below each set, each once however many ways lead to it."""
        below: dict[UUID, frozenset[AccountId]] = {}
        for top in self.sets:
            self._fill(top, below)
        return below

    def top_sets(self) -> list[Named]:
        """Return the sets that stand in no other, by code."""
        members = {member for inner in self.set_sets.values() for member in inner}
        return _by_code(named for key, named in self.sets.items() if key not in members)

    def unmapped_accounts(self) -> list[Named]:
        """Return the accounts that stand in no set, by code."""
        mapped = {account for inner in self.set_accounts.values() for account in inner}
        return _by_code(named for key, named in self.accounts.items() if key not in mapped)

    def member_sets(self, set_id: UUID) -> list[Named]:
        """Return the sets directly in a set, by code."""
        return _by_code(self.sets[key] for key in self.set_sets.get(set_id, ()))

    def member_accounts(self, set_id: UUID) -> list[Named]:
        """Return the accounts directly in a set, by code."""
        return _by_code(self.accounts[key] for key in self.set_accounts.get(set_id, ()))

    def account_categories(
        self, below: Mapping[UUID, frozenset[AccountId]]
    ) -> Mapping[AccountId, frozenset[AccountCategory]]:
        """Return the categories of all sets that each account stands below, if any has one.

        Args:
            below: what `accounts_below` gives.
        """
        found: defaultdict[AccountId, set[AccountCategory]] = defaultdict(set)
        for set_id, category in self.categories.items():
            for account_id in below[set_id]:
                found[account_id].add(category)
        return {account_id: frozenset(all_) for account_id, all_ in found.items()}

    def category_tops(self, category: AccountCategory) -> list[Named]:
        """Return the sets of a category that stand below no other set of it, by code."""
        own = [set_id for set_id, each in self.categories.items() if each is category]
        inner: set[UUID] = set()
        pending = [member for set_id in own for member in self.set_sets.get(set_id, ())]
        while pending:
            set_id = pending.pop()
            if set_id not in inner:
                inner.add(set_id)
                pending.extend(self.set_sets.get(set_id, ()))
        return _by_code(self.sets[set_id] for set_id in own if set_id not in inner)

    def walk(
        self, top: Named, *, depth_max: int, is_shown: Callable[[UUID], bool]
    ) -> Iterator[Place]:
        """Give a set and what stands below it: sets first, each kind by code.

        Args:
            top: where to begin.
            depth_max: levels to give, `top` being the first.
            is_shown: tells of a set whether to go into it.

        Raises:
            ReportTooLargeError: there are more places than a report may look at.
        """
        # Depth first without recursion: charts are as deep as their makers like.
        pending = [Place(top, True, 0)]
        count = 0
        while pending:
            place = pending.pop()
            if place.is_set and not is_shown(place.named.id):
                continue
            count += 1
            if count > PLACES_MAX:
                raise ReportTooLargeError(PLACES_MAX)
            yield place
            if place.is_set and place.depth + 1 < depth_max:
                depth = place.depth + 1
                accounts = self.member_accounts(place.named.id)
                pending += [Place(account, False, depth) for account in reversed(accounts)]
                sets = self.member_sets(place.named.id)
                pending += [Place(inner, True, depth) for inner in reversed(sets)]

    def _fill(self, set_id: UUID, below: dict[UUID, frozenset[AccountId]]) -> None:
        # Depth first without recursion: charts are as deep as their makers like.
        pending = [set_id]
        while pending:
            current = pending[-1]
            missing = [key for key in self.set_sets.get(current, ()) if key not in below]
            if missing and current not in below:
                pending.extend(missing)
                continue
            pending.pop()
            if current not in below:
                direct = frozenset(self.set_accounts.get(current, ()))
                below[current] = direct.union(
                    *(below[key] for key in self.set_sets.get(current, ()))
                )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartChange:
    """One event that changed the chart, as far as taking it back needs it."""

    #: Accounts and sets that came into being.
    created_accounts: Sequence[AccountId] = ()
    created_sets: Sequence[UUID] = ()
    #: What an account was before its name changed.
    renamed: Named | None = None
    #: The set whose members changed, and which came or went.
    set_id: UUID | None = None
    accounts_added: Sequence[AccountId] = ()
    sets_added: Sequence[UUID] = ()
    accounts_removed: Sequence[AccountId] = ()
    sets_removed: Sequence[UUID] = ()


def rewind(chart: Chart, changes_newest_first: Sequence[ChartChange]) -> None:
    """Take `changes` back, the newest first: leave `chart` as it was before them."""
    for change in changes_newest_first:
        for account_id in change.created_accounts:
            del chart.accounts[account_id]
        for created_id in change.created_sets:
            del chart.sets[created_id]
            chart.set_accounts.pop(created_id, None)
            chart.set_sets.pop(created_id, None)
            chart.categories.pop(created_id, None)
        if change.renamed is not None:
            chart.accounts[change.renamed.id] = change.renamed
        if change.set_id is not None:
            in_set = chart.set_accounts.setdefault(change.set_id, set())
            in_set.difference_update(change.accounts_added)
            in_set.update(change.accounts_removed)
            inner = chart.set_sets.setdefault(change.set_id, set())
            inner.difference_update(change.sets_added)
            inner.update(change.sets_removed)


def _by_code(named: Iterator[Named]) -> list[Named]:
    return sorted(named, key=lambda one: one.code)

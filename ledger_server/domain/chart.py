"""The chart of accounts: the account sets that a category places in the statements."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from ledger_server.domain.account import AccountCategory, AccountSet
from ledger_server.domain.primitives import Direction

#: Nodes of one import: some ten thousand rows in one short transaction.
NODES_MAX_PER_REQUEST: Final = 5_000

_NONE: Final[frozenset[AccountCategory]] = frozenset()


def usual_side(category: AccountCategory) -> Direction:
    """Return the side on which balances of a category normally stand."""
    if category in {AccountCategory.ASSET, AccountCategory.EXPENSE}:
        return Direction.DEBIT
    return Direction.CREDIT


@dataclasses.dataclass(frozen=True, slots=True)
class Place:
    """A set where it stands in the chart; one that stands in several has several places."""

    account_set: AccountSet
    depth: int


class Chart:
    """Sets, what stands in what, and the categories that follow."""

    def __init__(self, sets: Sequence[AccountSet], edges: Sequence[tuple[UUID, UUID]]) -> None:
        """Take all sets of a journal and which (first) contains which (second); no cycles."""
        self.sets: Mapping[UUID, AccountSet] = {one.id: one for one in sets}
        self.by_code: Mapping[str, AccountSet] = {one.code: one for one in sets}
        self._parents: dict[UUID, list[UUID]] = {one.id: [] for one in sets}
        self._children: dict[UUID, list[UUID]] = {one.id: [] for one in sets}
        for parent, child in edges:
            self._parents[child].append(parent)
            self._children[parent].append(child)
        self._categories: dict[UUID, frozenset[AccountCategory]] = {}
        self._fill()

    def categories(self, set_id: UUID) -> frozenset[AccountCategory]:
        """Return the category of a set: its own and those of all sets that it stands below.

        Nothing for a set outside the chart. More than one if it stands in several branches, or
        below another category than its own: then nobody can say where it belongs, and statements
        place it nowhere.
        """
        return self._categories[set_id]

    def nodes(self) -> AbstractSet[UUID]:
        """Return the sets that are part of the chart."""
        return {set_id for set_id, found in self._categories.items() if found}

    def of_category(self, *wanted: AccountCategory) -> AbstractSet[UUID]:
        """Return the sets of one of these categories."""
        return {
            set_id for set_id, found in self._categories.items() if not found.isdisjoint(wanted)
        }

    def parent_codes(self, set_id: UUID) -> set[str]:
        """Return the codes of the sets that a set stands in directly."""
        return {self.sets[parent].code for parent in self._parents[set_id]}

    def is_leaf(self, set_id: UUID) -> bool:
        """Tell whether no sets stand in a set."""
        return not self._children[set_id]

    def places(self) -> Iterator[Place]:
        """Give the chart from its tops down, by code, each node before those below it."""
        tops = [
            one
            for one in self.nodes()
            if not any(self._categories[parent] for parent in self._parents[one])
        ]
        # Depth first without recursion: charts are as deep as their makers like.
        pending = [Place(self.sets[one], 0) for one in self._by_code(tops)]
        while pending:
            place = pending.pop()
            yield place
            below = self._by_code(self._children[place.account_set.id])
            pending += [Place(self.sets[one], place.depth + 1) for one in below]

    def _by_code(self, ids: Sequence[UUID]) -> list[UUID]:
        """Return sets with the last code first, as a stack takes them."""
        return sorted(ids, key=lambda one: self.sets[one].code, reverse=True)

    def _fill(self) -> None:
        """Find every set's categories, those of the sets above it first."""
        for start in self.sets:
            pending = [start]
            while pending:
                current = pending[-1]
                missing = [one for one in self._parents[current] if one not in self._categories]
                if missing and current not in self._categories:
                    pending += missing
                    continue
                pending.pop()
                own = self.sets[current].category
                above = (self._categories[one] for one in self._parents[current])
                named = _NONE if own is AccountCategory.INHERITED else frozenset({own})
                self._categories[current] = named.union(*above)

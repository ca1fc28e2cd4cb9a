"""A chart to be added to the sets that are there: checked as a whole, mistakes all at once."""

import dataclasses
from collections.abc import Sequence
from typing import Final

from ledger_server.domain.account import AccountCategory, AccountSet
from ledger_server.domain.chart import Chart, usual_side
from ledger_server.domain.errors import ChartInvalidError, Violation
from ledger_server.domain.primitives import Direction

#: Mistakes told of one request: what the answer's headers can carry.
MISTAKES_MAX: Final = 40

_INHERITED = AccountCategory.INHERITED


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewNode:
    """A node as it was asked for."""

    code: str
    name: str
    #: Code of the node that it stands in; empty at the top.
    parent: str
    category: AccountCategory
    #: None takes that of its parent, at the top that of its category.
    normal_side: Direction | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlannedNode:
    """A node as it will stand in the chart."""

    code: str
    name: str
    parent: str
    depth: int
    #: Its own or what it inherits; never `INHERITED`.
    category: AccountCategory
    normal_side: Direction | None
    #: The set that is there already; None if it is to be created.
    there: AccountSet | None


def plan_chart(nodes: Sequence[NewNode], chart: Chart) -> list[PlannedNode]:
    """Return the nodes as a tree, each before those below it, by code.

    Raises:
        ChartInvalidError: names every mistake, the first `MISTAKES_MAX` with their place.
    """
    return _Plan(nodes, chart).run()


class _Plan:
    """One import on its way; `nodes` are known to the caller by their index."""

    def __init__(self, nodes: Sequence[NewNode], chart: Chart) -> None:
        self._nodes = nodes
        self._chart = chart
        self._mistakes: list[Violation] = []
        self._index: dict[str, int] = {}
        self._done: dict[str, PlannedNode] = {}

    def run(self) -> list[PlannedNode]:
        for index, node in enumerate(self._nodes):
            first = self._index.setdefault(node.code, index)
            if first != index:
                self._wrong(index, "code", f"{node.code!r} is there before, as nodes[{first}]")
        order = self._in_order()
        for index in order:
            planned = self._place(index)
            if planned is not None:
                self._done[planned.code] = planned
        if self._mistakes:
            shown = sorted(self._mistakes, key=_place_in_request)
            raise ChartInvalidError(len(shown), tuple(shown[:MISTAKES_MAX]))
        return [self._done[self._nodes[index].code] for index in order]

    def _in_order(self) -> list[int]:
        """Return the indexes from the tops down, by code; note what hangs on itself."""
        children: dict[str, list[int]] = {}
        tops: list[int] = []
        for index in self._index.values():
            parent = self._nodes[index].parent
            if parent in self._index:
                children.setdefault(parent, []).append(index)
            else:
                tops.append(index)
        order: list[int] = []
        pending = self._by_code(tops)
        while pending:
            index = pending.pop()
            order.append(index)
            pending += self._by_code(children.get(self._nodes[index].code, []))
        for index in set(self._index.values()).difference(order):
            self._wrong(index, "parent", "the node would stand in itself")
        return order

    def _by_code(self, indexes: Sequence[int]) -> list[int]:
        return sorted(indexes, key=lambda index: self._nodes[index].code, reverse=True)

    def _place(self, index: int) -> PlannedNode | None:
        """Return a node as it will stand, None if that cannot be told for a mistake."""
        node = self._nodes[index]
        above = self._above(index)
        if above is None:
            return None
        depth, inherited, inherited_side = above
        category = inherited if node.parent else node.category
        if not node.parent and category is _INHERITED:
            self._wrong(index, "category", f"{node.code!r} stands at the top and needs a category")
            return None
        if node.parent and node.category not in {_INHERITED, inherited}:
            told = f"{node.category.name}, but it stands in {inherited.name}"
            self._wrong(index, "category", f"{node.code!r}: {told}")
        there = self._chart.by_code.get(node.code)
        if there is not None:
            self._compare(index, there)
        side = node.normal_side or inherited_side or usual_side(category)
        return PlannedNode(
            code=node.code,
            name=node.name,
            parent=node.parent,
            depth=depth,
            category=category,
            normal_side=there.normal_side if there is not None else side,
            there=there,
        )

    def _above(self, index: int) -> tuple[int, AccountCategory, Direction | None] | None:
        """Return depth, category and side that a node takes from its parent."""
        parent = self._nodes[index].parent
        if not parent:
            return 0, _INHERITED, None
        if parent in self._index:
            planned = self._done.get(parent)
            if planned is None:
                return None
            return planned.depth + 1, planned.category, planned.normal_side
        there = self._chart.by_code.get(parent)
        if there is None:
            self._wrong(index, "parent", f"no node and no account set has the code {parent!r}")
            return None
        found = self._chart.categories(there.id)
        if len(found) != 1:
            problem = "no category" if not found else "more than one category"
            self._wrong(index, "parent", f"{parent!r} is an account set with {problem}")
            return None
        (category,) = found
        return 0, category, there.normal_side

    def _compare(self, index: int, there: AccountSet) -> None:
        """Note where a node that is there differs: an import adds, it changes nothing."""
        node = self._nodes[index]
        if node.name != there.name:
            self._wrong(
                index, "name", f"{node.code!r} is there as {there.name!r}, not {node.name!r}"
            )
        parents = self._chart.parent_codes(there.id)
        if node.parent not in parents if node.parent else parents:
            told = f"in {' and '.join(sorted(map(repr, parents)))}" if parents else "at the top"
            self._wrong(index, "parent", f"{node.code!r} is there, {told}")
        if not node.parent and node.category is not there.category:
            told = "without a category" if not there.category else f"as {there.category.name}"
            self._wrong(index, "category", f"{node.code!r} is there {told}")
        if node.normal_side not in {None, there.normal_side}:
            side = there.normal_side.name if there.normal_side else "no normal side"
            self._wrong(index, "normal_side", f"{node.code!r} is there with {side}")

    def _wrong(self, index: int, field: str, problem: str) -> None:
        self._mistakes.append(Violation(f"nodes[{index}].{field}", problem))


def _place_in_request(mistake: Violation) -> int:
    return int(mistake.field.partition("[")[2].partition("]")[0])

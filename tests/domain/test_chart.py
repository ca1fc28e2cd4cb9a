"""The chart: categories that are inherited, and its order."""

import datetime as dt
import uuid
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory, AccountSet
from ledger_server.domain.chart import Chart, usual_side
from ledger_server.domain.primitives import Direction

Categories = AccountCategory


def sets_of(categories: Sequence[AccountCategory]) -> list[AccountSet]:
    """Return sets named by their place: 00, 01 ..."""
    return [
        AccountSet(
            id=uuid.UUID(int=index + 1),
            code=f"{index:02}",
            name=f"{index:02}",
            category=category,
            normal_side=None,
            metadata={},
            created_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        )
        for index, category in enumerate(categories)
    ]


@st.composite
def graphs(draw: st.DrawFn) -> tuple[list[AccountSet], list[tuple[int, int]]]:
    """Sets of any categories, with edges from lower to higher numbers, so without cycles."""
    sets = sets_of(draw(st.lists(st.sampled_from(Categories), min_size=1, max_size=8)))
    pairs = [(low, high) for high in range(len(sets)) for low in range(high)]
    edges = draw(st.lists(st.sampled_from(pairs), unique=True)) if pairs else []
    return sets, edges


def ids(sets: list[AccountSet], edges: list[tuple[int, int]]) -> list[tuple[uuid.UUID, uuid.UUID]]:
    return [(sets[low].id, sets[high].id) for low, high in edges]


@given(graphs())
def test_categories_are_its_own_and_those_of_what_is_above(
    graph: tuple[list[AccountSet], list[tuple[int, int]]],
) -> None:
    """Against the plainest reading, in the order in which edges can only go down."""
    sets, edges = graph
    chart = Chart(sets, ids(sets, edges))
    expected: list[set[AccountCategory]] = []
    for index, one in enumerate(sets):
        own = {one.category} if one.category else set()
        above = [low for low, high in edges if high == index]
        expected.append(own.union(*(expected[low] for low in above)))
        assert chart.categories(one.id) == expected[index]
    nodes = {sets[index].id for index, found in enumerate(expected) if found}
    assert chart.nodes() == nodes
    assert {place.account_set.id for place in chart.places()} == nodes


def test_the_tree_is_in_the_order_of_codes() -> None:
    root, outside, below, deep, other = sets_of(
        [Categories.ASSET, *[Categories.INHERITED] * 3, Categories.EQUITY]
    )
    edges = [(root.id, below.id), (below.id, deep.id), (outside.id, other.id)]
    chart = Chart([other, deep, below, outside, root], edges)
    shown = [(place.account_set.code, place.depth) for place in chart.places()]
    assert shown == [("00", 0), ("02", 1), ("03", 2), ("04", 0)], "a set outside is left out"
    assert chart.of_category(Categories.ASSET) == {root.id, below.id, deep.id}
    assert (chart.is_leaf(deep.id), chart.is_leaf(below.id)) == (True, False)
    assert chart.parent_codes(deep.id) == {"02"}


def test_sides() -> None:
    debit = {one for one in Categories if one and usual_side(one) is Direction.DEBIT}
    assert debit == {Categories.ASSET, Categories.EXPENSE}

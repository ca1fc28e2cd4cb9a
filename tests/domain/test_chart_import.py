"""Planning an import: every order gives one tree, and mistakes are told all at once."""

import dataclasses
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.chart import Chart
from ledger_server.domain.chart_import import MISTAKES_MAX, NewNode, plan_chart
from ledger_server.domain.errors import ChartInvalidError
from ledger_server.domain.primitives import Direction
from tests.domain.test_chart import sets_of

EMPTY = Chart([], [])
INHERITED, ASSET, EXPENSE = (
    AccountCategory.INHERITED,
    AccountCategory.ASSET,
    AccountCategory.EXPENSE,
)


def node(
    code: str, parent: str = "", category: AccountCategory | None = None, **more: Any
) -> NewNode:
    own = category if category is not None else INHERITED if parent else ASSET
    fields = {"name": code, "normal_side": None} | more
    return NewNode(code=code, parent=parent, category=own, **fields)


def mistakes(chart: Chart, *nodes: NewNode) -> list[tuple[str, str]]:
    with pytest.raises(ChartInvalidError) as refusal:
        plan_chart(nodes, chart)
    assert refusal.value.mistakes >= len(refusal.value.violations)
    return [(wrong.field, wrong.description) for wrong in refusal.value.violations]


@st.composite
def trees(draw: st.DrawFn) -> list[NewNode]:
    """Trees in which each node stands in one that came before it."""
    made: list[NewNode] = []
    for index in range(draw(st.integers(1, 12))):
        parent = draw(st.sampled_from(["", *(one.code for one in made)]))
        side = draw(st.sampled_from([None, *Direction]))
        made.append(node(f"{index:02}", parent, normal_side=side))
    return made


@given(trees(), st.randoms(use_true_random=False))
def test_any_order_gives_the_same_tree(nodes: list[NewNode], randomness: random.Random) -> None:
    planned = plan_chart(nodes, EMPTY)
    shuffled = list(nodes)
    randomness.shuffle(shuffled)
    assert plan_chart(shuffled, EMPTY) == planned

    place = {one.code: index for index, one in enumerate(planned)}
    by_code = {one.code: one for one in planned}
    for one in planned:
        assert (one.category, one.there) == (ASSET, None)
        if one.parent:
            above = by_code[one.parent]
            assert place[one.parent] < place[one.code]
            assert one.depth == above.depth + 1
            own = next(each.normal_side for each in nodes if each.code == one.code)
            assert one.normal_side == (own or above.normal_side)


def test_sides_come_from_above_else_from_the_category() -> None:
    planned = plan_chart(
        [
            node("1", category=AccountCategory.EXPENSE),
            node("11", "1"),
            node("2", category=AccountCategory.REVENUE, normal_side=Direction.DEBIT),
            node("21", "2"),
            node("3", category=AccountCategory.EQUITY),
        ],
        EMPTY,
    )
    sides = [one.normal_side for one in planned]
    assert sides == [Direction.DEBIT] * 4 + [Direction.CREDIT]


def test_every_mistake_is_told() -> None:
    found = mistakes(
        EMPTY,
        node("1"),
        node("1"),
        node("2", category=INHERITED),
        node("3", "none"),
        node("4", "5"),
        node("5", "4"),
        node("6", "1", EXPENSE),
    )
    assert found == [
        ("nodes[1].code", "'1' is there before, as nodes[0]"),
        ("nodes[2].category", "'2' stands at the top and needs a category"),
        ("nodes[3].parent", "no node and no account set has the code 'none'"),
        ("nodes[4].parent", "the node would stand in itself"),
        ("nodes[5].parent", "the node would stand in itself"),
        ("nodes[6].category", "'6': EXPENSE, but it stands in ASSET"),
    ]


def test_many_mistakes_are_counted() -> None:
    with pytest.raises(ChartInvalidError) as refusal:
        plan_chart([node(str(index), "none") for index in range(100)], EMPTY)
    assert (refusal.value.mistakes, len(refusal.value.violations)) == (100, MISTAKES_MAX)


def test_what_is_there_stays_and_must_be_the_same() -> None:
    sets = sets_of([ASSET, INHERITED, INHERITED])
    chart = Chart(sets, [(sets[0].id, sets[1].id)])
    again = [node("00"), node("01", "00"), node("03", "01"), node("04", "00")]
    planned = plan_chart(again, chart)
    assert [(one.code, one.there is None) for one in planned] == [
        ("00", False),
        ("01", False),
        ("03", True),
        ("04", True),
    ]
    for part in ([again[1]], [again[2]], [again[3]]):
        assert plan_chart(part, chart)[0].category is ASSET, "parents may be left out"

    changed = dataclasses.replace
    assert mistakes(
        chart,
        changed(again[0], category=EXPENSE, name="Assets"),
        changed(again[1], parent="", category=ASSET, normal_side=Direction.DEBIT),
        node("02", "00"),
        node("05", "02"),
    ) == [
        ("nodes[0].name", "'00' is there as '00', not 'Assets'"),
        ("nodes[0].category", "'00' is there as ASSET"),
        ("nodes[1].parent", "'01' is there, in '00'"),
        ("nodes[1].category", "'01' is there without a category"),
        ("nodes[1].normal_side", "'01' is there with no normal side"),
        ("nodes[2].parent", "'02' is there, at the top"),
    ]

"""The chart of accounts: what stands below what, now and as it once was."""

import copy
import sys
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from ledger_server.domain.report.chart import Chart, ChartChange, Named, rewind

NUMBERS = range(8)


def set_id(number: int) -> uuid.UUID:
    return uuid.UUID(int=1_000_000 + number)


def account_id(number: int) -> uuid.UUID:
    return uuid.UUID(int=number)


def chart(
    set_sets: Mapping[int, Iterable[int]],
    set_accounts: Mapping[int, Iterable[int]],
    accounts: int,
) -> Chart:
    """Return the chart of sets and accounts by number; codes are `set 7` and `account 7`."""
    numbers = {*set_sets, *set_accounts, *(each for inner in set_sets.values() for each in inner)}
    return Chart(
        accounts={
            account_id(one): Named(account_id(one), f"account {one}", "") for one in range(accounts)
        },
        sets={set_id(one): Named(set_id(one), f"set {one}", "") for one in sorted(numbers)},
        set_accounts={
            set_id(one): {account_id(each) for each in inner} for one, inner in set_accounts.items()
        },
        set_sets={set_id(one): {set_id(each) for each in inner} for one, inner in set_sets.items()},
    )


#: A set contains only sets of a higher number, so there are no cycles.
charts = st.builds(
    chart,
    st.fixed_dictionaries(
        {one: st.sets(st.sampled_from(range(one + 1, 9)), max_size=3) for one in NUMBERS}
    ),
    st.dictionaries(st.sampled_from(NUMBERS), st.sets(st.integers(0, 5), max_size=3)),
    st.just(6),
)


def below(one: Chart, top: uuid.UUID) -> set[uuid.UUID]:
    """Return all accounts below a set, told in the shortest way."""
    found = set(one.set_accounts.get(top, ()))
    for inner in one.set_sets.get(top, ()):
        found |= below(one, inner)
    return found


@given(charts)
def test_each_account_below_is_found_once(one: Chart) -> None:
    found = one.accounts_below()
    assert found == {top: below(one, top) for top in one.sets}
    members = [member for inner in one.set_sets.values() for member in inner]
    event(f"shared sets: {len(members) > len(set(members))}")


@given(charts)
def test_what_stands_in_nothing(one: Chart) -> None:
    inner = set().union(*one.set_sets.values())
    assert [named.id for named in one.top_sets()] == sorted(one.sets.keys() - inner)
    mapped = set().union(*one.set_accounts.values())
    assert [named.id for named in one.unmapped_accounts()] == sorted(one.accounts.keys() - mapped)


def test_a_shared_account_counts_once_in_the_ancestor() -> None:
    diamond = chart({0: [1, 2], 1: [3], 2: [3]}, {1: [7], 3: [7, 8]}, 9)
    assert diamond.accounts_below()[set_id(0)] == {account_id(7), account_id(8)}


def test_members_are_in_the_order_of_their_codes() -> None:
    one = chart({0: [2, 1]}, {0: [3, 1, 2]}, 4)
    assert [named.code for named in one.member_sets(set_id(0))] == ["set 1", "set 2"]
    members = [named.code for named in one.member_accounts(set_id(0))]
    assert members == ["account 1", "account 2", "account 3"]
    assert one.member_sets(set_id(1)) == []


def test_a_deep_chain_needs_no_deep_stack() -> None:
    depth = 5_000
    assert depth > sys.getrecursionlimit()
    deep = chart({one: [one + 1] for one in range(depth)}, {depth: [0], 10: [1]}, 2)
    found = deep.accounts_below()
    assert found[set_id(0)] == {account_id(0), account_id(1)}
    assert found[set_id(11)] == {account_id(0)}


def test_a_ladder_of_diamonds_is_walked_once() -> None:
    """Two to the 200 ways lead down; each set is looked at once."""
    rungs = {number: [number // 2 * 2 + 2, number // 2 * 2 + 3] for number in range(400)}
    assert chart(rungs, {400: [0], 401: [1]}, 2).accounts_below()[set_id(0)] == {
        account_id(0),
        account_id(1),
    }


def normal(one: Chart) -> object:
    """Return a chart to compare: a set without members is the same as one never mentioned."""
    return (
        one.accounts,
        one.sets,
        {key: members for key, members in one.set_accounts.items() if members},
        {key: members for key, members in one.set_sets.items() if members},
    )


class Changes(RuleBasedStateMachine):
    """Changes the chart as the ledger does, and after any of them goes back to any point."""

    def __init__(self) -> None:
        super().__init__()
        self.chart = chart({}, {}, 0)
        self.changes: list[ChartChange] = []
        self.pictures = [copy.deepcopy(self.chart)]

    def changed(self, **fields: Any) -> None:
        self.changes.append(ChartChange(**fields))
        self.pictures.append(copy.deepcopy(self.chart))

    @rule(count=st.integers(1, 3))
    def create_accounts(self, count: int) -> None:
        first = len(self.chart.accounts)
        ids = [account_id(first + number) for number in range(count)]
        self.chart.accounts.update({one: Named(one, f"account {one.int}", "") for one in ids})
        self.changed(created_accounts=ids)

    @rule()
    def create_set(self) -> None:
        new = set_id(len(self.chart.sets))
        self.chart.sets[new] = Named(new, f"set {new.int}", "")
        self.changed(created_sets=[new])

    @rule(data=st.data(), name=st.text(max_size=2))
    def rename(self, data: st.DataObject, name: str) -> None:
        if not self.chart.accounts:
            return
        before = data.draw(st.sampled_from(list(self.chart.accounts.values())))
        self.chart.accounts[before.id] = Named(before.id, before.code, name)
        self.changed(renamed=before)

    @rule(data=st.data())
    def add_members(self, data: st.DataObject) -> None:
        if not self.chart.sets:
            return
        target = data.draw(st.sampled_from(list(self.chart.sets)))
        accounts, sets = self.members(target)
        # A set takes only later ones: no cycles. What is in it already is not added.
        outside = sorted(self.chart.accounts.keys() - accounts)
        later = [one for one in self.chart.sets if one > target and one not in sets]
        new_accounts = data.draw(st.sets(st.sampled_from(outside)) if outside else st.just(set()))
        new_sets = data.draw(st.sets(st.sampled_from(later)) if later else st.just(set()))
        accounts |= new_accounts
        sets |= new_sets
        self.changed(set_id=target, accounts_added=list(new_accounts), sets_added=list(new_sets))

    @rule(data=st.data())
    def remove_members(self, data: st.DataObject) -> None:
        if not self.chart.sets:
            return
        target = data.draw(st.sampled_from(list(self.chart.sets)))
        accounts, sets = self.members(target)
        gone = [
            data.draw(st.sets(st.sampled_from(sorted(members))) if members else st.just(set()))
            for members in (accounts, sets)
        ]
        accounts -= gone[0]
        sets -= gone[1]
        self.changed(set_id=target, accounts_removed=list(gone[0]), sets_removed=list(gone[1]))

    def members(self, target: uuid.UUID) -> tuple[set[uuid.UUID], set[uuid.UUID]]:
        return (
            self.chart.set_accounts.setdefault(target, set()),
            self.chart.set_sets.setdefault(target, set()),
        )

    @rule(data=st.data())
    def go_back(self, data: st.DataObject) -> None:
        point = data.draw(st.integers(0, len(self.changes)))
        earlier = copy.deepcopy(self.chart)
        rewind(earlier, self.changes[point:][::-1])
        assert normal(earlier) == normal(self.pictures[point])


TestChanges = Changes.TestCase


@pytest.mark.parametrize("count", [0, 1])
def test_no_change_takes_nothing_back(count: int) -> None:
    one = chart({0: [1]}, {1: [0]}, 1)
    before = copy.deepcopy(one)
    rewind(one, [ChartChange()] * count)
    assert one == before

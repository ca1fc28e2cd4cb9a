"""Sections of the statements: each account in one, once, whatever the chart looks like."""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO
from ledger_server.domain.report.chart import Chart, Named
from ledger_server.domain.report.periods import Key
from ledger_server.domain.report.section import (
    Amounts,
    Choice,
    Classified,
    Section,
    SectionKind,
    Statement,
)
from tests.domain.report.test_chart import account_id, chart, charts, set_id

CATEGORIES = [each for each in AccountCategory if each is not AccountCategory.INHERITED]
ON_CREDIT = {SectionKind.LIABILITIES, SectionKind.EQUITY, SectionKind.REVENUE}


@st.composite
def categorised_charts(draw: st.DrawFn) -> Chart:
    """Any chart, a tree or not, some of its sets with a category, nested ones among them."""
    made = draw(charts)
    made.categories = draw(
        st.dictionaries(st.sampled_from(sorted(made.sets)), st.sampled_from(CATEGORIES))
    )
    return made


nets_of_accounts = st.dictionaries(
    st.tuples(st.integers(0, 5), st.sampled_from(["USD", "BTC"])),
    st.tuples(st.integers(-9, 9), st.integers(-9, 9)),
).map(
    lambda found: {
        (account_id(number), currency): tuple(map(Decimal, amounts))
        for (number, currency), amounts in found.items()
    }
)


def sections(
    of: Chart, nets: Mapping[Key, Amounts], choice: Choice | None = None
) -> dict[SectionKind, Section]:
    made = Statement(Classified(of), nets, choice or Choice(), 2).sections(*SectionKind)
    return {section.kind: section for section in made}


def net_debits(kind: SectionKind, amounts: Amounts) -> list[Decimal]:
    return [EXACT.minus(each) if kind in ON_CREDIT else each for each in amounts]


@given(categorised_charts(), nets_of_accounts)
def test_the_sections_together_have_everything_once(of: Chart, nets: Mapping[Key, Amounts]) -> None:
    made = sections(of, nets)
    found: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for section in made.values():
        for currency, amounts in section.totals.items():
            pairs = zip(found[currency], net_debits(section.kind, amounts), strict=True)
            found[currency] = [EXACT.add(one, other) for one, other in pairs]
    expected: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
    for (_, currency), amounts in nets.items():
        pairs = zip(expected[currency], amounts, strict=True)
        expected[currency] = [EXACT.add(one, other) for one, other in pairs]
    assert found == expected
    event(
        f"several categories: {any(line.categories for line in made[SectionKind.UNMAPPED].lines)}"
    )


@given(categorised_charts(), nets_of_accounts)
def test_each_account_with_an_amount_is_shown_in_its_section_alone(
    of: Chart, nets: Mapping[Key, Amounts]
) -> None:
    made = sections(of, nets)
    below = of.accounts_below()
    places: defaultdict[uuid.UUID, set[SectionKind]] = defaultdict(set)
    for section in made.values():
        for line in section.lines:
            if not line.is_set:
                places[line.named.id].add(section.kind)
    for (account, _), amounts in nets.items():
        if not any(amounts):
            continue
        above = {category for key, category in of.categories.items() if account in below[key]}
        (kind,) = places[account]
        assert (kind is SectionKind.UNMAPPED) == (len(above) != 1)
        if len(above) == 1:
            assert above.pop().value == kind.value


@given(categorised_charts(), nets_of_accounts)
def test_lines_that_are_not_repeated_add_up_to_the_total(
    of: Chart, nets: Mapping[Key, Amounts]
) -> None:
    for section in sections(of, nets).values():
        added: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO, ZERO])
        for line in section.lines:
            if not line.is_set and not line.is_repeated:
                pairs = zip(added[line.currency], line.amounts, strict=True)
                added[line.currency] = [EXACT.add(one, other) for one, other in pairs]
        for currency, amounts in section.totals.items():
            assert list(amounts) == added[currency]


@given(categorised_charts(), nets_of_accounts, st.integers(1, 4))
def test_top_lines_that_are_not_repeated_add_up_if_none_is(
    of: Chart, nets: Mapping[Key, Amounts], set_depth: int
) -> None:
    """Whatever the depth: a line of a set stands for all that is below it."""
    for section in sections(of, nets, Choice(set_depth=set_depth)).values():
        assert all(line.depth < set_depth for line in section.lines)
        if any(line.is_repeated for line in section.lines):
            continue
        tops = [line for line in section.lines if line.depth == 0]
        for currency, amounts in section.totals.items():
            of_currency = [line.amounts for line in tops if line.currency == currency]
            for index, amount in enumerate(amounts):
                assert amount == sum((each[index] for each in of_currency), start=ZERO)


@given(categorised_charts(), nets_of_accounts)
def test_a_column_does_not_depend_on_the_others(of: Chart, nets: Mapping[Key, Amounts]) -> None:
    both = sections(of, nets)
    for index in (0, 1):
        alone = Statement(
            Classified(of), {key: (each[index],) for key, each in nets.items()}, Choice(), 1
        ).sections(*SectionKind)
        for section in alone:
            shown = {
                (line.named.id, line.depth, line.currency): line.amounts[index]
                for line in both[section.kind].lines
                if line.amounts[index]
            }
            assert shown == {
                (line.named.id, line.depth, line.currency): line.amounts[0]
                for line in section.lines
                if line.amounts[0]
            }


SMALL = chart({0: [1, 2]}, {0: [2], 1: [1], 2: [1], 3: [3]}, 6)
SMALL.categories = {set_id(0): AccountCategory.ASSET, set_id(3): AccountCategory.EXPENSE}


class TestLines:
    """Set 0 ASSET holds sets 1 and 2 and account 2; account 1 is in 1 and 2; set 3 EXPENSE."""

    NETS: Mapping[Key, Amounts] = {
        (account_id(number), "USD"): (Decimal(10**number), ZERO) for number in range(1, 5)
    }

    def shown(self, kind: SectionKind, **choice: object) -> list[tuple[int, str, int, bool]]:
        section = sections(SMALL, self.NETS, Choice(**choice))[kind]  # type: ignore[arg-type]
        return [
            (line.depth, line.named.code, int(line.amounts[0]), line.is_repeated)
            for line in section.lines
        ]

    def test_what_is_shown_twice_says_so(self) -> None:
        assert self.shown(SectionKind.ASSETS) == [
            (0, "set 0", 110, False),
            (1, "set 1", 10, False),
            (2, "account 1", 10, False),
            (1, "set 2", 10, True),
            (2, "account 1", 10, True),
            (1, "account 2", 100, False),
        ]

    def test_a_depth_cuts(self) -> None:
        assert self.shown(SectionKind.ASSETS, set_depth=1) == [(0, "set 0", 110, False)]
        assert self.shown(SectionKind.ASSETS, set_depth=2)[1:] == [
            (1, "set 1", 10, False),
            (1, "set 2", 10, True),
            (1, "account 2", 100, False),
        ]

    def test_the_unmapped_by_code(self) -> None:
        assert self.shown(SectionKind.UNMAPPED) == [(0, "account 4", 10_000, False)]

    def test_zero_rows(self) -> None:
        shown = self.shown(SectionKind.UNMAPPED, include_zero_rows=True)
        assert [code for _, code, _, _ in shown] == ["account 0", "account 4", "account 5"]

    def test_an_account_of_two_categories_is_in_neither(self) -> None:
        both = chart({}, {0: [1], 1: [1, 2]}, 3)
        both.categories = {set_id(0): AccountCategory.ASSET, set_id(1): AccountCategory.REVENUE}
        made = sections(both, self.NETS)
        (line,) = made[SectionKind.UNMAPPED].lines
        assert (line.named.code, line.amounts) == ("account 1", (Decimal(10), ZERO))
        assert line.categories == (AccountCategory.ASSET, AccountCategory.REVENUE)
        assert made[SectionKind.ASSETS].lines == []
        assert made[SectionKind.REVENUE].totals == {"USD": (Decimal(-100), ZERO)}
        (of_set, _) = made[SectionKind.REVENUE].lines
        assert (of_set.is_set, of_set.amounts) == (True, (Decimal(-100), ZERO))


def test_a_chart_whose_lines_double_with_each_level_is_refused() -> None:
    """A ladder of diamonds: each of two sets stands in both of the level above."""
    levels = [(uuid.UUID(int=2 * n + 1), uuid.UUID(int=2 * n + 2)) for n in range(24)]
    account = Named(uuid.UUID(int=999), "a", "a")
    ladder = Chart(
        accounts={account.id: account},
        sets={one: Named(one, f"{one.int:03}", "") for level in levels for one in level},
        set_accounts={one: {account.id} for one in levels[-1]},
        set_sets={one: set(below) for above, below in itertools.pairwise(levels) for one in above},
        categories=dict.fromkeys(levels[0], AccountCategory.ASSET),
    )
    with pytest.raises(ReportTooLargeError):
        sections(ladder, {(account.id, "USD"): (Decimal(1), ZERO)})
    # Without an amount nothing is shown, and nobody walks down.
    assert sections(ladder, {})[SectionKind.ASSETS].lines == []

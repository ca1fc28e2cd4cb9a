"""The trial balance: its columns, its totals, its chart, and itself as it once was."""

import itertools
import uuid
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import ReportTooLargeError
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer
from ledger_server.domain.report.chart import Chart, Named
from ledger_server.domain.report.periods import NOTHING, Sums, taken_off
from ledger_server.domain.report.trial_balance import (
    Columns,
    Form,
    Row,
    TrialBalance,
    columns_of,
    trial_balance,
)
from ledger_server.domain.transaction import DraftEntry
from tests.domain.report.test_chart import account_id, chart, charts, set_id
from tests.domain.strategies import ACCOUNTS, balanced_entries, days

Posted = tuple[date, Sequence[DraftEntry]]

FLAT = Chart({one: Named(one, f"account {one.int}", "") for one in ACCOUNTS}, {}, {}, {})
START, END = date.min, date.max

transactions = st.lists(st.tuples(days, balanced_entries()), max_size=6)


def sums(
    posted: Iterable[Posted], from_date: date = START, as_of: date = END
) -> Mapping[tuple[uuid.UUID, str], Sums]:
    """Return the sums of settled entries as the store gives them."""
    found: defaultdict[tuple[uuid.UUID, str], Sums] = defaultdict(lambda: NOTHING)
    for day, entries in posted:
        for entry in entries:
            if entry.layer is Layer.SETTLED and day <= as_of:
                place = (2 if day >= from_date else 0) + (entry.direction is Direction.CREDIT)
                four = [entry.units if place == index else ZERO for index in range(4)]
                found[entry.key.account_id, entry.key.currency] += Sums(*four)
    return dict(found)


def report(
    known: Mapping[tuple[uuid.UUID, str], Sums],
    later: Mapping[tuple[uuid.UUID, str], Sums] | None = None,
    of: Chart = FLAT,
    *,
    set_depth: int = 0,
    zero_rows: bool = False,
    currency: str = "",
) -> TrialBalance:
    return trial_balance(
        [taken_off(dict(known), dict(later or {}))],
        of,
        set_depth=set_depth,
        include_zero_rows=zero_rows,
        currency=currency,
    )


def cells(columns: Columns) -> tuple[Decimal, ...]:
    return (
        columns.opening_debit,
        columns.opening_credit,
        columns.debit,
        columns.credit,
        columns.closing_debit,
        columns.closing_credit,
    )


def by_key(made: TrialBalance) -> dict[tuple[str, str], Columns]:
    return {(row.named.code, row.currency): row.columns for row in made.rows}


@given(transactions, days, days)
def test_columns(posted: list[Posted], from_date: date, as_of: date) -> None:
    made = report(sums(posted, from_date, as_of))
    entries = [
        (day, entry)
        for day, legs in posted
        for entry in legs
        if entry.layer is Layer.SETTLED and day <= as_of
    ]
    expected: dict[tuple[str, str], list[Decimal]] = {}
    for day, entry in entries:
        four = expected.setdefault((entry.account_code, entry.key.currency), [ZERO] * 4)
        place = (2 if day >= from_date else 0) + entry.direction - 1
        four[place] = EXACT.add(four[place], entry.units)
    for key, columns in by_key(made).items():
        before_debit, before_credit, debit, credit = expected.pop(key)
        opening = EXACT.subtract(columns.opening_debit, columns.opening_credit)
        closing = EXACT.subtract(columns.closing_debit, columns.closing_credit)
        assert opening == EXACT.subtract(before_debit, before_credit)
        assert (columns.debit, columns.credit) == (debit, credit)
        assert closing == EXACT.add(opening, EXACT.subtract(debit, credit))
        assert ZERO in (columns.opening_debit, columns.opening_credit)
        assert ZERO in (columns.closing_debit, columns.closing_credit)
        assert min(cells(columns)) >= 0
    # What is not shown has not moved and stands at zero.
    assert all(four[0] == four[1] and four[2:] == [0, 0] for four in expected.values())


@given(transactions, days, days)
def test_totals_add_up_and_balance(posted: list[Posted], from_date: date, as_of: date) -> None:
    made = report(sums(posted, from_date, as_of))
    added: defaultdict[str, list[Decimal]] = defaultdict(lambda: [ZERO] * 6)
    for row in made.rows:
        pairs = zip(added[row.currency], cells(row.columns), strict=True)
        added[row.currency] = [EXACT.add(one, other) for one, other in pairs]
    assert list(made.totals) == sorted(made.totals)
    assert added.keys() <= made.totals.keys()
    for currency, (total,) in made.totals.items():
        assert list(cells(total)) == added[currency]
        assert total.is_balanced()


def test_a_total_that_does_not_balance_says_so() -> None:
    for broken in range(6):
        columns = [Decimal(1)] * 6
        columns[broken] = Decimal(2)
        assert not Columns(*columns).is_balanced()
    assert Columns(*[Decimal(1)] * 6).is_balanced()


@given(transactions, days, days)
def test_a_range_begins_where_the_report_before_it_ended(
    posted: list[Posted], split: date, as_of: date
) -> None:
    day_before = date.fromordinal(split.toordinal() - 1)
    first = by_key(report(sums(posted, START, day_before), zero_rows=True))
    second = by_key(report(sums(posted, split, max(as_of, day_before)), zero_rows=True))
    both = by_key(report(sums(posted, START, max(as_of, day_before)), zero_rows=True))
    nothing = Columns()
    for key, columns in second.items():
        before = first.get(key, nothing)
        assert columns.opening_debit == before.closing_debit
        assert columns.opening_credit == before.closing_credit
        assert both[key].debit == EXACT.add(before.debit, columns.debit)
        assert both[key].credit == EXACT.add(before.credit, columns.credit)
        assert both[key].closing_debit == columns.closing_debit
        assert both[key].closing_credit == columns.closing_credit


@given(transactions, transactions, st.tuples(days, days), st.booleans(), st.integers(0, 3))
def test_as_known_at_is_the_report_of_that_time(
    known: list[Posted],
    came_later: list[Posted],
    period: tuple[date, date],
    zero_rows: bool,  # drawn
    set_depth: int,
) -> None:
    """All sums less the later ones: the same rows and the same totals, none more."""
    of = chart({0: [1]}, {0: [1], 1: [2]}, 4)
    earlier = report(sums(known, *period), of=of, zero_rows=zero_rows, set_depth=set_depth)
    now = report(
        sums([*known, *came_later], *period),
        sums(came_later, *period),
        of,
        zero_rows=zero_rows,
        set_depth=set_depth,
    )
    assert now == earlier


@given(transactions, st.lists(st.tuples(days, days), min_size=2, max_size=3), st.integers(0, 3))
def test_columns_are_reports_of_their_own(
    posted: list[Posted], periods: list[tuple[date, date]], set_depth: int
) -> None:
    of = chart({0: [1], 1: [2]}, {0: [1], 1: [2]}, 4)
    columns = [taken_off(dict(sums(posted, *period))) for period in periods]
    together = trial_balance(columns, of, set_depth=set_depth, include_zero_rows=False, currency="")
    for index, column in enumerate(columns):
        alone = trial_balance(
            [column], of, set_depth=set_depth, include_zero_rows=False, currency=""
        )
        shown = [
            (row.depth, row.named.code, row.currency, cells(row.periods[index]))
            for row in together.rows
            if not row.periods[index].is_zero()
        ]
        assert shown == [
            (row.depth, row.named.code, row.currency, cells(row.columns)) for row in alone.rows
        ]
        for currency, (total,) in alone.totals.items():
            assert together.totals[currency][index] == total


@given(transactions, days, days)
def test_the_gross_form_nets_to_the_net_form(
    posted: list[Posted], from_date: date, as_of: date
) -> None:
    known = taken_off(dict(sums(posted, from_date, as_of)))
    net, gross = (
        trial_balance([known], FLAT, set_depth=0, include_zero_rows=True, currency="", form=form)
        for form in Form
    )
    assert all(total.is_balanced() for (total,) in gross.totals.values())
    of_gross = by_key(gross)
    for key, columns in by_key(net).items():
        full = of_gross[key]
        assert (columns.debit, columns.credit) == (full.debit, full.credit)
        for end in ("opening", "closing"):
            pair = [getattr(full, f"{end}_{side}") for side in ("debit", "credit")]
            left = EXACT.subtract(*pair)
            assert getattr(columns, f"{end}_debit") == max(left, ZERO)
            assert getattr(columns, f"{end}_credit") == max(EXACT.minus(left), ZERO)
        assert full.closing_debit == EXACT.add(full.opening_debit, full.debit)
        assert full.closing_credit == EXACT.add(full.opening_credit, full.credit)


def test_an_account_that_came_later_is_not_in_the_report() -> None:
    one = Sums(ZERO, ZERO, Decimal(5), Decimal(5))
    made = report({(account_id(9), "USD"): one}, {(account_id(9), "USD"): one}, zero_rows=True)
    assert all(row.named.id != account_id(9) for row in made.rows)
    assert made.totals == {}


def test_sums_of_thirty_eight_digits_are_not_rounded() -> None:
    """In any decimal context; the default one has 28 digits."""
    most = Decimal("9" * 38)
    made = report({(ACCOUNTS[0], "JPY"): Sums(ZERO, most, ZERO, most)})
    twice = EXACT.add(most, most)
    assert cells(made.rows[0].columns) == (ZERO, most, ZERO, most, ZERO, twice)


class TestRows:
    MOVED = Sums(ZERO, ZERO, Decimal(5), Decimal(5))
    SUMS: Mapping[tuple[uuid.UUID, str], Sums] = {
        (ACCOUNTS[1], "USD"): MOVED,
        (ACCOUNTS[1], "BTC"): MOVED,
        (ACCOUNTS[0], "USD"): Sums(Decimal(3), Decimal(3), ZERO, ZERO),
    }

    def shown(self, made: TrialBalance) -> list[tuple[str, str]]:
        return [(row.named.code, row.currency) for row in made.rows]

    def test_by_code_and_currency_without_zero_rows(self) -> None:
        """An account that moved is shown though it stands at zero."""
        assert self.shown(report(self.SUMS)) == [("account 2", "BTC"), ("account 2", "USD")]

    @pytest.mark.parametrize("currency", ["", "EUR"])
    def test_zero_rows(self, currency: str) -> None:
        assert self.shown(report(self.SUMS, zero_rows=True, currency=currency)) == [
            ("account 1", "USD"),
            ("account 2", "BTC"),
            ("account 2", "USD"),
            ("account 3", currency),
            ("account 4", currency),
        ]


class TestByChart:
    """Sets 0 > 1 > 2 and 0 > 2, account 1 in sets 1 and 2, account 2 in 0, account 3 in none."""

    CHART = chart({0: [1, 2], 1: [2]}, {0: [2], 1: [1], 2: [1]}, 4)
    SUMS: Mapping[tuple[uuid.UUID, str], Sums] = {
        (account_id(number), currency): Sums(ZERO, ZERO, Decimal(10**number), ZERO)
        for number, currency in ((1, "USD"), (2, "USD"), (2, "BTC"), (3, "USD"))
    }

    def rows(self, depth: int) -> list[tuple[int, str, str, int]]:
        made = report(self.SUMS, of=self.CHART, set_depth=depth)
        assert all(row.is_set == row.named.code.startswith("set") for row in made.rows)
        assert cells(made.totals["USD"][0])[2] == 1110
        return [
            (row.depth, row.named.code, row.currency, int(row.columns.debit)) for row in made.rows
        ]

    def test_accounts_alone(self) -> None:
        assert self.rows(0) == [
            (0, "account 1", "USD", 10),
            (0, "account 2", "BTC", 100),
            (0, "account 2", "USD", 100),
            (0, "account 3", "USD", 1000),
        ]

    def test_one_level_counts_a_shared_account_once(self) -> None:
        assert self.rows(1) == [
            (0, "set 0", "BTC", 100),
            (0, "set 0", "USD", 110),
            (0, "account 3", "USD", 1000),
        ]

    def test_two_levels(self) -> None:
        assert self.rows(2) == [
            (0, "set 0", "BTC", 100),
            (0, "set 0", "USD", 110),
            (1, "set 1", "USD", 10),
            (1, "set 2", "USD", 10),
            (1, "account 2", "BTC", 100),
            (1, "account 2", "USD", 100),
            (0, "account 3", "USD", 1000),
        ]

    def test_more_levels_than_there_are(self) -> None:
        assert self.rows(9) == [
            (0, "set 0", "BTC", 100),
            (0, "set 0", "USD", 110),
            (1, "set 1", "USD", 10),
            (2, "set 2", "USD", 10),
            (3, "account 1", "USD", 10),
            (2, "account 1", "USD", 10),
            (1, "set 2", "USD", 10),
            (2, "account 1", "USD", 10),
            (1, "account 2", "BTC", 100),
            (1, "account 2", "USD", 100),
            (0, "account 3", "USD", 1000),
        ]

    def test_a_deep_chain_needs_no_deep_stack(self) -> None:
        depth = 5_000
        deep = chart({one: [one + 1] for one in range(depth)}, {depth: [1]}, 2)
        made = report(self.SUMS, of=deep, set_depth=depth * 2)
        assert len(made.rows) == depth + 2
        assert (made.rows[-1].depth, made.rows[-1].named.code) == (depth + 1, "account 1")


@given(charts, st.lists(st.tuples(st.integers(0, 5), st.integers(-9, 9)), max_size=6))
def test_a_set_has_what_its_accounts_have(of: Chart, moves: list[tuple[int, int]]) -> None:
    sums_: defaultdict[tuple[uuid.UUID, str], Sums] = defaultdict(lambda: NOTHING)
    for number, net in moves:
        side = [Decimal(max(net, 0)), Decimal(max(-net, 0))]
        sums_[account_id(number), "USD"] += Sums(ZERO, ZERO, *side)
    made = report(sums_, of=of, set_depth=1)
    below = of.accounts_below()
    shown: dict[uuid.UUID, Row] = {row.named.id: row for row in made.rows if row.is_set}
    for top in of.top_sets():
        inside = [sums_[key, "USD"] for key in below[top.id] if (key, "USD") in sums_]
        (expected,) = columns_of([sum(inside, start=NOTHING)])
        columns = shown[top.id].columns if top.id in shown else Columns()
        assert cells(columns) == cells(expected)
    assert set_id(0) in below


def test_a_chart_whose_rows_double_with_each_level_is_refused() -> None:
    """A ladder of diamonds: each of two sets stands in both of the level above."""
    levels = [(uuid.UUID(int=2 * n + 1), uuid.UUID(int=2 * n + 2)) for n in range(24)]
    account = Named(uuid.UUID(int=999), "a", "a")
    ladder = Chart(
        accounts={account.id: account},
        sets={one: Named(one, f"{one.int:03}", "") for level in levels for one in level},
        set_accounts={one: {account.id} for one in levels[-1]},
        set_sets={one: set(below) for above, below in itertools.pairwise(levels) for one in above},
    )
    sums = {(account.id, "USD"): Sums(ZERO, ZERO, Decimal(1), ZERO)}
    with pytest.raises(ReportTooLargeError):
        trial_balance([sums], ladder, set_depth=30, include_zero_rows=False, currency="")

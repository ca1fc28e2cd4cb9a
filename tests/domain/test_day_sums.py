"""The sums of days, however batches come: each day once, with the balance or on its own."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from fractions import Fraction
from uuid import UUID

from hypothesis import event, given
from hypothesis import strategies as st

from ledger_server.domain.books import BalanceState, Posting
from ledger_server.domain.day_sums import DayChanges, settle_days
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer
from ledger_server.domain.transaction import BalanceKey, Draft
from tests.domain.samples import draft
from tests.domain.strategies import ACCOUNTS, CURRENCIES, amount, balanced_entries, days, leg

KEYS = [BalanceKey(account, currency) for account in ACCOUNTS for currency in CURRENCIES]
FIRST, SECOND, THIRD = (date(2026, 2, day) for day in (1, 2, 3))
CASH = BalanceKey(ACCOUNTS[0], "USD")

transfers = st.builds(draft, balanced_entries(), st.just(UUID(int=1)), day=days)

Place = tuple[BalanceKey, Layer, date]


class Days:
    """Balances, and the days that have rows of their own, as the database would keep them."""

    def __init__(self, balances: Mapping[BalanceKey, BalanceState]) -> None:
        self.balances = balances
        self.earlier: dict[Place, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])

    def post(self, drafts: Sequence[Draft]) -> DayChanges:
        """Post a batch."""
        postings = [Posting(one, one.entries or [], []) for one in drafts]
        for posting in postings:
            for entry in posting.entries:
                posting.states.append(self.balances[entry.key])
                sums = self.balances[entry.key].sums
                side = 2 * entry.layer - 3 + entry.direction
                sums[side] = EXACT.add(sums[side], entry.units)
        changes = settle_days(postings)
        for place, sides in changes.earlier.items():
            for side, sum_of in enumerate(sides):
                assert sum_of.as_tuple().exponent == -CURRENCIES[place[0].currency]
                self.earlier[place][side] += Fraction(sum_of)
        return changes

    def all(self) -> dict[Place, tuple[Fraction, Fraction]]:
        """Return the sums of each day, wherever it is kept."""
        found = {place: (debit, credit) for place, (debit, credit) in self.earlier.items()}
        for key, state in self.balances.items():
            if state.last_day is not None:
                place = (key, Layer.SETTLED, state.last_day)
                assert place not in found, "a day is kept once"
                debit, credit = (
                    Fraction(of_all) - Fraction(of_before)
                    for of_all, of_before in zip(state.settled, state.before, strict=True)
                )
                found[place] = (debit, credit)
        return found


def empty() -> dict[BalanceKey, BalanceState]:
    return {key: BalanceState([ZERO] * 8, 0) for key in KEYS}


@given(st.lists(st.lists(transfers, min_size=1, max_size=4), max_size=5))
def test_each_day_has_the_sums_of_its_entries(batches: list[list[Draft]]) -> None:
    kept = Days(empty())
    expected: dict[Place, list[Fraction]] = defaultdict(lambda: [Fraction(0), Fraction(0)])
    for drafts in batches:
        changes = kept.post(drafts)
        event(f"moved: {bool(changes.moved)}, earlier: {bool(changes.earlier)}")
        posted_to = {entry.key for one in drafts for entry in one.entries or ()}
        assert {key for key, _ in changes.balances} == posted_to
        assert len(changes.balances) == len(posted_to)
        for one in drafts:
            for entry in one.entries or ():
                sides = expected[entry.key, entry.layer, one.effective]
                sides[entry.direction - 1] += Fraction(entry.units)
        assert kept.all() == {place: tuple(sides) for place, sides in expected.items()}
        for key, state in kept.balances.items():
            settled = {day for of, layer, day in expected if (of, layer) == (key, Layer.SETTLED)}
            assert state.last_day == max(settled, default=None)


def test_what_goes_on_the_last_day_changes_no_other() -> None:
    kept = Days(empty())
    first = kept.post([_transfer(100, FIRST)])
    assert (bool(first.moved), dict(first.earlier)) == (True, {})
    again = kept.post([_transfer(200, FIRST), _transfer(300, FIRST)])
    assert (bool(again.moved), dict(again.earlier)) == (False, {})
    state = kept.balances[CASH]
    assert (state.last_day, str(state.settled[0]), str(state.before[0])) == (FIRST, "6.00", "0.00")


def test_a_later_day_ends_the_last_one_with_what_the_batch_adds_to_it() -> None:
    kept = Days(empty())
    kept.post([_transfer(100, FIRST)])
    changes = kept.post([_transfer(20, FIRST), _transfer(3, THIRD), _transfer(1, SECOND)])
    assert _debits(changes) == {FIRST: "1.20", SECOND: "0.01"}
    state = kept.balances[CASH]
    assert (state.last_day, str(state.before[0])) == (THIRD, "1.21")


def test_what_is_dated_back_adds_to_its_day_and_to_what_is_before_the_last() -> None:
    kept = Days(empty())
    kept.post([_transfer(100, SECOND)])
    changes = kept.post([_transfer(20, FIRST), _transfer(3, SECOND)])
    assert changes.moved
    assert _debits(changes) == {FIRST: "0.20"}
    state = kept.balances[CASH]
    assert (state.last_day, str(state.before[0])) == (SECOND, "0.20")


def test_books_without_last_days_have_rows_for_all_their_days() -> None:
    """As from before there were any, where they were written by hand."""
    balances = empty()
    balances[CASH].sums[0] = amount(500, "USD")
    changes = Days(balances).post([_transfer(100, FIRST)])
    assert not changes.earlier
    assert (str(balances[CASH].before[0]), str(balances[CASH].settled[0])) == ("5.00", "6.00")


def test_a_side_without_entries_has_a_zero_of_its_currency() -> None:
    kept = Days(empty())
    kept.post([_transfer(100, FIRST)])
    changes = kept.post([_transfer(100, SECOND)])
    debit, credit = changes.earlier[CASH, Layer.SETTLED, FIRST]
    assert (str(debit), str(credit)) == ("1.00", "0.00")


def _debits(changes: DayChanges) -> dict[date, str]:
    """Return what was added to the debits of earlier days of the one account."""
    return {day: str(debit) for (key, _, day), (debit, _) in changes.earlier.items() if key == CASH}


def _transfer(minor: int, day: date) -> Draft:
    entries = [
        leg(ACCOUNTS[0], Direction.DEBIT, Layer.SETTLED, minor, "USD"),
        leg(ACCOUNTS[1], Direction.CREDIT, Layer.SETTLED, minor, "USD"),
    ]
    return draft(entries, UUID(int=1), day=day)

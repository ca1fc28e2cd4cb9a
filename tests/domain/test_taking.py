"""Taking from several places takes all there is, in order, and never more."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.taking import take_from

amounts = st.integers(0, 10**6).map(Decimal)


@given(st.lists(amounts, max_size=5), amounts)
def test_takes_what_is_there_up_to_what_is_asked(there: list[Decimal], units: Decimal) -> None:
    left = dict(enumerate(there))
    got = take_from(left, range(len(there)), units)
    assert got == min(units, sum(there))
    assert sum(left.values()) == sum(there) - got
    assert all(0 <= one <= there[place] for place, one in left.items())


@given(st.lists(amounts, min_size=2, max_size=5), amounts)
def test_empties_a_place_before_it_turns_to_the_next(there: list[Decimal], units: Decimal) -> None:
    left = dict(enumerate(there))
    take_from(left, range(len(there)), units)
    touched = [place for place, one in left.items() if one != there[place]]
    assert all(left[place] == 0 for place in touched[:-1])


def test_leaves_other_places_alone() -> None:
    left = {"a": Decimal(5), "b": Decimal(5)}
    assert take_from(left, ["b"], Decimal(7)) == 5
    assert left == {"a": Decimal(5), "b": Decimal(0)}

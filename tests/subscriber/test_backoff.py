"""Waits double up to a bound, and chance only shortens them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.subscriber.backoff import Backoff

bounds = st.floats(0.001, 100)


@given(bounds, bounds, st.integers(1, 10_000), st.floats(0, 1))
def test_a_wait_is_between_half_its_bound_and_all_of_it(
    one: float, other: float, failures: int, chance: float
) -> None:
    backoff = Backoff(min(one, other), max(one, other))
    whole = backoff.seconds(failures, lambda: 1.0)
    assert whole <= backoff.most_seconds
    assert whole / 2 <= backoff.seconds(failures, lambda: chance) <= whole
    assert whole <= backoff.seconds(failures + 1, lambda: 1.0)


def test_doubles() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.seconds(count, lambda: 1.0) for count in range(1, 6)] == [0.5, 1, 2, 3, 3]


@pytest.mark.parametrize(("first", "most"), [(-1, 1), (2, 1)])
def test_refuses_bounds_that_cannot_work(first: float, most: float) -> None:
    with pytest.raises(ValueError, match="first wait"):
        Backoff(first, most)

"""Whether callers are so many that they are gathered."""

import itertools

from ledger_server.application.crowd import CALLS_OF_CROWD, Crowd


def gathered(crowd: Crowd, batches: list[int]) -> list[bool]:
    """Tell of each batch whether it waited, given how many calls come to one that does."""
    waited: list[bool] = []
    for calls in batches:
        waited.append(crowd.is_to_be_gathered())
        if waited[-1]:
            crowd.learn(calls)
    return waited


def test_a_crowd_is_found_at_the_first_look_and_gathered_from_then_on() -> None:
    assert all(gathered(Crowd(), [CALLS_OF_CROWD] * 100))


def test_few_callers_wait_ever_more_seldom() -> None:
    waited = gathered(Crowd(), [CALLS_OF_CROWD - 1] * 1_000)
    looks = [number for number, waits in enumerate(waited) if waits]
    gaps = [after - before for before, after in itertools.pairwise(looks)]
    assert gaps[:6] == [2, 3, 5, 9, 17, 33]
    assert set(gaps[6:]) == {33}


def test_a_crowd_that_comes_short_now_and_then_is_still_one() -> None:
    assert all(gathered(Crowd(), [CALLS_OF_CROWD, 3, 3] * 50))


def test_a_crowd_that_has_gone_is_not_waited_for() -> None:
    waited = gathered(Crowd(), [CALLS_OF_CROWD] * 10 + [5] * 990)
    assert sum(waited[10:]) < 40


def test_a_crowd_that_seemed_to_be_gone_is_found_within_a_few_batches() -> None:
    waited = gathered(Crowd(), [CALLS_OF_CROWD] * 10 + [5] * 4 + [CALLS_OF_CROWD] * 86)
    assert all(waited[16:])


def test_a_crowd_is_found_where_there_was_none_for_long() -> None:
    waited = gathered(Crowd(), [1] * 1_000 + [CALLS_OF_CROWD] * 100)
    assert all(waited[1_033:])

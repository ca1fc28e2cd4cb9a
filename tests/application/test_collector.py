"""The collector rests while a large answer is made, and always comes back."""

import asyncio
import gc
import weakref

import pytest

from ledger_server.application.collector import LATER_SECONDS, large_answer


class Thing:
    """Something that an answer is made of."""


async def make(seconds: float) -> weakref.ref[Thing]:
    with large_answer() as kept:
        assert not gc.isenabled()
        thing = Thing()
        kept.append(thing)
        await asyncio.sleep(seconds)
        return weakref.ref(thing)


async def test_it_rests_until_all_is_let_go() -> None:
    kept = await make(0)
    assert kept() is not None
    assert not gc.isenabled()
    await asyncio.sleep(2 * LATER_SECONDS)
    assert kept() is None
    assert gc.isenabled()


async def test_answers_that_overlap_without_end_do_not_keep_it_away() -> None:
    seen = []
    making = [asyncio.create_task(make(LATER_SECONDS * (1 + n))) for n in range(5)]
    for _ in range(12):
        await asyncio.sleep(LATER_SECONDS / 2)
        seen.append(gc.isenabled())
    assert True in seen
    await asyncio.gather(*making)
    await asyncio.sleep(2 * LATER_SECONDS)
    assert gc.isenabled()


async def test_an_answer_that_fails() -> None:
    with pytest.raises(ValueError, match="no such"), large_answer():
        raise ValueError("no such")
    await asyncio.sleep(2 * LATER_SECONDS)
    assert gc.isenabled()


def test_a_loop_that_is_closed_before() -> None:
    asyncio.run(make(0))
    assert gc.isenabled()

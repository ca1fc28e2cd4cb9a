"""What a gatherer promises: each item once, to its own caller, within the bounds, in order."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.gathering import Gatherer

#: Items are numbers; so many bytes each.
SIZE = 10


class Calls:
    """Answers each number with its double, and keeps what was sent together."""

    def __init__(self, turns: int = 1) -> None:
        self.batches: list[list[int]] = []
        self.under_way = 0
        self.under_way_most = 0
        self._turns = turns

    async def send(self, items: Sequence[int]) -> list[int | Exception]:
        self.batches.append(list(items))
        self.under_way += 1
        self.under_way_most = max(self.under_way_most, self.under_way)
        for _ in range(self._turns):
            await asyncio.sleep(0)
        self.under_way -= 1
        return [ValueError(item) if item < 0 else 2 * item for item in items]


def gatherer(
    calls: Calls, *, items_max: int = 100, bytes_max: int = 10_000, calls_max: int = 1
) -> Gatherer[int, int]:
    return Gatherer(calls.send, items_max=items_max, bytes_max=bytes_max, calls_max=calls_max)


@given(
    delays=st.lists(st.integers(0, 6), max_size=60),
    items_max=st.integers(1, 20),
    bytes_max=st.integers(1, 120),
    calls_max=st.integers(1, 4),
    turns=st.integers(0, 5),
)
async def test_each_is_sent_once_and_told_its_own_answer(
    delays: list[int], items_max: int, bytes_max: int, calls_max: int, turns: int
) -> None:
    calls = Calls(turns)
    gathered = gatherer(calls, items_max=items_max, bytes_max=bytes_max, calls_max=calls_max)
    asked: list[int] = []

    async def ask(item: int, delay: int) -> int:
        for _ in range(delay):
            await asyncio.sleep(0)
        asked.append(item)
        return await gathered.ask(item, SIZE)

    answers = await asyncio.gather(*(ask(item, delay) for item, delay in enumerate(delays)))
    assert answers == [2 * item for item in range(len(delays))]
    sent = [item for batch in calls.batches for item in batch]
    assert sorted(sent) == list(range(len(delays)))
    assert all(len(batch) <= items_max for batch in calls.batches)
    assert all(len(batch) == 1 or len(batch) * SIZE <= bytes_max for batch in calls.batches)
    assert calls.under_way_most <= calls_max
    if calls_max == 1:
        assert sent == asked
    await gathered.close()


@given(
    cancelled=st.sets(st.integers(0, 29)),
    turns_before=st.integers(0, 8),
    calls_max=st.integers(1, 3),
)
async def test_who_gives_up_keeps_nobody_else(
    cancelled: set[int], turns_before: int, calls_max: int
) -> None:
    calls = Calls(turns=2)
    gathered = gatherer(calls, items_max=4, calls_max=calls_max)
    tasks = [asyncio.create_task(gathered.ask(item, SIZE)) for item in range(30)]
    for _ in range(turns_before):
        await asyncio.sleep(0)
    for item in cancelled:
        tasks[item].cancel()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    for item, answer in enumerate(answers):
        assert answer == 2 * item or (item in cancelled and isinstance(answer, BaseException))
    sent = [item for batch in calls.batches for item in batch]
    assert len(sent) == len(set(sent))
    assert set(range(30)) - cancelled <= set(sent)
    await gathered.close()


async def test_what_was_taken_back_before_it_was_sent_is_not_sent() -> None:
    calls = Calls(turns=3)
    gathered = gatherer(calls)
    first = asyncio.create_task(gathered.ask(1, SIZE))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    tasks = [asyncio.create_task(gathered.ask(item, SIZE)) for item in (2, 3)]
    await asyncio.sleep(0)
    tasks[0].cancel()
    assert (await first, await tasks[1]) == (2, 6)
    assert calls.batches == [[1], [3]]


async def test_all_who_run_at_once_share_a_call() -> None:
    calls = Calls()
    gathered = gatherer(calls)
    await asyncio.gather(*(gathered.ask(item, SIZE) for item in range(64)))
    assert calls.batches == [list(range(64))]


async def test_many_are_parted_among_free_calls() -> None:
    calls = Calls()
    gathered = gatherer(calls, calls_max=3)
    await asyncio.gather(*(gathered.ask(item, SIZE) for item in range(64)))
    assert [len(batch) for batch in calls.batches] == [22, 21, 21]


async def test_each_gets_its_own_error() -> None:
    gathered = gatherer(Calls())
    good, bad = await asyncio.gather(
        gathered.ask(1, SIZE), gathered.ask(-1, SIZE), return_exceptions=True
    )
    assert good == 2
    assert isinstance(bad, ValueError)


async def test_all_see_why_a_call_failed_and_the_next_is_made() -> None:
    failures = [OSError("cut off")]

    async def send(items: Sequence[int]) -> Sequence[int]:
        if failures:
            raise failures.pop()
        return items

    gathered = Gatherer[int, int](send, items_max=2, bytes_max=100, calls_max=1)
    answers = await asyncio.gather(
        *(gathered.ask(item, SIZE) for item in range(4)), return_exceptions=True
    )
    assert [str(answer) for answer in answers] == ["cut off", "cut off", "2", "3"]


async def test_a_call_that_ends_with_the_loop_cancels_its_callers() -> None:
    async def send(_items: Sequence[int]) -> Sequence[int]:
        raise asyncio.CancelledError

    gathered = Gatherer[int, int](send, items_max=2, bytes_max=100, calls_max=1)
    with pytest.raises(asyncio.CancelledError):
        await gathered.ask(1, SIZE)


async def test_close_waits_for_what_was_asked_and_takes_no_more() -> None:
    calls = Calls(turns=5)
    gathered = gatherer(calls, items_max=1)
    tasks = [asyncio.create_task(gathered.ask(item, SIZE)) for item in range(3)]
    await asyncio.sleep(0)
    await gathered.close()
    assert [task.result() for task in tasks] == [0, 2, 4]
    with pytest.raises(RuntimeError, match="closed"):
        await gathered.ask(4, SIZE)


@pytest.mark.parametrize("bound", ["items_max", "bytes_max", "calls_max"])
def test_a_bound_below_one_is_refused(bound: str) -> None:
    with pytest.raises(ValueError, match=bound):
        gatherer(Calls(), **{bound: 0})

"""Reads made together: each caller has its own answer, and takes nothing from the others."""

import asyncio
from collections.abc import Set as AbstractSet

import pytest

from ledger_server.application import shared_reads
from ledger_server.application.shared_reads import SharedReads


class Reading:
    """Reads that end when they are told to."""

    def __init__(self) -> None:
        self.asked: list[set[int]] = []
        self.gate = asyncio.Event()
        self.fault: Exception | None = None
        self.shared = SharedReads(self._read)

    async def _read(self, keys: AbstractSet[int]) -> dict[int, str]:
        self.asked.append(set(keys))
        await self.gate.wait()
        if self.fault is not None:
            raise self.fault
        return {key: str(key) for key in keys}

    def begin(self, *keys: int) -> asyncio.Task[dict[int, str]]:
        return asyncio.create_task(self.shared.read(keys))


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_what_is_asked_for_meanwhile_is_read_by_the_next() -> None:
    reading = Reading()
    first = reading.begin(1, 2)
    await turns()
    others = [reading.begin(2, 3), reading.begin(3, 4)]
    await turns()
    assert reading.asked == [{1, 2}]
    reading.gate.set()
    assert await first == {1: "1", 2: "2"}
    assert [await one for one in others] == [{2: "2", 3: "3", 4: "4"}] * 2
    assert reading.asked == [{1, 2}, {2, 3, 4}]


async def test_alone_nobody_waits_for_others() -> None:
    reading = Reading()
    reading.gate.set()
    for key in range(3):
        assert await reading.shared.read([key]) == {key: str(key)}
    assert reading.asked == [{0}, {1}, {2}]


async def test_a_caller_that_goes_away_takes_nothing_from_the_others() -> None:
    reading = Reading()
    first, second = reading.begin(1), reading.begin(2)
    await turns()
    waiting, going = reading.begin(3), reading.begin(4)
    await turns()
    for one in (first, going):
        one.cancel()
        with pytest.raises(asyncio.CancelledError):
            await one
    reading.gate.set()
    assert await second == {1: "1", 2: "2"}
    assert (await waiting)[3] == "3"


async def test_a_fault_is_that_of_all_who_asked_and_not_of_the_next(
    caplog: pytest.LogCaptureFixture,
) -> None:
    reading = Reading()
    reading.fault = OSError("gone")
    asked = [reading.begin(1), reading.begin(2)]
    left = reading.begin(3)
    await turns()
    left.cancel()
    reading.gate.set()
    for one in asked:
        with pytest.raises(OSError, match="gone"):
            await one
    reading.fault = None
    assert await reading.shared.read([4]) == {4: "4"}
    assert not caplog.records


async def test_whoever_waits_for_a_read_that_is_ended_is_ended_too() -> None:
    reading = Reading()
    asked = [reading.begin(1)]
    await turns()
    asked.append(reading.begin(2))
    await turns()
    (task,) = [one for one in asyncio.all_tasks() if one.get_name() == "shared-read"]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked[0]
    reading.gate.set()
    assert await asked[1] == {2: "2"}


async def test_a_read_that_nobody_waits_for_keeps_nobody() -> None:
    """As on a connection that has gone silent, when all who asked have run out of time."""
    reading = Reading()
    asked = [reading.begin(1), reading.begin(2)]
    await turns()
    waiting = reading.begin(3)
    forgotten = reading.begin(4)
    await turns()
    for one in (*asked, forgotten):
        one.cancel()
    await turns()
    assert reading.asked == [{1, 2}, {3, 4}], "the next has begun"
    assert _reads_under_way() == 1
    waiting.cancel()
    await turns()
    assert _reads_under_way() == 0
    reading.gate.set()
    assert await reading.shared.read([5]) == {5: "5"}


async def test_what_nobody_waits_for_before_it_begins_is_not_read() -> None:
    reading = Reading()
    first = reading.begin(1)
    await turns()
    second = reading.begin(2)
    await turns()
    second.cancel()
    await turns()
    reading.gate.set()
    await first
    await turns()
    assert reading.asked == [{1}]


async def test_a_silent_read_keeps_the_next_for_a_moment_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Whoever asked for it waits on, as long as he likes; those after him do not."""
    monkeypatch.setattr(shared_reads, "PATIENCE_SECONDS", 0.01)
    reading = Reading()
    first = reading.begin(1)
    await turns()
    second = reading.begin(2)
    await asyncio.sleep(0.05)
    assert reading.asked == [{1}, {2}]
    reading.gate.set()
    assert [await first, await second] == [{1: "1"}, {2: "2"}]
    assert await reading.shared.read([3]) == {3: "3"}


def _reads_under_way() -> int:
    """Return how many reads are still under way."""
    return sum(one.get_name() == "shared-read" for one in asyncio.all_tasks())

"""What becomes of events that a handler does not take: retries, narrowing, dead letters, a stop."""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from ledger_client import Event
from ledger_client.subscriber import (
    CheckpointMovedError,
    DeadLetter,
    FailurePolicy,
    FileCheckpoints,
    LetterState,
    MemoryCheckpoints,
    OnPoison,
    PoisonEventError,
    StoreUnavailableError,
)
from ledger_client.subscriber import delivery as module
from ledger_client.subscriber.backoff import Backoff
from ledger_client.subscriber.continuity import Step
from ledger_client.subscriber.delivery import Delivery
from ledger_client.subscriber.failures import StoppedError
from ledger_client.subscriber.memory_checkpoints import MemoryWork
from ledger_proto.v1 import events_pb2
from tests.subscriber.test_file_checkpoints import MAIN

FAST = FailurePolicy(attempts=3, backoff_seconds=0.001, backoff_seconds_max=0.002)
STOPPING = FailurePolicy(
    attempts=2, backoff_seconds=0.001, backoff_seconds_max=0.002, on_poison=OnPoison.STOP
)


def step(sequence: int) -> Step:
    erased = events_pb2.PersonalDataErased(sequences=[sequence], reason="test")
    return Step(sequence, (events_pb2.Event(sequence=sequence, personal_data_erased=erased),))


class Bench:
    """A delivery to a handler that fails at some events, so many times."""

    def __init__(
        self, failing: dict[int, int], policy: FailurePolicy = FAST, store: Any = None
    ) -> None:
        self.failing = Counter(failing)
        self.calls: list[list[int]] = []
        self.told: list[DeadLetter] = []
        self.stopping = asyncio.Event()
        self.store = store or MemoryCheckpoints()
        self.delivery: Delivery[()] = Delivery(
            self.store,
            self.handle,
            position=self.store.position if store is None else 0,
            policy=policy,
            alert=self.told.append,
            stopping=self.stopping,
        )

    async def handle(self, events: Sequence[Event]) -> None:
        self.calls.append([event.sequence for event in events])
        for event in events:
            if self.failing[event.sequence] > 0:
                self.failing[event.sequence] -= 1
                raise ValueError(f"no {event.sequence}\0\ud800")

    async def hand_over(self, *sequences: int) -> None:
        await self.delivery.hand_over([step(each) for each in sequences], sequences[-1])


async def test_tries_again() -> None:
    bench = Bench({2: 2})
    await bench.hand_over(2)
    assert bench.calls == [[2], [2], [2]]
    assert bench.store.position == bench.delivery.position == 2
    assert bench.told == bench.store.dead_letters == []


async def test_sets_aside_and_goes_on() -> None:
    bench = Bench({2: 3})
    await bench.hand_over(2)
    await bench.hand_over(3)
    assert bench.calls == [[2], [2], [2], [3]]
    assert bench.store.position == 3
    (letter,) = bench.store.dead_letters
    assert bench.told == [letter]
    assert (letter.sequence, letter.attempts, letter.state) == (2, 3, LetterState.OPEN)
    assert letter.type == "personal_data.erased"
    assert letter.error == "ValueError: no 2\\0\\ud800"
    assert "in handle" in letter.traceback
    (event,) = letter.events
    assert (event.sequence, event.type) == (2, "personal_data.erased")


async def test_narrows_a_batch_to_what_fails() -> None:
    bench = Bench({3: 10})
    await bench.hand_over(1, 2, 3, 4)
    assert bench.calls == [[1, 2, 3, 4], [1], [2], [3], [3], [3], [4]]
    assert [letter.sequence for letter in bench.store.dead_letters] == [3]
    assert bench.store.position == 4


async def test_a_batch_that_fails_once_loses_nothing() -> None:
    bench = Bench({3: 1})
    await bench.hand_over(1, 2, 3, 4)
    assert bench.calls == [[1, 2, 3, 4], [1], [2], [3], [4]]
    assert bench.store.dead_letters == []


async def test_narrowing_reaches_the_batchs_own_position() -> None:
    """Which may lie behind its last event, if a filter left some out."""
    bench = Bench({3: 1})
    await bench.delivery.hand_over([step(1), step(3)], 9)
    assert bench.store.position == 9


async def test_an_event_and_the_position_behind_it_are_one_unit_of_work() -> None:
    units = 0

    class Counting(MemoryCheckpoints):
        def work(self) -> Any:
            nonlocal units
            units += 1
            return super().work()

    bench = Bench({}, store=Counting())
    await bench.delivery.hand_over([step(3)], 9)
    assert (units, bench.store.position) == (1, 9)


async def test_stops_before_a_poison_event_if_told_so() -> None:
    bench = Bench({3: 10}, STOPPING)
    with pytest.raises(PoisonEventError, match="event 3 failed 2 times") as stopped:
        await bench.hand_over(1, 2, 3, 4)
    assert isinstance(stopped.value.__cause__, ValueError)
    assert bench.store.position == bench.delivery.position == 2
    assert bench.store.dead_letters == []


async def test_a_stop_ends_the_wait_for_the_next_attempt() -> None:
    patient = FailurePolicy(attempts=3, backoff_seconds=600, backoff_seconds_max=600)
    bench = Bench({2: 10}, patient)
    running = asyncio.create_task(bench.hand_over(2))
    await asyncio.sleep(0.01)
    bench.stopping.set()
    async with asyncio.timeout(10):
        with pytest.raises(StoppedError):
            await running
    assert bench.store.position == 0, "it is tried at the next start"


async def test_an_event_that_cannot_be_read_is_poison() -> None:
    """As one with a word that this client does not know: set aside, as it was sent."""
    bench = Bench({})
    broken = events_pb2.Event(
        sequence=5,
        account_set_members_added=events_pb2.AccountSetMembersAdded(account_set_id="none"),
    )
    await bench.delivery.hand_over([Step(5, (broken,))], 5)
    (letter,) = bench.store.dead_letters
    assert letter.messages == (broken.SerializeToString(),)
    assert bench.calls == []
    with pytest.raises(ValueError, match="UUID"):
        _ = letter.events


@pytest.mark.parametrize("is_async", [False, True])
async def test_an_alert_that_fails_changes_nothing(
    is_async: bool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: DeadLetter) -> None:
        raise OSError("no mail")

    async def fail_later(_: DeadLetter) -> None:
        fail(_)

    bench = Bench({2: 3})
    bench.delivery._alert = fail_later if is_async else fail
    await bench.hand_over(2)
    await bench.hand_over(3)
    assert bench.store.position == 3
    assert "the alert of event 2 failed" in caplog.text


async def test_an_outage_of_the_store_is_no_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """However long it takes: the event is not to blame."""
    monkeypatch.setattr(module, "STORE_RETRY", Backoff(0.0001, 0.0002))

    class Flaky(MemoryCheckpoints):
        outages = 20

        def work(self) -> Any:
            if self.outages:
                self.outages -= 1
                raise StoreUnavailableError("away")
            return super().work()

    store = Flaky()
    bench = Bench({2: 2}, store=store)
    await bench.hand_over(2)
    assert (store.position, store.outages, store.dead_letters) == (2, 0, [])


async def test_what_another_process_handled_is_left_out() -> None:
    bench = Bench({})
    bench.store.position = 3
    await bench.hand_over(2, 3, 4)
    await bench.hand_over(1, 2)
    assert bench.calls == [[4]]
    assert bench.store.position == bench.delivery.position == 4


async def test_a_checkpoint_that_was_put_back_is_an_error() -> None:
    bench = Bench({})
    await bench.hand_over(4)
    bench.store.position = 2
    with pytest.raises(CheckpointMovedError, match="from 4 to 2"):
        await bench.hand_over(5)
    assert bench.calls == [[4]]


async def test_no_alert_for_what_another_process_dealt_with() -> None:
    bench = Bench({2: 3})

    async def meanwhile(events: Sequence[Event]) -> None:
        if len(bench.calls) == 2:
            # While this attempt is undone the other one comes through.
            bench.store.position = 2
        await bench.handle(events)

    bench.delivery._handle = meanwhile
    await bench.hand_over(2)
    assert bench.told == bench.store.dead_letters == []
    assert bench.delivery.position == 2


async def test_an_alert_for_a_letter_whose_keeping_was_not_answered() -> None:
    """The letter is kept with the position, and the connection is lost at the commit."""

    class Unanswered(MemoryCheckpoints):
        @contextlib.asynccontextmanager
        async def work(self) -> AsyncIterator[MemoryWork]:
            async with super().work() as work:
                yield work
            if work.letters:
                raise StoreUnavailableError("lost at the commit")

    bench = Bench({2: 3}, store=Unanswered())
    await bench.hand_over(2)
    assert [letter.sequence for letter in bench.store.dead_letters] == [2]
    assert bench.told == bench.store.dead_letters


async def test_a_file_keeps_the_letter(tmp_path: Path) -> None:
    store = FileCheckpoints(tmp_path / "main.checkpoint")
    await store.open(MAIN, start_after=0)
    bench = Bench({2: 10}, store=store)
    await bench.hand_over(1, 2, 3)
    await store.close()
    assert store.letters.path.stat().st_mode & 0o077 == 0, "it holds whole events"
    (letter,) = store.letters.read()
    assert (letter.sequence, letter.attempts) == (2, 3)
    assert letter.events[0].sequence == 2


@pytest.mark.parametrize(
    ("wrong", "named"),
    [({"attempts": 0}, "attempts"), ({"backoff_seconds": 2, "backoff_seconds_max": 1}, "wait")],
)
def test_a_policy_that_cannot_work(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        FailurePolicy(**wrong)

"""Ids: version 7, each greater than the one before."""

import threading
import time
import uuid
from collections.abc import Iterator

from ledger_client.ids import IdMaker, new_id


def test_is_version_7_of_now() -> None:
    before_ms = time.time_ns() // 1_000_000
    made = new_id()
    after_ms = time.time_ns() // 1_000_000

    assert made.version == 7
    assert made.variant == uuid.RFC_4122
    assert before_ms <= made.int >> 80 <= after_ms + 1


def test_each_is_greater_within_one_millisecond() -> None:
    maker = IdMaker(clock_ms=lambda: 1_700_000_000_000)
    made = [maker.make() for _ in range(10_000)]

    assert made == sorted(set(made))
    assert {one.int >> 80 for one in made} == {1_700_000_000_000}
    assert {one.version for one in made} == {7}


def test_each_is_greater_when_the_clock_goes_back() -> None:
    times: Iterator[int] = iter([5_000, 4_000, 1, 5_001])
    maker = IdMaker(clock_ms=lambda: next(times))
    made = [maker.make() for _ in range(4)]

    assert made == sorted(set(made))


def test_a_used_up_counter_borrows_from_the_next_millisecond() -> None:
    maker = IdMaker(clock_ms=lambda: 7_000)
    first = maker.make()
    maker._counter = 2**42 - 1
    second = maker.make()

    assert second > first
    assert second.int >> 80 == 7_001
    assert second.version == 7


def test_threads_get_different_ids() -> None:
    made: list[uuid.UUID] = []
    threads = [
        threading.Thread(target=lambda: made.extend(new_id() for _ in range(2_000)))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(set(made)) == 8_000

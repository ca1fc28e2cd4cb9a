"""A file that says where a consumer stands: whole, its own, or refused."""

# ruff: noqa: ASYNC240  # nothing else runs on the loop

import contextlib
import dataclasses
import datetime as dt
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ledger_client import Journal
from ledger_client.subscriber import (
    CheckpointDamagedError,
    CheckpointInUseError,
    CheckpointOfOtherJournalError,
    DeadLetter,
    FileCheckpoints,
    LetterState,
    StoreUnavailableError,
)

MAIN = Journal(
    id=uuid.UUID(int=1),
    code="MAIN",
    name="",
    time_zone="UTC",
    create_time=dt.datetime.now(dt.UTC),
    head_sequence=1,
)


def letter(sequence: int, **fields: Any) -> DeadLetter:
    return DeadLetter(
        **{
            "sequence": sequence,
            "type": "journal.posted",
            "messages": (b"\x08\x01", b"\xff\x00"),
            "error": "ValueError: naïve — no",
            "traceback": "line 1\nline 2",
            "attempts": 3,
            "time": dt.datetime(2026, 1, 31, 12, 0, 0, 1, dt.UTC),
            **fields,
        }
    )


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "main.checkpoint"


async def advance(store: FileCheckpoints, position: int, *letters: DeadLetter) -> None:
    async with store.work() as work:
        for each in letters:
            work.set_aside(each)
        work.advance(position)


async def position_in(path: Path) -> int:
    store = FileCheckpoints(path)
    position = await store.open(MAIN, start_after=0)
    await store.close()
    return position


async def test_begins_where_it_is_told_and_only_once(path: Path) -> None:
    store = FileCheckpoints(path)
    assert await store.open(MAIN, start_after=7) == 7
    await store.close()
    assert await FileCheckpoints(path).open(MAIN, start_after=99) == 7


async def test_writes_when_nothing_more_waits(path: Path) -> None:
    store = FileCheckpoints(path, save_seconds=3600)
    await store.open(MAIN, start_after=0)
    await advance(store, 5)
    assert json.loads(path.read_text())["position"] == 0, "more may be on its way"
    await store.flush()
    assert json.loads(path.read_text())["position"] == 5
    await advance(store, 6)
    await store.close()
    assert await position_in(path) == 6


async def test_writes_each_time_if_asked(path: Path) -> None:
    store = FileCheckpoints(path, save_seconds=0)
    await store.open(MAIN, start_after=0)
    for position in (1, 2, 9):
        await advance(store, position)
        assert json.loads(path.read_text())["position"] == position
    await store.close()


async def test_work_that_fails_moves_nothing(path: Path) -> None:
    store = FileCheckpoints(path)
    await store.open(MAIN, start_after=0)
    with contextlib.suppress(RuntimeError):
        async with store.work() as work:
            work.advance(5)
            work.set_aside(letter(5))
            raise RuntimeError
    async with store.work() as work:
        assert work.position == 0
    await store.close()
    assert store.letters.read() == []


async def test_another_journals_is_refused(path: Path) -> None:
    await position_in(path)
    other = dataclasses.replace(MAIN, id=uuid.UUID(int=2))
    with pytest.raises(CheckpointOfOtherJournalError, match=str(MAIN.id)):
        await FileCheckpoints(path).open(other, start_after=0)
    assert await position_in(path) == 0, "the lock was given back"


async def test_every_cut_is_refused(path: Path) -> None:
    """Never taken for a new one: it would handle the whole journal again."""
    store = FileCheckpoints(path)
    await store.open(MAIN, start_after=123)
    await store.close()
    whole = path.read_bytes()
    for length in range(len(whole) - 1):
        path.write_bytes(whole[:length])
        with pytest.raises(CheckpointDamagedError):
            await position_in(path)
    path.write_bytes(whole)
    assert await position_in(path) == 123


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.data())
async def test_a_changed_byte_is_refused_or_changes_nothing(
    path: Path, data: st.DataObject
) -> None:
    path.unlink(missing_ok=True)
    store = FileCheckpoints(path)
    await store.open(MAIN, start_after=123)
    await store.close()
    changed = bytearray(path.read_bytes())
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(changed)
    try:
        found = await position_in(path)
    except CheckpointDamagedError:
        return
    assert found == 123


async def test_two_at_once_are_refused(path: Path) -> None:
    store = FileCheckpoints(path)
    await store.open(MAIN, start_after=0)
    with pytest.raises(CheckpointInUseError):
        await FileCheckpoints(path).open(MAIN, start_after=0)
    await store.close()
    assert await position_in(path) == 0


async def test_a_process_that_was_killed_holds_nothing(path: Path) -> None:
    code = (
        "import asyncio, os, signal, sys\n"
        "from ledger_client.subscriber import FileCheckpoints\n"
        "from tests.subscriber.test_file_checkpoints import MAIN\n"
        "asyncio.run(FileCheckpoints(sys.argv[1]).open(MAIN, start_after=4))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
    done = subprocess.run(  # noqa: ASYNC221  # nothing else runs
        [sys.executable, "-c", code, str(path)], env=environment, check=False
    )
    assert done.returncode == -9
    assert await position_in(path) == 4


async def test_a_full_disk_is_waited_out(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not a fault of the handler, and not the end: the position stays in memory meanwhile."""
    store = FileCheckpoints(path, save_seconds=0)
    await store.open(MAIN, start_after=0)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("ledger_client.subscriber.file_checkpoints.os.fsync", full)
        with pytest.raises(StoreUnavailableError, match="No space left"):
            await advance(store, 5, letter(5))
        async with store.work() as work:
            assert work.position == 0, "the letter is not kept, so its event is not passed"
    await advance(store, 5, letter(5))
    await store.close()
    assert await position_in(path) == 5
    assert [each.sequence for each in store.letters.read()] == [5]


class TestLetters:
    async def test_are_read_as_they_were(self, path: Path) -> None:
        store = FileCheckpoints(path)
        await store.open(MAIN, start_after=0)
        await advance(store, 9, letter(9))
        await advance(store, 12, letter(12, error="x\u2028y"))
        await store.close()
        assert FileCheckpoints(path).letters.read() == [letter(9), letter(12, error="x\u2028y")]

    async def test_the_letter_is_there_before_the_position(self, path: Path) -> None:
        store = FileCheckpoints(path, save_seconds=3600)
        await store.open(MAIN, start_after=0)
        await advance(store, 9, letter(9))
        assert json.loads(path.read_text())["position"] == 0
        assert store.letters.read() == [letter(9)]
        await store.close()

    async def test_a_cut_line_is_no_letter_and_spoils_none(self, path: Path) -> None:
        """What a crash left of a line; its event is still to come and will write it again."""
        store = FileCheckpoints(path)
        store.letters.append([letter(9), letter(12)])
        whole = store.letters.path.read_bytes()
        second = whole.index(b"\n") + 1
        for length in range(second, len(whole)):
            store.letters.path.write_bytes(whole[:length])
            assert store.letters.read() == [letter(9)]
            store.letters.append([letter(12)])
            assert store.letters.read() == [letter(9), letter(12)]

    async def test_damage_is_not_passed_over(self, path: Path) -> None:
        store = FileCheckpoints(path)
        store.letters.append([letter(9)])
        store.letters.path.write_text("{}\n" + store.letters.path.read_text())
        with pytest.raises(CheckpointDamagedError, match="line 1"):
            store.letters.read()

    async def test_settling_happens_once(self, path: Path) -> None:
        letters = FileCheckpoints(path).letters
        letters.append([letter(9), letter(12)])
        with pytest.raises(RuntimeError):
            async with letters.settling(9, LetterState.REPLAYED):
                raise RuntimeError
        async with letters.settling(9, LetterState.REPLAYED) as found:
            assert found == (letter(9),)
            with pytest.raises(CheckpointInUseError):
                async with letters.settling(12, LetterState.DISCARDED):
                    raise AssertionError("two at once")
        async with letters.settling(9, LetterState.REPLAYED) as found:
            assert found is None
        async with letters.settling(12, LetterState.DISCARDED) as found:
            assert found == (letter(12),)
        assert [each.state for each in letters.read()] == ["REPLAYED", "DISCARDED"]
        assert all(each.settle_time is not None for each in letters.read())

    async def test_an_event_that_fails_again_is_open_again(self, path: Path) -> None:
        """After the checkpoint was removed to handle everything anew."""
        letters = FileCheckpoints(path).letters
        letters.append([letter(9)])
        async with letters.settling(9, LetterState.DISCARDED):
            pass
        letters.append([letter(9, error="again")])
        assert letters.read() == [letter(9, error="again")]

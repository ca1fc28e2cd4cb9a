"""`ledgerctl dead-letters`, with a file and with a database. It needs no server."""

import asyncio
import datetime as dt
from pathlib import Path

import pytest

from ledger_client.subscriber import DeadLetter, FileCheckpoints, PostgresCheckpoints
from ledger_proto.v1 import events_pb2
from tests.cli.conftest import Ledgerctl
from tests.own_loop import run_sync
from tests.subscriber.test_file_checkpoints import MAIN

HANDLERS = "tests.cli.dead_letter_handlers"


def letter(sequence: int) -> DeadLetter:
    erased = events_pb2.PersonalDataErased(sequences=[1, 2], reason="asked for")
    event = events_pb2.Event(sequence=sequence, personal_data_erased=erased)
    return DeadLetter(
        sequence=sequence,
        type="personal_data.erased",
        messages=(event.SerializeToString(),),
        error="ValueError: no",
        traceback="in the handler",
        attempts=5,
        time=dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
    )


async def keep(store: FileCheckpoints | PostgresCheckpoints) -> None:
    await store.open(MAIN, start_after=0)
    for sequence in (3, 7, 9):
        async with store.work() as work:
            work.set_aside(letter(sequence))
            work.advance(sequence)
    await store.close()


@pytest.fixture(params=["file", "postgres"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> tuple[str, ...]:
    """Three dead letters; the options that say where."""
    monkeypatch.setenv("TAKEN", str(tmp_path / "taken"))
    for name in ("LEDGER_CONSUMER_DSN", "LEDGER_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    if request.param == "file":
        asyncio.run(keep(FileCheckpoints(tmp_path / "at")))
        return ("--checkpoint", str(tmp_path / "at"))
    dsn = request.getfixturevalue("empty_database_dsn")
    run_sync(lambda: keep(PostgresCheckpoints(dsn, consumer="mailer")))
    return ("--dsn", dsn, "--consumer", "mailer")


@pytest.fixture
def taken(tmp_path: Path) -> Path:
    return tmp_path / "taken"


def handler_of(place: tuple[str, ...]) -> str:
    name = "take" if place[0] == "--checkpoint" else "take_with_connection"
    return f"--handler={HANDLERS}:{name}"


def test_list_and_show(ledgerctl: Ledgerctl, place: tuple[str, ...]) -> None:
    rows = ledgerctl("dead-letters", "list", *place, "-ojson").json
    assert [row["sequence"] for row in rows] == [3, 7, 9]
    assert rows[0] == {
        "sequence": 3,
        "type": "personal_data.erased",
        "state": "OPEN",
        "attempts": 5,
        "time": "2026-01-31T00:00:00+00:00",
        "settle_time": None,
        "error": "ValueError: no",
    }
    assert "ValueError: no" in ledgerctl("dead-letters", "list", *place).stdout
    shown = ledgerctl("dead-letters", "show", "7", *place, "-ojson").json
    assert shown["traceback"] == "in the handler"
    assert shown["events"][0]["fact"] == {"sequences": [1, 2], "reason": "asked for"}
    assert ledgerctl("dead-letters", "show", "8", *place).exit_code == 4


def test_replay_hands_over_once(ledgerctl: Ledgerctl, place: tuple[str, ...], taken: Path) -> None:
    replay = ("dead-letters", "replay", *place, handler_of(place))
    assert ledgerctl(*replay, "7").stdout == "event 7: replayed\n"
    assert ledgerctl(*replay, "7", "3").stdout == "event 3: replayed\nevent 7: not open\n"
    assert taken.read_text() == "7 personal_data.erased\n3 personal_data.erased\n"
    assert ledgerctl(*replay, "--all").stdout == "event 9: replayed\n"
    assert ledgerctl(*replay, "--all").stdout == ""
    assert "no dead letter" in ledgerctl("dead-letters", "list", *place).stdout
    rows = ledgerctl("dead-letters", "list", "--all", *place, "-ojson").json
    assert [row["state"] for row in rows] == ["REPLAYED"] * 3


def test_one_that_fails_again_stays_open(
    ledgerctl: Ledgerctl, place: tuple[str, ...], taken: Path
) -> None:
    name = "refuse" if place[0] == "--checkpoint" else "take"
    run = ledgerctl("dead-letters", "replay", "--all", *place, f"--handler={HANDLERS}:{name}")
    assert run.exit_code == 1
    assert "event 3 failed again" in run.stderr
    assert not taken.exists()
    assert len(ledgerctl("dead-letters", "list", *place, "-ojson").json) == 3


def test_discard(ledgerctl: Ledgerctl, place: tuple[str, ...]) -> None:
    assert ledgerctl("dead-letters", "discard", "3", *place).stdout == "event 3: discarded\n"
    assert ledgerctl("dead-letters", "discard", "3", *place).stdout == "event 3: not open\n"
    rows = ledgerctl("dead-letters", "list", "--all", *place, "-ojson").json
    assert [row["state"] for row in rows] == ["DISCARDED", "OPEN", "OPEN"]
    assert ledgerctl("dead-letters", "discard", "8", *place).exit_code == 4


def test_a_handler_of_batches(ledgerctl: Ledgerctl, tmp_path: Path, taken: Path) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TAKEN", str(taken))
        asyncio.run(keep(FileCheckpoints(tmp_path / "at")))
        place = ("--checkpoint", tmp_path / "at")
        handler = f"--handler={HANDLERS}:take_many"
        run = ledgerctl("dead-letters", "replay", "--all", "--batches", handler, *place)
    assert run.exit_code == 0, run.stderr
    assert taken.read_text().count("\n") == 3


@pytest.mark.parametrize(
    ("arguments", "exit_code", "says"),
    [
        (("list",), 2, "--checkpoint"),
        (("list", "--dsn=postgresql://x"), 2, "--consumer"),
        (("list", "--checkpoint=/nowhere/at"), 4, "no checkpoint"),
        (("list", "--dsn=postgresql://x@127.0.0.1:1/x", "--consumer=x"), 7, "Connect"),
        (("discard", "--checkpoint={at}"), 2, "--all"),
        (("discard", "3", "--all", "--checkpoint={at}"), 2, "--all"),
        (("replay", "3", "--checkpoint={at}", "--handler=nothing"), 2, "MODULE:FUNCTION"),
        (("replay", "3", "--checkpoint={at}", "--handler=no_module:take"), 2, "no_module"),
        (("replay", "3", "--checkpoint={at}", f"--handler={HANDLERS}:none"), 2, "none"),
        (("replay", "3", "--checkpoint={at}", f"--handler={HANDLERS}:no_coroutine"), 2, "async"),
    ],
)
def test_what_is_wrong_is_said(
    ledgerctl: Ledgerctl, tmp_path: Path, arguments: tuple[str, ...], exit_code: int, says: str
) -> None:
    asyncio.run(keep(FileCheckpoints(tmp_path / "at")))
    given = [each.replace("{at}", str(tmp_path / "at")) for each in arguments]
    run = ledgerctl("dead-letters", *given)
    assert (run.exit_code, says in run.stderr) == (exit_code, True), run.stderr

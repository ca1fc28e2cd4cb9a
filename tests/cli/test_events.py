"""`ledgerctl events` against a real server."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl

POST = ("post", "TRANSFER", "from=a", "to=b", "amount=1.50", "currency=USD", "memo=Lunch")


@pytest.fixture
def books(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal with two accounts and a posting."""
    for code in "ab":
        assert ledgerctl("account", "create", code, "--normal-side=debit").exit_code == 0
    assert ledgerctl(*POST).exit_code == 0
    return journal


@pytest.mark.usefixtures("books")
def test_list(ledgerctl: Ledgerctl) -> None:
    events = ledgerctl("events", "list", "-ojson").json
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "journal.created"
    (posted,) = ledgerctl("events", "list", "--types=journal.posted", "-ojson").json
    assert posted == events[-1]
    assert posted["fact"]["description"] == "Lunch"
    assert posted["fact"]["entries"][0]["balance_after"]["version"] == 1
    table = ledgerctl("events", "list", "--after", str(posted["sequence"] - 1)).stdout
    assert "1.50 USD  Lunch" in table
    assert table.count("\n") == 3
    two = ledgerctl("events", "list", "--limit=2", "-ocsv").stdout.splitlines()
    assert two[0] == "sequence,record_time,type,actor,fact"
    assert [line.partition(",")[0] for line in two[1:]] == ["1", "2"]
    updates = ledgerctl(
        "events", "list", "--types=journal.posted", "--account=a", "--balance-updates", "-ojson"
    ).json
    assert [event["type"] for event in updates] == ["journal.posted", "balance.updated"]
    assert "no such event" in ledgerctl("events", "list", "--correlation-id=none").stdout


@pytest.mark.usefixtures("books")
def test_every_kind_of_fact_has_its_line(ledgerctl: Ledgerctl) -> None:
    hold = ledgerctl(
        *("hold", "place", "TRANSFER", "from=a", "to=b", "amount=5", "currency=USD"),
        *("--expires=+7d", "-ojson"),
    ).json["id"]
    for command in (
        ("hold", "capture", hold, "amount=2"),
        ("hold", "release", hold),
        ("currency", "register", "PTS", "0"),
        ("account", "update", "a", "--name=Bank"),
        ("account", "lock", "a"),
        ("account", "unlock", "a"),
        ("set", "create", "all", "--category=asset"),
        ("set", "add", "all", "--account=a"),
        ("set", "remove", "all", "--account=a"),
        ("limit", "create", "floor", "--currency=USD", "--available-min=-500"),
        ("limit", "update", "floor", "--bound=-900"),
        ("limit", "attach", "floor", "--account=a"),
        ("limit", "detach", "floor", "--account=a"),
        ("period", "close", "--through=2020-01-31", "--reason=Audited"),
    ):
        ran = ledgerctl(*command)
        assert ran.exit_code == 0, ran.stderr
    lines = ledgerctl("events", "follow", "--until-head", "--balance-updates").stdout.splitlines()
    assert all(len(line.split(maxsplit=3)) == 4 for line in lines), "each says what it is about"
    events = ledgerctl("events", "list", "-ojson").json
    facts = {event["type"]: event["fact"] for event in events}
    assert facts["hold.created"]["expire_time"] is not None
    assert facts["hold.captured"]["ended"] is False
    assert facts["account.updated"]["previous"]["name"] != facts["account.updated"]["name"]
    assert facts["limit.updated"]["rule"]["available_min"] == "-900"
    assert facts["limit.attached"]["limit_code"] == "floor"
    assert facts["period.changed"]["closed_through"] == "2020-01-31"
    assert facts["period.changed"]["sequence"] == events[-1]["sequence"]


@pytest.mark.usefixtures("books")
def test_follow_goes_on_from_its_checkpoint(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    following = ("events", "follow", "--until-head", "--checkpoint", tmp_path / "at", "-ojson")
    first = [json.loads(line) for line in ledgerctl(*following).stdout.splitlines()]
    assert [event["sequence"] for event in first] == list(range(1, len(first) + 1))
    assert ledgerctl(*following).stdout == ""
    ledgerctl(*POST)
    (event,) = [json.loads(line) for line in ledgerctl(*following).stdout.splitlines()]
    assert event["sequence"] == len(first) + 1
    assert event["fact"]["description"] == "Lunch"


@pytest.mark.usefixtures("books")
def test_follow_as_csv_and_only_new(ledgerctl: Ledgerctl) -> None:
    run = ledgerctl("events", "follow", "--until-head", "-ocsv", "--types=journal.posted")
    header, row = run.stdout.splitlines()
    assert header == "sequence,record_time,type,actor,fact"
    assert '""Lunch""' in row
    assert ledgerctl("events", "follow", "--until-head", "--new").stdout == ""


@pytest.mark.usefixtures("books")
def test_what_cannot_be_followed(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged"
    damaged.write_text("{}")
    run = ledgerctl("events", "follow", "--until-head", "--checkpoint", damaged)
    assert (run.exit_code, "not a whole checkpoint" in run.stderr) == (3, True)
    run = ledgerctl("events", "list", "--types=journal.lost")
    assert (run.exit_code, "--types" in run.stderr) == (2, True)
    run = ledgerctl("events", "follow", "--new", "--after=3")
    assert (run.exit_code, "--new" in run.stderr) == (2, True)
    run = ledgerctl("events", "follow", "--after=99999")
    assert (run.exit_code, "99999" in run.stderr) == (5, True)


@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 0)])
async def test_follow_until_it_is_told_to_end(
    server_address: str, books: str, number: signal.Signals, status: int
) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger_client.cli", "events", "follow", "-ojson"),
        *("--server", server_address, "--journal", books, "--types=journal.posted"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        assert json.loads(await process.stdout.readline())["type"] == "journal.posted"
        process.send_signal(number)
        rest, errors = await process.communicate()
    assert (process.returncode, rest) == (status, b""), errors.decode()


def test_a_reader_that_has_seen_enough(
    ledgerctl: Ledgerctl, server_address: str, books: str
) -> None:
    command = (
        f"{sys.executable} -m ledger_client.cli events follow --server {server_address}"
        f" --journal {books} | head -1; exit ${{PIPESTATUS[0]}}"
    )
    with subprocess.Popen(
        ["bash", "-c", command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    ) as process:
        assert process.stdout is not None
        assert "journal.created" in process.stdout.readline()
        # By now nobody reads; the next line has nowhere to go.
        time.sleep(0.2)
        assert ledgerctl(*POST).exit_code == 0
        rest, errors = process.communicate(timeout=30)
    assert (process.returncode, rest, errors) == (0, "", "")

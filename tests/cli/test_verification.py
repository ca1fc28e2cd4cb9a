"""`ledgerctl verify`, `checkpoint`, `proof` and `anchor` against a real server."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from ledger_client.verify import SignedCheckpoint
from tests.cli.conftest import Ledgerctl, Run
from tests.verify.signing import Signer

SIGNED_WITHIN_SECONDS = 30


@pytest.fixture
def books(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal with two accounts and three transfers, signed up to its head."""
    for code in "ab":
        assert ledgerctl("account", "create", code, "--normal-side=debit").exit_code == 0
    for _ in range(3):
        post(ledgerctl)
    signed(ledgerctl)
    return journal


def post(ledgerctl: Ledgerctl) -> str:
    posted = ledgerctl(
        "post", "TRANSFER", "from=a", "to=b", "amount=1.50", "currency=USD", "-ojson"
    )
    transaction_id: str = posted.json["id"]
    return transaction_id


def signed(ledgerctl: Ledgerctl) -> Run:
    """Wait until the newest checkpoint covers the head."""
    head = ledgerctl("journal", "show", "-ojson").json["head_sequence"]
    deadline = time.monotonic() + SIGNED_WITHIN_SECONDS
    while True:
        got = ledgerctl("checkpoint", "get", "--covers", head, "-ojson")
        if got.exit_code == 0:
            return got
        assert time.monotonic() < deadline, got.stderr
        time.sleep(0.2)


def key_of(ledgerctl: Ledgerctl) -> str:
    key: str = ledgerctl("checkpoint", "list", "-ojson").json[0]["verifier_key"]
    return key


@pytest.mark.usefixtures("books")
def test_a_journal_is_verified(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    head = ledgerctl("journal", "show", "-ojson").json["head_sequence"]
    without = ledgerctl("verify")
    assert without.exit_code == 0, without.stderr
    assert "the signature was NOT checked" in without.stdout
    assert without.stdout.endswith("all is well\n")
    found = ledgerctl("verify", "--key", key_of(ledgerctl), "-ojson")
    assert (found.exit_code, found.stderr) == (0, "")
    assert found.json["result"] == "good"
    assert (found.json["transactions"], found.json["entries"]) == (3, 6)
    assert found.json["head_sequence"] == found.json["checkpoint_size"] == head
    assert found.json["signature"] == "checked"
    key_file = tmp_path / "key.txt"
    key_file.write_text(key_of(ledgerctl) + "\n")
    with_file = ledgerctl("verify", "--key", key_file)
    assert (with_file.exit_code, "NOT checked" in with_file.stdout) == (0, False)


@pytest.mark.usefixtures("books")
def test_night_after_night(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    state, kept = tmp_path / "state.json", tmp_path / "checkpoint.txt"
    key = key_of(ledgerctl)
    assert ledgerctl("checkpoint", "get", "--save", kept).exit_code == 0
    assert ledgerctl("verify", "--key", key, "--save", state).exit_code == 0
    for _ in range(2):
        before = json.loads(state.read_text().splitlines()[0])["transactions"]
        post(ledgerctl)
        signed(ledgerctl)
        night = ledgerctl(
            "verify", "--key", key, "--since", state, "--save", state, "--against", kept, "-ojson"
        )
        assert night.exit_code == 0, night.stderr
        assert night.json["after_sequence"] > 0
        assert night.json["transactions"] == before + 1
    alone = ledgerctl("verify", "--key", key, "--since", kept)
    assert alone.exit_code == 0, alone.stderr
    assert "is not known" in alone.stdout
    refused = ledgerctl("verify", "--key", key, "--since", kept, "--save", state)
    assert refused.exit_code == 2
    damaged = tmp_path / "damaged.json"
    damaged.write_text(state.read_text().replace('"transactions":5', '"transactions":6'))
    refused = ledgerctl("verify", "--key", key, "--since", damaged)
    assert (refused.exit_code, "seal" in refused.stderr) == (3, True)


def test_what_is_wrong_ends_with_8(ledgerctl: Ledgerctl, books: str, tmp_path: Path) -> None:
    """Another key, a checkpoint of another history, one of events that are not there."""
    other = Signer()
    wrong_key = ledgerctl("verify", "--key", other.verifier_key)
    assert (wrong_key.exit_code, "SIGNATURE_WRONG" in wrong_key.stderr) == (8, True)
    newest = SignedCheckpoint.parse(signed(ledgerctl).json["note"])
    forged = tmp_path / "forged.txt"
    forged.write_text(other.sign(newest.origin, 3, bytes(32)))
    found = ledgerctl("verify", "--against", forged)
    assert found.exit_code == 8
    assert f"WRONG: the checkpoint {forged} is not the beginning" in found.stderr
    as_json = ledgerctl("verify", "--against", forged, "-ojson")
    assert as_json.exit_code == 8
    assert (as_json.json["result"], as_json.json["code"]) == ("wrong", "HISTORY_REWRITTEN")
    forged.write_text(other.sign(newest.origin, newest.size + 5, bytes(32)))
    cut = ledgerctl("verify", "--against", forged, "-ojson")
    assert (cut.exit_code, cut.json["code"]) == (8, "TAIL_MISSING")
    assert cut.json["sequence"] == newest.size + 1
    grown = ledgerctl("proof", "consistency", "--from", forged)
    assert (grown.exit_code, "TAIL_MISSING" in grown.stderr) == (8, True)
    assert books


@pytest.mark.usefixtures("books")
def test_what_cannot_be_checked_is_not_called_wrong(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.txt"
    nothing.write_text("nothing")
    for arguments in (
        ("verify", "--key", "no+key"),
        ("verify", "--key", nothing),
        ("verify", "--key", tmp_path / "absent"),
        ("verify", "--since", nothing),
        ("verify", "--against", nothing),
        ("proof", "check", nothing),
        ("proof", "consistency", "--from", nothing),
    ):
        assert ledgerctl(*arguments).exit_code == 3, arguments
    assert ledgerctl("verify", "--server", "127.0.0.1:1", "--timeout=1").exit_code == 7
    assert ledgerctl("verify", "--journal", "NONE").exit_code == 4


@pytest.mark.usefixtures("books")
def test_a_transaction_is_proven(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    transaction_id = post(ledgerctl)
    signed(ledgerctl)
    key, kept = key_of(ledgerctl), tmp_path / "proof.json"
    proven = ledgerctl("proof", "inclusion", transaction_id, "--key", key, "--save", kept, "-ojson")
    assert proven.exit_code == 0, proven.stderr
    assert proven.json["transaction_id"] == transaction_id
    assert proven.json["entries"][0].endswith("1.50 USD SETTLED")
    # Kept, it needs no server.
    nowhere = ("--server", "127.0.0.1:1", "--key", key, "-ojson")
    offline = ledgerctl("proof", "check", kept, *nowhere)
    assert (offline.exit_code, offline.json) == (0, proven.json)
    body = json.loads(kept.read_text())
    for field, changed in (
        ("sequence", body["sequence"] - 1),
        ("path", [*body["path"][:-1], "00" * 32]),
        ("leaf", body["leaf"][:-2] + "00"),
        ("checkpoint", body["checkpoint"].replace("\n", "\n1", 1)),
        ("event", "GgNib2I="),
    ):
        kept.write_text(json.dumps(body | {field: changed}))
        refused = ledgerctl("proof", "check", kept, *nowhere)
        assert (refused.exit_code, refused.json["result"]) == (8, "wrong"), field
    assert ledgerctl("proof", "inclusion", "0" * 8 + body["leaf"][:4]).exit_code == 2


@pytest.mark.usefixtures("books")
def test_that_books_only_grew_is_proven(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    old, kept = tmp_path / "old.txt", tmp_path / "proof.json"
    assert ledgerctl("checkpoint", "get", "--save", old).exit_code == 0
    printed = ledgerctl("checkpoint", "get")
    assert printed.stdout == old.read_text()
    assert "NOT checked" in printed.stderr
    post(ledgerctl)
    signed(ledgerctl)
    key = key_of(ledgerctl)
    grown = ledgerctl("proof", "consistency", "--from", old, "--key", key, "--save", kept)
    assert grown.exit_code == 0, grown.stderr
    assert "are still what they were" in grown.stdout
    assert ledgerctl("proof", "check", kept, "--key", key).exit_code == 0
    body = json.loads(kept.read_text())
    kept.write_text(json.dumps(body | {"path": body["path"][::-1]}))
    refused = ledgerctl("proof", "check", kept, "--key", key)
    assert (refused.exit_code, "HISTORY_REWRITTEN" in refused.stderr) == (8, True)


def test_a_witness(ledgerctl: Ledgerctl, books: str, tmp_path: Path) -> None:
    kept, state = tmp_path / "anchored.jsonl", tmp_path / "witness.json"
    anchor = ("anchor", "--to", f"file:{kept}", "--state", state, "--once")
    key = key_of(ledgerctl)
    for count in (1, 1, 2):
        if count == 2:
            post(ledgerctl)
            signed(ledgerctl)
        done = ledgerctl(*anchor, "--key", key)
        assert done.exit_code == 0, done.stderr
        assert len(kept.read_text().splitlines()) == count
    first, second = [json.loads(line)["note"] for line in kept.read_text().splitlines()]
    assert SignedCheckpoint.parse(first).size < SignedCheckpoint.parse(second).size
    # A server that forgot what was anchored, or says something else now.
    newest = SignedCheckpoint.parse(second)
    body = json.loads(state.read_text())
    body["anchored"] = {
        name: Signer().sign(newest.origin, newest.size, bytes(32)) for name in body["anchored"]
    }
    state.write_text(json.dumps(body))
    alarm = ledgerctl(*anchor, "--key", key)
    assert alarm.exit_code == 8
    assert "HISTORY_REWRITTEN" in alarm.stderr
    assert "nothing was anchored" in alarm.stderr
    assert len(kept.read_text().splitlines()) == 2
    for wrong in ("nowhere", "ftp://host/", "file:", "https:///path"):
        refused = ledgerctl("anchor", "--to", wrong, "--state", state, "--once")
        assert refused.exit_code == 2, wrong
    assert books


@pytest.mark.usefixtures("books")
def test_a_witness_that_stays(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    """It anchors what comes, and goes on when a target fails."""
    kept, absent, said = (tmp_path / name for name in ("anchored.jsonl", "absent", "said"))
    options = ("--state", str(tmp_path / "witness.json"), "--every", "0.2")
    targets = (f"--to=file:{kept}", f"--to=file:{absent}/file")
    with (
        said.open("w") as errors,
        subprocess.Popen(
            [sys.executable, "-m", "ledger_client.cli", "anchor", *options, *targets],
            stdout=subprocess.DEVNULL,
            stderr=errors,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
        ) as witness,
    ):
        try:
            wait_for(lambda: kept.exists() and len(kept.read_text().splitlines()) == 1)
            # The other target is tried after it.
            wait_for(lambda: "not anchored" in said.read_text())
            absent.mkdir()
            post(ledgerctl)
            signed(ledgerctl)
            wait_for(lambda: len(kept.read_text().splitlines()) >= 2)
            wait_for((absent / "file").exists)
        finally:
            witness.terminate()
    assert "NOT checked" in said.read_text()


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + SIGNED_WITHIN_SECONDS
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)

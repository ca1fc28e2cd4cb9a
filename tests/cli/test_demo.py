"""The tours, as `make demo` and `make bank-demo` run them."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger_client.cli.failures import INTERRUPTED
from ledger_client.demo import tour

LEDGER = "ledger_client.demo"
BANK = "ledger_client.demo.bank"


@pytest.fixture
def place(data_dir: Path) -> Path:
    """Where a demo makes its folder."""
    data_dir.mkdir()
    data_dir.chmod(0o711)
    return data_dir


@contextlib.contextmanager
def running(module: str, place: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a demo in a process group of its own, as a terminal does."""
    # Of what it runs in the background, a shell has Ctrl-C ignored, and so would the demo. What is
    # handled here is not passed on.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    with subprocess.Popen(
        [sys.executable, "-m", module],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"TMPDIR": str(place)},
        start_new_session=True,
    ) as run:
        signal.signal(signal.SIGINT, before)
        try:
            yield run
        finally:
            if run.poll() is None:
                os.killpg(run.pid, signal.SIGKILL)


def run_to_its_end(module: str, place: Path) -> tuple[str, str]:
    """Run a demo; return its output and what it wrote on standard error. It leaves nothing."""
    with running(module, place) as run:
        output, errors = run.communicate(timeout=110)
    assert run.returncode == 0, errors
    assert "Nothing is left running." in output
    assert_nothing_is_left(place)
    return output, errors


def assert_nothing_is_left(place: Path) -> None:
    assert list(place.iterdir()) == []
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert str(place) not in listed.stdout


@pytest.mark.timeout(120)
def test_the_demo_runs_to_its_end_and_leaves_nothing(place: Path) -> None:
    output, errors = run_to_its_end(LEDGER, place)
    for said in (
        "18 posted, 0 already there",
        "0 posted, 18 already there",
        "debits = credits in USD",
        "debits = credits in BTC",
        "kind            CAPTURE",
        "kind            RELEASE\n",
        "available, at least",
    ):
        assert said in output
    assert "reason: UNBALANCED" in errors
    for fact in ("reason: LIMIT_EXCEEDED", "bound: 0", "current: 48", "asked: "):
        assert fact in errors
    assert f"--data-dir {place}" in output


@pytest.mark.timeout(120)
def test_the_bank_s_demo_runs_to_its_end_and_leaves_nothing(place: Path) -> None:
    output, _ = run_to_its_end(BANK, place)
    for said in (
        "applicantReviewed: HTTP 200",
        "core.deposit.withdrawal-confirmed",
        "assets = liabilities + equity + earnings in each currency",
    ):
        assert said in output


@pytest.mark.timeout(120)
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_it_can_be_ended_and_leaves_nothing(
    place: Path, number: signal.Signals, status: int
) -> None:
    """By Ctrl-C, which its servers get too, or by a signal for itself alone."""
    with running(LEDGER, place) as run:
        assert run.stdout is not None
        while "deposit on her tab" not in (line := run.stdout.readline()):
            assert line, "it ended before"
        if number is signal.SIGINT:
            os.killpg(run.pid, number)
        else:
            run.send_signal(number)
        _, errors = run.communicate(timeout=60)
    assert run.returncode == status, errors
    assert "error: the demo stopped" not in errors
    assert_nothing_is_left(place)


def test_a_command_that_ctrl_c_ended_ends_the_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no failure of the command."""
    monkeypatch.setattr(tour, "main", lambda _arguments: INTERRUPTED)
    with pytest.raises(KeyboardInterrupt):
        tour.ledgerctl("balance")


def test_the_demo_keeps_nothing_that_was_there(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("mine")
    run = subprocess.run(
        [sys.executable, "-m", "ledger_client.demo", "--keep", str(tmp_path)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert "is not empty" in run.stderr
    assert (tmp_path / "mine").read_text() == "mine"


def test_a_folder_that_cannot_be_removed_is_named(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(tour, "_REMOVAL_PAUSE_SECONDS", 0.0)
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    assert tour.run_demo(tour.Tour(), lambda *_: None) == 0
    (left,) = place.iterdir()
    assert f"warning: {left} could not be removed" in capsys.readouterr().err

"""The tour, as `make demo` runs it."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.timeout(120)
def test_the_demo_runs_to_its_end_and_leaves_nothing() -> None:
    run = subprocess.run(
        [sys.executable, "-m", "ledger_client.demo"],
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    for said in (
        "18 posted, 0 already there",
        "0 posted, 18 already there",
        "debits = credits in USD",
        "debits = credits in BTC",
        "kind            CAPTURE",
        "kind            RELEASE\n",
        "available, at least",
        "Nothing is left running.",
    ):
        assert said in run.stdout
    assert "reason: UNBALANCED" in run.stderr
    for fact in ("reason: LIMIT_EXCEEDED", "bound: 0", "current: 48", "asked: "):
        assert fact in run.stderr
    data_dir = run.stdout.split("--data-dir ")[1].split()[0]
    assert not Path(data_dir).exists()
    listed = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True)
    assert data_dir not in listed.stdout


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

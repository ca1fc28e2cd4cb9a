"""A server for the whole session, and `ledgerctl` run in this process."""

import dataclasses
import json
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from ledger_client.cli.__main__ import main
from ledger_client.demo.server_process import running_server
from tests.conftest import reachable_directory


@dataclasses.dataclass(frozen=True)
class Run:
    """How a command ended and what it wrote."""

    exit_code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        """What it wrote as JSON."""
        return json.loads(self.stdout)


Ledgerctl = Callable[..., Run]


@pytest.fixture(scope="session")
def server_address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server process on an embedded database of the session's own."""
    with pytest.MonkeyPatch.context() as patch, reachable_directory() as directory:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        patch.delenv("LEDGER_DSN", raising=False)
        log = tmp_path_factory.mktemp("server") / "log"
        with running_server(directory / "data", log) as address:
            yield address


@pytest.fixture
def ledgerctl(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Ledgerctl:
    """Runs a command as from a script: not on a terminal, no server or journal in the air."""
    for name in ("LEDGER_SERVER", "LEDGER_JOURNAL", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(name, raising=False)

    def run(*arguments: object) -> Run:
        capsys.readouterr()
        exit_code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Run(exit_code, captured.out, captured.err)

    return run


@pytest.fixture
def journal(ledgerctl: Ledgerctl, server_address: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A fresh journal with the built-in templates; commands find it and the server."""
    code = f"J{uuid.uuid4().hex[:12]}"
    monkeypatch.setenv("LEDGER_SERVER", server_address)
    monkeypatch.setenv("LEDGER_JOURNAL", code)
    created = ledgerctl("journal", "create", code)
    assert created.exit_code == 0, created.stderr
    return code


@pytest.fixture
def csv_file(tmp_path: Path) -> Callable[..., Path]:
    """Writes a journal's CSV file: the rows given, below the header."""

    def write(*rows: str, name: str = "journal.csv") -> Path:
        header = "date,transaction,description,account,debit,credit,currency"
        path = tmp_path / name
        path.write_text("\n".join((header, *rows)) + "\n", encoding="utf-8")
        return path

    return write

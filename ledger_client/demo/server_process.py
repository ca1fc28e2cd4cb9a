"""A server of one's own for as long as it is needed: a process, as anybody would start it."""

import contextlib
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

#: The first start makes a database, which takes some seconds on a slow disk.
READY_SECONDS_MAX: Final = 60.0
#: It lets calls in flight finish, then stops PostgreSQL.
STOP_SECONDS_MAX: Final = 30.0

_READY: Final = re.compile(r"ledger-server ready on (?P<address>\S+)\s*")
_BANK_READY: Final = re.compile(r"ledger-bank ready on (?P<address>\S+), HTTP on (?P<http>\S+)\s*")


class StartError(Exception):
    """The server did not start. The message holds what it wrote."""


@contextlib.contextmanager
def running_server(data_dir: Path, log: Path) -> Iterator[str]:
    """Start a server on a free port of this machine, give its address, stop it at the end.

    Args:
        data_dir: of its database; made if it is not there.
        log: gets what it writes on standard error.

    Raises:
        StartError: it did not start.
    """
    arguments = ["--data-dir", str(data_dir), "--listen", "127.0.0.1:0"]
    with _running([*server_command(), *arguments], log, _READY) as ready:
        yield ready["address"]


@contextlib.contextmanager
def running_bank(
    ledger: str, data_dir: Path, log: Path, *arguments: str
) -> Iterator[tuple[str, str]]:
    """Start a bank on free ports of this machine, give its addresses, stop it at the end.

    Args:
        ledger: address of its ledger.
        data_dir: of its database, its secret and its documents.
        log: gets what it writes on standard error.
        arguments: further ones.

    Raises:
        StartError: it did not start.
    """
    places = ("--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0")
    command = [*bank_command(), "--ledger", ledger, "--data-dir", str(data_dir), *places]
    with _running([*command, *arguments], log, _BANK_READY) as ready:
        yield ready["address"], ready["http"]


@contextlib.contextmanager
def _running(command: Sequence[str], log: Path, ready: re.Pattern[str]) -> Iterator[re.Match[str]]:
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603  # our own program, arguments of our own
            command, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield _ready(process, log, ready)
        finally:
            _stop(process)


def bank_command() -> Sequence[str]:
    """Return the command that starts a bank: the script beside this Python, if it is there."""
    script = Path(sys.executable).with_name("ledger-bank")
    return [str(script)] if script.exists() else [sys.executable, "-m", "ledger_client.banking"]


def server_command() -> Sequence[str]:
    """Return the command that starts a server: the script beside this Python, if it is there."""
    script = Path(sys.executable).with_name("ledger-server")
    return [str(script)] if script.exists() else [sys.executable, "-m", "ledger_server"]


def _ready(process: subprocess.Popen[str], log: Path, ready: re.Pattern[str]) -> re.Match[str]:
    """Return what a process says when it is ready."""
    assert process.stdout is not None, "the pipe was asked for"
    deadline = threading.Timer(READY_SECONDS_MAX, process.terminate)
    deadline.start()
    try:
        line = process.stdout.readline()
    finally:
        deadline.cancel()
    match = ready.fullmatch(line)
    if match is None:
        _stop(process)
        raise StartError(f"it did not start; it wrote:\n{log.read_text().strip()}")
    return match


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

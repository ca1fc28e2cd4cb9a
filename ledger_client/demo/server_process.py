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
    with (
        log.open("w") as errors,
        subprocess.Popen(  # noqa: S603  # our own program, arguments of our own
            [*server_command(), *arguments], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            yield _address(process, log)
        finally:
            _stop(process)


def server_command() -> Sequence[str]:
    """Return the command that starts a server: the script beside this Python, if it is there."""
    script = Path(sys.executable).with_name("ledger-server")
    return [str(script)] if script.exists() else [sys.executable, "-m", "ledger_server"]


def _address(process: subprocess.Popen[str], log: Path) -> str:
    """Return where the server listens, as soon as it says so."""
    assert process.stdout is not None, "the pipe was asked for"
    deadline = threading.Timer(READY_SECONDS_MAX, process.terminate)
    deadline.start()
    try:
        line = process.stdout.readline()
    finally:
        deadline.cancel()
    ready = _READY.fullmatch(line)
    if ready is None:
        _stop(process)
        raise StartError(f"the server did not start; it wrote:\n{log.read_text().strip()}")
    return ready["address"]


def _stop(process: subprocess.Popen[str]) -> None:
    process.terminate()
    try:
        process.wait(STOP_SECONDS_MAX)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()

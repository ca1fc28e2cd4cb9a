"""Programs of ours as processes: the server, and the one that posts."""

import contextlib
import dataclasses
import json
import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.load_generator import Job, Result

_READY: Final = re.compile(r"ledger-server ready on (?P<address>\S+)\s*")
_READY_SECONDS_MAX: Final = 60.0
_STOP_SECONDS_MAX: Final = 60.0
_LOAD_SECONDS_MAX: Final = 1_800.0


class ProcessError(Exception):
    """A process of ours did not do what it is for."""


@dataclasses.dataclass(frozen=True, slots=True)
class Server:
    """A ledger server under load."""

    address: str
    #: For profilers.
    pid: int


@contextlib.contextmanager
def running_server(
    dsn: str, log: Path, module: str = "ledger_server", *, options: Sequence[str] = ()
) -> Iterator[Server]:
    """Start a server on a free port, as anybody would, and stop it at the end.

    Args:
        dsn: its database.
        log: what it says is added here.
        module: what is run.
        options: further ones of its command line.

    Raises:
        ProcessError: it did not start.
    """
    command = [sys.executable, "-m", module, "--listen", "127.0.0.1:0", *options]
    with (
        log.open("a") as errors,
        subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=_environment() | {"LEDGER_DSN": dsn},
        ) as process,
    ):
        try:
            yield Server(_address(process, log), process.pid)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS_MAX)
            except subprocess.TimeoutExpired:
                process.kill()


def run_load(job: Job) -> Result:
    """Run a job in a process of its own.

    Raises:
        ProcessError: it failed, or an answer was other than a transaction newly posted.
    """
    result = Result(**run_program("benchmarks.load_generator", job))
    if result.problems:
        raise ProcessError(f"{len(result.problems)} were not posted, such as {result.problems[0]}")
    return result


def run_program(module: str, job: Any) -> dict[str, Any]:
    """Run a program of ours with a job as its input; return its output.

    Raises:
        ProcessError: it failed.
    """
    done = subprocess.run(
        [sys.executable, "-m", module],
        check=False,
        input=json.dumps(dataclasses.asdict(job)),
        capture_output=True,
        text=True,
        timeout=_LOAD_SECONDS_MAX,
        env=_environment(),
    )
    if done.returncode:
        raise ProcessError(f"{module} failed:\n{done.stderr[-2000:]}")
    output: dict[str, Any] = json.loads(done.stdout)
    return output


def _environment() -> dict[str, str]:
    """Return ours without the ledger's settings, with the modules that we see."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")}
    return kept | {"PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path)}


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None, "the pipe was asked for"
    deadline = threading.Timer(_READY_SECONDS_MAX, process.terminate)
    deadline.start()
    try:
        line = process.stdout.readline()
    finally:
        deadline.cancel()
    ready = _READY.fullmatch(line)
    if ready is None:
        raise ProcessError(f"the server did not start:\n{log.read_text()[-2000:]}")
    return ready["address"]

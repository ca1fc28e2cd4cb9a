"""The process of PostgreSQL: started as a direct child, watched, stopped; its forerunner too."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

from ledger_server.embedded.account import Account
from ledger_server.embedded.cluster import environment
from ledger_server.embedded.errors import EmbeddedPostgresError

logger = logging.getLogger(__name__)

#: Crash recovery replays up to `max_wal_size`: minutes on a slow disk, and it must be let finish.
READY_TIMEOUT_S = 3600
#: A fast shutdown ends with a checkpoint of all that is dirty.
STOP_TIMEOUT_S = 120
#: After that PostgreSQL is told to drop everything, which the next start recovers from.
_KILL_TIMEOUT_S = 10
#: How long a forerunner, left by a server that was killed, may take to be gone.
FORERUNNER_TIMEOUT_S = 120
#: How long its backends, that saw their postmaster killed, may hold on to shared memory.
_SHARED_MEMORY_TIMEOUT_S = 30
_POLL_S = 0.01
_PATIENCE_LOG_S = 10
_LOG_TAIL_BYTES = 16_384
_LOG_TAIL_LINES = 4
_PR_SET_PDEATHSIG = 1
#: Lines of postmaster.pid, counted from 0.
_PID_LINE, _STATUS_LINE = 0, 7


class Postmaster:
    """One running PostgreSQL server process, a child of ours."""

    def __init__(self, process: subprocess.Popen[bytes], cluster: Path, log_dir: Path) -> None:
        """Take charge of a process just started."""
        self._process = process
        self._cluster = cluster
        self._log_dir = log_dir

    @property
    def pid(self) -> int:
        """The id of its process."""
        return self._process.pid

    def is_running(self) -> bool:
        """Tell whether the process is there; reaps it when it is not."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return when connections are accepted.

        Raises:
            EmbeddedPostgresError: when it ended, or did not come up for an hour.
        """
        began = time.monotonic()
        told = began
        while not self._is_ready():
            now = time.monotonic()
            if not self.is_running():
                raise self._death()
            if now - began > READY_TIMEOUT_S:
                raise EmbeddedPostgresError(
                    f"PostgreSQL did not become ready within {READY_TIMEOUT_S} s; "
                    f"read why in {self._log_dir}"
                )
            if now - told > _PATIENCE_LOG_S:
                told = now
                logger.info("waiting for PostgreSQL, %.0f s so far (crash recovery)", now - began)
            time.sleep(_POLL_S)

    def stop(self) -> None:
        """Shut down: fast first, by force when that takes too long. Returns when it is gone."""
        steps = ((signal.SIGINT, STOP_TIMEOUT_S), (signal.SIGQUIT, _KILL_TIMEOUT_S))
        for number, timeout_s in steps:
            if not self.is_running():
                return
            self._process.send_signal(number)
            try:
                self._process.wait(timeout_s)
            except subprocess.TimeoutExpired:
                logger.warning("PostgreSQL did not stop within %d s", timeout_s)
            else:
                return
        self._process.kill()
        self._process.wait()

    def _is_ready(self) -> bool:
        lines = _read_pid_file(self._cluster)
        return (
            len(lines) > _STATUS_LINE
            and lines[_PID_LINE].strip() == str(self.pid)
            and lines[_STATUS_LINE].strip() == "ready"
        )

    def _death(self) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"PostgreSQL ended while starting (exit {self._process.returncode}): "
            f"{log_tail(self._log_dir)}; the whole log is in {self._log_dir}"
        )


def start_postmaster(
    command: list[str], cluster: Path, log_dir: Path, account: Account
) -> Postmaster:
    """Start PostgreSQL and wait until it is ready.

    The signal at our death is tied to the thread that starts the process, so this must be
    the main thread, and no gRPC object may exist, for its threads do not survive a fork.

    Raises:
        EmbeddedPostgresError: when it does not come up; the message has the end of its log.
    """
    assert threading.current_thread() is threading.main_thread(), "PostgreSQL would die with us"
    began = time.monotonic()
    while True:
        postmaster = _spawn(command, cluster, log_dir, account)
        try:
            postmaster.wait_until_ready()
        except EmbeddedPostgresError as error:
            postmaster.stop()
            waited_s = time.monotonic() - began
            if "still in use" not in str(error) or waited_s > _SHARED_MEMORY_TIMEOUT_S:
                raise
            time.sleep(_POLL_S * 10)
        except BaseException:
            postmaster.stop()
            raise
        else:
            return postmaster


def end_forerunner(cluster: Path) -> None:
    """Wait until the PostgreSQL of a server that was killed has gone, stopping it if need be.

    We hold the lock of the data directory, so whatever runs on it has no server any more.

    Raises:
        EmbeddedPostgresError: when it does not go.
    """
    lines = _read_pid_file(cluster)
    if not lines or not lines[_PID_LINE].strip().isdecimal():
        return
    pid = int(lines[_PID_LINE])
    if not _is_postmaster_of(pid, cluster):
        # Its pid may be another process's by now, which PostgreSQL would mistake for its own.
        (cluster / "postmaster.pid").unlink(missing_ok=True)
        return
    logger.info("waiting for PostgreSQL (pid %d) of a former server to stop", pid)
    began = time.monotonic()
    # Usually it is stopping already; a second request for a fast shutdown changes nothing.
    _signal(pid, signal.SIGINT)
    while _is_postmaster_of(pid, cluster):
        if time.monotonic() - began > FORERUNNER_TIMEOUT_S:
            raise EmbeddedPostgresError(
                f"PostgreSQL (pid {pid}) of a former server still runs on {cluster}; "
                f"run kill -QUIT {pid} and start again"
            )
        time.sleep(_POLL_S)


def log_tail(log_dir: Path) -> str:
    """Return the last lines of PostgreSQL's newest log as one line."""
    logs = [path for path in log_dir.glob("*.log") if path.stat().st_size > 0]
    # What it says before its log collector runs is in the file that is newest then.
    for path in sorted(logs, key=lambda path: path.stat().st_mtime_ns, reverse=True):
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - _LOG_TAIL_BYTES))
            lines = file.read().decode("utf-8", "replace").splitlines()
        told = [line.strip() for line in lines if line.strip()]
        grave = [line for line in told if "FATAL:" in line or "PANIC:" in line or "HINT:" in line]
        if told:
            return " / ".join((grave or told)[-_LOG_TAIL_LINES:])
    return "it left no log"


def _spawn(command: list[str], cluster: Path, log_dir: Path, account: Account) -> Postmaster:
    # As root we write in a directory of another user: a link there must not lead us astray.
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
    with os.fdopen(os.open(log_dir / "start.log", flags, 0o600), "wb") as output:
        try:
            process = subprocess.Popen(  # noqa: S603  # PostgreSQL's own, no shell
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=environment(),
                # Ctrl-C in our terminal is for us alone: we stop PostgreSQL after our callers.
                start_new_session=True,
                preexec_fn=_die_with_parent(),  # noqa: PLW1509  # no threads yet: see the caller
                **account.popen_arguments(),
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise EmbeddedPostgresError(
                f"{command[0]} could not be started ({error}); "
                "set LEDGER_PG_BINDIR to a PostgreSQL that runs here"
            ) from error
    return Postmaster(process, cluster, log_dir)


def _die_with_parent() -> Callable[[], None] | None:
    """Return what makes Linux send the child SIGINT, a fast shutdown, when we die."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask_for_signal() -> None:
        prctl(_PR_SET_PDEATHSIG, int(signal.SIGINT), 0, 0, 0)
        if os.getppid() != parent:
            os._exit(1)

    return ask_for_signal


def _read_pid_file(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(errors="replace").splitlines()
    except FileNotFoundError:
        return []


def _is_postmaster_of(pid: int, cluster: Path) -> bool:
    """Tell whether process `pid` is a PostgreSQL on `cluster`, not merely some process."""
    if sys.platform == "linux":
        # Its working directory would tell too, but a container's root may not read that.
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
        return os.fsencode(cluster) in command.split(b"\0")
    listing = subprocess.run(  # noqa: S603  # fixed program, numeric argument
        ["/bin/ps", "-p", str(pid), "-o", "command="],
        check=False,
        capture_output=True,
        text=True,
    )
    return str(cluster) in listing.stdout


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return

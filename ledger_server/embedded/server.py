"""Start and stop a PostgreSQL that serves one data directory and nobody but us."""

import contextlib
import logging
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlencode

from ledger_server.embedded.account import Account, find_account
from ledger_server.embedded.binaries import find_binaries
from ledger_server.embedded.cluster import (
    DATABASE,
    OWNER,
    cluster_dir,
    password_file,
    prepare_cluster,
)
from ledger_server.embedded.errors import EmbeddedPostgresError
from ledger_server.embedded.memory import shared_buffers
from ledger_server.embedded.places import DataDirLock, make_socket_dir, prepare_data_dir
from ledger_server.embedded.postmaster import Postmaster, end_forerunner, start_postmaster

logger = logging.getLogger(__name__)

#: Conservative for a machine of 2 GB, and `shared_buffers` as the machine has memory. fsync,
#: synchronous_commit and full_page_writes are not here and never will be: an answer of the ledger
#: means it is on disk.
TUNING: Final = {
    "max_connections": "100",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    # Fewer checkpoints mean fewer full pages in the log; recovery replays at most this much.
    "wal_buffers": "16MB",
    "min_wal_size": "256MB",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "wal_compression": "on",
    # Short statements: compiling them costs more than it saves.
    "jit": "off",
    "random_page_cost": "1.1",
}
#: One file a weekday, each emptied when its day comes round: a week of logs and no more.
LOGGING: Final = {
    "logging_collector": "on",
    "log_filename": "postgresql-%a.log",
    "log_rotation_age": "1d",
    "log_rotation_size": "0",
    "log_truncate_on_rotation": "on",
    "log_file_mode": "0600",
    "log_timezone": "UTC",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
}
PRIVACY: Final = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "timezone": "UTC",
    "cluster_name": "ledger",
}


class EmbeddedPostgres:
    """A running PostgreSQL; `start` makes one."""

    def __init__(
        self, postmaster: Postmaster, lock: DataDirLock, data_dir: Path, socket_dir: Path
    ) -> None:
        """Take charge of a server that is ready, and of the lock of its data directory."""
        self._postmaster = postmaster
        self._lock: DataDirLock | None = lock
        self.data_dir = data_dir
        self.socket_dir = socket_dir

    @property
    def dsn(self) -> str:
        """For asyncpg or libpq, as the owner of the database. Names the password's file only."""
        query = urlencode({"host": self.socket_dir, "passfile": password_file(self.data_dir)})
        return f"postgresql://{OWNER}@/{DATABASE}?{query}"

    @property
    def pid(self) -> int:
        """The id of PostgreSQL's main process."""
        return self._postmaster.pid

    def is_running(self) -> bool:
        """Tell whether PostgreSQL is still there. Cheap."""
        return self._postmaster.is_running()

    def stop(self) -> None:
        """Shut PostgreSQL down, wait for it, and let others have the data directory."""
        if self._lock is None:
            return
        self._postmaster.stop()
        if not self.socket_dir.is_relative_to(self.data_dir):
            with contextlib.suppress(OSError):
                self.socket_dir.rmdir()
        self._lock.release()
        self._lock = None


def default_data_dir() -> Path:
    """Return the data directory for those who name none."""
    if chosen := os.environ.get("LEDGER_DATA_DIR"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/var/lib/ledger")
    data_home = os.environ.get("XDG_DATA_HOME")
    return (Path(data_home) if data_home else Path.home() / ".local" / "share") / "ledger"


def start(data_dir: Path) -> EmbeddedPostgres:
    """Start PostgreSQL on `data_dir`, making the database if the directory is new or empty.

    Call from the main thread before any gRPC object exists. Takes half a second for a new
    directory, a few hundredths for an old one, and as long as it takes after a crash.

    Raises:
        EmbeddedPostgresError: with a remedy, when it cannot be.
    """
    data_dir = data_dir.expanduser().resolve()
    account = find_account()
    prepare_data_dir(data_dir, account)
    lock = DataDirLock(data_dir, account)
    try:
        return _start_locked(data_dir, account, lock)
    except OSError as error:
        lock.release()
        raise EmbeddedPostgresError(
            f"the data directory {data_dir} cannot be used ({error}); "
            "correct that, or choose another place with --data-dir"
        ) from error
    except BaseException:
        lock.release()
        raise


def _start_locked(data_dir: Path, account: Account, lock: DataDirLock) -> EmbeddedPostgres:
    cluster = cluster_dir(data_dir)
    end_forerunner(cluster)
    binaries = find_binaries(account, data_dir)
    prepare_cluster(data_dir, binaries, account)
    socket_dir = make_socket_dir(data_dir, account)
    log_dir = data_dir / "log"
    account.make_dir(log_dir)
    settings = {
        **TUNING,
        "shared_buffers": shared_buffers(),
        **LOGGING,
        **PRIVACY,
        "log_directory": str(log_dir),
        # A list in PostgreSQL's syntax: quoted, so a comma in the path is not a separator.
        "unix_socket_directories": '"' + str(socket_dir).replace('"', '""') + '"',
    }
    command = [binaries.program("postgres"), "-D", str(cluster)]
    for name, value in settings.items():
        command += ["-c", f"{name}={value}"]
    postmaster = start_postmaster(command, cluster, log_dir, account)
    logger.info("PostgreSQL %s is ready on %s", binaries.version, data_dir)
    return EmbeddedPostgres(postmaster, lock, data_dir, socket_dir)

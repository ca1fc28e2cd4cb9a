"""The directories of the embedded PostgreSQL: the data directory, its lock, and the socket's."""

import errno
import fcntl
import hashlib
import os
import stat
import tempfile
from pathlib import Path

from ledger_server.embedded.account import Account
from ledger_server.embedded.errors import EmbeddedPostgresError

LOCK_FILE = "ledger.lock"
#: Names a file system puts into an empty directory of its own accord.
_NOT_CONTENTS = {"lost+found", ".DS_Store"}
#: A Unix socket's path has 104 bytes on macOS and 108 on Linux, with the zero at its end.
_SOCKET_PATH_BYTES_MAX = 103
_SOCKET_NAME = ".s.PGSQL.5432"


def prepare_data_dir(data_dir: Path, account: Account) -> None:
    """Leave `data_dir` there, private to `account` and reachable by it.

    Raises:
        EmbeddedPostgresError: when it is somebody else's, holds other things, or is closed off.
    """
    closed = account.first_closed_parent(data_dir)
    if closed is not None:
        raise EmbeddedPostgresError(
            f"the data directory {data_dir} is below {closed}, which user {account.name} that "
            "PostgreSQL runs as may not enter; choose another place with --data-dir, "
            "such as /var/lib/ledger"
        )
    try:
        account.make_dir(data_dir)
        contents = {entry.name for entry in data_dir.iterdir()} - _NOT_CONTENTS
        if not contents:
            account.give(data_dir)
    except OSError as error:
        raise EmbeddedPostgresError(
            f"the data directory {data_dir} cannot be used ({error.strerror}); "
            "choose another place with --data-dir"
        ) from error
    if contents and LOCK_FILE not in contents:
        raise EmbeddedPostgresError(
            f"{data_dir} holds other things than a ledger's data; "
            "choose a new or empty directory with --data-dir"
        )
    if not account.owns(data_dir):
        raise EmbeddedPostgresError(
            f"the data directory {data_dir} does not belong to user {account.name} that "
            f"PostgreSQL runs as; run chown -R {account.name} {data_dir}, "
            "or choose another with --data-dir"
        )
    data_dir.chmod(0o700)


class DataDirLock:
    """Held for as long as a server uses a data directory; the system drops it when it dies."""

    def __init__(self, data_dir: Path, account: Account) -> None:
        """Take the lock.

        Raises:
            EmbeddedPostgresError: when another server holds it.
        """
        path = data_dir / LOCK_FILE
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
        try:
            self._descriptor = os.open(path, flags, 0o600)
        except OSError as error:
            raise EmbeddedPostgresError(
                f"{path} cannot be opened ({error.strerror}); "
                f"it must belong to user {account.name} or to root"
            ) from error
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(self._descriptor, 32).decode("ascii", "replace").strip()
            os.close(self._descriptor)
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise EmbeddedPostgresError(
                    f"{path} cannot be locked ({error.strerror}); "
                    "choose a data directory on a local disk with --data-dir"
                ) from error
            raise EmbeddedPostgresError(
                f"another ledger server (pid {holder or 'unknown'}) is using the data directory "
                f"{data_dir}; stop it, or choose another directory with --data-dir"
            ) from None
        account.give(path)
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode("ascii"), 0)

    def release(self) -> None:
        """Let others have the data directory. The file stays: removing it would race."""
        os.close(self._descriptor)


def make_socket_dir(data_dir: Path, account: Account) -> Path:
    """Return the private directory for the socket: in `data_dir` if its path will do.

    Raises:
        EmbeddedPostgresError: when there is no place for it.
    """
    inside = data_dir / "socket"
    if _is_fit_for_socket(inside):
        account.make_dir(inside)
        return inside
    digest = hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:16]
    shortest = Path("/tmp")  # noqa: S108  # what is made in it is checked below
    for temporary in dict.fromkeys((Path(tempfile.gettempdir()), shortest)):
        outside = temporary / f"ledger-{account.uid}-{digest}"
        if not _is_fit_for_socket(outside) or account.first_closed_parent(outside):
            continue
        account.make_dir(outside)
        # The name can be guessed, so what stands there may be somebody else's trap.
        status = outside.lstat()
        if (
            stat.S_ISDIR(status.st_mode)
            and status.st_uid == account.uid
            and stat.S_IMODE(status.st_mode) == stat.S_IRWXU
        ):
            return outside
    raise EmbeddedPostgresError(
        f"the path {data_dir} has a comma or is too long for a socket in it, and there is no "
        f"place for one in {tempfile.gettempdir()}; choose another path with --data-dir, "
        "or set TMPDIR"
    )


def _is_fit_for_socket(directory: Path) -> bool:
    # asyncpg and libpq take a comma for the end of one host and the start of the next.
    is_one_host = "," not in str(directory)
    return is_one_host and len(os.fsencode(directory / _SOCKET_NAME)) <= _SOCKET_PATH_BYTES_MAX

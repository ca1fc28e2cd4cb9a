"""The operating system user that PostgreSQL runs as."""

import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ledger_server.embedded.errors import EmbeddedPostgresError

#: Asked for in this order when we are root, for PostgreSQL refuses to run as root.
_USERS_INSTEAD_OF_ROOT = ("postgres", "nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A user of the system, and whether we have to become it to run PostgreSQL."""

    name: str
    uid: int
    gid: int
    is_ours: bool

    def popen_arguments(self) -> dict[str, Any]:
        """Return the arguments that let `subprocess` run a program as this user."""
        if self.is_ours:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}

    def give(self, path: Path) -> None:
        """Make `path`, which we have just made, this user's own."""
        if not self.is_ours:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)

    def make_dir(self, path: Path) -> None:
        """Make the directory `path` (0700) and its missing parents, all owned by this user."""
        if path.is_dir():
            return
        if not path.parent.is_dir():
            # Parents are opened to others: a private one would shut out the very user.
            self._make_parents(path.parent)
        path.mkdir(mode=0o700)
        self.give(path)

    def owns(self, path: Path) -> bool:
        """Tell whether `path` belongs to this user."""
        return path.stat().st_uid == self.uid

    def first_closed_parent(self, path: Path) -> Path | None:
        """Return the first directory above `path` that this user may not pass, if there is one.

        Judged by the mode bits: an access control list that allows more is not seen.
        """
        for parent in reversed(path.parents):
            if parent.exists() and not self._may_pass(parent.stat()):
                return parent
        return None

    def _make_parents(self, path: Path) -> None:
        if not path.parent.is_dir():
            self._make_parents(path.parent)
        path.mkdir(mode=0o755)

    def _may_pass(self, status: os.stat_result) -> bool:
        if self.uid == 0:
            return True
        if status.st_uid == self.uid:
            return bool(status.st_mode & stat.S_IXUSR)
        groups = {self.gid} | (set(os.getgroups()) if self.is_ours else set())
        if status.st_gid in groups:
            return bool(status.st_mode & stat.S_IXGRP)
        return bool(status.st_mode & stat.S_IXOTH)


def find_account() -> Account:
    """Return the user to run PostgreSQL as: ourselves, or when we are root somebody harmless.

    Raises:
        EmbeddedPostgresError: when we are root and there is no such user.
    """
    uid = os.geteuid()
    if uid != 0:
        return Account(name=_name_of(uid), uid=uid, gid=os.getegid(), is_ours=True)
    for name in _USERS_INSTEAD_OF_ROOT:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name=name, uid=entry.pw_uid, gid=entry.pw_gid, is_ours=False)
    raise EmbeddedPostgresError(
        "PostgreSQL does not run as root and there is no user postgres or nobody to run it as; "
        "add one (useradd --system postgres), or start the server as an ordinary user"
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        raise EmbeddedPostgresError(
            f"user id {uid} has no name in /etc/passwd, which initdb needs; "
            "add an entry for it, or give a PostgreSQL of your own with --dsn"
        ) from None

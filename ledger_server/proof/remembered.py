"""What was signed last, in a second place: files beside the key, not in the database.

A database that was rolled back or rewritten cannot bring the server to sign another history.
"""

import os
from pathlib import Path
from uuid import UUID

from ledger_server.proof.signing import SignedRoot, read_note


class RememberedError(Exception):
    """What was signed last cannot be read or kept, so nothing may be signed."""


class Remembered:
    """The newest note of each journal, one file each, named by the journal's id."""

    def __init__(self, directory: Path) -> None:
        """Keep them in `directory`, which is made with the first one."""
        self._directory = directory

    @classmethod
    def beside(cls, key: Path) -> "Remembered":
        """Return the memory that belongs to a key file."""
        return cls(key.with_name(f"{key.name}.signed"))

    def newest(self, journal_id: UUID) -> SignedRoot | None:
        """Return what was signed last of a journal; blocks on the file.

        Raises:
            RememberedError: see there.
        """
        path = self._path(journal_id)
        try:
            return read_note(path.read_text())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise RememberedError(f"{path} cannot be read: {error}") from error

    def keep(self, journal_id: UUID, note: str) -> None:
        """Replace what was signed last, whole or not at all; on disk when it returns.

        Raises:
            RememberedError: see there.
        """
        path = self._path(journal_id)
        beside = path.with_suffix(".new")
        try:
            self._directory.mkdir(mode=0o700, exist_ok=True)
            with beside.open("w") as file:
                file.write(note)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path)
            _sync(self._directory)
        except OSError as error:
            raise RememberedError(f"{path} cannot be written: {error}") from error

    def _path(self, journal_id: UUID) -> Path:
        return self._directory / f"{journal_id}.note"


def _sync(directory: Path) -> None:
    """Have the directory's own change on disk too."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)

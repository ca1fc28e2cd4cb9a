"""A checkpoint in a file: effects at least once.

The file is replaced as a whole and synced, so a crash leaves the old one or the new one. What was
handled after the last write is handled again. Dead letters are written and synced before the
checkpoint passes their events.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import hashlib
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import IO, Any, Final
from uuid import UUID

from ledger_client.models import Journal
from ledger_client.subscriber.dead_letter import DeadLetter, LetterState
from ledger_client.subscriber.failures import (
    CheckpointDamagedError,
    CheckpointInUseError,
    CheckpointOfOtherJournalError,
    StoreUnavailableError,
)
from ledger_client.subscriber.file_letters import LetterFile
from ledger_client.subscriber.memory_checkpoints import MemoryWork

if sys.platform != "win32":
    import fcntl

_FORMAT: Final = 1
#: While events keep coming the file is written this often; what came after the last write is
#: handled again after a crash.
SAVE_SECONDS_DEFAULT: Final = 1.0


class FileCheckpoints:
    """Keeps the position of one consumer in one journal in a file.

    Beside `main.checkpoint` stand `main.checkpoint.dead-letters` and, while a process works with
    it, a locked `main.checkpoint.lock` (not on Windows, where nothing keeps two processes apart).
    """

    def __init__(self, path: str | Path, *, save_seconds: float = SAVE_SECONDS_DEFAULT) -> None:
        """Take a path; nothing is read or written before a subscriber runs.

        Args:
            path: of a file in a folder that is there. Removing the file begins anew.
            save_seconds: while events keep coming, how often the position is written; 0 after each
                call of the handler. When nothing more waits it is written at once.
        """
        self.path = Path(path)
        self.letters = LetterFile(Path(f"{path}.dead-letters"))
        self._save_seconds = save_seconds
        self._lock: IO[bytes] | None = None
        self._checkpoint: _Checkpoint | None = None
        self._written_position = -1
        self._written_at = 0.0

    async def open(self, journal: Journal, *, start_after: int) -> int:
        """Return where the checkpoint stands; one that is not there yet begins at `start_after`.

        Raises:
            CheckpointDamagedError: the file is not one, or was cut or changed.
            CheckpointInUseError: another process works with it.
            CheckpointOfOtherJournalError: it was made on another journal.
            OSError: the folder is missing, or may not be written.
        """
        self._lock = await asyncio.to_thread(_locked, Path(f"{self.path}.lock"))
        try:
            new = _Checkpoint(journal.id, journal.code, start_after)
            found = await asyncio.to_thread(_read_or_begin, self.path, new)
        except BaseException:
            self._lock.close()
            self._lock = None
            raise
        self._checkpoint = found
        self._written_position = found.position
        self._written_at = time.monotonic()
        return found.position

    @contextlib.asynccontextmanager
    async def work(self) -> AsyncIterator[MemoryWork]:
        """Begin a unit of work.

        Raises:
            StoreUnavailableError: the dead letter or the checkpoint could not be written, as when
                the disk is full.
        """
        checkpoint = self._opened()
        work = MemoryWork(checkpoint.position)
        yield work
        if work.letters:
            with _storage_failures():
                await asyncio.to_thread(self.letters.append, work.letters)
        if work.moved_to is not None:
            checkpoint.position = work.moved_to
            if time.monotonic() - self._written_at >= self._save_seconds:
                await self.flush()

    async def flush(self) -> None:
        """Write the position, if it is not written yet.

        Raises:
            StoreUnavailableError: it could not be written.
        """
        checkpoint = self._opened()
        if checkpoint.position == self._written_position:
            return
        position = checkpoint.position
        with _storage_failures():
            await asyncio.to_thread(_write, self.path, checkpoint)
        self._written_position = position
        self._written_at = time.monotonic()

    async def close(self) -> None:
        """Write the position and give up the lock.

        Raises:
            StoreUnavailableError: it could not be written: some events will come again.
        """
        if self._lock is None:
            return
        try:
            await self.flush()
        finally:
            self._lock.close()
            self._lock = self._checkpoint = None

    async def dead_letters(self) -> list[DeadLetter]:
        """Return all dead letters by sequence; the checkpoint need not be open.

        Raises:
            CheckpointDamagedError: a line is none of a dead letter.
            OSError: the file cannot be read.
        """
        return await asyncio.to_thread(self.letters.read)

    def settling(
        self, sequence: int, state: LetterState
    ) -> contextlib.AbstractAsyncContextManager[tuple[DeadLetter] | None]:
        """Give an open letter, and have it in another state when the block ends; see `replay`."""
        return self.letters.settling(sequence, state)

    def _opened(self) -> "_Checkpoint":
        assert self._checkpoint is not None, "used before it was opened"
        return self._checkpoint


@dataclasses.dataclass(slots=True)
class _Checkpoint:
    journal_id: UUID
    journal_code: str
    position: int


def _read_or_begin(path: Path, new: _Checkpoint) -> _Checkpoint:
    """Return what a file says, `new` if there is none: then it is written."""
    try:
        text = path.read_bytes()
    except FileNotFoundError:
        _write(path, new)
        return new
    try:
        found = _parse(text)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointDamagedError(
            f"{path} is not a whole checkpoint ({error}). Put back a copy of it, or remove it to "
            "handle the journal from the beginning"
        ) from error
    if found.journal_id != new.journal_id:
        raise CheckpointOfOtherJournalError(
            str(path), found=found.journal_id, wanted=new.journal_id
        )
    return found


def _parse(text: bytes) -> _Checkpoint:
    fields = json.loads(text)
    claimed = fields.pop("sha256")
    if fields["format"] != _FORMAT or claimed != _digest(fields):
        raise ValueError("its digest does not fit")
    position = int(fields["position"])
    return _Checkpoint(UUID(fields["journal_id"]), str(fields["journal_code"]), position)


def _write(path: Path, checkpoint: _Checkpoint) -> None:
    """Replace the file by one that is whole on disk."""
    fields: dict[str, Any] = {
        "format": _FORMAT,
        "journal_id": str(checkpoint.journal_id),
        "journal_code": checkpoint.journal_code,
        "position": checkpoint.position,
        "time": dt.datetime.now(dt.UTC).isoformat(),
    }
    fields["sha256"] = _digest(fields)
    new = Path(f"{path}.new")
    with new.open("w", encoding="utf-8") as file:
        json.dump(fields, file, indent=1)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
    sync_folder(path.parent)


def _digest(fields: dict[str, Any]) -> str:
    text = json.dumps(fields, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk, where the system has that notion."""
    if sys.platform == "win32":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _locked(path: Path) -> IO[bytes]:
    """Return a file that this process alone holds until it is closed, or the process ends."""
    file = path.open("ab")
    if sys.platform != "win32":
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            file.close()
            raise CheckpointInUseError(f"{path} is held by another process") from error
    return file


@contextlib.contextmanager
def _storage_failures() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreUnavailableError(str(error)) from error

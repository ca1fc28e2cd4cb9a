"""Dead letters in a file: one JSON object a line, appended and synced, never rewritten."""

import base64
import contextlib
import dataclasses
import datetime as dt
import json
import os
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final

from ledger_client.subscriber.dead_letter import DeadLetter, LetterState
from ledger_client.subscriber.failures import CheckpointDamagedError, CheckpointInUseError

if sys.platform != "win32":
    import fcntl

_FORMAT: Final = 1


class LetterFile:
    """The dead letters of one consumer; what became of one is a line of its own."""

    def __init__(self, path: Path) -> None:
        """Take a path; the file comes into being with the first letter."""
        self.path = path

    def append(self, letters: Sequence[DeadLetter]) -> None:
        """Have letters on disk.

        Raises:
            OSError: they cannot be written.
        """
        self._append([_line(letter) for letter in letters])

    def read(self) -> list[DeadLetter]:
        """Return all letters by sequence, each as it stands.

        Raises:
            CheckpointDamagedError: a line is none of a dead letter.
            OSError: the file cannot be read.
        """
        found: dict[int, DeadLetter] = {}
        for number, line in enumerate(self._lines(), 1):
            try:
                fields = json.loads(line)
                if "settled" in fields:
                    sequence = fields["settled"]
                    found[sequence] = dataclasses.replace(
                        found[sequence],
                        state=LetterState(fields["state"]),
                        settle_time=dt.datetime.fromisoformat(fields["time"]),
                    )
                else:
                    letter = _letter(fields)
                    found[letter.sequence] = letter
            except (ValueError, KeyError, TypeError) as error:
                raise CheckpointDamagedError(
                    f"{self.path} line {number} is not a dead letter: {error}"
                ) from error
        return [found[sequence] for sequence in sorted(found)]

    @contextlib.asynccontextmanager
    async def settling(
        self, sequence: int, state: LetterState
    ) -> AsyncIterator[tuple[DeadLetter] | None]:
        """Give an open letter, and have it in another state when the block ends without an error.

        None if there is no such letter or it is not open. After a crash in the block it is still
        open.

        Raises:
            CheckpointInUseError: somebody else is about it.
            CheckpointDamagedError: a line is none of a dead letter.
        """
        with _alone(Path(f"{self.path}.lock")):
            open_ones = [
                letter
                for letter in self.read()
                if letter.sequence == sequence and letter.state is LetterState.OPEN
            ]
            if not open_ones:
                yield None
                return
            yield (open_ones[0],)
            moment = dt.datetime.now(dt.UTC).isoformat()
            settled = {"settled": sequence, "state": str(state), "time": moment}
            self._append([json.dumps(settled)])

    def _lines(self) -> list[str]:
        """Return whole lines: one that was cut by a crash is not a letter yet."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return [line for line in text.split("\n")[:-1] if line]

    def _append(self, lines: Sequence[str]) -> None:
        is_new = not self.path.exists()
        # Events may tell of persons: what a handler was not to drop is nobody else's to read.
        with _private(self.path) as file:
            # Letters of a subscriber and marks of a command may come at once.
            if sys.platform != "win32":
                fcntl.flock(file, fcntl.LOCK_EX)
            _drop_cut_line(file)
            file.write("".join(f"{line}\n" for line in lines).encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new and sys.platform != "win32":
            descriptor = os.open(self.path.parent, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _private(path: Path) -> IO[bytes]:
    flags = os.O_RDWR | os.O_APPEND | os.O_CREAT
    return os.fdopen(os.open(path, flags, 0o600), "a+b")


def _drop_cut_line(file: IO[bytes]) -> None:
    """Remove what a crash left of a line: its event is still to come."""
    size = file.seek(0, os.SEEK_END)
    if not size:
        return
    file.seek(0)
    kept = file.read().rfind(b"\n") + 1
    if kept < size:
        file.truncate(kept)
    file.seek(0, os.SEEK_END)


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    with path.open("ab") as file:
        if sys.platform != "win32":
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise CheckpointInUseError(f"{path} is held by another process") from error
        yield


def _line(letter: DeadLetter) -> str:
    return json.dumps(
        {
            "format": _FORMAT,
            "sequence": letter.sequence,
            "type": letter.type,
            "error": letter.error,
            "attempts": letter.attempts,
            "time": letter.time.isoformat(),
            "messages": [base64.b64encode(message).decode() for message in letter.messages],
            "traceback": letter.traceback,
        }
    )


def _letter(fields: dict[str, Any]) -> DeadLetter:
    if fields["format"] != _FORMAT:
        raise ValueError(f"format {fields['format']} is not known")
    return DeadLetter(
        sequence=int(fields["sequence"]),
        type=fields["type"],
        messages=tuple(base64.b64decode(message) for message in fields["messages"]),
        error=fields["error"],
        traceback=fields["traceback"],
        attempts=int(fields["attempts"]),
        time=dt.datetime.fromisoformat(fields["time"]),
    )

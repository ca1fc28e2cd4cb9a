"""A file to which checkpoints are appended: on another machine's disk, or one that only grows."""

import asyncio
import datetime as dt
import json
import os
from pathlib import Path
from typing import Self
from urllib.parse import unquote, urlsplit

from ledger_client.anchor.target import AnchorError, Receipt
from ledger_client.verify import SignedCheckpoint


class FileAnchor:
    """Appends one line of JSON a checkpoint: when it was anchored, and the note."""

    def __init__(self, path: Path, target: str) -> None:
        """Append to `path`; `target` is what receipts call it."""
        self._path = path
        self._target = target

    @classmethod
    def at(cls, url: str) -> Self:
        """Return the anchor of a URL `file:PATH` or `file:///PATH`.

        Raises:
            ValueError: it names another host, or no path.
        """
        parts = urlsplit(url)
        if parts.netloc or not parts.path or parts.query or parts.fragment:
            raise ValueError(f"{url} is not file:PATH or file:///PATH")
        return cls(Path(unquote(parts.path)), url)

    async def submit(self, checkpoint: SignedCheckpoint) -> Receipt:
        """Append the checkpoint; it is on disk when this returns."""
        moment = dt.datetime.now(dt.UTC).isoformat(timespec="milliseconds")
        line = json.dumps({"anchor_time": moment, "note": checkpoint.note}, ensure_ascii=False)
        try:
            end = await asyncio.to_thread(self._append, f"{line}\n".encode())
        except OSError as error:
            raise AnchorError(f"{self._path}: {error.strerror}") from error
        return Receipt(self._target, f"{end} bytes")

    async def close(self) -> None:
        """Nothing is held."""

    def _append(self, line: bytes) -> int:
        """Add a line in one write, and return where the file ends."""
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            written = os.write(file, line)
            if written != len(line):
                # What is there of it ends no line: the next one would be glued to it.
                os.write(file, b"\n")
                raise OSError(0, "only a part of the line could be written")
            os.fsync(file)
            return os.lseek(file, 0, os.SEEK_END)
        finally:
            os.close(file)

"""The hashes of all leaves seen, in a file: 32 bytes an event, so that memory stays small."""

import tempfile
from collections.abc import Iterator
from typing import Final, Self

from ledger_client.verify.merkle import HASH_BYTES, Frontier

#: Hashes read at a time.
_CHUNK: Final = 4_096


class Leaves:
    """The leaves from a place on; the file goes with the object."""

    def __init__(self, first: int = 0) -> None:
        """Begin with the leaf of index `first`."""
        self.first = first
        self.end = first
        self._file = tempfile.TemporaryFile(prefix="ledger-leaves-")  # noqa: SIM115  # closed below

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Delete the file."""
        self._file.close()

    def append(self, leaf: bytes) -> None:
        """Add the hash of the next leaf. All are added before any is read."""
        self._file.write(leaf)
        self.end += 1

    def read(self, begin: int, end: int) -> Iterator[bytes]:
        """Give the hashes of the leaves in [begin, end)."""
        assert self.first <= begin <= end <= self.end, "leaves that were not seen"
        self._file.seek((begin - self.first) * HASH_BYTES)
        while begin < end:
            count = min(_CHUNK, end - begin)
            chunk = self._file.read(count * HASH_BYTES)
            assert len(chunk) == count * HASH_BYTES, "the file of leaves is cut off"
            for place in range(0, len(chunk), HASH_BYTES):
                yield chunk[place : place + HASH_BYTES]
            begin += count

    def root(self, begin: int, end: int) -> bytes:
        """Return the root over the leaves in [begin, end), at least one."""
        frontier = Frontier()
        for leaf in self.read(begin, end):
            frontier.append(leaf)
        return frontier.root()

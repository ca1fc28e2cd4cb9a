"""The Merkle tree of RFC 6962 over the events of a journal: what is hashed, and what proves what.

A subtree is named by the leaves under it, from a start up to and not including an end. One is
perfect if it has a power of two of leaves and begins at a multiple of that: then it never changes,
whatever is appended. Every other subtree is made of perfect ones, the larger before the smaller.
"""

import hashlib
from collections.abc import Sequence
from typing import Final, NamedTuple
from uuid import UUID

#: Version of the form of a leaf; its first byte.
LEAF_FORM: Final = b"\x01"
LEAF_BYTES: Final = 97
HASH_BYTES: Final = 32
#: Stands for the digest of a personal part where there is none.
NOTHING_PERSONAL: Final = bytes(HASH_BYTES)
#: What is hashed of a tree without leaves.
EMPTY_ROOT: Final = hashlib.sha256().digest()

_LEAF: Final = b"\x00"
_NODE: Final = b"\x01"


class Subtree(NamedTuple):
    """Leaves `start` to `end` - 1, counted from 0."""

    start: int
    end: int

    @property
    def size(self) -> int:
        """Leaves in it."""
        return self.end - self.start


def leaf(
    journal_id: UUID,
    sequence: int,
    recorded_us: int,
    open_digest: bytes,
    personal_digest: bytes = NOTHING_PERSONAL,
) -> bytes:
    """Return the leaf of an event: 97 bytes, as docs/proofs.md has them.

    Args:
        journal_id: the public one.
        sequence: from 1.
        recorded_us: microseconds since 1970-01-01T00:00:00Z.
        open_digest: SHA-256 of the open part.
        personal_digest: SHA-256 of the personal part.
    """
    return b"".join(
        (
            LEAF_FORM,
            journal_id.bytes,
            sequence.to_bytes(8, "big"),
            recorded_us.to_bytes(8, "big", signed=True),
            open_digest,
            personal_digest,
        )
    )


def leaf_hash(of_leaf: bytes) -> bytes:
    """Return the hash of a leaf."""
    return hashlib.sha256(_LEAF + of_leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(_NODE + left + right).digest()


def perfect_root(hashes: Sequence[bytes]) -> bytes:
    """Return the root over the hashes of a power of two of equal subtrees side by side."""
    row = hashes
    while len(row) > 1:
        row = [node_hash(row[place], row[place + 1]) for place in range(0, len(row), 2)]
    return row[0]


def joined_root(roots: Sequence[bytes]) -> bytes:
    """Return the root over perfect subtrees that follow each other, the larger before the smaller.

    Args:
        roots: of `perfect_parts` of a subtree, in order; none for an empty tree.
    """
    if not roots:
        return EMPTY_ROOT
    root = roots[-1]
    for left in reversed(roots[:-1]):
        root = node_hash(left, root)
    return root


def perfect_parts(subtree: Subtree) -> list[Subtree]:
    """Return the perfect subtrees that `subtree` is made of, in order."""
    parts = []
    start = subtree.start
    for bit in range(subtree.size.bit_length() - 1, -1, -1):
        size = 1 << bit
        if subtree.size & size:
            parts.append(Subtree(start, start + size))
            start += size
    return parts


def inclusion_path(index: int, size: int) -> list[Subtree]:
    """Return the subtrees whose roots prove that leaf `index` is in the tree of `size` leaves.

    From the leaf's sibling upwards: PATH of RFC 6962, 2.1.1.
    """
    assert 0 <= index < size, f"leaf {index} is not in a tree of {size}"
    path: list[Subtree] = []
    start, end = 0, size
    while end - start > 1:
        middle = start + _split(end - start)
        if index < middle:
            path.append(Subtree(middle, end))
            end = middle
        else:
            path.append(Subtree(start, middle))
            start = middle
    return path[::-1]


def consistency_path(older: int, newer: int) -> list[Subtree]:
    """Return the subtrees whose roots prove that the tree of `older` leaves begins that of `newer`.

    PROOF of RFC 6962, 2.1.2.
    """
    assert 0 < older <= newer, f"a tree of {older} does not begin one of {newer}"
    path: list[Subtree] = []
    start, end = 0, newer
    # Ends at the right edge of the older tree. Its last subtree is left out if it is all of the
    # older tree, which the asker has.
    while older < end:
        middle = start + _split(end - start)
        if older <= middle:
            path.append(Subtree(middle, end))
            end = middle
        else:
            path.append(Subtree(start, middle))
            start = middle
    if start:
        path.append(Subtree(start, end))
    return path[::-1]


def root_of_inclusion(index: int, size: int, hash_of_leaf: bytes, path: Sequence[bytes]) -> bytes:
    """Return the root that an inclusion proof leads to."""
    root = hash_of_leaf
    for subtree, sibling in zip(inclusion_path(index, size), path, strict=True):
        root = node_hash(root, sibling) if index < subtree.start else node_hash(sibling, root)
    return root


def _split(size: int) -> int:
    """Return the leaves of the left subtree: the largest power of two below `size`."""
    return 1 << ((size - 1).bit_length() - 1)

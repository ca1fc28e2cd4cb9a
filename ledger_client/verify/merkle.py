"""The Merkle tree of RFC 6962, written anew: a verifier shares no code with what it checks."""

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

HASH_BYTES: Final = 32
#: Root of the tree without leaves.
EMPTY_ROOT: Final = hashlib.sha256().digest()


def leaf_hash(leaf: bytes) -> bytes:
    """Return the hash of a leaf's bytes."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Frontier:
    """A tree of which only the roots of its full subtrees are kept, the largest first."""

    def __init__(self, size: int = 0, peaks: Iterable[bytes] = ()) -> None:
        """Begin with the tree of `size` leaves.

        Args:
            size: how many leaves.
            peaks: a hash for each bit that is set in `size`, the highest first.

        Raises:
            ValueError: the number of peaks is not that of the bits, or one is not a hash.
        """
        self.size = size
        self.peaks = list(peaks)
        if len(self.peaks) != size.bit_count():
            raise ValueError(f"{len(self.peaks)} peaks for a tree of {size} leaves")
        if any(len(peak) != HASH_BYTES for peak in self.peaks):
            raise ValueError(f"a peak is not {HASH_BYTES} bytes long")

    def append(self, leaf: bytes) -> None:
        """Add the hash of a leaf."""
        peaks, size, node = self.peaks, self.size, leaf
        while size & 1:
            node = hashlib.sha256(b"\x01" + peaks.pop() + node).digest()
            size >>= 1
        peaks.append(node)
        self.size += 1

    def root(self) -> bytes:
        """Return the root of all leaves so far."""
        if not self.peaks:
            return EMPTY_ROOT
        node = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            node = node_hash(peak, node)
        return node


def root_of(leaves: Iterable[bytes]) -> bytes:
    """Return the root over hashes of leaves."""
    frontier = Frontier()
    for leaf in leaves:
        frontier.append(leaf)
    return frontier.root()


def split_point(size: int) -> int:
    """Return how many of `size` leaves, at least two, stand below the root's left child."""
    assert size >= 2, "a leaf has no children"
    return 1 << ((size - 1).bit_length() - 1)


def path_length(index: int, size: int) -> int:
    """Return how many hashes lead from a leaf to the root of a tree of `size` leaves."""
    length = 0
    while size > 1:
        left = split_point(size)
        index, size = (index, left) if index < left else (index - left, size - left)
        length += 1
    return length


def root_from_inclusion(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root that an audit path leads to.

    Args:
        leaf: hash of the leaf.
        index: its place, from 0.
        size: leaves of the tree.
        path: from the leaf's sibling upwards.

    Raises:
        ValueError: the path is not of the length that the place asks for.
    """
    if not 0 <= index < size:
        raise ValueError(f"a tree of {size} leaves has none at {index}")
    node, last = leaf, size - 1
    for sibling in path:
        if last == 0:
            raise ValueError("the path is too long")
        if index & 1 or index == last:
            node = node_hash(sibling, node)
            while not index & 1 and index:
                index, last = index >> 1, last >> 1
        else:
            node = node_hash(node, sibling)
        index, last = index >> 1, last >> 1
    if last != 0:
        raise ValueError("the path is too short")
    return node


def frontier_from_last(leaf: bytes, size: int, path: Sequence[bytes]) -> Frontier:
    """Return the full subtrees of a tree, which the audit path of its last leaf holds.

    They are worth believing once they have been seen to give the tree's root.

    Args:
        leaf: hash of the last leaf.
        size: leaves of the tree, at least one.
        path: from that leaf's sibling upwards.

    Raises:
        ValueError: the path is not of the length that the place asks for.
    """
    inside = (size & -size).bit_length() - 1
    node = leaf
    for sibling in path[:inside]:
        node = node_hash(sibling, node)
    return Frontier(size, [*reversed(path[inside:]), node])


def is_consistent(
    from_size: int, from_root: bytes, to_size: int, to_root: bytes, path: Sequence[bytes]
) -> bool:
    """Tell whether a proof shows that the older tree is the beginning of the newer.

    Args:
        from_size: leaves of the older tree, at least 1.
        from_root: its root.
        to_size: leaves of the newer tree.
        to_root: its root.
        path: as RFC 6962 has it.
    """
    if not 1 <= from_size <= to_size:
        return False
    if from_size == to_size:
        return not path and from_root == to_root
    try:
        peaks = old_peaks(from_size, from_root, to_size, path)
    except ValueError:
        return False
    if Frontier(from_size, peaks).root() != from_root:
        return False
    return _grown(from_size, from_root, to_size, path) == to_root


def old_peaks(from_size: int, from_root: bytes, to_size: int, path: Sequence[bytes]) -> list[bytes]:
    """Return the full subtrees of the older tree that a consistency proof holds.

    They are what the older tree can be grown from, once they have been seen to give its root.

    Raises:
        ValueError: the proof is not of the length that the sizes ask for.
    """
    turns = _turns(from_size, to_size)
    rest = list(path)
    # The subtree at which the two trees part: given, or the older root itself if it is full.
    first = from_root if from_size.bit_count() == 1 else _first(rest)
    if len(rest) != len(turns):
        raise ValueError("the proof has a wrong length")
    siblings = [node for turn, node in zip(reversed(turns), rest, strict=True) if turn]
    return [*reversed(siblings), first]


def _grown(from_size: int, from_root: bytes, to_size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of the newer tree that a proof of the right length leads to."""
    rest = list(path)
    node = from_root if from_size.bit_count() == 1 else _first(rest)
    for went_right, sibling in zip(reversed(_turns(from_size, to_size)), rest, strict=True):
        node = node_hash(sibling, node) if went_right else node_hash(node, sibling)
    return node


def _turns(from_size: int, to_size: int) -> list[bool]:
    """Return the way from the newer root to where the older tree ends: True for each right."""
    turns = []
    while from_size < to_size:
        left = split_point(to_size)
        if from_size <= left:
            to_size = left
            turns.append(False)
        else:
            from_size, to_size = from_size - left, to_size - left
            turns.append(True)
    return turns


def _first(path: list[bytes]) -> bytes:
    if not path:
        raise ValueError("the proof is empty")
    return path.pop(0)

"""The Merkle tree as RFC 6962 defines it, word for word: slow, and plainly right."""

import hashlib
from collections.abc import Sequence


def leaf_of(data: bytes) -> bytes:
    return hashlib.sha256(b"\x00" + data).digest()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """MTH(D[n]) over hashes of leaves."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    k = _k(len(leaves))
    return hashlib.sha256(b"\x01" + tree_root(leaves[:k]) + tree_root(leaves[k:])).digest()


def inclusion_path(index: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PATH(m, D[n])."""
    if len(leaves) == 1:
        return []
    k = _k(len(leaves))
    if index < k:
        return [*inclusion_path(index, leaves[:k]), tree_root(leaves[k:])]
    return [*inclusion_path(index - k, leaves[k:]), tree_root(leaves[:k])]


def consistency_path(size: int, leaves: Sequence[bytes]) -> list[bytes]:
    """PROOF(m, D[n])."""
    return _subproof(size, leaves, is_old=True)


def _subproof(size: int, leaves: Sequence[bytes], *, is_old: bool) -> list[bytes]:
    if size == len(leaves):
        return [] if is_old else [tree_root(leaves)]
    k = _k(len(leaves))
    if size <= k:
        return [*_subproof(size, leaves[:k], is_old=is_old), tree_root(leaves[k:])]
    return [*_subproof(size - k, leaves[k:], is_old=False), tree_root(leaves[:k])]


def _k(count: int) -> int:
    k = 1
    while 2 * k < count:
        k *= 2
    return k

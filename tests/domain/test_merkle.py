"""The tree against RFC 6962's own recursive definitions, written down as they stand there."""

import hashlib
import uuid

from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.merkle import (
    EMPTY_ROOT,
    LEAF_BYTES,
    Subtree,
    consistency_path,
    inclusion_path,
    joined_root,
    leaf,
    leaf_hash,
    perfect_parts,
    perfect_root,
    root_of_inclusion,
)

DIGESTS = st.binary(min_size=32, max_size=32)


def sha256(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def split(count: int) -> int:
    """The largest power of two smaller than `count`."""
    power = 1
    while power * 2 < count:
        power *= 2
    return power


def mth(data: list[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if not data:
        return sha256(b"")
    if len(data) == 1:
        return sha256(b"\x00" + data[0])
    k = split(len(data))
    return sha256(b"\x01" + mth(data[:k]) + mth(data[k:]))


def path(m: int, data: list[bytes]) -> list[bytes]:
    """RFC 6962, 2.1.1."""
    if len(data) == 1:
        return []
    k = split(len(data))
    if m < k:
        return [*path(m, data[:k]), mth(data[k:])]
    return [*path(m - k, data[k:]), mth(data[:k])]


def subproof(m: int, data: list[bytes], whole: bool) -> list[bytes]:
    """RFC 6962, 2.1.2."""
    if m == len(data):
        return [] if whole else [mth(data)]
    k = split(len(data))
    if m <= k:
        return [*subproof(m, data[:k], whole), mth(data[k:])]
    return [*subproof(m - k, data[k:], False), mth(data[:k])]


def events(count: int) -> list[bytes]:
    return [bytes([number % 256, number // 256]) for number in range(count)]


def root_of(data: list[bytes], subtree: Subtree) -> bytes:
    """The root as the server computes it."""
    hashes = [leaf_hash(one) for one in data]
    parts = perfect_parts(subtree)
    assert all(part.size.bit_count() == 1 and part.start % part.size == 0 for part in parts)
    return joined_root([perfect_root(hashes[part.start : part.end]) for part in parts])


@given(st.integers(0, 300))
def test_the_root_is_that_of_the_definition(count: int) -> None:
    data = events(count)
    assert root_of(data, Subtree(0, count)) == mth(data)


def test_the_empty_tree_has_its_root() -> None:
    assert joined_root([]) == EMPTY_ROOT == mth([])


@given(st.integers(1, 200), st.data())
def test_an_inclusion_proof_is_that_of_the_definition(count: int, draw: st.DataObject) -> None:
    data = events(count)
    index = draw.draw(st.integers(0, count - 1))
    proof = [root_of(data, subtree) for subtree in inclusion_path(index, count)]
    assert proof == path(index, data)
    assert root_of_inclusion(index, count, leaf_hash(data[index]), proof) == mth(data)


@given(st.integers(2, 200), st.data())
def test_another_leaf_or_path_leads_to_another_root(count: int, draw: st.DataObject) -> None:
    data = events(count)
    index = draw.draw(st.integers(0, count - 1))
    proof = path(index, data)
    assert root_of_inclusion(index, count, leaf_hash(b"else"), proof) != mth(data)
    place = draw.draw(st.integers(0, len(proof) - 1))
    proof[place] = sha256(proof[place])
    assert root_of_inclusion(index, count, leaf_hash(data[index]), proof) != mth(data)


@given(st.integers(1, 200), st.data())
def test_a_consistency_proof_is_that_of_the_definition(newer: int, draw: st.DataObject) -> None:
    data = events(newer)
    older = draw.draw(st.integers(1, newer))
    proof = [root_of(data, subtree) for subtree in consistency_path(older, newer)]
    assert proof == subproof(older, data, True)


@given(st.uuids(), st.integers(1, 2**63 - 1), st.integers(-(2**63), 2**63 - 1), DIGESTS, DIGESTS)
def test_a_leaf_has_a_fixed_form(
    journal: uuid.UUID, sequence: int, recorded: int, open_digest: bytes, personal_digest: bytes
) -> None:
    made = leaf(journal, sequence, recorded, open_digest, personal_digest)
    assert len(made) == LEAF_BYTES
    assert made[0] == 1
    assert uuid.UUID(bytes=made[1:17]) == journal
    assert int.from_bytes(made[17:25]) == sequence
    assert int.from_bytes(made[25:33], signed=True) == recorded
    assert made[33:] == open_digest + personal_digest


def test_a_leaf_without_personal_part_says_so() -> None:
    assert leaf(uuid.uuid4(), 1, 0, b"\x01" * 32).endswith(bytes(32))

"""The verifier's tree against the definition of RFC 6962."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.verify import merkle
from tests.verify.naive_tree import consistency_path, inclusion_path, leaf_of, tree_root

LEAVES = [leaf_of(bytes([number])) for number in range(130)]

sizes = st.integers(1, len(LEAVES))


@st.composite
def leaf_and_size(draw: st.DrawFn) -> tuple[int, int]:
    size = draw(sizes)
    return draw(st.integers(0, size - 1)), size


@st.composite
def two_sizes(draw: st.DrawFn) -> tuple[int, int]:
    newer = draw(sizes)
    return draw(st.integers(1, newer)), newer


def test_hashes_are_those_of_the_rfc() -> None:
    """The two roots that the certificate-transparency projects test with."""
    assert merkle.root_of([]).hex() == (
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    )
    assert merkle.leaf_hash(b"").hex() == (
        "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    )


@given(st.integers(0, len(LEAVES)))
def test_root(size: int) -> None:
    assert merkle.root_of(LEAVES[:size]) == tree_root(LEAVES[:size])


@given(leaf_and_size())
def test_inclusion(place: tuple[int, int]) -> None:
    index, size = place
    path = inclusion_path(index, LEAVES[:size])
    assert merkle.path_length(index, size) == len(path)
    assert merkle.root_from_inclusion(LEAVES[index], index, size, path) == tree_root(LEAVES[:size])


@given(leaf_and_size(), st.data())
def test_a_changed_inclusion_proof_leads_elsewhere(
    place: tuple[int, int], data: st.DataObject
) -> None:
    """Another leaf, another hash on the way, a longer or shorter way, another place."""
    index, size = place
    path = inclusion_path(index, LEAVES[:size])
    root = tree_root(LEAVES[:size])
    wrong = leaf_of(b"wrong")
    tries = [(wrong, index, path), (LEAVES[index], index, [*path, wrong])]
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        tries += [
            (LEAVES[index], index, [*path[:at], wrong, *path[at + 1 :]]),
            (LEAVES[index], index, path[:-1]),
        ]
    other = data.draw(st.integers(0, size - 1).filter(lambda one: one != index)) if path else None
    if other is not None:
        tries.append((LEAVES[index], other, path))
    for leaf, at_index, way in tries:
        try:
            found = merkle.root_from_inclusion(leaf, at_index, size, way)
        except ValueError:
            continue
        assert found != root


@given(two_sizes())
def test_consistency(place: tuple[int, int]) -> None:
    older, newer = place
    path = consistency_path(older, LEAVES[:newer])
    old_root, new_root = tree_root(LEAVES[:older]), tree_root(LEAVES[:newer])
    assert merkle.is_consistent(older, old_root, newer, new_root, path)
    if older < newer:
        peaks = merkle.old_peaks(older, old_root, newer, path)
        grown = merkle.Frontier(older, peaks)
        for leaf in LEAVES[older:newer]:
            grown.append(leaf)
        assert grown.root() == new_root


@given(two_sizes(), st.data())
def test_a_changed_consistency_proof_shows_nothing(
    place: tuple[int, int], data: st.DataObject
) -> None:
    older, newer = place
    path = consistency_path(older, LEAVES[:newer])
    old_root, new_root = tree_root(LEAVES[:older]), tree_root(LEAVES[:newer])
    wrong = leaf_of(b"wrong")
    assert not merkle.is_consistent(older, wrong, newer, new_root, path)
    assert not merkle.is_consistent(older, old_root, newer, wrong, path)
    assert not merkle.is_consistent(older, old_root, newer, new_root, [*path, wrong])
    if path:
        at = data.draw(st.integers(0, len(path) - 1))
        changed = [*path[:at], wrong, *path[at + 1 :]]
        assert not merkle.is_consistent(older, old_root, newer, new_root, changed)
        assert not merkle.is_consistent(older, old_root, newer, new_root, path[:-1])


def test_sizes_that_no_proof_can_have() -> None:
    root = tree_root(LEAVES[:3])
    assert not merkle.is_consistent(0, root, 3, root, [])
    assert not merkle.is_consistent(4, root, 3, root, [])
    with pytest.raises(ValueError, match="has none at 3"):
        merkle.root_from_inclusion(LEAVES[0], 3, 3, [])
    with pytest.raises(ValueError, match="1 peaks for a tree of 3 leaves"):
        merkle.Frontier(3, [root])


@given(sizes)
def test_the_last_leafs_path_gives_what_the_tree_grows_from(size: int) -> None:
    path = inclusion_path(size - 1, LEAVES[:size])
    frontier = merkle.frontier_from_last(LEAVES[size - 1], size, path)
    assert frontier.root() == tree_root(LEAVES[:size])
    frontier.append(LEAVES[0])
    assert frontier.root() == tree_root([*LEAVES[:size], LEAVES[0]])

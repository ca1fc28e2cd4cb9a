"""Which event was changed: found by signed checkpoints in between, and by the server's tree."""

import uuid

import grpc
from hypothesis import given
from hypothesis import strategies as st

from ledger_client import InclusionProof, ServerError
from ledger_client.verify import SignedCheckpoint
from ledger_client.verify.leaves import Leaves
from ledger_client.verify.locating import AskProof, descend, narrow
from ledger_client.verify.merkle import Frontier
from tests.own_loop import run_sync
from tests.verify.naive_tree import inclusion_path, leaf_of, tree_root
from tests.verify.signing import Signer

SIGNED = [leaf_of(bytes([number])) for number in range(70)]
CHANGED = leaf_of(b"changed")
SIGNER = Signer()


def checkpoint(size: int) -> SignedCheckpoint:
    note = SIGNER.sign(f"ledger/{uuid.UUID(int=1)}", size, tree_root(SIGNED[:size]))
    return SignedCheckpoint.parse(note)


def seen(leaves: Leaves, size: int, changed: set[int]) -> None:
    """Put down the leaves as the verifier saw them."""
    for index in range(leaves.first, size):
        leaves.append(CHANGED if index in changed else SIGNED[index])


def asking(changed: set[int], *, knows: bool) -> AskProof:
    """A server that has the hashes it signed, or none but of what is stored now.

    Either way it proves nothing of an event that is not the one that was signed.
    """

    async def ask(sequence: int, tree_size: int) -> InclusionProof:
        if sequence - 1 in changed:
            raise ServerError("TREE_INCONSISTENT", "no", status=grpc.StatusCode.DATA_LOSS)
        tree = SIGNED[:tree_size]
        if not knows:
            tree = [CHANGED if index in changed else leaf for index, leaf in enumerate(tree)]
        path = tuple(inclusion_path(sequence - 1, tree))
        return InclusionProof(
            sequence=sequence, tree_size=tree_size, leaf=b"", path=path, root=b"", event=b""
        )

    return ask


@st.composite
def damages(draw: st.DrawFn) -> tuple[int, set[int]]:
    """A size, and which leaves of it were changed."""
    size = draw(st.integers(1, len(SIGNED)))
    return size, draw(st.sets(st.integers(0, size - 1), min_size=1, max_size=3))


@given(damages())
def test_the_tree_shows_which_leaf_it_is(damage: tuple[int, set[int]]) -> None:
    size, changed = damage
    with Leaves() as leaves:
        seen(leaves, size, changed)
        begin, end = run_sync(
            lambda: descend(checkpoint(size), leaves, asking(changed, knows=True))
        )
    assert changed & set(range(begin, end)), "what is named holds a changed leaf"
    if len(changed) == 1:
        assert {begin} == changed
        assert end == begin + 1


@given(damages())
def test_what_cannot_be_shown_is_not_said(damage: tuple[int, set[int]]) -> None:
    """A server that hashes what was changed shows nothing: the whole range stays."""
    size, changed = damage
    with Leaves() as leaves:
        seen(leaves, size, changed)
        begin, end = run_sync(
            lambda: descend(checkpoint(size), leaves, asking(changed, knows=False))
        )
    assert changed & set(range(begin, end))


@given(damages(), st.sets(st.integers(1, len(SIGNED)), max_size=5), st.integers(0, 20))
def test_checkpoints_narrow_it(damage: tuple[int, set[int]], sizes: set[int], first: int) -> None:
    size, changed = damage
    changed = {index for index in changed if index >= first}
    start = Frontier()
    for leaf in SIGNED[:first]:
        start.append(leaf)
    between = sorted(one for one in sizes | {size} if first < one)
    with Leaves(first) as leaves:
        seen(leaves, max(size, first), changed)
        fits, wrong = narrow(start, leaves, [checkpoint(one) for one in between])
    reached = [one for one in between if one <= max(size, first)]
    if changed and reached and reached[-1] > min(changed):
        assert wrong is not None
        assert wrong.size == min(one for one in reached if one > min(changed))
        assert fits == max((one for one in reached if one <= min(changed)), default=first)
    else:
        assert wrong is None

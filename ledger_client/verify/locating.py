"""Which event it is, when the events do not give the root that was signed.

The checkpoints in between, each signed, narrow it to a range. Within it the server's own tree is
walked down from the signed root: each step is believed only if its two hashes give the one above.
Where the server has nothing but what was changed to make hashes from, the range stays.
"""

from collections.abc import Awaitable, Callable, Sequence

from ledger_client.errors import LedgerError
from ledger_client.models import InclusionProof
from ledger_client.verify.leaves import Leaves
from ledger_client.verify.merkle import Frontier, node_hash, path_length, split_point
from ledger_client.verify.note import SignedCheckpoint

#: Returns the server's proof for a sequence in the tree of a size.
AskProof = Callable[[int, int], Awaitable[InclusionProof]]


def narrow(
    start: Frontier, leaves: Leaves, checkpoints: Sequence[SignedCheckpoint]
) -> tuple[int, SignedCheckpoint | None]:
    """Return the last size up to which all checkpoints fit, and the first that does not.

    Args:
        start: the tree before the first of `leaves`.
        leaves: as computed from the events.
        checkpoints: that were signed, by size, beyond the start.
    """
    tree = Frontier(start.size, start.peaks)
    fits = start.size
    for checkpoint in checkpoints:
        if checkpoint.size > leaves.end:
            break
        for leaf in leaves.read(tree.size, checkpoint.size):
            tree.append(leaf)
        if tree.root() != checkpoint.root:
            return fits, checkpoint
        fits = checkpoint.size
    return fits, None


async def descend(checkpoint: SignedCheckpoint, leaves: Leaves, ask: AskProof) -> tuple[int, int]:
    """Return the smallest range [begin, end) of leaves that is shown to hold a changed one.

    Args:
        checkpoint: whose root the leaves do not give.
        leaves: from the first on.
        ask: the server.
    """
    begin, end, above = 0, checkpoint.size, checkpoint.root
    while end - begin > 1:
        middle = begin + split_point(end - begin)
        ours = leaves.root(begin, middle), leaves.root(middle, end)
        # Each half's hash as signed stands beside the other in proofs of the other's leaves. For
        # leaves that were changed the server may have none; a half that was not is known anyhow.
        left = await _beside(ask, checkpoint.size, middle, end) or ours[0]
        right = await _beside(ask, checkpoint.size, begin, middle) or ours[1]
        if node_hash(left, right) != above:
            break
        if left != ours[0]:
            end, above = middle, left
        else:
            begin, above = middle, right
    return begin, end


async def _beside(ask: AskProof, tree_size: int, begin: int, end: int) -> bytes | None:
    """Return the hash beside the subtree of [begin, end), None if the server has none."""
    for index in {begin, end - 1}:
        try:
            proof = await ask(index + 1, tree_size)
            return proof.path[path_length(index - begin, end - begin)]
        except (LedgerError, IndexError):
            continue
    return None

"""Checkpoints as the server shows them and as they were kept: whose, of what, signed by whom."""

import dataclasses
from uuid import UUID

from ledger_client.client import LedgerClient
from ledger_client.errors import LedgerError
from ledger_client.verify.findings import Code, wrong
from ledger_client.verify.fold import Fold
from ledger_client.verify.merkle import Frontier, frontier_from_last, leaf_hash
from ledger_client.verify.note import NoteError, SignedCheckpoint, VerifierKey
from ledger_client.verify.state import Start
from ledger_client.verify.wire import TIME_IN_LEAF

#: What a server says that has no checkpoint to give; the last is one that knows of none.
_NONE_THERE = frozenset({"CHECKPOINT_UNAVAILABLE", "SIGNING_DISABLED", "UNIMPLEMENTED"})
#: What it says when it found by itself that something was changed.
_CHANGED = "TREE_INCONSISTENT"


@dataclasses.dataclass(frozen=True, slots=True)
class Shown:
    """The newest checkpoint that the server shows, and what it refused."""

    #: None if there is none.
    checkpoint: SignedCheckpoint | None
    #: Why there is none, or that the server itself found the journal changed.
    refusal: LedgerError | None

    @property
    def is_inconsistent(self) -> bool:
        """Whether the server itself says that what is stored is not what it signed."""
        return self.refusal is not None and self.refusal.reason == _CHANGED


async def newest_shown(ledger: LedgerClient, journal_id: UUID) -> Shown:
    """Return the newest checkpoint of a journal.

    Raises:
        LedgerError: the server did not answer.
        WrongError: what it shows is no checkpoint.
    """
    try:
        received = await ledger.get_checkpoint(journal_id)
    except LedgerError as refusal:
        if refusal.reason in _NONE_THERE:
            return Shown(None, refusal)
        if refusal.reason != _CHANGED:
            raise
        async for earlier in ledger.list_checkpoints(journal_id):
            return Shown(parsed(earlier.note, "of the server"), refusal)
        return Shown(None, refusal)
    return Shown(parsed(received.note, "of the server"), None)


def parsed(note: str, place: str) -> SignedCheckpoint:
    """Read a checkpoint.

    Raises:
        WrongError: it is none.
    """
    try:
        return SignedCheckpoint.parse(note)
    except NoteError as error:
        raise wrong(Code.CHECKPOINT_WRONG, f"the checkpoint {place} is none: {error}") from error


def check_checkpoint(
    checkpoint: SignedCheckpoint, journal_id: UUID, key: VerifierKey | None, place: str
) -> None:
    """Check whose a checkpoint is.

    Args:
        checkpoint: as read.
        journal_id: of which journal it should be.
        key: which key should have signed it; None does not look.
        place: where it came from, for the message.

    Raises:
        WrongError: it is of another journal, or was not signed by the key.
    """
    try:
        named = checkpoint.journal_id
    except NoteError as error:
        raise wrong(Code.CHECKPOINT_WRONG, f"the checkpoint {place}: {error}") from error
    if named != journal_id:
        raise wrong(
            Code.CHECKPOINT_WRONG,
            f"the checkpoint {place} is of journal {named}",
            expected=journal_id,
            found=named,
        )
    if key is not None and not key.has_signed(checkpoint):
        raise wrong(
            Code.SIGNATURE_WRONG,
            f"the checkpoint {place}, of {checkpoint.size} events, was not signed by the key "
            f"{key.name}",
            expected=f"a signature by {key.name}+{key.id.hex()}",
            found=", ".join(sorted({name for name, _signature in checkpoint.signatures})),
        )


async def start_at(ledger: LedgerClient, journal_id: UUID, checkpoint: SignedCheckpoint) -> Start:
    """Return a start at a checkpoint of which nothing but itself was kept.

    Its tree is taken from the proof of its last event, and is believed because it gives the root.
    What accounts stood at then is not known.

    Raises:
        WrongError: the proof does not lead to the root.
        LedgerError: the server did not answer.
    """
    if checkpoint.size == 0:
        return Start(journal_id, checkpoint, Frontier(), Fold())
    size = checkpoint.size
    proof = await ledger.get_inclusion_proof(journal_id, sequence=size, tree_size=size)
    try:
        tree = frontier_from_last(leaf_hash(proof.leaf), size, proof.path)
        is_right = tree.root() == checkpoint.root
    except ValueError:
        is_right = False
    if not is_right:
        raise wrong(
            Code.HISTORY_REWRITTEN,
            f"the server's proof of event {size} does not lead to the root of the checkpoint of "
            f"{size} events: events up to it are not those that were signed",
            sequence=size,
            expected=checkpoint.root.hex(),
        )
    time_us = int.from_bytes(proof.leaf[TIME_IN_LEAF], "big", signed=True)
    return Start(journal_id, checkpoint, tree, Fold(size, time_us, whole=False))

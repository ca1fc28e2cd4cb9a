"""Answers to those who verify: checkpoints, and what leads from an event or a tree to a root."""

import dataclasses
from collections.abc import Sequence
from uuid import UUID

from ledger_server.domain.errors import (
    CheckpointUnavailableError,
    PositionUnavailableError,
    SigningDisabledError,
    TransactionNotFoundError,
    TreeInconsistentError,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.merkle import (
    consistency_path,
    inclusion_path,
    leaf_hash,
    root_of_inclusion,
)
from ledger_server.proof.checkpointer import Signing, check_remembered_in_tx
from ledger_server.proof.remembered import RememberedError
from ledger_server.proof.tree import Log, reach, root_in_tx, roots_in_tx
from ledger_server.store import proofs
from ledger_server.store.database import Tx
from ledger_server.store.proofs import Checkpoint


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Inclusion:
    """The proof that an event is in a tree."""

    sequence: int
    tree_size: int
    leaf: bytes
    path: Sequence[bytes]
    root: bytes
    event: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Consistency:
    """The proof that a tree is the beginning of another."""

    from_size: int
    to_size: int
    path: Sequence[bytes]


async def checkpoint_in_tx(
    tx: Tx, journal: Journal, covers_sequence: int, signing: Signing | None
) -> Checkpoint:
    """Return the newest checkpoint, or the oldest whose tree holds `covers_sequence` if above 0.

    Raises:
        CheckpointUnavailableError: none does yet.
        SigningDisabledError: there is none, and this server signs none.
        TreeInconsistentError: the journal does not begin with what this server signed last.
    """
    log = _log(journal)
    if signing is not None:
        await _check_in_tx(tx, log, signing)
    newest = await proofs.newest_checkpoint_in_tx(tx, journal.id)
    if newest is None and signing is None:
        raise SigningDisabledError
    if not covers_sequence and newest is not None:
        return newest
    found = await proofs.covering_checkpoint_in_tx(tx, journal.id, covers_sequence)
    if found is None:
        raise CheckpointUnavailableError(covers_sequence, newest.size if newest else 0)
    return found


async def inclusion_in_tx(
    tx: Tx, journal: Journal, subject: UUID | int, tree_size: int
) -> Inclusion:
    """Return the proof that an event is in the tree of a size.

    Args:
        tx: an open transaction.
        journal: whose event it is.
        subject: id of its transaction, or its sequence.
        tree_size: 0 takes that of the newest checkpoint, or of the tree as it stands if none was
            ever signed.

    Raises:
        PositionUnavailableError: the tree is not there yet, or does not hold the event.
        TransactionNotFoundError: there is no such transaction.
        TreeInconsistentError: the event is not the one that the tree was made of.
    """
    sequence = await _sequence_in_tx(tx, journal, subject)
    state = await proofs.tree_in_tx(tx, journal.id)
    size = tree_size or state.signed_size or reach(state)
    if size > reach(state):
        raise PositionUnavailableError(size, reach(state))
    if sequence > size:
        raise PositionUnavailableError(sequence, size)
    log = _log(journal)
    stored = await proofs.leaf_in_tx(tx, journal.id, journal.public_id, sequence)
    if stored is None:
        raise TreeInconsistentError(size)
    path = await roots_in_tx(tx, log, inclusion_path(sequence - 1, size))
    root = root_of_inclusion(sequence - 1, size, leaf_hash(stored.leaf), path)
    signed = await proofs.checkpoint_of_size_in_tx(tx, journal.id, size)
    expected = signed.root if signed is not None else await root_in_tx(tx, log, size)
    if root != expected:
        raise TreeInconsistentError(size)
    return Inclusion(
        sequence=sequence,
        tree_size=size,
        leaf=stored.leaf,
        path=path,
        root=root,
        event=stored.event,
    )


async def consistency_in_tx(tx: Tx, journal: Journal, from_size: int, to_size: int) -> Consistency:
    """Return the proof that the tree of `from_size` events begins that of `to_size`.

    A `to_size` of 0 takes the newest checkpoint's, or the tree as it stands if none was signed.

    Raises:
        PositionUnavailableError: one of the trees is not there yet, or the older is the larger.
        TreeInconsistentError: an event is missing.
    """
    state = await proofs.tree_in_tx(tx, journal.id)
    newer = to_size or state.signed_size or reach(state)
    if newer > reach(state):
        raise PositionUnavailableError(newer, reach(state))
    if from_size > newer:
        raise PositionUnavailableError(from_size, newer)
    path = await roots_in_tx(tx, _log(journal), consistency_path(from_size, newer))
    return Consistency(from_size=from_size, to_size=newer, path=path)


async def _sequence_in_tx(tx: Tx, journal: Journal, subject: UUID | int) -> int:
    if isinstance(subject, int):
        return subject
    sequence = await proofs.sequence_of_in_tx(tx, journal.id, subject)
    if sequence is None:
        raise TransactionNotFoundError(str(subject))
    return sequence


async def _check_in_tx(tx: Tx, log: Log, signing: Signing) -> None:
    try:
        await check_remembered_in_tx(tx, log, signing)
    except RememberedError as error:
        # Nothing says that what is stored is what was signed.
        raise TreeInconsistentError(0) from error


def _log(journal: Journal) -> Log:
    return Log(journal.id, journal.public_id)

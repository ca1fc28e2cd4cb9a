"""The Merkle tree and its checkpoints as they are stored, and the events as leaves."""

import dataclasses
import hashlib
from collections.abc import Collection, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import UUID

from ledger_server.domain.merkle import HASH_BYTES, NOTHING_PERSONAL, leaf
from ledger_server.domain.primitives import JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("proofs")

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)
#: The first bytes of a personal part that was erased: tag and length of the digest.
_ERASED: Final = b"\x2a\x20"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TreeState:
    """How far a journal, its tiles and its checkpoints go."""

    head_sequence: int
    #: Full tiles of 256 leaves, without gaps from the first.
    tiles: int
    #: Of the newest checkpoint, 0 if there is none.
    signed_size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Grown:
    """A journal whose head moved."""

    journal_id: JournalId
    public_id: UUID
    state: TreeState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Tile:
    """The hashes of 256 neighbours in the tree, and the root over them."""

    level: int
    index: int
    root: bytes
    hashes: bytes


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed root."""

    size: int
    root: bytes
    note: str
    verifier_key: str
    signed_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StoredLeaf:
    """A leaf, and the bytes of the event that it is made of."""

    leaf: bytes
    event: bytes


async def grown_since_in_tx(tx: Tx, since: datetime) -> tuple[list[Grown], datetime]:
    """Return the journals whose head moved since a moment, and the moment now."""
    rows = await tx.fetch(_SQL["grown"], since)
    found = [
        Grown(
            journal_id=JournalId(row["journal_id"]),
            public_id=row["public_id"],
            state=_state(row),
        )
        for row in rows
    ]
    return found, rows[0]["now"] if rows else since


async def try_lock_tree_in_tx(tx: Tx, journal_id: JournalId) -> bool:
    """Take the tree of a journal until `tx` ends; False if another server has it."""
    row = await tx.fetch_one(_SQL["lock_tree"], journal_id)
    assert row is not None, "a statement without a table gives a row"
    locked: bool = row["locked"]
    return locked


async def tree_in_tx(tx: Tx, journal_id: JournalId) -> TreeState:
    """Return how far the tree goes now."""
    row = await tx.fetch_one(_SQL["tree"], journal_id)
    assert row is not None, f"journal {journal_id} has no head"
    return _state(row)


async def leaf_hashes_in_tx(
    tx: Tx, journal_id: JournalId, public_id: UUID, start: int, end: int
) -> bytes | None:
    """Return the hashes of leaves `start` to `end` - 1, joined; None if some are not there."""
    row = await tx.fetch_one(_SQL["leaf_hashes"], journal_id, public_id, start, end)
    assert row is not None, "an aggregate gives a row"
    hashes: bytes = row["hashes"]
    return hashes if len(hashes) == HASH_BYTES * (end - start) else None


async def insert_tiles_in_tx(tx: Tx, journal_id: JournalId, tiles: Sequence[Tile]) -> None:
    """Keep full tiles."""
    await tx.execute(
        _SQL["insert_tiles"],
        journal_id,
        [tile.level for tile in tiles],
        [tile.index for tile in tiles],
        [tile.root for tile in tiles],
        [tile.hashes for tile in tiles],
    )


async def tile_roots_in_tx(
    tx: Tx, journal_id: JournalId, wanted: Iterable[tuple[int, int, int]]
) -> dict[tuple[int, int], bytes]:
    """Return the roots of tiles, by level and index.

    Args:
        tx: an open transaction.
        journal_id: whose.
        wanted: level, first index, and the index after the last, of each row of tiles.
    """
    levels, firsts, ends = zip(*wanted, strict=True)
    rows = await tx.fetch(_SQL["tile_roots"], journal_id, levels, firsts, ends)
    return {(row["level"], row["tile_index"]): row["root"] for row in rows}


async def tile_hashes_in_tx(
    tx: Tx, journal_id: JournalId, indexes: Collection[int]
) -> dict[int, bytes]:
    """Return the leaf hashes of those tiles of level 0 that are there, by index."""
    rows = await tx.fetch(_SQL["tile_hashes"], journal_id, list(indexes))
    return {row["tile_index"]: row["hashes"] for row in rows}


async def insert_checkpoint_in_tx(
    tx: Tx, journal_id: JournalId, size: int, root: bytes, *, note: str, verifier_key: str
) -> None:
    """Keep what was signed."""
    await tx.execute(_SQL["insert_checkpoint"], journal_id, size, root, note, verifier_key)


async def newest_checkpoint_in_tx(tx: Tx, journal_id: JournalId) -> Checkpoint | None:
    """Return the newest checkpoint."""
    return _checkpoint(await tx.fetch_one(_SQL["newest_checkpoint"], journal_id))


async def covering_checkpoint_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int
) -> Checkpoint | None:
    """Return the oldest checkpoint whose tree holds the event with this sequence."""
    return _checkpoint(await tx.fetch_one(_SQL["covering_checkpoint"], journal_id, sequence))


async def checkpoint_of_size_in_tx(tx: Tx, journal_id: JournalId, size: int) -> Checkpoint | None:
    """Return the checkpoint over so many events."""
    return _checkpoint(await tx.fetch_one(_SQL["checkpoint_of_size"], journal_id, size))


async def list_checkpoints_in_tx(
    tx: Tx, journal_id: JournalId, below: int, limit: int
) -> list[Checkpoint]:
    """Return up to `limit` checkpoints over fewer than `below` events, the newest first."""
    rows = await tx.fetch(_SQL["list_checkpoints"], journal_id, below, limit)
    return [Checkpoint(**row) for row in rows]


async def leaf_in_tx(
    tx: Tx, journal_id: JournalId, public_id: UUID, sequence: int
) -> StoredLeaf | None:
    """Return the leaf of an event, made of the event as it stands."""
    row = await tx.fetch_one(_SQL["event"], journal_id, sequence)
    if row is None:
        return None
    payload: bytes = row["payload"]
    personal: bytes = row["personal"] or b""
    return StoredLeaf(
        leaf=leaf(
            public_id,
            sequence,
            (row["recorded_at"] - _EPOCH) // _MICROSECOND,
            hashlib.sha256(payload).digest(),
            _personal_digest(personal),
        ),
        event=payload + personal,
    )


async def sequence_of_in_tx(tx: Tx, journal_id: JournalId, transaction_id: UUID) -> int | None:
    """Return the sequence of a transaction."""
    row = await tx.fetch_one(_SQL["sequence_of_transaction"], journal_id, transaction_id)
    return row["sequence"] if row else None


def _personal_digest(personal: bytes) -> bytes:
    if not personal:
        return NOTHING_PERSONAL
    if personal.startswith(_ERASED):
        return personal[len(_ERASED) :]
    return hashlib.sha256(personal).digest()


def _state(row: Row) -> TreeState:
    return TreeState(
        head_sequence=row["sequence"], tiles=row["tiles"], signed_size=row["signed_size"]
    )


def _checkpoint(row: Row | None) -> Checkpoint | None:
    return Checkpoint(**row) if row else None

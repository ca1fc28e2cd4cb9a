"""The tree of a journal: extended by full tiles, and the root of any part of it.

A node of the tree 8 k levels above the leaves is the root of a tile of level k - 1. So what lies
between is computed from at most 255 neighbours, and what lies beyond the last full tile from its
events.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.errors import TreeInconsistentError
from ledger_server.domain.merkle import (
    HASH_BYTES,
    Subtree,
    joined_root,
    perfect_parts,
    perfect_root,
)
from ledger_server.domain.primitives import JournalId
from ledger_server.store import proofs
from ledger_server.store.database import Tx
from ledger_server.store.proofs import Tile

#: Levels of the tree in a tile, and the hashes of its lowest row.
TILE_LEVELS: Final = 8
TILE_WIDTH: Final = 1 << TILE_LEVELS
#: Full tiles of leaves made in one go. Their hashing holds the server up for a millisecond or two.
TILES_MAX: Final = 8


class Log(NamedTuple):
    """Whose tree it is."""

    journal_id: JournalId
    public_id: UUID


class _Row(NamedTuple):
    """Neighbours in the tree: `start` to `end` - 1 of the roots of 256^level leaves each."""

    level: int
    start: int
    end: int


async def extend_in_tx(tx: Tx, log: Log, state: proofs.TreeState) -> int:
    """Make the next full tiles, if there are any, and return the tiles of leaves there are then.

    Raises:
        TreeInconsistentError: an event is missing.
    """
    first, last = state.tiles, min(state.head_sequence // TILE_WIDTH, state.tiles + TILES_MAX)
    if first == last:
        return first
    hashes = await _leaves_in_tx(tx, log, first * TILE_WIDTH, last * TILE_WIDTH)
    tiles = [_tile(0, first + place, row) for place, row in enumerate(_cut(hashes, TILE_WIDTH))]
    # Where the last of 256 tiles is full, the tile above them is.
    level = 0
    while made := [tile for tile in tiles if tile.level == level]:
        for tile in made:
            if tile.index % TILE_WIDTH == TILE_WIDTH - 1:
                above = tile.index // TILE_WIDTH
                roots = await _roots_below_in_tx(tx, log, level, above, tiles)
                tiles.append(_tile(level + 1, above, roots))
        level += 1
    await proofs.insert_tiles_in_tx(tx, log.journal_id, tiles)
    return last


async def roots_in_tx(tx: Tx, log: Log, subtrees: Sequence[Subtree]) -> list[bytes]:
    """Return the root of each of `subtrees`.

    They must lie within what `reach` gives for the tree as it is.

    Raises:
        TreeInconsistentError: an event or a tile is missing.
    """
    rows = {part: _row(part) for subtree in subtrees for part in perfect_parts(subtree)}
    hashes = await _hashes_in_tx(tx, log, rows.values())
    return [
        joined_root([perfect_root(hashes[rows[part]]) for part in perfect_parts(subtree)])
        for subtree in subtrees
    ]


async def root_in_tx(tx: Tx, log: Log, size: int) -> bytes:
    """Return the root of the tree over the first `size` events. Raises as `roots_in_tx` does."""
    (root,) = await roots_in_tx(tx, log, [Subtree(0, size)])
    return root


def reach(state: proofs.TreeState) -> int:
    """Return the size of the largest tree whose roots can be computed."""
    return min(state.head_sequence, state.tiles * TILE_WIDTH + TILE_WIDTH - 1)


def _row(part: Subtree) -> _Row:
    level = (part.size.bit_length() - 1) // TILE_LEVELS
    unit = TILE_LEVELS * level
    return _Row(level, part.start >> unit, part.end >> unit)


async def _hashes_in_tx(tx: Tx, log: Log, rows: Iterable[_Row]) -> dict[_Row, Sequence[bytes]]:
    lowest = {row for row in rows if row.level == 0}
    higher = {row for row in rows if row.level}
    found: dict[_Row, Sequence[bytes]] = {}
    if higher:
        wanted = [(row.level - 1, row.start, row.end) for row in higher]
        roots = await proofs.tile_roots_in_tx(tx, log.journal_id, wanted)
        for row in higher:
            found[row] = _complete(
                [roots.get((row.level - 1, index)) for index in range(row.start, row.end)],
                row.end * TILE_WIDTH**row.level,
            )
    if lowest:
        # A perfect subtree of less than 256 leaves lies in one tile.
        indexes = {row.start // TILE_WIDTH for row in lowest}
        tiles = await proofs.tile_hashes_in_tx(tx, log.journal_id, indexes)
        for index in indexes - tiles.keys():
            start = index * TILE_WIDTH
            end = max(row.end for row in lowest if row.start // TILE_WIDTH == index)
            tiles[index] = await _leaves_in_tx(tx, log, start, end)
        for row in lowest:
            index, place = divmod(row.start, TILE_WIDTH)
            cut = tiles[index][HASH_BYTES * place :][: HASH_BYTES * (row.end - row.start)]
            found[row] = _cut(cut, 1)
    return found


async def _leaves_in_tx(tx: Tx, log: Log, start: int, end: int) -> bytes:
    hashes = await proofs.leaf_hashes_in_tx(tx, *log, start, end)
    if hashes is None:
        raise TreeInconsistentError(end)
    return hashes


async def _roots_below_in_tx(
    tx: Tx, log: Log, level: int, above: int, made: Sequence[Tile]
) -> bytes:
    """Return the roots of the 256 tiles of `level` under the tile with index `above`, joined."""
    start = above * TILE_WIDTH
    roots = {(tile.level, tile.index): tile.root for tile in made}
    stored = await proofs.tile_roots_in_tx(tx, log.journal_id, [(level, start, start + TILE_WIDTH)])
    roots.update(stored)
    wanted = [roots.get((level, index)) for index in range(start, start + TILE_WIDTH)]
    return b"".join(_complete(wanted, (start + TILE_WIDTH) * TILE_WIDTH ** (level + 1)))


def _complete(hashes: Sequence[bytes | None], size: int) -> list[bytes]:
    complete = [one for one in hashes if one is not None]
    if len(complete) < len(hashes):
        raise TreeInconsistentError(size)
    return complete


def _tile(level: int, index: int, hashes: bytes) -> Tile:
    return Tile(level=level, index=index, root=perfect_root(_cut(hashes, 1)), hashes=hashes)


def _cut(hashes: bytes, count: int) -> list[bytes]:
    """Return `hashes` in pieces of `count` hashes each."""
    width = HASH_BYTES * count
    return [hashes[place : place + width] for place in range(0, len(hashes), width)]

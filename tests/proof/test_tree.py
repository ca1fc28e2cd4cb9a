"""The stored tree: its leaves as the database makes them, its tiles, and roots of any part."""

import hashlib
import uuid
from collections.abc import AsyncIterator

import asyncpg
import pytest

from ledger_server.domain.merkle import (
    HASH_BYTES,
    Subtree,
    consistency_path,
    inclusion_path,
    joined_root,
    leaf_hash,
    perfect_parts,
    perfect_root,
)
from ledger_server.domain.primitives import JournalId
from ledger_server.proof.tree import TILE_WIDTH, Log, extend_in_tx, reach, root_in_tx, roots_in_tx
from ledger_server.store import proofs
from ledger_server.store.database import Database
from tests.books import Books, new_journal

#: Two tiles of level 1, one of them full: 300 tiles of leaves and some more.
EVENTS = 300 * TILE_WIDTH + 77


@pytest.fixture
async def books(database_dsn: str) -> AsyncIterator[Books]:
    opened = await new_journal(database_dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    connected = await Database.connect(database_dsn)
    yield connected
    await connected.close()


async def log_of(books: Books) -> Log:
    public_id = await books.connection.fetchval(
        "SELECT public_id FROM journals WHERE id = $1", books.journal_id
    )
    return Log(JournalId(books.journal_id), uuid.UUID(str(public_id)))


async def append(books: Books, count: int) -> None:
    """Append events of all three kinds: without a personal part, with one, with one erased."""
    await books.connection.execute(
        """WITH head AS (UPDATE journal_heads SET sequence = sequence + $2
                         WHERE journal_id = $1 RETURNING sequence - $2 AS base)
           INSERT INTO events (journal_id, sequence, recorded_at, type, payload, personal)
           SELECT $1, base + n, '1969-12-31 23:59:59.999999Z'::timestamptz + n * interval '1.1 s',
                  21, int8send(n),
                  CASE n % 3 WHEN 1 THEN '\\x2210'::bytea || int8send(n)
                             WHEN 2 THEN '\\x2a20'::bytea || sha256(int8send(n)) END
             FROM head, generate_series(1, $2::bigint) AS n""",
        books.journal_id,
        count,
    )


async def extend(database: Database, log: Log) -> None:
    while True:
        async with database.transaction() as tx:
            state = await proofs.tree_in_tx(tx, log.journal_id)
            if await extend_in_tx(tx, log, state) == state.tiles:
                return


async def leaf_hashes(database: Database, log: Log, count: int) -> list[bytes]:
    """All leaf hashes, by the database."""
    async with database.transaction() as tx:
        joined = await proofs.leaf_hashes_in_tx(tx, *log, 0, count)
    assert joined is not None
    return [joined[place : place + HASH_BYTES] for place in range(0, len(joined), HASH_BYTES)]


def root_of(hashes: list[bytes], subtree: Subtree) -> bytes:
    return joined_root(
        [perfect_root(hashes[part.start : part.end]) for part in perfect_parts(subtree)]
    )


async def test_the_database_makes_the_leaves_of_the_specification(
    books: Books, database: Database
) -> None:
    log = await log_of(books)
    head = await books.connection.fetchval("SELECT sequence FROM journal_heads")
    await append(books, 9)
    hashes = await leaf_hashes(database, log, head + 9)
    kinds = set()
    for sequence, made in enumerate(hashes, 1):
        async with database.transaction() as tx:
            stored = await proofs.leaf_in_tx(tx, *log, sequence)
        assert stored is not None
        assert made == leaf_hash(stored.leaf)
        row = await books.connection.fetchrow(
            "SELECT *, extract(epoch FROM recorded_at) AS at FROM events WHERE sequence = $1",
            sequence,
        )
        personal = row["personal"]
        kinds.add(personal and personal[0])
        digest = bytes(32) if personal is None else hashlib.sha256(personal).digest()
        if personal is not None and personal[0] == 0x2A:
            digest = personal[2:]
        assert made == leaf_hash(
            b"\x01"
            + log.public_id.bytes
            + sequence.to_bytes(8, "big")
            + int(row["at"] * 1_000_000).to_bytes(8, "big", signed=True)
            + hashlib.sha256(row["payload"]).digest()
            + digest
        )
    assert kinds == {None, 0x22, 0x2A}


async def test_roots_of_a_tree_with_two_levels_of_tiles(books: Books, database: Database) -> None:
    log = await log_of(books)
    await append(books, EVENTS - await books.connection.fetchval(
        "SELECT sequence FROM journal_heads"
    ))  # fmt: skip
    await extend(database, log)
    hashes = await leaf_hashes(database, log, EVENTS)
    async with database.transaction() as tx:
        state = await proofs.tree_in_tx(tx, log.journal_id)
        assert (state.tiles, reach(state)) == (300, EVENTS)
        sizes = (
            *(1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537),
            *(65_536 + 256, 65_536 + 257, 76_800, 76_801, EVENTS),
        )
        for size in sizes:
            assert await root_in_tx(tx, log, size) == root_of(hashes, Subtree(0, size)), size
        for size in sizes:
            for older in [one for one in sizes if one <= size]:
                for path in (consistency_path(older, size), inclusion_path(older - 1, size)):
                    assert await roots_in_tx(tx, log, path) == [
                        root_of(hashes, subtree) for subtree in path
                    ], (older, size)
    levels = await books.connection.fetch(
        "SELECT level, count(*), sum(tile_index) FROM merkle_tiles GROUP BY level ORDER BY level"
    )
    assert [tuple(row) for row in levels] == [(0, 300, 299 * 150), (1, 1, 0)]


async def test_what_is_not_there_yet_is_beyond_reach(books: Books, database: Database) -> None:
    """Without its tiles the tree ends before the first that is missing is full twice."""
    log = await log_of(books)
    await append(books, 2_000)
    async with database.transaction() as tx:
        state = await proofs.tree_in_tx(tx, log.journal_id)
        assert reach(state) == 255
        assert await root_in_tx(tx, log, 255)


async def test_tiles_are_never_changed(books: Books, database: Database) -> None:
    await append(books, 300)
    await extend(database, await log_of(books))
    for table in ("merkle_tiles", "checkpoints"):
        await books.connection.execute(
            "INSERT INTO checkpoints VALUES ($1, 1, sha256(''), '', '', now())"
            " ON CONFLICT DO NOTHING",
            books.journal_id,
        )
        for statement in (
            f"UPDATE {table} SET journal_id = journal_id",
            f"DELETE FROM {table}",
            f"TRUNCATE {table}",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await books.connection.execute(statement)

"""Rows that come as COPY writes them are those that were selected, whatever happens on the way."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ledger_server.domain.errors import StorageUnavailableError
from ledger_server.store.copy_text import columns
from ledger_server.store.database import COPY_BYTES, Database

#: Every character that COPY escapes, what looks like an escape or like NULL, and more bytes than
#: characters.
NASTY = ["", "\b\f\n\r\t\v", "\\", "\\\\", "\\n", "\\N", "N", "a\tb\nc", "ä€😀", "\x01\x7f", " x "]
#: Rows that come in several parts.
MANY = "SELECT n, repeat('x', 100) FROM generate_series(1, $1::integer) AS n;"
SLOW = "SELECT n, pg_sleep(0.001 * $1::integer) FROM generate_series(1, 10000) AS n"


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.connect(database_dsn)
    yield opened
    await opened.close()


async def copied(database: Database, query: str, *values: object) -> list[bytes]:
    taken: list[bytes] = []

    async def take(data: bytes) -> None:
        # Rows come faster than they are taken.
        await asyncio.sleep(0.001)
        taken.append(data)

    async with database.snapshot() as tx:
        await tx.copy(query, *values, take=take)
    return taken


async def test_texts_of_any_kind(database: Database) -> None:
    query = "SELECT n, one, 'end' FROM unnest($1::text[]) WITH ORDINALITY AS given (one, n)"
    (taken,) = await copied(database, query, NASTY)
    numbers, texts, ends = columns(taken, 3)
    assert list(map(int, numbers)) == list(range(1, len(NASTY) + 1))
    assert texts == NASTY
    assert set(ends) == {"end"}


async def test_many_rows_come_in_whole_rows_and_in_order(database: Database) -> None:
    # A part is what waited in the connection's buffer, which can be more than it takes to be one.
    count = 40 * COPY_BYTES // 100
    taken = await copied(database, MANY, count)
    assert len(taken) > 2
    numbers = [int(number) for data in taken for number in columns(data, 2)[0]]
    assert numbers == list(range(1, count + 1))


async def test_no_row(database: Database) -> None:
    assert await copied(database, MANY, 0) == []


async def test_what_the_taker_raises_is_raised_and_the_connection_is_as_before(
    database: Database,
) -> None:
    async def take(_data: bytes) -> None:
        raise ValueError("not what was expected")

    async with database.snapshot() as tx:
        with pytest.raises(ValueError, match="not what was expected"):
            await tx.copy(MANY, 10_000, take=take)
    assert len(await copied(database, MANY, 1)) == 1


async def _no_row(data: bytes) -> None:
    raise AssertionError(f"{data!r} came")


async def too_slowly(database: Database) -> None:
    async with database.snapshot() as tx:
        await tx.execute("SET LOCAL statement_timeout = '20ms'")
        await tx.copy(SLOW, 1, take=_no_row)


async def test_a_statement_that_takes_too_long(database: Database) -> None:
    with pytest.raises(StorageUnavailableError):
        await too_slowly(database)
    assert len(await copied(database, MANY, 1)) == 1


async def test_a_caller_that_goes_away_in_the_middle(database: Database) -> None:
    copying = asyncio.create_task(copied(database, SLOW, 1))
    await asyncio.sleep(0.05)
    copying.cancel()
    with pytest.raises(asyncio.CancelledError):
        await copying
    assert len(await copied(database, MANY, 1)) == 1

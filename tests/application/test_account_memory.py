"""The memory of accounts: bounded, and whoever looks some up has them all in the end."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from ledger_server.application import journal_books
from ledger_server.application.journal_books import JournalBooks, Library
from ledger_server.domain.errors import AccountNotFoundError
from ledger_server.store.database import Database
from tests.ledger import serving

CODES = [f"account-{number}" for number in range(16)]


@pytest.fixture
async def books(database_dsn: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[JournalBooks]:
    """A memory with room for ten accounts."""
    async with serving(database_dsn) as running:
        await running.ledger.open(*CODES)
    monkeypatch.setattr(journal_books, "ACCOUNTS_MAX", 10)
    database = await Database.connect(database_dsn)
    try:
        yield await Library(database).books("main")
    finally:
        await database.close()


@pytest.mark.parametrize(
    ("known", "wanted"),
    [
        ([], [CODES[:8], CODES[8:]]),
        (CODES[:4] + CODES[8:12], [CODES[:8], CODES[8:]]),
        (CODES[:6], [CODES[:12]]),
    ],
)
async def test_more_than_there_is_room_for(
    books: JournalBooks, known: list[str], wanted: list[list[str]]
) -> None:
    """Each call has all its accounts at one moment, whatever the others want."""

    async def has_all(codes: list[str]) -> bool:
        absent = await books.look_up(codes)
        return not absent and all(code in books.accounts for code in codes)

    await books.look_up(known)
    async with asyncio.timeout(10):
        assert all(await asyncio.gather(*map(has_all, wanted)))


async def test_each_call_is_told_of_its_own_accounts(books: JournalBooks) -> None:
    found, absent = await asyncio.gather(
        books.look_up(["account-1", "account-2"]), books.look_up(["account-1", "nowhere"])
    )
    assert found == {}
    assert [(code, type(why)) for code, why in absent.items()] == [
        ("nowhere", AccountNotFoundError)
    ]

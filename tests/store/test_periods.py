"""Periods as the database keeps them."""

from collections.abc import AsyncIterator
from datetime import date

import asyncpg
import pytest

from ledger_server.domain.period import ALL_OPEN, Days
from ledger_server.domain.primitives import JournalId
from ledger_server.store import periods
from ledger_server.store.database import Database
from tests.books import Books, new_journal


@pytest.fixture
async def books(database_dsn: str) -> AsyncIterator[Books]:
    opened = await new_journal(database_dsn)
    yield opened
    await opened.close()


async def test_the_last_change_is_in_force(books: Books, database_dsn: str) -> None:
    journal_id = JournalId(books.journal_id)
    database = await Database.connect(database_dsn)
    async with database.transaction() as tx:
        assert await periods.current_in_tx(tx, journal_id) == ALL_OPEN
        made = [
            await periods.insert_in_tx(tx, journal_id, sequence, days, actor="me", reason="why")
            for sequence, days in (
                (9, Days(None, date(2026, 1, 31))),
                (20, Days(date(2026, 1, 31), date(2026, 2, 28))),
                (21, Days(None, None)),
            )
        ]
        assert await periods.current_in_tx(tx, journal_id) == made[2]
        assert await periods.list_changes_in_tx(tx, journal_id, None, 9) == made[::-1]
        assert await periods.list_changes_in_tx(tx, journal_id, 21, 1) == [made[1]]
    assert (made[1].sequence, made[1].actor, made[1].reason) == (20, "me", "why")
    assert made[1].changed_at is not None
    await database.close()


@pytest.mark.parametrize("locked", ["NULL", "'2026-01-30'"])
async def test_what_is_closed_is_locked(books: Books, locked: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.connection.execute(
            f"INSERT INTO periods VALUES ($1, 1, '2026-01-31', {locked}, now(), '', '')",
            books.journal_id,
        )
    assert refusal.value.constraint_name == "periods_order"


async def test_changes_are_kept(books: Books) -> None:
    await books.connection.execute(
        "INSERT INTO periods VALUES ($1, 1, NULL, NULL, now(), '', '')", books.journal_id
    )
    for statement in (
        "UPDATE periods SET reason = ''",
        "DELETE FROM periods",
        "TRUNCATE periods",
    ):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await books.connection.execute(statement)

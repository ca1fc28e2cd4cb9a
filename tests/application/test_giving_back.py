"""A batch is answered as soon as it is committed, before its connection is given back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import pytest
from asyncpg.pool import Pool

from ledger_server.store.database import ConnectionLostError, Database, Tx
from tests.ledger import check_books, serving, transfer


async def test_nobody_waits_until_the_connection_is_given_back(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the caller nor who follows the journal."""
    release, may_be_given_back = Pool.release, asyncio.Event()
    given_back, told, has_told = list[bool](), list[int](), asyncio.Event()

    async def slowly(pool: Any, connection: Any, **options: Any) -> None:
        if pool is running.app.database._pools.writers:
            await may_be_given_back.wait()
            given_back.append(True)
        await release(pool, connection, **options)

    async with serving(database_dsn) as running:
        ledger, tell = running.ledger, running.app.database._listener
        assert tell is not None, "the hub listens"
        await ledger.open("a", "b")
        await ledger.post(transfer("a", "b"))

        def listen(journal_id: Any, head: int) -> None:
            told.append(head)
            has_told.set()
            tell(journal_id, head)

        monkeypatch.setattr(running.app.database, "_listener", listen)
        monkeypatch.setattr(Pool, "release", slowly)
        try:
            async with asyncio.timeout(20):
                answer = await ledger.post(transfer("a", "b"))
                await has_told.wait()
            assert told == [answer.transaction.sequence]
            assert not given_back
        finally:
            may_be_given_back.set()


async def test_what_was_answered_stands_if_the_connection_is_lost_then(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The batch runs again, finds itself in the books, and writes nothing."""
    lost = list[bool]()
    connection = Database.writer_connection

    @contextlib.asynccontextmanager
    async def losing(database: Database) -> AsyncIterator[Tx]:
        async with connection(database) as tx:
            yield tx
            if tx.heads and len(lost) < 3:
                lost.append(True)
                raise ConnectionLostError

    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("a", "b")
        await ledger.post(transfer("a", "b"))
        monkeypatch.setattr(Database, "writer_connection", losing)
        answers = await asyncio.gather(*(ledger.post(transfer("a", "b")) for _ in range(10)))
        assert lost
        assert not any(answer.replayed for answer in answers)
        # One posting each, and further ones go on from there.
        later = await ledger.post(transfer("a", "b"))
        assert later.transaction.sequence == max(one.transaction.sequence for one in answers) + 1
        assert len({one.transaction.sequence for one in answers}) == len(answers)
        await check_books(database_dsn, ledger.journal)

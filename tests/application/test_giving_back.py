"""A batch is answered as soon as it is committed, before its connection is given back."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from ledger_server.store.database import ConnectionLostError, Database, Tx
from tests.ledger import check_books, serving, transfer


async def test_nobody_waits_until_the_connection_is_given_back(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back, may_be_given_back = list[bool](), asyncio.Event()
    connection = Database.writer_connection

    @contextlib.asynccontextmanager
    async def slowly(database: Database) -> AsyncIterator[Tx]:
        async with connection(database) as tx:
            yield tx
            await may_be_given_back.wait()
        given_back.append(True)

    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("a", "b")
        await ledger.post(transfer("a", "b"))
        monkeypatch.setattr(Database, "writer_connection", slowly)
        await ledger.post(transfer("a", "b"))
        assert not given_back
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
            before = len(tx.heads)
            yield tx
            if len(tx.heads) > before and len(lost) < 3:
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

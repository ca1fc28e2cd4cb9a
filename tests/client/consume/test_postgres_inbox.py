"""The notes in PostgreSQL: in the handler's transaction, one handler an event."""

import asyncio
import datetime as dt

import pytest

from ledger_client.consume import InboxUnavailableError, PostgresInbox
from tests.client.consume.effects import Effects


async def test_a_handler_that_fails_leaves_nothing(effects: Effects) -> None:
    async def fail() -> None:
        async with effects.inbox.handling("a") as connection:
            assert connection is not None
            await connection.execute("INSERT INTO effects (event_id) VALUES ('a')")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await fail()
    assert await effects.count() == 0
    async with effects.inbox.handling("a") as connection:
        assert connection is not None
    async with effects.inbox.handling("a") as connection:
        assert connection is None


async def test_two_at_once_are_one(effects: Effects) -> None:
    """The second waits for what becomes of the first."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def first() -> None:
        async with effects.inbox.handling("a") as connection:
            assert connection is not None
            entered.set()
            await go_on.wait()
            raise ValueError("failed")

    async def second() -> bool:
        async with effects.inbox.handling("a") as connection:
            return connection is not None

    failing = asyncio.create_task(first())
    await entered.wait()
    waiting = asyncio.create_task(second())
    await asyncio.sleep(0.1)
    assert not waiting.done()
    go_on.set()
    with pytest.raises(ValueError, match="failed"):
        await failing
    assert await waiting is True


async def test_attempts_are_kept_and_forgotten(effects: Effects) -> None:
    inbox = effects.inbox
    assert [await inbox.count_attempt("a") for _ in range(3)] == [1, 2, 3]
    await inbox.forget_attempts("a")
    assert await inbox.count_attempt("a") == 1
    async with inbox.handling("a") as connection:
        assert connection is not None
    await inbox.forget_attempts("a")
    async with inbox.handling("a") as connection:
        assert connection is None, "what was handled is never forgotten with its attempts"


async def test_each_consumer_has_its_own_notes(effects: Effects) -> None:
    other = PostgresInbox(effects.pool, "other")
    for inbox in (effects.inbox, other):
        async with inbox.handling("a") as connection:
            assert connection is not None


async def test_pruning_forgets_what_is_old_and_only_that(effects: Effects) -> None:
    for event_id in ("old", "new"):
        async with effects.inbox.handling(event_id):
            pass
    await effects.inbox.count_attempt("failing")
    await effects.pool.execute(
        "UPDATE processed_events SET processed_at = now() - interval '8 days' "
        "WHERE event_id = 'old'"
    )
    assert await effects.inbox.prune(dt.timedelta(days=7)) == 1
    rows = await effects.pool.fetch("SELECT event_id FROM processed_events ORDER BY 1")
    assert [row["event_id"] for row in rows] == ["failing", "new"]


async def test_without_its_table_it_is_unavailable(effects: Effects) -> None:
    await effects.pool.execute("DROP TABLE processed_events")
    with pytest.raises(InboxUnavailableError, match="processed_events"):
        async with effects.inbox.handling("a"):
            pass
    with pytest.raises(InboxUnavailableError, match="processed_events"):
        await effects.inbox.count_attempt("a")

"""A row that moves with what the handler writes, or not at all."""

import asyncio
import contextlib
import dataclasses
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from ledger_client.subscriber import (
    POSTGRES_TABLES,
    CheckpointMovedError,
    CheckpointOfOtherJournalError,
    Connection,
    HandlerError,
    LetterState,
    PostgresCheckpoints,
    StoreUnavailableError,
    TransactionEndedError,
)
from tests.subscriber.test_file_checkpoints import MAIN, letter

Store = PostgresCheckpoints


@pytest.fixture
async def store(
    empty_database_dsn: str, consumer: "asyncpg.Connection[Any]"
) -> AsyncIterator[Store]:
    """An open store; `consumer` looks at its tables from outside."""
    assert not consumer.is_closed()
    one = Store(empty_database_dsn, consumer="test")
    await one.open(MAIN, start_after=0)
    yield one
    await one.close()


async def work_on(store: Store, position: int, *letters: Any) -> None:
    async with store.work() as work:
        (connection,) = work.arguments
        await connection.execute("INSERT INTO effects VALUES ($1, 'x')", position)
        for each in letters:
            work.set_aside(each)
        work.advance(position)


async def effects(consumer: "asyncpg.Connection[Any]") -> list[int]:
    rows = await consumer.fetch("SELECT sequence FROM effects ORDER BY sequence")
    return [row["sequence"] for row in rows]


async def position(consumer: "asyncpg.Connection[Any]") -> int:
    found: int = await consumer.fetchval("SELECT position FROM ledger_checkpoints")
    return found


async def end_connections(consumer: "asyncpg.Connection[Any]") -> None:
    """End the subscribers' connections, as a restart of the database does."""
    await consumer.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
        " WHERE application_name LIKE 'ledger-subscriber%' AND datname = current_database()"
    )


async def test_begins_where_it_is_told_and_only_once(empty_database_dsn: str) -> None:
    for start in (7, 99):
        store = Store(empty_database_dsn, consumer="test")
        assert await store.open(MAIN, start_after=start) == 7
        await store.close()


async def test_many_start_at_once(empty_database_dsn: str) -> None:
    """Each wants to make the tables and the row."""
    stores = [Store(empty_database_dsn, consumer="test") for _ in range(12)]
    assert await asyncio.gather(*(one.open(MAIN, start_after=3) for one in stores)) == [3] * 12
    await asyncio.gather(*(one.close() for one in stores))


async def test_tables_made_by_others_are_enough(
    empty_database_dsn: str, consumer: "asyncpg.Connection[Any]"
) -> None:
    store = Store(empty_database_dsn, consumer="test", create_tables=False)
    with pytest.raises(asyncpg.UndefinedTableError):
        await store.open(MAIN, start_after=0)
    await consumer.execute(POSTGRES_TABLES)
    assert await store.open(MAIN, start_after=0) == 0
    await store.close()


async def test_set_up_is_given_each_connection(empty_database_dsn: str) -> None:
    async def set_up(connection: Connection) -> None:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS own; SET search_path TO own")

    store = Store(empty_database_dsn, consumer="test", set_up=set_up)
    await store.open(MAIN, start_after=0)
    async with store.work() as work:
        (connection,) = work.arguments
        assert await connection.fetchval("SELECT count(*) FROM own.ledger_checkpoints") == 1
    await store.close()


async def test_kept_together(store: Store, consumer: "asyncpg.Connection[Any]") -> None:
    await work_on(store, 5)
    assert (await effects(consumer), await position(consumer)) == ([5], 5)


async def test_undone_together(store: Store, consumer: "asyncpg.Connection[Any]") -> None:
    async def fail() -> None:
        async with store.work() as work:
            (connection,) = work.arguments
            await connection.execute("INSERT INTO effects VALUES (5, 'x')")
            work.advance(5)
            raise HandlerError

    with pytest.raises(HandlerError):
        await fail()
    assert (await effects(consumer), await position(consumer)) == ([], 0)
    await work_on(store, 5)
    assert (await effects(consumer), await position(consumer)) == ([5], 5)


async def test_what_cannot_be_committed_is_the_handlers_failure(
    store: Store, consumer: "asyncpg.Connection[Any]"
) -> None:
    """A constraint that is checked at the commit, or an error that the handler swallowed."""
    await consumer.execute(
        "ALTER TABLE effects ADD UNIQUE (sequence) DEFERRABLE INITIALLY DEFERRED"
    )
    await work_on(store, 5)

    async def again() -> None:
        async with store.work() as work:
            (connection,) = work.arguments
            await connection.execute("INSERT INTO effects VALUES (5, 'x')")
            work.advance(6)

    async def swallow() -> None:
        async with store.work() as work:
            (connection,) = work.arguments
            with pytest.raises(asyncpg.UndefinedTableError):
                await connection.execute("SELECT * FROM nowhere")
            work.advance(6)

    for fail in (again, swallow):
        with pytest.raises(HandlerError):
            await fail()
        assert (await effects(consumer), await position(consumer)) == ([5], 5)
    await work_on(store, 6)
    assert await position(consumer) == 6


async def test_a_handler_that_ends_the_transaction_is_found_out(store: Store) -> None:
    async def commit() -> None:
        async with store.work() as work:
            (connection,) = work.arguments
            await connection.execute("COMMIT")
            work.advance(5)

    with pytest.raises(TransactionEndedError):
        await commit()


async def test_a_lost_connection_is_an_outage(
    store: Store, consumer: "asyncpg.Connection[Any]"
) -> None:
    """Not the event's fault, though it was the handler's statement that met it."""
    for before_statement in (True, False):

        async def handle(work: Any, *, before: bool = before_statement) -> None:
            (connection,) = work.arguments
            if not before:
                await connection.execute("INSERT INTO effects VALUES (5, 'x')")
            await end_connections(consumer)
            try:
                await connection.execute("INSERT INTO effects VALUES (5, 'x')")
            except Exception as error:
                raise HandlerError from error

        async def lose(handle: Any = handle) -> None:
            async with store.work() as work:
                await handle(work)
                work.advance(5)

        with pytest.raises(StoreUnavailableError):
            await lose()
    await work_on(store, 5)
    assert (await effects(consumer), await position(consumer)) == ([5], 5)


async def test_a_connection_lost_between_two_works(
    store: Store, consumer: "asyncpg.Connection[Any]"
) -> None:
    await work_on(store, 5)
    await end_connections(consumer)
    # Whether the driver has noticed or the statement does: the next one has a new connection.
    with contextlib.suppress(StoreUnavailableError):
        await work_on(store, 6)
    await work_on(store, 7)
    assert await position(consumer) == 7


async def test_a_row_that_was_taken_away(store: Store, consumer: "asyncpg.Connection[Any]") -> None:
    await consumer.execute("DELETE FROM ledger_checkpoints")
    with pytest.raises(CheckpointMovedError, match="taken away"):
        await work_on(store, 5)


async def test_another_ledger_of_that_name_is_refused(
    store: Store, empty_database_dsn: str
) -> None:
    """A journal of the same code with another id is another journal."""
    other = dataclasses.replace(MAIN, id=uuid.UUID(int=2))
    with pytest.raises(CheckpointOfOtherJournalError, match=str(MAIN.id)):
        await store.open(other, start_after=0)
    second = Store(empty_database_dsn, consumer="second")
    assert await second.open(other, start_after=0) == 0
    await second.close()


async def test_one_consumer_follows_several_journals(store: Store, empty_database_dsn: str) -> None:
    await work_on(store, 5)
    second = Store(empty_database_dsn, consumer="test")
    branch = dataclasses.replace(MAIN, id=uuid.UUID(int=2), code="BRANCH")
    assert await second.open(branch, start_after=0) == 0
    async with store.work() as work, second.work() as other:
        assert (work.position, other.position) == (5, 0), "neither waits for the other"
    await second.close()


async def test_a_second_process_waits_and_sees_what_was_done(
    store: Store, empty_database_dsn: str
) -> None:
    second = Store(empty_database_dsn, consumer="test")
    await second.open(MAIN, start_after=0)

    async def look() -> int:
        async with second.work() as work:
            return work.position

    async with store.work() as work:
        looking = asyncio.create_task(look())
        await asyncio.sleep(0.1)
        assert not looking.done()
        work.advance(9)
    assert await looking == 9
    await second.close()


async def test_a_cancelled_work_leaves_nothing(
    store: Store, consumer: "asyncpg.Connection[Any]"
) -> None:
    async def linger() -> None:
        async with store.work() as work:
            (connection,) = work.arguments
            await connection.execute("INSERT INTO effects VALUES (5, 'x')")
            work.advance(5)
            await asyncio.sleep(600)

    lingering = asyncio.create_task(linger())
    await asyncio.sleep(0.2)
    lingering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await lingering
    async with asyncio.timeout(10):
        await work_on(store, 6)
    assert (await effects(consumer), await position(consumer)) == ([6], 6)


async def test_a_database_that_is_not_there() -> None:
    store = Store("postgresql://nobody@127.0.0.1:1/none", consumer="test")
    with pytest.raises(StoreUnavailableError):
        await store.open(MAIN, start_after=0)


async def test_a_wrong_address_is_not_waited_out() -> None:
    with pytest.raises(asyncpg.ClientConfigurationError):
        await Store("mysql://nobody@127.0.0.1:1/none", consumer="test").open(MAIN, start_after=0)


class TestLetters:
    async def test_are_kept_with_the_position(
        self, store: Store, consumer: "asyncpg.Connection[Any]"
    ) -> None:
        await work_on(store, 9, letter(9))
        assert await position(consumer) == 9
        assert await store.dead_letters() == [letter(9)]

    async def test_settling_happens_once(
        self, store: Store, consumer: "asyncpg.Connection[Any]"
    ) -> None:
        await work_on(store, 9, letter(9))

        async def replay(*, fails: bool) -> bool:
            async with store.settling(9, LetterState.REPLAYED) as found:
                if found is None:
                    return False
                was, connection = found
                assert was == letter(9)
                await connection.execute("INSERT INTO effects VALUES (90, 'x')")
                if fails:
                    raise RuntimeError
                return True

        with pytest.raises(RuntimeError):
            await replay(fails=True)
        assert await effects(consumer) == [9]
        assert await replay(fails=False)
        assert not await replay(fails=False)
        assert await effects(consumer) == [9, 90]
        (settled,) = await store.dead_letters()
        assert settled.state is LetterState.REPLAYED
        assert settled.settle_time is not None

    async def test_two_replays_at_once(
        self, store: Store, empty_database_dsn: str, consumer: "asyncpg.Connection[Any]"
    ) -> None:
        await work_on(store, 9, letter(9))

        async def replay() -> None:
            one = Store(empty_database_dsn, consumer="test")
            await one.choose()
            async with one.settling(9, LetterState.REPLAYED) as found:
                if found is not None:
                    await found[1].execute("INSERT INTO effects VALUES (90, 'x')")
                    await asyncio.sleep(0.1)
            await one.close()

        await asyncio.gather(*(replay() for _ in range(5)))
        assert await effects(consumer) == [9, 90]

    async def test_a_journal_is_chosen(self, store: Store, empty_database_dsn: str) -> None:
        branch = dataclasses.replace(MAIN, id=uuid.UUID(int=2), code="BRANCH")
        assert await store.choose() == MAIN.id
        await store.open(branch, start_after=0)
        assert await store.choose("BRANCH") == branch.id
        assert await store.choose(str(MAIN.id)) == MAIN.id
        for wrong in (None, "NONE"):
            with pytest.raises(LookupError, match="BRANCH, MAIN"):
                await store.choose(wrong)
        stranger = Store(empty_database_dsn, consumer="stranger")
        with pytest.raises(LookupError, match="follows none"):
            await stranger.choose()
        await stranger.close()

"""A batch is sent while the one before is written, and takes the head from that one only."""

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import waiting
from ledger_server.application.group import Group
from ledger_server.store import postings
from ledger_server.store.database import ConnectionLostError
from ledger_server.store.pools import BEHIND_MAX
from tests.api.calls import reason
from tests.ledger import ATOMIC, Serving, check_books, serving, transfer

SIZE = waiting.AHEAD_TRANSACTIONS_MIN

_WAITERS = """
SELECT count(*) FROM pg_stat_activity
 WHERE datname = current_database() AND wait_event_type = 'Lock'"""


def _both(running: Serving) -> list["asyncio.Future[Sequence[pb.PostResult]]"]:
    """Post two batches at once, the second on what the first leaves."""
    return [
        asyncio.ensure_future(
            running.ledger.post_all([transfer(*names) for _ in range(SIZE)], ATOMIC)
        )
        for names in (("cash", "income"), ("income", "till"))
    ]


@pytest.fixture
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """One call a batch."""
    monkeypatch.setattr(waiting, "BATCH_TRANSACTIONS_MAX", SIZE)


async def _until_they_wait(dsn: str, count: int) -> None:
    # A connection of its own: within a transaction the view stays as it was first seen.
    connection = await asyncpg.connect(dsn)
    try:
        async with asyncio.timeout(20):
            while await connection.fetchval(_WAITERS) < count:  # noqa: ASYNC110  # PostgreSQL knows
                await asyncio.sleep(0.02)
    finally:
        await connection.close()


@pytest.mark.usefixtures("small_batches")
async def test_both_wait_in_the_database_and_each_is_sent_once(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income", "till")
        await running.ledger.post(transfer("till", "cash"))
        write, sent = postings.write_batch_in_tx, list[bool]()

        async def noted(*arguments: Any, **fields: Any) -> Any:
            recorded_at = await write(*arguments, **fields)
            sent.append(recorded_at is not None)
            return recorded_at

        monkeypatch.setattr(postings, "write_batch_in_tx", noted)
        rival = await asyncpg.connect(database_dsn)
        try:
            async with rival.transaction():
                await rival.execute("SELECT FROM journal_heads FOR UPDATE")
                calls = _both(running)
                await _until_they_wait(database_dsn, 2)
        finally:
            await rival.close()
        for call in calls:
            assert not any(result.HasField("refusal") for result in await call)
        assert sent == [True, True]
        assert (await running.ledger.balance("income")).version == 2 * SIZE
        await check_books(database_dsn, running.ledger.journal)


@pytest.mark.usefixtures("small_batches")
@pytest.mark.parametrize("is_written", [True, False])
async def test_the_second_waits_and_the_first_is_lost(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, *, is_written: bool
) -> None:
    """Whether or not the first is in the books when its connection breaks."""
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income", "till")
        await running.ledger.post(transfer("till", "cash"))
        head = await running.ledger.head()
        write, writes, second = postings.write_batch_in_tx, [0], asyncio.Event()

        async def breaking(*arguments: Any, **fields: Any) -> Any:
            writes[0] += 1
            if writes[0] == 1:
                if is_written:
                    await write(*arguments, **fields)
                await second.wait()
                raise ConnectionLostError
            recorded_at = await write(*arguments, **fields)
            second.set()
            return recorded_at

        monkeypatch.setattr(postings, "write_batch_in_tx", breaking)
        for call in _both(running):
            assert not any(result.HasField("refusal") for result in await call)
        # What is in the books is not sent again.
        assert writes[0] == (2 if is_written else 4)
        assert (await running.ledger.balance("income")).version == 2 * SIZE
        assert await running.ledger.head() == head + 2 * SIZE
        await check_books(database_dsn, running.ledger.journal)


@pytest.mark.usefixtures("small_batches")
async def test_a_stranger_brings_the_head_where_the_second_expects_it(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server writes as many as the first would have, which then comes too late."""
    async with serving(database_dsn) as running, serving(database_dsn) as stranger:
        await running.ledger.open("cash", "income", "till")
        await running.ledger.post(transfer("till", "cash"))
        write, waiting_writes, recorded = postings.write_batch_in_tx, list[int](), list[Any]()
        both_wait, is_written, second_is_through = (asyncio.Event() for _ in range(3))

        async def held_up(*arguments: Any, **fields: Any) -> Any:
            waiting_writes.append(fields["head_sequence"])
            is_first = len(waiting_writes) == 1
            if not is_first:
                both_wait.set()
            await (second_is_through if is_first else is_written).wait()
            recorded_at = await write(*arguments, **fields)
            second_is_through.set()
            recorded.append(recorded_at)
            return recorded_at

        monkeypatch.setattr(postings, "write_batch_in_tx", held_up)
        calls = _both(running)
        async with asyncio.timeout(20):
            await both_wait.wait()
        monkeypatch.setattr(postings, "write_batch_in_tx", write)
        await stranger.ledger.post_all([transfer("till", "income") for _ in range(SIZE)], ATOMIC)
        assert await stranger.ledger.head() == waiting_writes[1], "where the second expects it"
        is_written.set()
        for call in calls:
            assert not any(result.HasField("refusal") for result in await call)
        assert (await running.ledger.balance("income")).version == 3 * SIZE
        await check_books(database_dsn, running.ledger.journal)
        assert recorded == [None, None], "neither is what it was decided on"


@pytest.mark.usefixtures("small_batches")
async def test_journals_that_are_held_up_take_no_connection_from_others(database_dsn: str) -> None:
    """More of them than there are places behind, each with more to write than is sent."""
    async with serving(database_dsn) as running:
        journals = [running.ledger.of(f"journal-{number}") for number in range(BEHIND_MAX + 3)]
        for journal in journals:
            await journal.open("cash", "income", "till")
            await journal.post_all([transfer(), transfer("income", "till")])
        *held_up, free = journals
        rival = await asyncpg.connect(database_dsn)
        try:
            async with rival.transaction():
                await rival.execute(
                    "SELECT FROM journal_heads JOIN journals ON id = journal_id"
                    " WHERE code <> $1 FOR UPDATE OF journal_heads",
                    free.journal,
                )
                calls = [
                    asyncio.ensure_future(
                        journal.post_all([transfer() for _ in range(SIZE)], ATOMIC)
                    )
                    for journal in held_up
                    for _ in range(3)
                ]
                await _until_they_wait(database_dsn, len(held_up) + BEHIND_MAX)
                async with asyncio.timeout(10):
                    await free.post(transfer())
        finally:
            await rival.close()
        await asyncio.gather(*calls)
        for journal in journals:
            await check_books(database_dsn, journal.journal)


async def test_a_bug_while_answering_ends_nothing(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income")
        await running.ledger.post(transfer())
        answer, answers = Group.answer, [0]

        def failing(group: Group, results: Any) -> None:
            answers[0] += 1
            if answers[0] == 1:
                raise ValueError("a bug")
            answer(group, results)

        monkeypatch.setattr(Group, "answer", failing)
        asked = transfer()
        assert await reason(running.ledger.post(asked)) == "INTERNAL"
        async with asyncio.timeout(10):
            assert (await running.ledger.post(asked)).replayed
            await running.ledger.post(transfer())

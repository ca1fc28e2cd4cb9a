"""A batch is decided while the one before is written, and again if that did not go as expected."""

import asyncio
from typing import Any

import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import journal_writer, known_balances, waiting
from ledger_server.application.batch import Decided, OvertakenError
from ledger_server.store import postings
from tests.api.calls import reason
from tests.ledger import ATOMIC, PostingLedger, changed, check_books, serving, transfer

CALLS = 12
SIZE = waiting.AHEAD_TRANSACTIONS_MIN


async def _post_at_once(ledger: PostingLedger) -> list[pb.Transaction]:
    """Post between three accounts in several large calls that come together."""
    names = ("cash", "income", "till")
    calls = [
        ledger.post_all(
            [transfer(names[(n + call) % 3], names[(n + call + 1) % 3]) for n in range(SIZE)],
            ATOMIC,
        )
        for call in range(CALLS)
    ]
    answers = await asyncio.gather(*calls)
    return [result.transaction for results in answers for result in results]


def _check(posted: list[pb.Transaction]) -> None:
    assert len({one.sequence for one in posted}) == CALLS * SIZE
    versions: dict[str, int] = {}
    for one in sorted(posted, key=lambda one: one.sequence):
        for entry in one.entries:
            versions[entry.account_code] = versions.get(entry.account_code, 0) + 1
            assert entry.balance_after.version == versions[entry.account_code]


@pytest.mark.parametrize("failing", [(), (1,), (0, 2), (1, 2, 3)])
async def test_batches_follow_each_other(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, failing: tuple[int, ...]
) -> None:
    """Also where some are overtaken, after the next one was decided on what they would leave."""
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income", "till")
        write, writes = postings.write_batch_in_tx, [0]
        decided, ahead = journal_writer.JournalWriter._decide_ahead, list[Decided]()

        async def slow(*arguments: Any, **fields: Any) -> Any:
            number = writes[0]
            writes[0] += 1
            # Time for the next one to be decided.
            await asyncio.sleep(0.05)
            return None if number in failing else await write(*arguments, **fields)

        async def noted(*arguments: Any) -> Decided | None:
            one = await decided(*arguments)
            if one is not None:
                ahead.append(one)
            return one

        monkeypatch.setattr(postings, "write_batch_in_tx", slow)
        monkeypatch.setattr(journal_writer.JournalWriter, "_decide_ahead", noted)
        _check(await _post_at_once(ledger))
        assert ahead, "some were decided while others were written"
        await check_books(database_dsn, ledger.journal)


async def test_a_refusal_decided_ahead_waits_for_what_it_was_decided_on(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ids that a batch under way takes are not taken if it comes to nothing."""
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        write, writes = postings.write_batch_in_tx, [0]

        async def slow(*arguments: Any, **fields: Any) -> Any:
            writes[0] += 1
            await asyncio.sleep(0.05)
            if writes[0] == 1:
                raise OvertakenError
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", slow)
        requests = [transfer() for _ in range(SIZE)]
        first, second = await asyncio.gather(
            ledger.post_all(requests), ledger.post_all(requests[::-1])
        )
        assert not any(result.HasField("refusal") for result in (*first, *second))
        replayed = [[result.replayed for result in results] for results in (first, second)]
        assert sorted(map(all, replayed)) == [False, True]
        assert (await ledger.balance("cash")).version == SIZE + 1
        await check_books(database_dsn, ledger.journal)


async def test_ids_under_way_are_known_to_what_comes_after(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A request is told that its id is another's before anything else that is wrong with it."""
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income", "till")
        await ledger.lock("till")
        await ledger.post(transfer())
        write, is_writing = postings.write_batch_in_tx, asyncio.Event()

        async def slow(*arguments: Any, **fields: Any) -> Any:
            is_writing.set()
            # Time for what comes after to be decided.
            await asyncio.sleep(1)
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", slow)
        first = [transfer(external_id="taken")] + [transfer() for _ in range(SIZE)]
        id_again = changed(first[0], params={"debit": "till"}, external_id="")
        name_again = [transfer(external_id="taken"), transfer(debit="till")]
        posting = asyncio.ensure_future(ledger.post_all(first))
        await is_writing.wait()
        second, third = await asyncio.gather(
            ledger.post_all([id_again, *(transfer() for _ in range(SIZE))]),
            reason(ledger.post_all([*name_again, *(transfer() for _ in range(SIZE))], ATOMIC)),
        )
        assert not any(result.HasField("refusal") for result in await posting)
        assert second[0].refusal.reason == "TRANSACTION_ID_REUSED"
        assert third == "EXTERNAL_ID_REUSED"
        await check_books(database_dsn, ledger.journal)


async def test_memory_is_bounded_while_batches_never_pause(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With always one batch under way there is no moment at which all may be forgotten."""
    # The first batch, one call, leaves room for the second to be decided ahead.
    most = 30
    monkeypatch.setattr(known_balances, "BALANCES_MAX", most)
    monkeypatch.setattr(waiting, "BATCH_TRANSACTIONS_MAX", SIZE)
    async with serving(database_dsn) as running:
        ledger = running.ledger
        names = [f"account-{number}" for number in range(8 * SIZE)]
        await ledger.open(*names)
        write, sizes = postings.write_batch_in_tx, list[int]()
        is_writing, is_ahead = asyncio.Event(), noting_what_is_ahead(monkeypatch)

        async def slow(*arguments: Any, **fields: Any) -> Any:
            is_writing.set()
            # Time for the next one to be decided; what the first leaves room for is waited for.
            await (asyncio.sleep(0.02) if sizes else is_ahead.wait())
            (writer,) = running.app._poster._writers.values()
            sizes.append(len(writer._known.states))
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", slow)
        step = SIZE // 4
        first, *others = (
            ledger.post_all([transfer(names[n], names[n + 1]) for n in range(start, start + step)])
            for start in range(0, len(names) - step, step)
        )
        alone = asyncio.create_task(first)
        await is_writing.wait()
        await asyncio.gather(alone, *others)
        assert max(sizes) > SIZE + 4, "some were decided while others were written"
        # What is over the bound was read for one batch and for the next.
        assert max(sizes) <= most + 2 * (SIZE + 4)
        await check_books(database_dsn, ledger.journal)


def noting_what_is_ahead(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Return what is set once a batch was decided while another was written."""
    decide, is_ahead = journal_writer.JournalWriter._decide_ahead, asyncio.Event()

    async def noted(*arguments: Any) -> Decided | None:
        one = await decide(*arguments)
        if one is not None:
            is_ahead.set()
        return one

    monkeypatch.setattr(journal_writer.JournalWriter, "_decide_ahead", noted)
    return is_ahead


async def test_a_head_that_is_where_it_was_expected_by_chance(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another server writes as many as the batch under way would have: none of it is counted."""
    async with serving(database_dsn) as running, serving(database_dsn) as stranger:
        ledger, other = running.ledger, stranger.ledger
        await ledger.open("cash", "income", "till")
        await ledger.post(transfer())
        write, is_writing, may_write = postings.write_batch_in_tx, asyncio.Event(), asyncio.Event()

        async def held_up(*arguments: Any, **fields: Any) -> Any:
            monkeypatch.setattr(postings, "write_batch_in_tx", write)
            is_writing.set()
            await may_write.wait()
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", held_up)
        is_ahead = noting_what_is_ahead(monkeypatch)
        calls = [asyncio.ensure_future(ledger.post_all([transfer() for _ in range(SIZE)], ATOMIC))]
        await is_writing.wait()
        (writer,) = running.app._poster._writers.values()
        head = await ledger.head()
        await other.post_all([transfer("till", "income") for _ in range(SIZE)], ATOMIC)
        assert await ledger.head() == writer._known.sequence == head + SIZE
        next_one = ledger.post_all([transfer("till", "cash") for _ in range(SIZE)], ATOMIC)
        calls.append(asyncio.ensure_future(next_one))
        async with asyncio.timeout(30):
            await is_ahead.wait()
        assert writer._known.sequence == head + 2 * SIZE
        may_write.set()
        await asyncio.gather(*calls)
        assert (await ledger.balance("till")).version == 2 * SIZE
        assert (await ledger.balance("cash")).version == 2 * SIZE + 1
        await check_books(database_dsn, ledger.journal)


@pytest.mark.parametrize("in_order", [True, False])
async def test_a_batch_that_waits_for_its_connection(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, *, in_order: bool
) -> None:
    """The next one waits too; if it did not, nothing would be written on what it was to leave.

    Another server writes as many meanwhile as the next one would have: the head cannot tell.
    """
    async with serving(database_dsn) as running, serving(database_dsn) as stranger:
        ledger, other = running.ledger, stranger.ledger
        await ledger.open("cash", "income", "till")
        await ledger.post(transfer())
        decide, is_ahead = (
            journal_writer.JournalWriter._decide,
            noting_what_is_ahead(monkeypatch),
        )
        is_waiting, both_wait = asyncio.Event(), asyncio.Event()

        async def late(writer: journal_writer.JournalWriter, groups: Any) -> Decided:
            if not is_waiting.is_set():
                is_waiting.set()
                await both_wait.wait()
                if in_order:
                    await asyncio.sleep(0.3)
                    assert not is_ahead.is_set(), "time for it, and yet it was not decided"
                else:
                    writer._note_decided()
                    await is_ahead.wait()
                await other.post_all([transfer("till", "income") for _ in range(SIZE)], ATOMIC)
            return await decide(writer, groups)

        monkeypatch.setattr(journal_writer.JournalWriter, "_decide", late)
        calls = [asyncio.ensure_future(ledger.post_all([transfer() for _ in range(SIZE)], ATOMIC))]
        await is_waiting.wait()
        next_one = ledger.post_all([transfer("till", "cash") for _ in range(SIZE)], ATOMIC)
        calls.append(asyncio.ensure_future(next_one))
        (writer,) = running.app._poster._writers.values()
        async with asyncio.timeout(30):
            while writer._waiting.transactions < SIZE:  # noqa: ASYNC110  # its event is its own
                await asyncio.sleep(0.001)
            both_wait.set()
            await asyncio.gather(*calls)
        assert (await ledger.balance("till")).version == 2 * SIZE
        await check_books(database_dsn, ledger.journal)


async def test_a_server_ends_with_one_batch_written_and_one_decided(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        write, is_writing = postings.write_batch_in_tx, asyncio.Event()

        async def slow(*arguments: Any, **fields: Any) -> Any:
            is_writing.set()
            await asyncio.sleep(0.2)
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", slow)
        is_ahead = noting_what_is_ahead(monkeypatch)
        calls = [
            asyncio.ensure_future(ledger.post_all([transfer() for _ in range(SIZE)]))
            for _ in range(4)
        ]
        await is_writing.wait()
        async with asyncio.timeout(30):
            await is_ahead.wait()
        await running.app._poster.close()
        assert await reason(ledger.post(transfer())) == "SHUTTING_DOWN"
        answers = await asyncio.gather(*calls, return_exceptions=True)
        written = [answer for answer in answers if not isinstance(answer, BaseException)]
        assert len(written) >= 2, "what came before the end is written and answered"
        assert (await ledger.balance("cash")).version == 1 + len(written) * SIZE
        await check_books(database_dsn, ledger.journal)

"""A batch is decided without asking the database, and yet an id is never posted twice."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from ledger_server import app
from ledger_server.application import batch, look_ups, prepare
from ledger_server.store import postings
from tests.api.calls import reason
from tests.ledger import ATOMIC, INDEPENDENT, Serving, changed, check_books, serving, transfer
from tests.model_rules.rules import OPEN, RulesLedger


@pytest.fixture
async def running(database_dsn: str) -> AsyncIterator[Serving]:
    """A server that knows the balances, so that it asks for nothing."""
    async with serving(database_dsn) as server:
        await server.ledger.open("cash", "income", "till")
        for pair in itertools.permutations(("cash", "income", "till"), 2):
            await server.ledger.post(transfer(*pair))
        yield server
        await check_books(database_dsn, server.ledger.journal)


@pytest.fixture
def looked_up(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many ids each look-up asked for."""
    counts: list[int] = []
    find = postings.find_known_in_tx

    async def noted(tx: Any, journal_id: Any, ids: Sequence[Any], names: Any) -> Any:
        counts.append(len(ids))
        return await find(tx, journal_id, ids, names)

    monkeypatch.setattr(postings, "find_known_in_tx", noted)
    return counts


async def test_what_is_new_is_not_looked_up(running: Serving, looked_up: list[int]) -> None:
    for _ in range(3):
        await running.ledger.post_all([transfer(external_id=f"{n}-{_}") for n in range(50)])
    assert not looked_up


@pytest.mark.parametrize("mode", [ATOMIC, INDEPENDENT])
async def test_a_request_that_comes_again_is_answered_with_what_is_there(
    running: Serving, looked_up: list[int], mode: int
) -> None:
    ledger = running.ledger
    asked = transfer(external_id="order 8")
    posted = await ledger.post(asked)
    others = [transfer() for _ in range(3)]
    results = await ledger.post_all([*others, asked], mode)
    assert [result.replayed for result in results] == [False, False, False, True]
    assert results[-1].transaction == posted.transaction
    assert looked_up, "the write could not have told which"


async def test_a_request_that_came_to_another_server_first(
    running: Serving, database_dsn: str
) -> None:
    """Its memory stands where the journal does, and does not know the id."""
    asked = transfer(external_id="order 7")
    async with serving(database_dsn) as other:
        posted = await other.ledger.post(asked)
        # Now this one stands at the head again.
        await running.ledger.post(transfer())
        await running.ledger.post(transfer())
        again = await running.ledger.post(asked)
    assert again.replayed
    assert again.transaction == posted.transaction


@pytest.mark.parametrize("mode", [ATOMIC, INDEPENDENT])
async def test_an_id_or_name_of_another_request_is_refused(running: Serving, mode: int) -> None:
    ledger = running.ledger
    taken = transfer(external_id="order 7")
    await ledger.post(taken)
    for asked, refused in (
        (changed(taken, params={"debit": "till"}), "TRANSACTION_ID_REUSED"),
        (transfer(external_id="order 7"), "EXTERNAL_ID_REUSED"),
    ):
        before = await ledger.head()
        if mode == ATOMIC:
            assert await reason(ledger.post_all([transfer(), asked], mode)) == refused
            assert await ledger.head() == before
        else:
            results = await ledger.post_all([transfer(), asked], mode)
            assert [result.refusal.reason for result in results] == ["", refused]
            assert await ledger.head() == before + 1


async def test_what_would_be_refused_now_is_answered_if_it_was_posted_then(
    running: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A refusal of the rules comes after the look-up, never before."""
    monkeypatch.setattr(look_ups, "AFTER_UNPROVEN", 1)
    ledger = running.ledger
    asked = transfer("till", "income")
    posted = await ledger.post(asked)
    await ledger.lock("till")
    await ledger.post(transfer())
    again = await ledger.post(asked)
    assert again.replayed
    assert again.transaction == posted.transaction
    for _ in range(3):
        assert await reason(ledger.post(transfer("till", "income"))) == "ACCOUNT_NOT_ACTIVE"
        assert not (await ledger.post(transfer())).replayed


async def test_a_refusal_costs_a_look_up_and_not_the_memory(
    running: Serving, looked_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under a limit, of which the memory knows: what was decided before it is as it was."""
    read, reads = postings.read_balances_at_head_in_tx, list[int]()

    async def noted(tx: Any, journal_id: Any, keys: Sequence[Any]) -> Any:
        reads.append(len(keys))
        return await read(tx, journal_id, keys)

    monkeypatch.setattr(postings, "read_balances_at_head_in_tx", noted)
    monkeypatch.setattr(look_ups, "AFTER_UNPROVEN", 1)
    ledger = RulesLedger(running.channel)
    await ledger.standing("MIN", "-10")
    await ledger.attach("MIN", account="till")
    left = Decimal((await ledger.balance("till")).available) + 10
    # The first finds out what binds whom.
    first = [transfer("income", "cash"), transfer("cash", "till", "1.00")]
    assert not any(one.HasField("refusal") for one in await ledger.post_all(first))
    left -= 1
    looked_up.clear()
    reads.clear()
    for round_ in range(3):
        for _ in range(3):
            await ledger.post(transfer("income", "till", "0.01"))
        left -= Decimal("0.03")
        assert len(looked_up) == round_ * look_ups.AFTER_REFUSAL
        results = await ledger.post_all(
            [transfer("cash", "income"), transfer("cash", "till", str(left + 1)), transfer()]
        )
        assert [one.refusal.reason for one in results] == ["", "LIMIT_EXCEEDED", ""]
        assert (await ledger.balance("till")).available == f"{left - 10:.2f}"
        assert await reason(ledger.post_all([transfer("cash", "till", str(left + 1))], ATOMIC)) == (
            "LIMIT_EXCEEDED"
        )
        for _ in range(look_ups.AFTER_REFUSAL - 2):
            await ledger.post(transfer())
    assert not reads, "balances were forgotten"


async def test_the_same_request_from_many_callers_is_posted_once(running: Serving) -> None:
    """Some of them in one batch, some in the next, which is decided while that is written."""
    ledger = running.ledger
    before = await ledger.head()
    asked = [transfer(external_id=f"order {number}") for number in range(40)]
    answers = await asyncio.gather(*(ledger.post(one) for one in asked * 5))
    for number in range(40):
        same = answers[number::40]
        assert len({answer.transaction.sequence for answer in same}) == 1
        assert sum(not answer.replayed for answer in same) == 1
    assert await ledger.head() == before + 40


async def test_look_ups_end_when_nothing_comes_again(
    running: Serving, looked_up: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(look_ups, "AFTER_UNPROVEN", 4)
    asked = transfer()
    await running.ledger.post(asked)
    assert (await running.ledger.post(asked)).replayed
    for _ in range(10):
        await running.ledger.post(transfer())
    assert len(looked_up) == 4


async def test_calls_that_come_together_share_batches(
    running: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Callers who come again at once are gathered; one alone waits for nobody."""
    sizes: list[int] = []
    write = postings.write_batch_in_tx

    async def noted(tx: Any, journal_id: Any, batch: postings.EncodedBatch, **fields: Any) -> Any:
        sizes.append(batch.count)
        return await write(tx, journal_id, batch, **fields)

    monkeypatch.setattr(postings, "write_batch_in_tx", noted)

    async def caller(calls: int) -> None:
        for _ in range(calls):
            await running.ledger.post(transfer())

    async with asyncio.timeout(60):
        await asyncio.gather(*(caller(10) for _ in range(32)))
    assert sum(sizes) == 320
    assert len(sizes) < 320 / 2, "batches serve more than one or two"
    sizes.clear()
    await caller(5)
    assert sizes == [1] * 5


async def test_others_have_their_turn_while_much_is_decided(
    running: Serving, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is being written has to get to the database, and its answer to be taken, meanwhile."""
    turns, given = [0], dict[str, int]()

    async def count_turns() -> None:
        while True:
            turns[0] += 1
            await asyncio.sleep(0)

    def counted(name: str, function: Any) -> Any:
        async def counting(*arguments: Any, **fields: Any) -> Any:
            before = turns[0]
            result = await function(*arguments, **fields)
            given[name] = max(given.get(name, 0), turns[0] - before)
            return result

        return counting

    monkeypatch.setattr(
        batch, "decide_group_and_encode", counted("decide", batch.decide_group_and_encode)
    )
    monkeypatch.setattr(prepare, "_prepare", counted("prepare", prepare._prepare))
    counting = asyncio.create_task(count_turns())
    for mode in (ATOMIC, INDEPENDENT):
        given.clear()
        await running.ledger.post_all([transfer() for _ in range(1_000)], mode)
        assert given["decide"] >= 1_000 // batch._ENCODED_TOGETHER
        assert given["prepare"] >= 1_000 // prepare._AT_ONCE
    counting.cancel()


@pytest.mark.parametrize("wrong", [timedelta(hours=-1), timedelta(hours=1)])
async def test_the_time_of_a_hold_is_the_databases(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, wrong: timedelta
) -> None:
    """Placing is decided without asking it, by a clock that may be wrong; it has the last word."""
    monkeypatch.setattr(app, "_now", lambda: datetime.now(UTC) + wrong)
    async with serving(database_dsn) as running:
        ledger = RulesLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        for minutes in (-30, 30):
            end = datetime.now(UTC) + timedelta(minutes=minutes)
            call = ledger.place(transfer(), end)
            if minutes < 0:
                assert await reason(call) == "EXPIRE_TIME_PASSED"
            else:
                assert (await call).hold.status == OPEN
        assert (await ledger.balance("cash")).version == 2
        await check_books(database_dsn, ledger.journal)

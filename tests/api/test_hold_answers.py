"""What placing a hold answers, and what many captures of one hold at once leave of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import grpc
import pytest

from tests.ledger import lines, serving, transfer
from tests.model_rules.rules import OPEN, RELEASED, RulesLedger, check_rules


@pytest.fixture
async def ledger(database_dsn: str) -> AsyncIterator[RulesLedger]:
    async with serving(database_dsn) as running:
        # Else the books are looked at while holds expire.
        await running.app.sweeper.close()
        opened = RulesLedger(running.channel)
        await opened.open("cash", "fees", "income")
        yield opened
        await check_rules(database_dsn, opened.journal)


@pytest.mark.parametrize("expire", [None, timedelta(days=30)])
async def test_what_placing_answers_is_what_is_kept(
    ledger: RulesLedger, expire: timedelta | None
) -> None:
    asked = lines(
        "DEBIT income 100.00 USD",
        "CREDIT cash 100.00 USD",
        "DEBIT fees 500 JPY",
        "CREDIT cash 500 JPY",
    )
    asked.metadata["room"] = "12"
    answer = await ledger.place(asked, None if expire is None else datetime.now(UTC) + expire)
    assert not answer.replayed
    assert answer.hold == await ledger.hold(asked.transaction_id)


async def test_placing_again_answers_with_what_became_of_it(ledger: RulesLedger) -> None:
    asked = transfer("income", "cash", "100.00")
    placed_first = await ledger.place(asked)
    await ledger.capture(asked.transaction_id, {"amount": "30.00"})
    again = await ledger.place(asked)
    assert (placed_first.replayed, again.replayed) == (False, True)
    assert again.hold == await ledger.hold(asked.transaction_id)
    assert [one.left for one in again.hold.entries] == ["70.00", "70.00"]


async def test_many_parts_at_once_take_what_there_is(ledger: RulesLedger) -> None:
    """They share batches, of which each writes the hold once."""
    asked = transfer("income", "cash", "100.00")
    await ledger.place(asked)
    hold = asked.transaction_id
    calls = [ledger.capture(hold, {"amount": "8.00"}) for _ in range(20)]
    answers = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in answers) == 12
    assert await ledger.held(hold) == (OPEN, [("100.00", "96.00", "0.00", "4.00")] * 2)
    await ledger.release(hold)
    assert await ledger.held(hold) == (RELEASED, [("100.00", "96.00", "4.00", "0.00")] * 2)


@pytest.mark.parametrize("legs", [501, 1_000])
async def test_a_hold_of_many_entries_is_captured_whole(ledger: RulesLedger, legs: int) -> None:
    """The capture has two entries for each of them."""
    pairs = [f"{side} 1.00 USD" for side in ("DEBIT income", "CREDIT cash")] * (legs // 2)
    if legs % 2:
        pairs[-1:] = ["CREDIT cash 0.50 USD"] * 2
    asked = lines(*pairs)
    await ledger.place(asked)
    captured = (await ledger.capture(asked.transaction_id)).transaction
    assert len(captured.entries) == 2 * legs
    hold = await ledger.hold(asked.transaction_id)
    assert {(one.placed, one.left) for one in hold.entries} <= {("1.00", "0.00"), ("0.50", "0.00")}
    assert len(hold.entries) == legs


async def test_holds_that_end_at_once_keep_nobody_from_posting(ledger: RulesLedger) -> None:
    """They are placed or refused, and whoever shares their batches is posted."""
    for _ in range(3):
        await ledger.post(transfer())
    soon = datetime.now(UTC) + timedelta(seconds=0.05)

    holds = [ledger.place(transfer(), soon + timedelta(milliseconds=n)) for n in range(800)]
    others = [ledger.post(transfer()) for _ in range(100)]
    placed, posted = await asyncio.gather(
        asyncio.gather(*holds, return_exceptions=True), asyncio.gather(*others)
    )
    refusals = [one for one in placed if isinstance(one, grpc.aio.AioRpcError)]
    assert {one.code() for one in refusals} <= {grpc.StatusCode.FAILED_PRECONDITION}
    assert not any(one.replayed for one in posted)

"""What placing a hold answers, and what many captures of one hold at once leave of it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from tests.ledger import lines, serving, transfer
from tests.model_rules.rules import OPEN, RELEASED, RulesLedger, check_rules


@pytest.fixture
async def ledger(database_dsn: str) -> AsyncIterator[RulesLedger]:
    async with serving(database_dsn) as running:
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

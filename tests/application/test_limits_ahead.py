"""Batches are decided ahead under limits that need nothing but balances, and under no others."""

import asyncio
from typing import Any

import pytest

from ledger_proto.v1 import account_sets_pb2, limits_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import waiting
from ledger_server.application.batch import OvertakenError
from ledger_server.store import postings
from tests.api.calls import DEBIT
from tests.api.test_limit_uses import WHOLE, LimitedLedger, standing, velocity
from tests.application.test_deciding_ahead import SIZE, noting_what_is_ahead
from tests.ledger import check_books, serving, transfer

CALLS = 6


async def _posted(ledger: LimitedLedger, requests: list[pb.TransactionRequest]) -> int:
    """Post each by itself and return how many were accepted."""
    results = await ledger.post_all(requests)
    reasons = {one.refusal.reason for one in results if one.HasField("refusal")}
    assert reasons <= {"LIMIT_EXCEEDED"}
    return sum(not one.HasField("refusal") for one in results)


def _slowed(monkeypatch: pytest.MonkeyPatch, failing: tuple[int, ...] = ()) -> None:
    """Leave time for the next batch to be decided while one is written, or have it overtaken."""
    write, writes = postings.write_batch_in_tx, [0]

    async def slow(*arguments: Any, **fields: Any) -> Any:
        number = writes[0]
        writes[0] += 1
        await asyncio.sleep(0.05)
        if number in failing:
            raise OvertakenError
        return await write(*arguments, **fields)

    monkeypatch.setattr(postings, "write_batch_in_tx", slow)


@pytest.mark.parametrize("failing", [(), (1,), (0, 2)])
async def test_a_standing_limit_is_never_passed(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, failing: tuple[int, ...]
) -> None:
    """What batches under way take is gone for those decided meanwhile, and comes back with them."""
    async with serving(database_dsn) as running:
        ledger = LimitedLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.allow_no_less("0", "cash")
        there = 2 * SIZE + SIZE // 2
        await ledger.post(transfer("cash", "income", f"{there}.00"))
        _slowed(monkeypatch, failing)
        monkeypatch.setattr(waiting, "BATCH_TRANSACTIONS_MAX", SIZE)
        is_ahead = noting_what_is_ahead(monkeypatch)
        calls = [
            _posted(ledger, [transfer("income", "cash") for _ in range(SIZE)]) for _ in range(CALLS)
        ]
        assert sum(await asyncio.gather(*calls)) == there
        assert is_ahead.is_set(), "some were decided while others were written"
        assert (await ledger.balance("cash")).available == "0.00"
        await check_books(database_dsn, ledger.journal)


async def test_what_a_hold_under_way_takes_is_gone(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serving(database_dsn) as running:
        ledger = LimitedLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.allow_no_less("0", "cash")
        await ledger.post(transfer("cash", "income", f"{SIZE}.00"))
        write, is_writing = postings.write_batch_in_tx, asyncio.Event()
        is_ahead = noting_what_is_ahead(monkeypatch)

        async def held_up(*arguments: Any, **fields: Any) -> Any:
            monkeypatch.setattr(postings, "write_batch_in_tx", write)
            is_writing.set()
            async with asyncio.timeout(30):
                await is_ahead.wait()
            return await write(*arguments, **fields)

        monkeypatch.setattr(postings, "write_batch_in_tx", held_up)
        hold = asyncio.ensure_future(ledger.hold("income", "cash", "7.00"))
        await is_writing.wait()
        accepted = await _posted(ledger, [transfer("income", "cash") for _ in range(SIZE)])
        await hold
        assert accepted == SIZE - 7
        assert (await ledger.balance("cash")).available == "0.00"
        await check_books(database_dsn, ledger.journal)


@pytest.mark.parametrize("rule", [velocity(f"{SIZE + SIZE // 2}.00"), standing("0")])
async def test_what_is_counted_is_not_decided_ahead(
    database_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    rule: limits_pb2.VelocityLimit | limits_pb2.StandingLimit,
) -> None:
    """What has moved, and what a whole set has: the batch under way has still to write its part."""
    async with serving(database_dsn) as running:
        ledger = LimitedLedger(running.channel)
        await ledger.open("cash", "income", "till")
        there = SIZE + SIZE // 2
        await ledger.post(transfer("cash", "income", f"{there}.00"))
        await ledger.limit("L", rule)
        if isinstance(rule, limits_pb2.StandingLimit):
            await ledger.create_set("tills", normal_side=DEBIT)
            await ledger.account_sets.AddAccountSetMembers(
                account_sets_pb2.AddAccountSetMembersRequest(
                    journal=ledger.journal, account_set="tills", accounts=["cash"]
                )
            )
            await ledger.attach("L", account_set="tills", scope=WHOLE)
        else:
            await ledger.attach("L", account="cash")
        # What binds the accounts is remembered from here on.
        await ledger.post(transfer("till", "cash", "1.00"))
        _slowed(monkeypatch)
        monkeypatch.setattr(waiting, "BATCH_TRANSACTIONS_MAX", SIZE)
        is_ahead = noting_what_is_ahead(monkeypatch)
        calls = [
            _posted(ledger, [transfer("till", "cash") for _ in range(SIZE)]) for _ in range(CALLS)
        ]
        assert sum(await asyncio.gather(*calls)) == there - 1
        assert not is_ahead.is_set()
        others = [
            ledger.post_all([transfer("till", "income") for _ in range(SIZE)]) for _ in range(CALLS)
        ]
        await asyncio.gather(*others)
        assert is_ahead.is_set(), "what no such limit binds is decided ahead in this journal too"
        await check_books(database_dsn, ledger.journal)


@pytest.mark.parametrize("rule", [standing("0"), velocity("2.00")])
async def test_a_limit_attached_between_deciding_and_writing(
    database_dsn: str,
    monkeypatch: pytest.MonkeyPatch,
    rule: limits_pb2.VelocityLimit | limits_pb2.StandingLimit,
) -> None:
    """By another server: what was decided without it, also ahead, is decided again."""
    async with serving(database_dsn) as running, serving(database_dsn) as stranger:
        ledger, other = LimitedLedger(running.channel), LimitedLedger(stranger.channel)
        await ledger.open("cash", "income", "till")
        await ledger.allow_no_less("0", "cash")
        await ledger.post(transfer("cash", "income", f"{3 * SIZE}.00"))
        await ledger.post(transfer("till", "income", "1.00"))
        await ledger.limit("NEW", rule)
        write, is_writing, may_write = postings.write_batch_in_tx, asyncio.Event(), asyncio.Event()

        async def held_up(*arguments: Any, **fields: Any) -> Any:
            monkeypatch.setattr(postings, "write_batch_in_tx", write)
            is_writing.set()
            await may_write.wait()
            return await write(*arguments, **fields)

        # What binds the accounts is remembered from here on.
        await ledger.post(transfer("income", "cash"))
        await ledger.post(transfer("cash", "till"))
        await ledger.post(transfer("till", "cash"))
        monkeypatch.setattr(postings, "write_batch_in_tx", held_up)
        is_ahead = noting_what_is_ahead(monkeypatch)
        first = [transfer("income", "cash") for _ in range(SIZE)]
        posting = [asyncio.ensure_future(_posted(ledger, first))]
        await is_writing.wait()
        ahead = [transfer("cash", "till") for _ in range(SIZE)]
        posting.append(asyncio.ensure_future(_posted(ledger, ahead)))
        async with asyncio.timeout(30):
            await is_ahead.wait()
        await other.attach("NEW", account="till")
        may_write.set()
        assert await asyncio.gather(*posting) == [SIZE, 1]
        assert (await ledger.balance("till")).settled.net == "0.00"
        await check_books(database_dsn, ledger.journal)

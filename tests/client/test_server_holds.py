"""The client against the real server: holds, reversals, limits, periods and locks."""

import dataclasses
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import TypeVar

import pytest

from ledger_client import (
    ConflictError,
    Direction,
    HoldStatus,
    LedgerClient,
    LimitScope,
    NewAccount,
    NotFoundError,
    RefusedError,
    StandingLimit,
    TransactionKind,
    VelocityLimit,
    VelocityMeasure,
    VelocityWindow,
    new_id,
)
from ledger_client.templates import library

T = TypeVar("T")
JANUARY = dt.date(2026, 1, 31)
FEBRUARY = dt.date(2026, 2, 28)
OUT = {"account": "alice", "cash_account": "bank", "currency": "USD"}


@pytest.fixture
async def ledger(server_address: str) -> AsyncIterator[LedgerClient]:
    """A client of a server with books: alice has 100.00 USD at the bank."""
    async with LedgerClient.connect(server_address) as client:
        await client.create_journal("MAIN")
        await client.batch_create_accounts(
            "MAIN",
            [
                NewAccount(code="bank", normal_side=Direction.DEBIT),
                NewAccount(code="alice", normal_side=Direction.CREDIT),
            ],
        )
        for loaded in library():
            await client.create_tx_template("MAIN", loaded.template)
        paid_in = {**OUT, "amount": Decimal(100)}
        await client.post("MAIN", "DEPOSIT", paid_in, effective_date=JANUARY)
        yield client


async def everything(items: AsyncIterator[T]) -> list[T]:
    return [item async for item in items]


def amounts(*numbers: int) -> tuple[Decimal, ...]:
    return tuple(Decimal(number) for number in numbers)


async def alice(ledger: LedgerClient) -> tuple[Decimal | None, ...]:
    """Return what is settled and what is available."""
    balance = await ledger.get_balance("MAIN", "alice", "USD")
    return balance.settled.net, balance.available


async def test_a_hold_from_place_to_release(ledger: LedgerClient) -> None:
    hold_id, capture_id, release_id = new_id(), new_id(), new_id()
    expires = dt.datetime.now(dt.UTC) + dt.timedelta(days=7)
    params = {**OUT, "amount": Decimal(60)}
    placed = await ledger.place_hold(
        "MAIN", "WITHDRAWAL", params, hold_id=hold_id, expire_time=expires, correlation_id="c"
    )
    again = await ledger.place_hold(
        "MAIN", "WITHDRAWAL", params, hold_id=hold_id, expire_time=expires, correlation_id="c"
    )
    hold = placed.hold
    assert (placed.replayed, again.replayed, again.hold) == (False, True, hold)
    assert (hold.id, hold.status, hold.expire_time) == (hold_id, HoldStatus.OPEN, expires)
    assert hold.transaction.kind is TransactionKind.HOLD
    assert hold.transaction.hold_id == hold.transaction.id == hold_id
    assert await alice(ledger) == amounts(100, 40)

    part = {"amount": Decimal(25)}
    captured = await ledger.capture_hold("MAIN", hold_id, part, capture_id=capture_id)
    repeated = await ledger.capture_hold("MAIN", hold_id, part, capture_id=capture_id)
    assert (captured.replayed, repeated.replayed) == (False, True)
    assert repeated.transaction == captured.transaction
    assert captured.transaction.id == capture_id
    assert captured.transaction.kind is TransactionKind.CAPTURE
    assert (captured.transaction.hold_id, captured.transaction.correlation_id) == (hold_id, "c")
    assert await alice(ledger) == amounts(75, 40)

    with pytest.raises(RefusedError) as exceeds:
        await ledger.capture_hold("MAIN", hold_id, {"amount": Decimal("35.01")})
    assert exceeds.value.reason == "CAPTURE_EXCEEDS"
    assert Decimal(exceeds.value.facts["left"]) == 35
    released = await ledger.release_hold("MAIN", hold_id, release_id=release_id)
    assert (await ledger.release_hold("MAIN", hold_id, release_id=release_id)).replayed
    assert released.transaction.kind is TransactionKind.RELEASE
    assert await alice(ledger) == amounts(75, 75)

    with pytest.raises(RefusedError) as ended:
        await ledger.release_hold("MAIN", hold_id)
    assert (ended.value.reason, ended.value.facts["status"]) == ("HOLD_NOT_OPEN", "RELEASED")
    with pytest.raises(ConflictError) as reused:
        await ledger.capture_hold("MAIN", hold_id, capture_id=hold_id)
    assert reused.value.reason == "TRANSACTION_ID_REUSED"
    found = await ledger.get_hold("MAIN", hold_id)
    entry = found.entries[0]
    assert (entry.account_code, entry.direction) == ("alice", Direction.DEBIT)
    assert (entry.placed, entry.captured, entry.released, entry.left) == amounts(60, 25, 35, 0)


async def test_holds_are_found_and_a_final_capture_ends_one(ledger: LedgerClient) -> None:
    params = {**OUT, "amount": Decimal(10)}
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)
    first = (await ledger.place_hold("MAIN", "WITHDRAWAL", params)).hold
    second = (await ledger.place_hold("MAIN", "WITHDRAWAL", params, expire_time=soon)).hold
    await ledger.capture_hold("MAIN", first.id, {"amount": Decimal(3)}, final=True)

    async def ids(**filters: object) -> list[object]:
        return [hold.id async for hold in ledger.list_holds("MAIN", **filters)]  # type: ignore[arg-type]  # as named

    assert await ids() == [first.id, second.id]
    assert await ids(status=HoldStatus.OPEN) == [second.id]
    assert await ids(status=HoldStatus.CAPTURED, account="bank") == [first.id]
    assert await ids(expire_before=soon) == [second.id]
    assert await ids(expire_before=soon - dt.timedelta(seconds=1)) == []
    with pytest.raises(NotFoundError) as missing:
        await ledger.get_hold("MAIN", new_id())
    assert missing.value.reason == "HOLD_NOT_FOUND"
    assert await alice(ledger) == amounts(97, 87)


async def test_reversals_are_linked_both_ways(ledger: LedgerClient) -> None:
    params = {**OUT, "amount": Decimal(40)}
    paid = (await ledger.post("MAIN", "WITHDRAWAL", params)).transaction
    part_id = new_id()
    part = await ledger.reverse_transaction(
        "MAIN",
        paid.id,
        effective_date=FEBRUARY,
        params={"amount": Decimal(15)},
        transaction_id=part_id,
        description="Part",
    )
    assert (part.transaction.kind, part.transaction.reverses) == (TransactionKind.REVERSAL, paid.id)
    assert (part.transaction.effective_date, part.transaction.description) == (FEBRUARY, "Part")
    with pytest.raises(RefusedError) as exceeds:
        await ledger.reverse_transaction(
            "MAIN", paid.id, effective_date=FEBRUARY, params={"amount": Decimal(26)}
        )
    assert exceeds.value.reason == "REVERSAL_EXCEEDS"
    rest = await ledger.reverse_transaction("MAIN", paid.id, effective_date=FEBRUARY)
    assert rest.transaction.entries[0].units == 25
    assert await alice(ledger) == amounts(100, 100)

    found = await ledger.get_transaction("MAIN", paid.id)
    assert found.reversed_by == (part_id, rest.transaction.id)
    for wrong, reason in ((paid.id, "ALREADY_REVERSED"), (part_id, "NOT_REVERSIBLE")):
        with pytest.raises(RefusedError) as refused:
            await ledger.reverse_transaction("MAIN", wrong, effective_date=FEBRUARY)
        assert refused.value.reason == reason


async def test_limits(ledger: LedgerClient) -> None:
    standing = StandingLimit(available_min=Decimal(0))
    made = await ledger.create_limit("MAIN", "NO-OVERDRAFT", currency="USD", rule=standing)
    assert (made.code, made.name, made.rule) == ("NO-OVERDRAFT", "NO-OVERDRAFT", standing)
    daily = VelocityLimit(
        amount_max=Decimal(50),
        direction=Direction.DEBIT,
        measure=VelocityMeasure.GROSS,
        window=VelocityWindow.DAY,
    )
    await ledger.create_limit("MAIN", "DAILY", currency="USD", rule=daily, name="A day")
    assert await ledger.get_limit("MAIN", "NO-OVERDRAFT") == made
    assert [one.code async for one in ledger.list_limits("MAIN")] == ["DAILY", "NO-OVERDRAFT"]

    customers = await ledger.create_account_set("MAIN", "customers", normal_side=Direction.CREDIT)
    await ledger.add_account_set_members("MAIN", "customers", accounts=["alice"])
    own = await ledger.attach_limit("MAIN", "DAILY", account="alice")
    whole = await ledger.attach_limit(
        "MAIN", "NO-OVERDRAFT", account_set="customers", scope=LimitScope.WHOLE_SET
    )
    assert (own.account_set_id, own.scope) == (None, LimitScope.EACH_ACCOUNT)
    assert (whole.account_id, whole.account_set_id) == (None, customers.id)
    assert await everything(ledger.list_limit_attachments("MAIN", "NO-OVERDRAFT")) == [whole]

    with pytest.raises(RefusedError) as refused:
        await ledger.place_hold("MAIN", "WITHDRAWAL", {**OUT, "amount": Decimal(60)})
    assert refused.value.reason == "LIMIT_EXCEEDED"
    facts = refused.value.facts
    assert (facts["limit"], facts["account"]) == ("DAILY", "alice")
    assert [Decimal(facts[name]) for name in ("bound", "current", "left")] == [50, 0, 50]
    await ledger.place_hold("MAIN", "WITHDRAWAL", {**OUT, "amount": Decimal(20)})
    first, second = await ledger.list_limit_uses("MAIN", "alice")
    assert (first.limit.code, first.used, first.left) == ("DAILY", *amounts(20, 30))
    assert first.window_start is not None
    assert (second.limit, second.used, second.left) == (made, *amounts(80, 80))
    assert (second.attachment, second.window_start) == (whole, None)

    raised = await ledger.update_limit("MAIN", "DAILY", bound=Decimal(200), name="More")
    assert (raised.rule, raised.name) == (
        dataclasses.replace(daily, amount_max=Decimal(200)),
        "More",
    )
    with pytest.raises(RefusedError) as standing_refusal:
        await ledger.post("MAIN", "WITHDRAWAL", {**OUT, "amount": Decimal(81)})
    assert standing_refusal.value.facts["limit"] == "NO-OVERDRAFT"
    assert await ledger.detach_limit("MAIN", "DAILY", account="alice") == own
    with pytest.raises(NotFoundError) as detached:
        await ledger.detach_limit("MAIN", "DAILY", account="alice")
    assert detached.value.reason == "LIMIT_NOT_ATTACHED"
    assert await everything(ledger.list_limit_attachments("MAIN", "DAILY")) == []


async def test_force_passes_a_standing_limit(ledger: LedgerClient) -> None:
    await ledger.create_limit(
        "MAIN", "L", currency="USD", rule=StandingLimit(available_min=Decimal(0))
    )
    paid_in = await ledger.post("MAIN", "DEPOSIT", {**OUT, "amount": Decimal(5)})
    await ledger.post("MAIN", "WITHDRAWAL", {**OUT, "amount": Decimal(103)})
    await ledger.attach_limit("MAIN", "L", account="alice")
    back = paid_in.transaction.id
    with pytest.raises(RefusedError) as refused:
        await ledger.reverse_transaction("MAIN", back, effective_date=FEBRUARY)
    assert refused.value.reason == "LIMIT_EXCEEDED"
    await ledger.reverse_transaction("MAIN", back, effective_date=FEBRUARY, force=True)
    assert await alice(ledger) == amounts(-3, -3)


async def test_periods(ledger: LedgerClient) -> None:
    nothing = await ledger.get_period("MAIN")
    assert (nothing.closed_through, nothing.locked_through, nothing.sequence) == (None, None, None)
    locked = await ledger.close_period("MAIN", FEBRUARY, reason="review", soft=True)
    assert (locked.closed_through, locked.locked_through) == (None, FEBRUARY)
    closed = await ledger.close_period("MAIN", JANUARY, reason="audited")
    assert (closed.closed_through, closed.locked_through) == (JANUARY, FEBRUARY)
    assert (closed.reason, await ledger.get_period("MAIN")) == ("audited", closed)
    assert await everything(ledger.list_period_changes("MAIN")) == [closed, locked]

    params = {**OUT, "amount": Decimal(1)}
    for day, behind, reason in (
        (FEBRUARY, False, "PERIOD_LOCKED"),
        (JANUARY, True, "PERIOD_CLOSED"),
    ):
        with pytest.raises(RefusedError) as refused:
            await ledger.post(
                "MAIN", "WITHDRAWAL", params, effective_date=day, behind_soft_lock=behind
            )
        assert refused.value.reason == reason
        validation = await ledger.validate(
            "MAIN", "WITHDRAWAL", params, effective_date=day, behind_soft_lock=behind
        )
        assert validation.refusal is not None
        assert validation.refusal.reason == reason
    await ledger.post("MAIN", "WITHDRAWAL", params, effective_date=FEBRUARY, behind_soft_lock=True)
    with pytest.raises(RefusedError) as order:
        await ledger.close_period("MAIN", JANUARY, reason="again")
    assert order.value.reason == "PERIOD_ORDER"
    assert (await ledger.reopen_period("MAIN", None, reason="mistake")).closed_through is None
    await ledger.post("MAIN", "WITHDRAWAL", params, effective_date=JANUARY)


async def test_a_lock_may_let_holds_end(ledger: LedgerClient) -> None:
    params = {**OUT, "amount": Decimal(10)}
    hold = (await ledger.place_hold("MAIN", "WITHDRAWAL", params)).hold
    strict = await ledger.lock_account("MAIN", "alice")
    assert not strict.lock_allows_hold_ends
    with pytest.raises(RefusedError) as refused:
        await ledger.capture_hold("MAIN", hold.id)
    assert refused.value.reason == "ACCOUNT_NOT_ACTIVE"
    kind = await ledger.lock_account("MAIN", "alice", allow_hold_ends=True)
    assert kind.lock_allows_hold_ends
    await ledger.capture_hold("MAIN", hold.id)
    with pytest.raises(RefusedError):
        await ledger.place_hold("MAIN", "WITHDRAWAL", params)
    assert not (await ledger.unlock_account("MAIN", "alice")).lock_allows_hold_ends

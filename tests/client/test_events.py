"""Events through the client, against the real server."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from ledger_client import (
    Account,
    AccountSet,
    BalanceUpdate,
    Currency,
    Direction,
    Event,
    EventBatch,
    EventFilter,
    InvalidRequestError,
    Journal,
    LedgerClient,
    MembersChange,
    NotFoundError,
    Transaction,
    TxTemplate,
    UnavailableError,
)
from ledger_client.templates import library

TRANSFER = {"from": "bank", "to": "cash", "currency": "USD", "amount": Decimal(5)}


@pytest.fixture
async def ledger(server_address: str) -> AsyncIterator[LedgerClient]:
    async with LedgerClient.connect(server_address) as client:
        await client.create_journal("MAIN")
        for code in ("bank", "cash"):
            await client.create_account("MAIN", code, normal_side=Direction.DEBIT)
        (transfer,) = (one for one in library() if one.template.code == "TRANSFER")
        await client.create_tx_template("MAIN", transfer.template)
        yield client


async def first(batches: AsyncIterator[EventBatch]) -> EventBatch:
    async with asyncio.timeout(10):
        async for batch in batches:
            return batch
    raise AssertionError("the stream has no end")


async def test_each_fact_has_its_value(ledger: LedgerClient) -> None:
    posted = (await ledger.post("MAIN", "TRANSFER", TRANSFER)).transaction
    await ledger.register_currency("MAIN", "ETH", 18)
    wallet = await ledger.create_account_set("MAIN", "wallet")
    await ledger.add_account_set_members("MAIN", "wallet", accounts=["cash"])
    await ledger.lock_account("MAIN", "cash")
    events = [one async for one in ledger.list_events("MAIN", include_balance_updates=True)]
    assert [(one.type, type(one.fact)) for one in events] == [
        ("journal.created", Journal),
        ("account.created", Account),
        ("account.created", Account),
        ("template.created", TxTemplate),
        ("journal.posted", Transaction),
        ("balance.updated", BalanceUpdate),
        ("balance.updated", BalanceUpdate),
        ("currency.registered", Currency),
        ("account_set.created", AccountSet),
        ("account_set.members_added", MembersChange),
        ("account.locked", Account),
    ]
    assert [one.sequence for one in events] == [1, 2, 3, 4, 5, 5, 5, 6, 7, 8, 9]
    assert events[4].fact == posted
    assert events[4].record_time == posted.record_time
    assert all(one.record_time.tzinfo is dt.UTC for one in events)
    update, added = events[5].fact, events[9].fact
    assert isinstance(update, BalanceUpdate)
    assert update.balance == posted.entries[0].balance_after
    assert isinstance(added, MembersChange)
    assert added.account_set_id == wallet.id
    head = await ledger.get_head("MAIN")
    assert (head.sequence, head.record_time) == (9, events[-1].record_time)


async def test_follows(ledger: LedgerClient) -> None:
    wanted = EventFilter(types=("journal.posted",), accounts=("cash",))
    batches = ledger.subscribe("MAIN", after_sequence=4, filter=wanted, heartbeat_seconds=1)
    assert await first(batches) == EventBatch(events=(), position=4, head_sequence=4)
    batches = ledger.subscribe("MAIN", filter=wanted)
    posting = asyncio.create_task(ledger.post("MAIN", "TRANSFER", TRANSFER))
    found: list[Event] = []
    async for batch in batches:
        found += batch.events
        if found:
            assert batch.position == batch.head_sequence == 5
            break
    await batches.aclose()
    assert [one.fact for one in found] == [(await posting).transaction]


async def test_what_is_refused(ledger: LedgerClient) -> None:
    with pytest.raises(InvalidRequestError) as beyond:
        await first(ledger.subscribe("MAIN", after_sequence=5))
    assert beyond.value.reason == "POSITION_UNAVAILABLE"
    with pytest.raises(NotFoundError):
        await first(ledger.subscribe("NONE"))
    with pytest.raises(ValueError, match="EVENT_TYPE_"):
        await first(ledger.subscribe("MAIN", filter=EventFilter(types=("no.such",))))


async def test_a_server_that_cannot_be_reached() -> None:
    async with LedgerClient.connect("127.0.0.1:1") as client:
        with pytest.raises(UnavailableError):
            await first(client.subscribe("MAIN"))

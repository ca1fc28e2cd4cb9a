"""Events through the client, against the real server."""

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from ledger_client import (
    Account,
    AccountSet,
    AccountUpdated,
    BalanceUpdate,
    Currency,
    Direction,
    Event,
    EventBatch,
    EventFilter,
    HoldCaptured,
    HoldCreated,
    InvalidRequestError,
    Journal,
    LedgerClient,
    MembersChange,
    NotFoundError,
    PersonalDataErased,
    StandingLimit,
    Transaction,
    TxTemplate,
    UnavailableError,
)
from ledger_client.convert import events as convert
from ledger_client.templates import library
from ledger_proto.v1 import accounts_pb2, common_pb2, events_pb2

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


async def test_facts_say_all_that_happened(ledger: LedgerClient) -> None:
    """What a transaction alone does not say: when a hold ends, whether a capture ended it."""
    expire_time = dt.datetime.now(dt.UTC).replace(microsecond=0) + dt.timedelta(days=1)
    head = (await ledger.get_head("MAIN")).sequence
    before = await ledger.get_account("MAIN", "cash")
    hold = (await ledger.place_hold("MAIN", "TRANSFER", TRANSFER, expire_time=expire_time)).hold
    part = await ledger.capture_hold("MAIN", hold.id, {"amount": Decimal(2)})
    rest = await ledger.capture_hold("MAIN", hold.id)
    endless = (await ledger.place_hold("MAIN", "TRANSFER", TRANSFER)).hold
    after = await ledger.update_account("MAIN", "cash", name="Cash")
    period = await ledger.close_period("MAIN", dt.date(2020, 1, 31), reason="Audited")
    limit = await ledger.create_limit(
        "MAIN", "floor", currency="USD", rule=StandingLimit(available_min=Decimal(-500))
    )
    attached = await ledger.attach_limit("MAIN", "floor", account="cash")
    facts = [one.fact async for one in ledger.list_events("MAIN", after_sequence=head)]
    created, captured, ended, open_ended, updated, *others = facts
    assert isinstance(created, HoldCreated)
    assert isinstance(created, Transaction), "as it was before"
    assert (created.id, created.expire_time) == (hold.id, expire_time)
    assert isinstance(open_ended, HoldCreated)
    assert (open_ended.id, open_ended.expire_time) == (endless.id, None)
    assert isinstance(captured, HoldCaptured)
    assert (captured.entries, captured.ended) == (part.transaction.entries, False)
    assert isinstance(ended, HoldCaptured)
    assert (ended.entries, ended.ended) == (rest.transaction.entries, True)
    assert isinstance(updated, AccountUpdated)
    assert (updated.name, updated.previous) == (after.name, before)
    assert others == [period, limit, attached]


def test_an_erased_event_says_so() -> None:
    account = accounts_pb2.Account(
        id=str(uuid.UUID(int=1)),
        normal_side=common_pb2.DIRECTION_DEBIT,
        status=accounts_pb2.ACCOUNT_STATUS_ACTIVE,
    )
    created = events_pb2.AccountCreated(account=account)
    event = convert.event(
        events_pb2.Event(sequence=7, account_created=created, personal_digest=b"x" * 32)
    )
    assert (event.is_erased, event.type) == (True, "account.created")
    erased = events_pb2.PersonalDataErased(sequences=[7], reason="asked for")
    event = convert.event(events_pb2.Event(sequence=8, personal_data_erased=erased))
    assert (event.is_erased, event.type) == (False, "personal_data.erased")
    assert event.fact == PersonalDataErased(sequences=(7,), reason="asked for")


def test_every_type_has_a_typed_fact() -> None:
    """And a name: a mapping is only for what a newer server may send."""
    facts = {field.name for field in events_pb2.Event.DESCRIPTOR.oneofs_by_name["fact"].fields}
    assert facts == set(convert._FACTS)

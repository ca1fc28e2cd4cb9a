"""What a running server's events look like once they are published."""

import asyncio
import datetime as dt
import json
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
import pytest_asyncio

from dev.event_schemas import facts
from ledger_client import (
    AccountCategory,
    Direction,
    Event,
    LedgerClient,
    NewRate,
    StandingLimit,
)
from ledger_client.publish.envelopes import ENVELOPES, envelope
from ledger_client.templates import library
from ledger_proto.v1.erasures_pb2 import ErasePersonalDataRequest
from ledger_proto.v1.erasures_pb2_grpc import ErasureServiceStub
from tests.client.publish.any_event import JOURNAL
from tests.client.publish.test_documents import DOCUMENTS, SCHEMAS, validate
from tests.databases import database_of
from tests.ledger import serving

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def events(postgres_dsn: str, template_database: str) -> AsyncIterator[list[Event]]:
    """One or more events of each type, from a server."""
    with database_of(postgres_dsn, template_database) as dsn:
        async with serving(dsn) as server, LedgerClient.connect(server.address) as client:
            await cause_everything(client)
            await ErasureServiceStub(server.channel).ErasePersonalData(
                ErasePersonalDataRequest(journal="MAIN", accounts=["cash"], reason="asked for")
            )
            await server.app.sweeper.sweep()
            found = client.list_events("MAIN", include_balance_updates=True)
            yield [event async for event in found]


async def cause_everything(client: LedgerClient) -> None:
    """Let each thing happen that can happen to a journal."""
    await client.create_journal("MAIN")
    await client.register_currency("MAIN", "ETH", 18)
    for code in ("bank", "cash", "till"):
        await client.create_account(
            "MAIN", code, normal_side=Direction.DEBIT, metadata={"über": "\u2028 ü"}
        )
    await client.update_account("MAIN", "till", name="Till")
    await client.lock_account("MAIN", "till", allow_hold_ends=True)
    await client.unlock_account("MAIN", "till")
    await client.close_account("MAIN", "till")
    await client.create_account_set("MAIN", "wallet")
    await client.add_account_set_members("MAIN", "wallet", accounts=["cash"])
    await client.remove_account_set_members("MAIN", "wallet", accounts=["cash"])
    (transfer,) = (one for one in library() if one.template.code == "TRANSFER")
    await client.create_tx_template("MAIN", transfer.template)
    await cause_movements(client)
    rule = StandingLimit(available_min=Decimal("-1000.50"))
    await client.create_limit("MAIN", "FLOOR", currency="USD", rule=rule)
    await client.attach_limit("MAIN", "FLOOR", account="bank")
    await client.update_limit("MAIN", "FLOOR", bound=Decimal(-2000))
    await client.detach_limit("MAIN", "FLOOR", account="bank")
    monday = dt.datetime(2026, 1, 5, tzinfo=dt.UTC)
    price = NewRate(
        base="ETH",
        quote="USD",
        effective_time=monday,
        rate=Decimal("3210.123456789"),
        source="exchange",
    )
    await client.record_rates("MAIN", [price])
    await cause_years(client)
    await client.close_period("MAIN", dt.date(2020, 1, 31), reason="month end")


async def cause_years(client: LedgerClient) -> None:
    """Earn something in a year, close it and open it again."""
    for code, category, account in (
        ("E", AccountCategory.EQUITY, "retained"),
        ("R", AccountCategory.REVENUE, "sales"),
    ):
        await client.create_account_set("MAIN", code, category=category)
        await client.create_account("MAIN", account, normal_side=Direction.CREDIT)
        await client.add_account_set_members("MAIN", code, accounts=[account])
    sale = {"from": "sales", "to": "cash", "currency": "USD", "amount": Decimal("5.00")}
    await client.post("MAIN", "TRANSFER", sale, effective_date=dt.date(2019, 6, 30))
    await client.open_fiscal_year(
        "MAIN",
        "2019",
        first_day=dt.date(2019, 1, 1),
        last_day=dt.date(2019, 12, 31),
        retained_earnings="retained",
    )
    await client.close_fiscal_year("MAIN", "2019", reason="audited")
    await client.reopen_fiscal_year("MAIN", "2019", reason="an invoice came late")


async def cause_movements(client: LedgerClient) -> None:
    """Post, hold and reverse."""
    params = {"from": "bank", "to": "cash", "currency": "USD", "amount": Decimal("0.10")}
    large = params | {"amount": Decimal("123456789012345678901234567890.12")}
    posted = await client.post(
        "MAIN", "TRANSFER", large, correlation_id="order 7", metadata={"channel": "web"}
    )
    await client.reverse_transaction(
        "MAIN", posted.transaction.id, effective_date=dt.date(2026, 1, 31)
    )
    soon = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    await client.place_hold("MAIN", "TRANSFER", params, expire_time=soon)
    for end in (client.capture_hold, client.release_hold):
        held = await client.place_hold("MAIN", "TRANSFER", params)
        await end("MAIN", held.hold.id)
    await asyncio.sleep(1.2)


async def test_every_type_is_among_them(events: list[Event]) -> None:
    assert {event.type for event in events} == {schema_name(fact) for fact in facts()}


def schema_name(fact: Any) -> str:
    (name,) = (name for name in SCHEMAS if name.replace(".", "_") == fact.name)
    return name


@pytest.mark.parametrize("name", tuple(ENVELOPES))
async def test_real_events_are_what_the_documents_say(name: str, events: list[Event]) -> None:
    form = envelope(name, JOURNAL)
    messages = DOCUMENTS[name]["components"]["messages"].values()
    by_type = {message["name"]: message["payload"]["schema"] for message in messages}
    ids = set()
    for event in events:
        message = form.message(event)
        validate(json.loads(message.body), by_type[message.type])
        ids.add(message.id)
    assert len(ids) == len(events)

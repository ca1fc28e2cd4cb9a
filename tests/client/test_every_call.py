"""Every call of the contract: it is there, carries its key, and goes through all pages."""

import datetime as dt
import inspect
import re
from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.protobuf import message_factory, timestamp_pb2
from google.protobuf.message import Message

from ledger_client import (
    AccountCategory,
    Direction,
    EntryDefinition,
    LedgerClient,
    NewAccount,
    NewChartNode,
    NewRate,
    NewTxTemplate,
    StandingLimit,
    UnavailableError,
    new_id,
)
from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    charts_pb2,
    common_pb2,
    erasures_pb2,
    fiscal_years_pb2,
    holds_pb2,
    journals_pb2,
    limits_pb2,
    periods_pb2,
    rates_pb2,
    transactions_pb2,
    tx_templates_pb2,
)
from tests.client.fake_ledger import METHODS, Failure, FakeLedger

ID = new_id()
DAY = dt.date(2026, 1, 31)
NOON = timestamp_pb2.Timestamp(seconds=1_767_268_800)
ACCOUNT = accounts_pb2.Account(
    id=str(ID),
    code="a",
    normal_side=common_pb2.DIRECTION_DEBIT,
    status=accounts_pb2.ACCOUNT_STATUS_LOCKED,
    create_time=NOON,
)
TRANSACTION = transactions_pb2.Transaction(
    id=str(ID),
    sequence=3,
    effective_date="2026-01-31",
    kind=transactions_pb2.TRANSACTION_KIND_POSTING,
)
LIMIT = limits_pb2.Limit(
    code="l", currency="USD", standing=limits_pb2.StandingLimit(available_min="0")
)
ATTACHMENT = limits_pb2.LimitAttachment(
    limit="l", account_id=str(ID), scope=limits_pb2.LIMIT_SCOPE_EACH_ACCOUNT
)
YEAR = fiscal_years_pb2.FiscalYear(
    code="2026",
    first_day="2026-01-01",
    last_day="2026-01-31",
    status=fiscal_years_pb2.FISCAL_YEAR_STATUS_OPEN,
)
RATE = NewRate(
    base="EUR",
    quote="USD",
    effective_time=dt.datetime(2026, 1, 31, tzinfo=dt.UTC),
    rate=Decimal("1.08"),
    source="ECB",
)
TEMPLATE = NewTxTemplate(
    code="T",
    entries=[EntryDefinition(account="'a'", direction="DEBIT", units="'1'", currency="'USD'")],
)

#: The answer and the call of each mutation that takes a request id.
MUTATIONS: dict[str, tuple[Message, Callable[..., Awaitable[Any]]]] = {
    "CreateJournal": (
        journals_pb2.CreateJournalResponse(journal=journals_pb2.Journal(id=str(ID))),
        lambda ledger, **key: ledger.create_journal("MAIN", **key),
    ),
    "RegisterCurrency": (
        journals_pb2.RegisterCurrencyResponse(),
        lambda ledger, **key: ledger.register_currency("MAIN", "ETH", 18, **key),
    ),
    "CreateAccount": (
        accounts_pb2.CreateAccountResponse(account=ACCOUNT),
        lambda ledger, **key: ledger.create_account(
            "MAIN", "a", normal_side=Direction.DEBIT, **key
        ),
    ),
    "BatchCreateAccounts": (
        accounts_pb2.BatchCreateAccountsResponse(accounts=[ACCOUNT]),
        lambda ledger, **key: ledger.batch_create_accounts(
            "MAIN", [NewAccount(code="a", normal_side=Direction.DEBIT)], **key
        ),
    ),
    "UpdateAccount": (
        accounts_pb2.UpdateAccountResponse(account=ACCOUNT),
        lambda ledger, **key: ledger.update_account("MAIN", "a", name="A", **key),
    ),
    "LockAccount": (
        accounts_pb2.LockAccountResponse(account=ACCOUNT),
        lambda ledger, **key: ledger.lock_account("MAIN", "a", **key),
    ),
    "UnlockAccount": (
        accounts_pb2.UnlockAccountResponse(account=ACCOUNT),
        lambda ledger, **key: ledger.unlock_account("MAIN", "a", **key),
    ),
    "CloseAccount": (
        accounts_pb2.CloseAccountResponse(account=ACCOUNT),
        lambda ledger, **key: ledger.close_account("MAIN", "a", **key),
    ),
    "CreateAccountSet": (
        account_sets_pb2.CreateAccountSetResponse(
            account_set=account_sets_pb2.AccountSet(id=str(ID))
        ),
        lambda ledger, **key: ledger.create_account_set(
            "MAIN", "s", category=AccountCategory.ASSET, **key
        ),
    ),
    "AddAccountSetMembers": (
        account_sets_pb2.AddAccountSetMembersResponse(added_count=2),
        lambda ledger, **key: ledger.add_account_set_members(
            "MAIN", "s", accounts=["a", ID], member_sets=["t"], **key
        ),
    ),
    "RemoveAccountSetMembers": (
        account_sets_pb2.RemoveAccountSetMembersResponse(removed_count=1),
        lambda ledger, **key: ledger.remove_account_set_members("MAIN", "s", accounts=["a"], **key),
    ),
    "ImportChart": (
        charts_pb2.ImportChartResponse(added_count=1),
        lambda ledger, **key: ledger.import_chart(
            "MAIN", [NewChartNode(code="1", category=AccountCategory.ASSET)], **key
        ),
    ),
    "CreateTxTemplate": (
        tx_templates_pb2.CreateTxTemplateResponse(created=True),
        lambda ledger, **key: ledger.create_tx_template("MAIN", TEMPLATE, **key),
    ),
    "CreateLimit": (
        limits_pb2.CreateLimitResponse(limit=LIMIT),
        lambda ledger, **key: ledger.create_limit(
            "MAIN", "l", currency="USD", rule=StandingLimit(available_min=Decimal(0)), **key
        ),
    ),
    "UpdateLimit": (
        limits_pb2.UpdateLimitResponse(limit=LIMIT),
        lambda ledger, **key: ledger.update_limit("MAIN", "l", bound=Decimal(-5), **key),
    ),
    "AttachLimit": (
        limits_pb2.AttachLimitResponse(attachment=ATTACHMENT),
        lambda ledger, **key: ledger.attach_limit("MAIN", "l", account="a", **key),
    ),
    "DetachLimit": (
        limits_pb2.DetachLimitResponse(attachment=ATTACHMENT),
        lambda ledger, **key: ledger.detach_limit("MAIN", "l", account_set=ID, **key),
    ),
    "ClosePeriod": (
        periods_pb2.ClosePeriodResponse(),
        lambda ledger, **key: ledger.close_period("MAIN", DAY, reason="why", **key),
    ),
    "ErasePersonalData": (
        erasures_pb2.ErasePersonalDataResponse(sequence=3, erased_sequences=[1]),
        lambda ledger, **key: ledger.erase_personal_data("MAIN", accounts=["a"], reason="r", **key),
    ),
    "ReopenPeriod": (
        periods_pb2.ReopenPeriodResponse(),
        lambda ledger, **key: ledger.reopen_period("MAIN", None, reason="why", **key),
    ),
    "OpenFiscalYear": (
        fiscal_years_pb2.OpenFiscalYearResponse(year=YEAR),
        lambda ledger, **key: ledger.open_fiscal_year("MAIN", "2026", last_day=DAY, **key),
    ),
    "CloseFiscalYear": (
        fiscal_years_pb2.CloseFiscalYearResponse(year=YEAR),
        lambda ledger, **key: ledger.close_fiscal_year("MAIN", "2026", reason="why", **key),
    ),
    "ReopenFiscalYear": (
        fiscal_years_pb2.ReopenFiscalYearResponse(year=YEAR),
        lambda ledger, **key: ledger.reopen_fiscal_year("MAIN", "2026", reason="why", **key),
    ),
    "RecordRates": (
        rates_pb2.RecordRatesResponse(),
        lambda ledger, **key: ledger.record_rates("MAIN", [RATE], **key),
    ),
}

#: The field that is the key of each other mutation, and its call.
WITH_IDS: dict[str, tuple[str, Callable[..., Awaitable[Any]]]] = {
    "PostTransaction": (
        "transaction.transaction_id",
        lambda ledger, own=None: ledger.post("MAIN", "T", {}, transaction_id=own),
    ),
    "ReverseTransaction": (
        "transaction_id",
        lambda ledger, own=None: ledger.reverse_transaction(
            "MAIN", ID, effective_date=DAY, transaction_id=own
        ),
    ),
    "PlaceHold": (
        "transaction.transaction_id",
        lambda ledger, own=None: ledger.place_hold("MAIN", "T", {}, hold_id=own),
    ),
    "CaptureHold": (
        "capture_id",
        lambda ledger, own=None: ledger.capture_hold("MAIN", ID, capture_id=own),
    ),
    "ReleaseHold": (
        "release_id",
        lambda ledger, own=None: ledger.release_hold("MAIN", ID, release_id=own),
    ),
}


def test_there_is_a_method_for_each_call() -> None:
    """`PostTransaction` is `post` and `validate`, `PostTransactions` is `post_many`."""
    renamed = {"PostTransaction": "post", "PostTransactions": "post_many"}
    for name in METHODS:
        method = renamed.get(name) or re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()
        assert inspect.getdoc(getattr(LedgerClient, method)), method


def test_each_mutation_is_tried_below() -> None:
    assert set(MUTATIONS) == {
        name for name, method in METHODS.items() if "request_id" in method.input_type.fields_by_name
    }


@pytest.mark.parametrize("method", MUTATIONS)
async def test_each_mutation_carries_a_key(
    fake: FakeLedger, client: LedgerClient, method: str
) -> None:
    answer, call = MUTATIONS[method]
    fake.answer(method, answer)

    await call(client)
    await call(client)
    await call(client, request_id="mine")

    first, second, third = fake.requests(method)
    assert first.request_id != second.request_id
    assert len(first.request_id) == 36
    assert third.request_id == "mine"


@pytest.mark.parametrize("method", WITH_IDS)
async def test_each_id_is_made_once_and_told_when_the_answer_is_lost(
    fake: FakeLedger, client: LedgerClient, method: str
) -> None:
    field, call = WITH_IDS[method]
    fake.answer(method, Failure(status=grpc.StatusCode.UNAVAILABLE))
    keys = []
    for own in ({}, {}, {"own": ID}):
        fake.calls.clear()
        with pytest.raises(UnavailableError) as caught:
            await call(client, **own)
        sent = set()
        for request in fake.requests(method):
            value: Any = request
            for name in field.split("."):
                value = getattr(value, name)
            sent.add(value)
        assert len(fake.calls) == 4
        assert sent == {caught.value.idempotency_key}
        keys.append(caught.value.idempotency_key)
    assert len(set(keys)) == 3
    assert keys[2] == str(ID)


def test_no_mutation_is_without_a_key() -> None:
    """But for the batch, whose postings have each its own, and for cursors, which have tokens."""
    words = ("Get", "List", "BatchGet", "Preview", "Search")
    reads = {name for name in METHODS if name.startswith(words)}
    cursors = {f"{verb}Cursor" for verb in ("Acquire", "Advance", "Release", "Reset")}
    assert set(METHODS) - reads - cursors == {*MUTATIONS, *WITH_IDS, "PostTransactions"}


@pytest.mark.parametrize(
    "name",
    [
        name
        for name, method in METHODS.items()
        if name.startswith("List") and "next_page_token" in method.output_type.fields_by_name
    ],
)
async def test_each_list_goes_through_all_pages(
    fake: FakeLedger, client: LedgerClient, name: str
) -> None:
    output = METHODS[name].output_type
    (items,) = (field for field in output.fields if field.message_type)
    assert items.message_type is not None
    item = message_factory.GetMessageClass(items.message_type)()
    for field, value in (
        ("id", str(ID)),
        ("account_id", str(ID)),
        ("effective_date", "2026-01-31"),
        ("first_day", "2026-01-01"),
        ("last_day", "2026-01-31"),
        ("normal_side", 1),
        ("status", 1),
        ("kind", 1),
    ):
        if field in items.message_type.fields_by_name:
            setattr(item, field, value)
    if isinstance(item, holds_pb2.Hold):
        item.transaction.CopyFrom(TRANSACTION)
    if isinstance(item, limits_pb2.Limit):
        item.CopyFrom(LIMIT)
    page = message_factory.GetMessageClass(output)
    fake.answer(
        name,
        page(**{items.name: [item, item]}, next_page_token="two"),
        page(next_page_token="three"),
        page(**{items.name: [item]}),
    )
    method = getattr(client, re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower())
    needed = [
        "MAIN"
        for parameter in inspect.signature(method).parameters.values()
        if parameter.default is inspect.Parameter.empty
    ]

    found = [one async for one in method(*needed)]

    assert len(found) == 3
    assert [request.page_token for request in fake.requests(name)] == ["", "two", "three"]
    assert {request.page_size for request in fake.requests(name)} == {500}

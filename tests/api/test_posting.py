"""Posting one transaction: what it says, what it refuses, what it only tries."""

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest

from ledger_proto.v1 import account_sets_pb2, accounts_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import DEBIT, reason, refused
from tests.ledger import (
    ATOMIC,
    PostingLedger,
    Serving,
    changed,
    check_books,
    lines,
    request,
    template,
    transfer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def ledger(posting: PostingLedger) -> PostingLedger:
    """A journal of the test's own."""
    return posting


FULL: dict[str, Any] = {
    "effective_date": "2026-01-31",
    "description": "January",
    "external_id": "invoice-1",
    "correlation_id": "order-1",
    "metadata": {"channel": "web"},
    "template_version": 1,
}


async def test_a_posting_says_all_that_it_did(ledger: PostingLedger) -> None:
    asked = transfer(amount="12.3", **FULL)
    head = await ledger.head()
    answer = await ledger.post(asked)
    posted = answer.transaction
    assert not answer.replayed
    assert posted.id == asked.transaction_id
    assert posted.sequence == head + 1 == await ledger.head()
    assert (posted.template_code, posted.template_version) == ("TRANSFER", 1)
    assert posted.effective_date == "2026-01-31"
    assert (posted.description, posted.external_id) == ("January", "invoice-1")
    assert (posted.correlation_id, dict(posted.metadata)) == ("order-1", {"channel": "web"})
    assert posted.params == asked.params
    assert sorted(posted.requested) == [1, 2, 3, 4, 5, 6]
    assert abs(posted.record_time.ToDatetime(UTC) - datetime.now(UTC)) < timedelta(minutes=5)
    debit, credit = posted.entries
    assert (debit.account_code, debit.units, debit.currency) == ("cash", "12.30", "USD")
    assert (debit.direction, credit.direction, debit.layer) == (1, 2, 1)
    assert (debit.balance_after.debit, debit.balance_after.credit) == ("12.30", "0.00")
    assert (credit.balance_after.debit, credit.balance_after.credit) == ("0.00", "12.30")
    assert (debit.balance_after.version, credit.balance_after.version) == (1, 1)
    found = await ledger.transactions.GetTransaction(
        pb.GetTransactionRequest(journal=ledger.journal, transaction_id=posted.id.upper())
    )
    assert found.transaction == posted


async def test_validate_only_writes_nothing(ledger: PostingLedger, dsn: str) -> None:
    await ledger.post(transfer(amount="5"))
    before = await ledger.trial_balance()
    asked = lines(
        "DEBIT cash 1.00 USD",
        "DEBIT cash 2.00 USD",
        "CREDIT income 3.00 USD",
        "DEBIT cash 1 JPY PENDING",
        "CREDIT rent 1 JPY PENDING",
    )
    answer = await ledger.post(asked, validate_only=True)
    assert not answer.HasField("refusal")
    assert [
        (
            change.account_code,
            change.layer,
            change.currency,
            change.net_debit_before,
            change.net_debit_after,
        )
        for change in answer.balance_changes
    ] == [
        ("cash", 1, "USD", "5.00", "8.00"),
        ("income", 1, "USD", "-5.00", "-8.00"),
        ("cash", 2, "JPY", "0", "1"),
        ("rent", 2, "JPY", "0", "-1"),
    ]
    assert len(answer.transaction.entries) == 5
    assert answer.transaction.sequence == 0
    assert not answer.transaction.entries[0].HasField("balance_after")
    assert await ledger.trial_balance() == before
    await check_books(dsn, ledger.journal)
    # What would be refused now says so, with the entries as they were evaluated.
    await ledger.lock("rent")
    answer = await ledger.post(asked, validate_only=True)
    assert answer.refusal.reason == "ACCOUNT_NOT_ACTIVE"
    assert dict(answer.refusal.metadata) == {"account": "rent", "status": "LOCKED"}
    assert answer.refusal.status_code == grpc.StatusCode.FAILED_PRECONDITION.value[0]
    assert len(answer.transaction.entries) == 5
    assert not answer.balance_changes
    # What cannot even be evaluated is an error.
    unbalanced = lines("DEBIT cash 1.00 USD", "CREDIT income 3.00 USD")
    assert await reason(ledger.post(unbalanced, validate_only=True)) == "UNBALANCED"
    await ledger.unlock("rent")
    assert not (await ledger.post(asked)).replayed


async def test_an_external_id_is_unique_unless_empty(ledger: PostingLedger) -> None:
    first = await ledger.post(transfer(external_id="only"))
    answer = await refused(ledger.post(transfer(external_id="only")))
    assert answer.reason == "EXTERNAL_ID_REUSED"
    assert answer.code is grpc.StatusCode.ALREADY_EXISTS
    assert answer.facts == {"external_id": "only", "transaction_id": first.transaction.id}
    results = await ledger.post_all([transfer(external_id="") for _ in range(3)], ATOMIC)
    assert not any(result.replayed or result.transaction.external_id for result in results)
    assert not (await ledger.post(transfer(external_id="Only"))).replayed, "case counts"
    # One that the template gives is held to the same rule.
    made = template(
        "NUMBERED",
        {"number": ("STRING", None)},
        [
            {
                "account": "'cash'",
                "direction": direction,
                "units": "decimal('1')",
                "currency": "'USD'",
            }
            for direction in ("DEBIT", "CREDIT")
        ],
        transaction={"external_id": "params.number"},
    )
    await ledger.create_template(made)
    assert await reason(ledger.post(request("NUMBERED", {"number": "only"}))) == (
        "EXTERNAL_ID_REUSED"
    )
    for _ in range(2):
        posted = await ledger.post(request("NUMBERED", {"number": ""}))
        assert posted.transaction.external_id == ""


async def test_metadata(ledger: PostingLedger) -> None:
    metadata = {"k" * 64: "v" * 1_024, "größe": "ä\n\t", "": "x"}
    answer = await refused(ledger.post(changed(transfer(), metadata=metadata)))
    assert (answer.reason, answer.fields) == ("FIELD_INVALID", ["transaction.metadata"])
    del metadata[""]
    posted = await ledger.post(changed(transfer(), metadata=metadata))
    assert dict(posted.transaction.metadata) == metadata
    for wrong in (
        {"k" * 65: ""},
        {"k": "v" * 1_025},
        {str(number): "" for number in range(65)},
        {"k": "\0"},
        {"\x1b": ""},
    ):
        assert await reason(ledger.post(changed(transfer(), metadata=wrong))) == "FIELD_INVALID"
    full = {str(number): "" for number in range(64)}
    assert len((await ledger.post(changed(transfer(), metadata=full))).transaction.metadata) == 64


async def test_the_effective_date_is_the_journals_today(running: Serving) -> None:
    for zone in ("Pacific/Kiritimati", "UTC", "Etc/GMT+12"):
        ledger = running.ledger.of(f"zone-{zone.replace('/', '-').replace('+', '-')}")
        await ledger.open("cash", "income", time_zone=zone)
        earliest = datetime.now(ZoneInfo(zone)).date().isoformat()
        posted = (await ledger.post(transfer())).transaction
        latest = datetime.now(ZoneInfo(zone)).date().isoformat()
        assert earliest <= posted.effective_date <= latest, zone
        assert list(posted.requested) == []


async def test_the_first_and_the_last_day(ledger: PostingLedger, dsn: str) -> None:
    for day in ("0001-01-01", "9999-12-31", "2024-02-29"):
        posted = (await ledger.post(transfer(effective_date=day))).transaction
        assert posted.effective_date == day
        (row,) = (await ledger.list(from_date=day, to_date=day)).transactions
        assert row == posted
    assert (await ledger.trial_balance(as_of="9999-12-30")).rows[0].columns.closing_debit == "2.00"
    assert (await ledger.trial_balance(as_of="0001-01-01")).rows[0].columns.closing_debit == "1.00"
    rows = (await ledger.trial_balance(from_date="0001-01-01")).rows
    assert (rows[0].columns.opening_debit, rows[0].columns.debit) == ("0.00", "3.00")
    rows = (await ledger.trial_balance(from_date="9999-12-31")).rows
    assert (rows[0].columns.opening_debit, rows[0].columns.debit) == ("2.00", "1.00")
    for wrong in ("0000-01-01", "10000-01-01", "2023-02-29", "today", "2026-1-1"):
        assert await reason(ledger.post(transfer(effective_date=wrong))) == "FIELD_INVALID"
    await check_books(dsn, ledger.journal)


async def test_accounts_that_take_no_entries(ledger: PostingLedger) -> None:
    made = await ledger.account_sets.CreateAccountSet(
        account_sets_pb2.CreateAccountSetRequest(journal=ledger.journal, code="assets")
    )
    for reference in ("assets", made.account_set.id):
        answer = await refused(ledger.post(transfer(debit=reference)))
        assert (answer.reason, answer.facts) == ("ACCOUNT_IS_SET", {"account": reference})
    await ledger.accounts.CloseAccount(
        accounts_pb2.CloseAccountRequest(journal=ledger.journal, account="rent")
    )
    answer = await refused(ledger.post(transfer(debit="rent")))
    assert answer.reason == "ACCOUNT_NOT_ACTIVE"
    assert answer.facts == {"account": "rent", "status": "CLOSED"}
    for unknown in ("Cash", str(uuid.uuid4())):
        answer = await refused(ledger.post(transfer(debit=unknown)))
        assert (answer.reason, answer.facts) == ("ACCOUNT_NOT_FOUND", {"account": unknown})
    # An account created after it was asked for in vain is found.
    await ledger.accounts.CreateAccount(
        accounts_pb2.CreateAccountRequest(
            journal=ledger.journal,
            account=accounts_pb2.NewAccount(code="Cash", normal_side=DEBIT),
        )
    )
    assert (await ledger.post(transfer(debit="Cash"))).transaction.entries[0].account_code == "Cash"


async def test_an_account_goes_by_its_code_and_by_its_id(ledger: PostingLedger) -> None:
    answer = await ledger.accounts.GetAccount(
        accounts_pb2.GetAccountRequest(journal=ledger.journal, account="cash")
    )
    for reference in (answer.account.id, answer.account.id.upper()):
        posted = (await ledger.post(transfer(debit=reference))).transaction
        assert posted.entries[0].account_id == answer.account.id
        assert posted.entries[0].account_code == "cash"


async def test_params_are_refused_by_name(ledger: PostingLedger) -> None:
    for params, name in (
        ({"amount": 1.5}, "amount"),
        ({"amount": 1}, "amount"),
        ({"amount": None}, "amount"),
        ({"currency": ["USD"]}, "currency"),
        ({"extra": "1"}, "extra"),
        ({"memo": True}, "memo"),
        ({"debit": ""}, "debit"),
        ({"debit": float("nan")}, "debit"),
        ({"debit": 1e300}, "debit"),
    ):
        answer = await refused(ledger.post(changed(transfer(), params=params)))
        assert answer.reason == "PARAM_INVALID", params
        assert answer.facts["param"] == name, params
        assert answer.fields == [f"params.{name}"]
    deep = request("LINES", {"lines": [{"units": 1.5}]})
    answer = await refused(ledger.post(deep))
    assert (answer.reason, answer.facts["param"]) == ("PARAM_INVALID", "lines[0].units")


async def test_unbalanced_is_told_by_layer_and_currency(ledger: PostingLedger) -> None:
    answer = await refused(
        ledger.post(
            lines(
                "DEBIT cash 1 USD",
                "CREDIT cash 1 USD",
                "DEBIT cash 1 JPY",
                "CREDIT cash 1 JPY PENDING",
            )
        )
    )
    assert answer.reason == "UNBALANCED"
    assert answer.facts == {"layer": "SETTLED", "currency": "JPY", "debits": "1", "credits": "0"}


async def test_what_is_not_there(running: Serving, ledger: PostingLedger) -> None:
    unknown = str(uuid.uuid4())
    get = ledger.transactions.GetTransaction
    answer = await refused(
        get(pb.GetTransactionRequest(journal=ledger.journal, transaction_id=unknown))
    )
    assert (answer.reason, answer.code) == ("TRANSACTION_NOT_FOUND", grpc.StatusCode.NOT_FOUND)
    assert await reason(get(pb.GetTransactionRequest(journal=ledger.journal))) == "FIELD_INVALID"
    nowhere = running.ledger.of("nowhere")
    assert await reason(nowhere.post(transfer())) == "JOURNAL_NOT_FOUND"
    answer = await refused(ledger.post(request("TRANSFER", {}, template_version=9)))
    assert answer.reason == "TEMPLATE_NOT_FOUND"
    assert answer.facts == {"template": "TRANSFER", "version": "9"}


async def test_one_id_in_two_journals(running: Serving, ledger: PostingLedger) -> None:
    other = running.ledger.of(f"{ledger.journal}-other")
    await other.open("cash", "income")
    asked = transfer(external_id="shared")
    assert not (await ledger.post(asked)).replayed
    assert not (await other.post(asked)).replayed

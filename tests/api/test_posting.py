"""Posting over the API: idempotency, batches, refusals, what is listed afterwards."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import grpc
import pytest
import pytest_asyncio

from ledger_proto.v1 import account_sets_pb2, accounts_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import DEBIT, reason, refused
from tests.ledger import (
    ATOMIC,
    INDEPENDENT,
    PostingLedger,
    Serving,
    changed,
    check_books,
    database_of,
    lines,
    request,
    serving,
    template,
    transfer,
    transfer_template,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def running(dsn: str) -> AsyncIterator[Serving]:
    async with serving(dsn) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(running: Serving) -> PostingLedger:
    """A journal of the test's own with the accounts cash, income and rent."""
    opened = running.ledger.of(f"posting-{next(_journals)}")
    await opened.open("cash", "income", "rent")
    return opened


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


async def test_the_same_again_is_answered_from_the_books(ledger: PostingLedger, dsn: str) -> None:
    asked = transfer(**FULL)
    first = (await ledger.post(asked)).transaction
    head = await ledger.head()
    for same in (
        asked,
        changed(asked, params={"amount": "1.0"}),
        changed(asked, params={"amount": "1"}),
        changed(asked, params={"currency": "USD"}),
        changed(asked, params={"memo": "none"}),
        changed(asked, transaction_id=asked.transaction_id.upper()),
    ):
        again = await ledger.post(same)
        assert again.replayed
        assert again.transaction == first
        for mode in (ATOMIC, INDEPENDENT):
            (result,) = await ledger.post_all([same], mode)
            assert result.replayed
            assert result.transaction == first
        valid = await ledger.post(same, validate_only=True)
        assert (valid.replayed, valid.transaction) == (True, first)
        assert not valid.balance_changes
    assert await ledger.head() == head
    await check_books(dsn, ledger.journal)


DIFFERENCES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("template_code", FULL, {"template_code": "TRANSFER-2"}),
    ("template_version", FULL, {"template_version": 2}),
    ("template_version", FULL, {"template_version": 0}),
    ("template_version", {}, {"template_version": 2}),
    ("effective_date", FULL, {"effective_date": "2026-02-01"}),
    ("effective_date", FULL, {"effective_date": ""}),
    ("effective_date", {}, {"effective_date": "2026-02-01"}),
    ("description", FULL, {"description": "january"}),
    ("description", FULL, {"description": ""}),
    ("description", {}, {"description": "none"}),
    ("external_id", FULL, {"external_id": "invoice-2"}),
    ("external_id", FULL, {"external_id": ""}),
    ("external_id", {}, {"external_id": "invoice-1"}),
    ("correlation_id", FULL, {"correlation_id": "order-2"}),
    ("correlation_id", FULL, {"correlation_id": ""}),
    ("correlation_id", {}, {"correlation_id": "order-1"}),
    ("metadata", FULL, {"metadata": {"channel": "till"}}),
    ("metadata", FULL, {"metadata": {"channel": "web", "more": ""}}),
    ("metadata", FULL, {"metadata": {}}),
    ("metadata", {}, {"metadata": {"channel": "web"}}),
    ("params.amount", FULL, {"params": {"amount": "1.01"}}),
    ("params.credit", FULL, {"params": {"credit": "rent"}}),
    ("params.debit", FULL, {"params": {"debit": "rent"}}),
    ("params.currency", FULL, {"params": {"currency": "EUR"}}),
    ("params.memo", FULL, {"params": {"memo": "some"}}),
    ("params.memo", {"params": {"memo": "some"}}, {"params": {"memo": None}}),
    # The first of several, in the order of the contract.
    ("effective_date", FULL, {"effective_date": "2026-02-01", "params": {"amount": "2"}}),
    ("params.amount", FULL, {"params": {"amount": "2", "memo": "some"}}),
]


async def test_another_request_with_the_id_is_refused_naming_the_field(
    ledger: PostingLedger, dsn: str
) -> None:
    await ledger.create_template(transfer_template("TRANSFER-2"))
    await ledger.create_template(transfer_template(description="the second"))
    for number, (field, given, other) in enumerate(DIFFERENCES):
        fields = dict(given)
        if "external_id" in fields:
            fields["external_id"] = f"{fields['external_id']}/{number}"
        asked = changed(transfer(), **fields)
        first = (await ledger.post(asked)).transaction
        head = await ledger.head()
        different = changed(asked, **other)
        for call in (
            ledger.post(different),
            ledger.post_all([different], ATOMIC),
        ):
            answer = await refused(call)
            assert answer.reason == "TRANSACTION_ID_REUSED", (field, given, other)
            assert answer.code is grpc.StatusCode.ALREADY_EXISTS
            assert answer.facts["field"] == field, (given, other)
            assert answer.facts["transaction_id"] == first.id
        # In one batch with the request itself, posted a moment ago or in the same batch.
        fresh = changed(asked, transaction_id=str(uuid.uuid4()))
        if fresh.external_id:
            fresh.external_id += "/fresh"
        results = await ledger.post_all(
            [different, asked, fresh, changed(different, transaction_id=fresh.transaction_id)]
            if not fresh.external_id
            else [different, asked]
        )
        assert results[0].refusal.metadata["field"] == field
        assert results[1].replayed
        if not fresh.external_id:
            assert not results[2].replayed
            assert results[3].refusal.reason == "TRANSACTION_ID_REUSED"
            assert results[3].refusal.metadata["field"] == field
            head += 1
        assert await ledger.head() == head
    await check_books(dsn, ledger.journal)


async def test_a_retry_under_a_newer_template_is_still_a_replay(ledger: PostingLedger) -> None:
    asked = transfer()
    first = (await ledger.post(asked)).transaction
    await ledger.create_template(transfer_template(description="newer"))
    again = await ledger.post(asked)
    assert (again.replayed, again.transaction) == (True, first)
    assert (await ledger.post(transfer())).transaction.template_version == 2


async def test_a_retry_under_a_newer_template_that_would_refuse_it_is_still_a_replay(
    ledger: PostingLedger,
) -> None:
    """What was asked is the same, whatever the newest version would make of it."""
    asked = transfer()
    first = (await ledger.post(asked)).transaction
    await ledger.create_template(
        template(
            "TRANSFER",
            {"from": ("ACCOUNT", None), "to": ("ACCOUNT", None), "sum": ("DECIMAL", None)},
            [
                {
                    "account": f"params.{side}",
                    "direction": direction,
                    "units": "params.sum",
                    "currency": "'USD'",
                }
                for side, direction in (("to", "DEBIT"), ("from", "CREDIT"))
            ],
        )
    )
    assert await reason(ledger.post(transfer())) == "PARAM_INVALID"
    for mode in (ATOMIC, INDEPENDENT):
        (result,) = await ledger.post_all([asked], mode)
        assert (result.replayed, result.transaction) == (True, first)
        fine = request("TRANSFER", {"from": "income", "to": "cash", "sum": "1"})
        results = await ledger.post_all([fine, asked], mode)
        assert [one.replayed for one in results] == [False, True]
        assert results[1].transaction == first
    again = await ledger.post(asked)
    assert (again.replayed, again.transaction) == (True, first)
    again = await ledger.post(asked, validate_only=True)
    assert (again.replayed, again.transaction) == (True, first)


async def test_a_refusal_is_not_remembered(ledger: PostingLedger) -> None:
    asked = transfer(external_id="once")
    await ledger.lock("cash")
    answer = await refused(ledger.post(asked))
    assert answer.reason == "ACCOUNT_NOT_ACTIVE"
    assert answer.facts == {"account": "cash", "status": "LOCKED"}
    head = await ledger.head()
    await ledger.unlock("cash")
    posted = await ledger.post(asked)
    assert not posted.replayed
    assert posted.transaction.sequence == head + 2
    # A replay is answered whatever has happened to the account since.
    await ledger.lock("cash")
    assert (await ledger.post(asked)).replayed


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


async def test_an_atomic_batch_is_refused_as_a_whole(ledger: PostingLedger, dsn: str) -> None:
    head, before = await ledger.head(), await ledger.trial_balance()
    good = [transfer(external_id=f"good-{number}") for number in range(3)]
    unbalanced = lines("DEBIT cash 1.00 USD", "CREDIT income 3.00 USD")
    for bad, expected in (
        (unbalanced, "UNBALANCED"),
        (transfer(debit="nobody"), "ACCOUNT_NOT_FOUND"),
        (transfer(external_id="good-1"), "EXTERNAL_ID_REUSED"),
        (changed(good[0], description="other"), "TRANSACTION_ID_REUSED"),
        (request("NONE", {}), "TEMPLATE_NOT_FOUND"),
    ):
        answer = await refused(ledger.post_all([*good, bad, transfer()], ATOMIC))
        assert (answer.reason, answer.facts["index"]) == (expected, "3")
        assert await ledger.head() == head
        assert await ledger.trial_balance() == before
    answer = await refused(ledger.post_all([unbalanced], ATOMIC))
    assert (answer.reason, answer.facts["index"]) == ("UNBALANCED", "0")
    answer = await refused(ledger.post_all([*good, changed(good[0], transaction_id="x")], ATOMIC))
    assert (answer.reason, answer.fields) == ("FIELD_INVALID", ["transactions[3].transaction_id"])
    # A duplicate inside the batch is a replay of its forerunner.
    results = await ledger.post_all([*good, good[1]], ATOMIC)
    assert [result.replayed for result in results] == [False, False, False, True]
    assert results[3].transaction == results[1].transaction
    assert [result.transaction.sequence for result in results[:3]] == [head + 1, head + 2, head + 3]
    await check_books(dsn, ledger.journal)


async def test_an_independent_batch_answers_each_by_itself(ledger: PostingLedger, dsn: str) -> None:
    one, two = transfer(external_id="a"), transfer(external_id="b")
    head = await ledger.head()
    results = await ledger.post_all(
        [
            pb.TransactionRequest(),
            one,
            changed(one, transaction_id=str(uuid.uuid4())),
            lines("DEBIT cash 1.00 USD", "CREDIT income 3.00 USD"),
            changed(two, params={"amount": 1.5}),
            two,
            one,
            changed(one, effective_date="2026-13-01"),
            changed(two, effective_date="2026-12-01"),
            transfer(amount="0.001"),
        ],
        INDEPENDENT,
    )
    assert [
        result.refusal.reason or ("REPLAYED" if result.replayed else result.transaction.sequence)
        for result in results
    ] == [
        "FIELD_INVALID",
        head + 1,
        "EXTERNAL_ID_REUSED",
        "UNBALANCED",
        "PARAM_INVALID",
        head + 2,
        "REPLAYED",
        "FIELD_INVALID",
        "TRANSACTION_ID_REUSED",
        "AMOUNT_INVALID",
    ]
    assert results[0].refusal.metadata["field"] == "transactions[0].transaction_id"
    assert results[2].refusal.metadata["transaction_id"] == one.transaction_id
    assert results[4].refusal.metadata["param"] == "amount"
    assert results[4].refusal.status_code == grpc.StatusCode.INVALID_ARGUMENT.value[0]
    assert results[7].refusal.metadata["field"] == "transactions[7].effective_date"
    assert await ledger.head() == head + 2
    await check_books(dsn, ledger.journal)


async def test_a_call_takes_a_thousand_transactions(ledger: PostingLedger, dsn: str) -> None:
    many = [transfer(amount="0.01") for _ in range(1_000)]
    head = await ledger.head()
    for mode in (ATOMIC, INDEPENDENT):
        for count in (0, 1_001):
            answer = await refused(ledger.post_all([*many, transfer()][:count], mode))
            assert (answer.reason, answer.fields) == ("FIELD_INVALID", ["transactions"])
    assert await reason(ledger.post_all(many, 0)) == "FIELD_INVALID"
    assert await ledger.head() == head
    results = await ledger.post_all(many, ATOMIC)
    assert [result.transaction.sequence for result in results] == list(
        range(head + 1, head + 1_001)
    )
    assert (await ledger.balance("cash")).settled.debit == "10.00"
    assert all(result.replayed for result in await ledger.post_all(many))
    await check_books(dsn, ledger.journal)


def _legs(count: int) -> list[str]:
    half = count // 2
    return [
        *("DEBIT cash 1 JPY" for _ in range(count - half)),
        *("CREDIT income 1 JPY" for _ in range(half - 1)),
        f"CREDIT rent {count - 2 * half + 1} JPY",
    ]


async def test_a_transaction_takes_a_thousand_entries(ledger: PostingLedger) -> None:
    answer = await refused(ledger.post(lines(*_legs(1_001))))
    assert answer.reason == "TOO_MANY_ENTRIES"
    assert answer.facts == {"entries_max": "1000", "scope": "transaction"}
    posted = (await ledger.post(lines(*_legs(1_000)))).transaction
    assert len(posted.entries) == 1_000
    assert posted.entries[499].balance_after.version == 500
    # Entries of a list and others are counted together, whichever come first.
    leg = {"account": "'cash'", "units": "decimal('1')", "currency": "'JPY'"}
    listed = {**leg, "direction": "DEBIT", "for_each": "params.items"}
    alone = {**leg, "direction": "CREDIT", "units": "decimal(string(size(params.items)))"}
    for code, entries in (("LIST-FIRST", [listed, alone]), ("LIST-LAST", [alone, listed])):
        await ledger.create_template(template(code, {"items": ("JSON", None)}, entries))
        assert len((await ledger.post(request(code, {"items": ["x"] * 999}))).transaction.entries)
        too_many = request(code, {"items": ["x"] * 1_000})
        assert await reason(ledger.post(too_many)) == "TOO_MANY_ENTRIES"


async def test_a_call_takes_twenty_thousand_entries(ledger: PostingLedger, dsn: str) -> None:
    await ledger.create_template(
        template(
            "REPEAT",
            {"items": ("JSON", None)},
            [
                {
                    "account": f"'{account}'",
                    "direction": direction,
                    "units": "decimal('1')",
                    "currency": "'JPY'",
                    "for_each": "params.items",
                }
                for account, direction in (("cash", "DEBIT"), ("income", "CREDIT"))
            ],
        )
    )
    wide = [request("REPEAT", {"items": [""] * 500}) for _ in range(20)]
    head = await ledger.head()
    for mode in (ATOMIC, INDEPENDENT):
        answer = await refused(ledger.post_all([*wide, transfer()], mode))
        assert answer.reason == "TOO_MANY_ENTRIES"
        assert answer.facts == {"entries_max": "20000", "scope": "call"}
    assert await ledger.head() == head
    results = await ledger.post_all(wide, ATOMIC)
    assert sum(len(result.transaction.entries) for result in results) == 20_000
    assert (await ledger.balance("cash", "JPY")).version == 10_000
    await check_books(dsn, ledger.journal)


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


async def _pages(ledger: PostingLedger, **fields: Any) -> list[pb.Transaction]:
    found: list[pb.Transaction] = []
    token = ""
    while True:
        page = await ledger.list(page_token=token, **fields)
        found += page.transactions
        token = page.next_page_token
        if not token:
            return found


async def test_lists_filter_and_order(ledger: PostingLedger) -> None:
    days = ("2026-03-01", "2026-01-01", "2026-02-01", "2026-01-01")
    posted = [
        (
            await ledger.post(
                transfer(
                    credit="rent" if number % 3 else "income",
                    effective_date=days[number % 4],
                    external_id=f"x{number}",
                    correlation_id=f"c{number % 2}",
                )
            )
        ).transaction
        for number in range(20)
    ]
    # One account on both sides: listed once.
    both = (await ledger.post(transfer(debit="rent", credit="rent"))).transaction
    posted.append(both)
    for fields, kept in (
        ({}, lambda _one: True),
        ({"account": "rent"}, lambda one: "rent" in {leg.account_code for leg in one.entries}),
        ({"from_date": "2026-02-01"}, lambda one: one.effective_date >= "2026-02-01"),
        ({"to_date": "2026-01-31"}, lambda one: one.effective_date <= "2026-01-31"),
        (
            {"from_date": "2026-01-02", "to_date": "2026-02-28", "account": "income"},
            lambda one: (
                one.effective_date == "2026-02-01" and one.entries[1].account_code == "income"
            ),
        ),
        ({"external_id": "x7"}, lambda one: one.external_id == "x7"),
        ({"external_id": "x7", "account": "cash"}, lambda one: one.external_id == "x7"),
        ({"external_id": "none"}, lambda _one: False),
        ({"correlation_id": "c1"}, lambda one: one.correlation_id == "c1"),
        (
            {"correlation_id": "c1", "account": "rent"},
            lambda one: one.correlation_id == "c1" and one.entries[1].account_code == "rent",
        ),
    ):
        expected = sorted(
            (one for one in posted if kept(one)),
            key=lambda one: (one.effective_date, one.sequence),
        )
        for size in (0, 3, 1_000):
            assert await _pages(ledger, page_size=size, **fields) == expected, fields
            backwards = await _pages(ledger, page_size=size, newest_first=True, **fields)
            assert backwards == expected[::-1], fields
    assert await reason(ledger.list(account="nobody")) == "ACCOUNT_NOT_FOUND"
    token = (await ledger.list(page_size=1)).next_page_token
    assert await reason(ledger.list(page_token=token, newest_first=True)) == "PAGE_TOKEN_INVALID"
    assert await reason(ledger.list(page_size=-1)) == "FIELD_INVALID"


async def test_paging_while_others_post(ledger: PostingLedger) -> None:
    """What was there when the paging began is seen once; nothing is seen twice."""
    there = [
        (await ledger.post(transfer(effective_date=f"2026-01-{1 + number % 28:02}"))).transaction
        for number in range(60)
    ]
    stop = asyncio.Event()

    async def post() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            await ledger.post(transfer(effective_date=f"2026-01-{1 + number % 28:02}"))

    async with asyncio.TaskGroup() as group:
        group.create_task(post())
        for newest_first in (False, True):
            seen = [one.id for one in await _pages(ledger, page_size=7, newest_first=newest_first)]
            assert len(seen) == len(set(seen))
            assert {one.id for one in there} <= set(seen)
        stop.set()


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

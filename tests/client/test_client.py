"""The client against a server that answers by script: what it sends, and what it makes of it."""

import datetime as dt
from decimal import Decimal
from typing import Any

import grpc
import pytest
from google.protobuf import timestamp_pb2

from ledger_client import (
    AccountStatus,
    Direction,
    Layer,
    LedgerClient,
    Posting,
    PostResult,
    Refusal,
    UnavailableError,
    new_id,
)
from ledger_proto.v1 import (
    accounts_pb2,
    balances_pb2,
    common_pb2,
    journals_pb2,
    reports_pb2,
    transactions_pb2,
)
from tests.client.fake_ledger import Failure, FakeLedger

ID = new_id()
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


async def test_a_list_asks_for_no_page_that_is_not_read(
    fake: FakeLedger, client: LedgerClient
) -> None:
    fake.answer(
        "ListAccounts",
        accounts_pb2.ListAccountsResponse(accounts=[ACCOUNT], next_page_token="more"),
    )
    async for account in client.list_accounts(
        ID, code_prefix="assets:", status=AccountStatus.LOCKED
    ):
        assert account.status is AccountStatus.LOCKED
        break
    (request,) = fake.requests("ListAccounts")
    assert (request.journal, request.code_prefix) == (str(ID), "assets:")
    assert request.status == accounts_pb2.ACCOUNT_STATUS_LOCKED


async def test_create_journal_and_account(fake: FakeLedger, client: LedgerClient) -> None:
    journal = journals_pb2.Journal(
        id=str(ID), code="MAIN", name="Books", time_zone="Europe/Zurich", create_time=NOON
    )
    fake.answer("CreateJournal", journals_pb2.CreateJournalResponse(journal=journal))
    created = await client.create_journal("MAIN", name="Books", time_zone="Europe/Zurich")
    assert (created.id, created.code, created.time_zone) == (ID, "MAIN", "Europe/Zurich")
    assert created.create_time == dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)

    fake.answer("CreateAccount", accounts_pb2.CreateAccountResponse(account=ACCOUNT))
    await client.create_account(
        created.id, "a", normal_side=Direction.CREDIT, name="A", id=ID, metadata={"k": "v"}
    )
    (request,) = fake.requests("CreateAccount")
    assert request.journal == str(ID)
    assert request.account == accounts_pb2.NewAccount(
        id=str(ID), code="a", name="A", normal_side=common_pb2.DIRECTION_CREDIT, metadata={"k": "v"}
    )


@pytest.mark.parametrize(
    ("changes", "paths"),
    [
        ({"name": "A"}, ["name"]),
        ({"metadata": {}}, ["metadata"]),
        ({"name": "", "metadata": {"k": "v"}}, ["name", "metadata"]),
        ({}, []),
    ],
)
async def test_update_names_what_it_changes(
    fake: FakeLedger, client: LedgerClient, changes: dict[str, Any], paths: list[str]
) -> None:
    fake.answer("UpdateAccount", accounts_pb2.UpdateAccountResponse(account=ACCOUNT))
    await client.update_account("MAIN", "a", **changes)
    (request,) = fake.requests("UpdateAccount")
    assert list(request.update_mask.paths) == paths


async def test_post_makes_an_id_and_tells_it_when_the_answer_is_lost(
    fake: FakeLedger, client: LedgerClient
) -> None:
    fake.answer("PostTransaction", Failure(status=grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(UnavailableError) as caught:
        await client.post("MAIN", "T", {"amount": Decimal("1.50")})

    sent = {request.transaction.transaction_id for request in fake.requests("PostTransaction")}
    assert sent == {caught.value.idempotency_key}


async def test_post_and_validate(fake: FakeLedger, client: LedgerClient) -> None:
    fake.answer(
        "PostTransaction",
        transactions_pb2.PostTransactionResponse(transaction=TRANSACTION, replayed=True),
    )
    arguments: dict[str, Any] = {"transaction_id": ID, "effective_date": dt.date(2026, 1, 31)}
    posted = await client.post("MAIN", "T", {"amount": Decimal("1.50")}, **arguments)
    validation = await client.validate("MAIN", "T", {"amount": Decimal("1.50")}, **arguments)

    assert posted == PostResult(transaction=validation.transaction, replayed=True)
    assert (validation.refusal, validation.balance_changes) == (None, ())
    first, second = fake.requests("PostTransaction")
    assert (first.validate_only, second.validate_only) == (False, True)
    assert first.transaction == second.transaction
    assert first.transaction.params["amount"] == "1.50"


async def test_a_float_never_leaves(fake: FakeLedger, client: LedgerClient) -> None:
    with pytest.raises(TypeError, match=r"params\.amount"):
        await client.post("MAIN", "T", {"amount": 1.5})
    assert fake.calls == []


async def test_post_many(fake: FakeLedger, client: LedgerClient) -> None:
    refusal = common_pb2.Refusal(reason="UNBALANCED", status_code=3)
    fake.answer(
        "PostTransactions",
        transactions_pb2.PostTransactionsResponse(
            results=[
                transactions_pb2.PostResult(transaction=TRANSACTION),
                transactions_pb2.PostResult(refusal=refusal),
            ]
        ),
    )
    postings = [Posting(template_code="T", params={"n": n}) for n in range(2)]
    posted, refused = await client.post_many("MAIN", postings, atomic=False)
    await client.post_many("MAIN", postings, atomic=True)

    assert isinstance(posted, PostResult)
    assert isinstance(refused, Refusal)
    first, second = fake.requests("PostTransactions")
    assert (first.mode, second.mode) == (2, 1)
    assert first.transactions == second.transactions
    assert [one.transaction_id for one in first.transactions] == [
        str(posting.transaction_id) for posting in postings
    ]


async def test_balances(fake: FakeLedger, client: LedgerClient) -> None:
    balance = balances_pb2.Balance(
        account_id=str(ID),
        account_code="a",
        normal_side=common_pb2.DIRECTION_DEBIT,
        currency="USD",
        available="5.00",
    )
    fake.answer("GetBalance", balances_pb2.GetBalanceResponse(balance=balance, sequence=8))
    fake.answer(
        "BatchGetBalances",
        balances_pb2.BatchGetBalancesResponse(balances=[balance, balance], sequence=9),
    )
    one = await client.get_balance("MAIN", ID, "USD", as_of=dt.date(2026, 1, 31))
    many = await client.batch_get_balances("MAIN", [("a", "USD"), (ID, "BTC")])

    assert (one.available, one.sequence) == (Decimal(5), 8)
    assert [balance.sequence for balance in many] == [9, 9]
    assert fake.requests("GetBalance")[0].as_of == "2026-01-31"
    assert [(key.account, key.currency) for key in fake.requests("BatchGetBalances")[0].keys] == [
        ("a", "USD"),
        (str(ID), "BTC"),
    ]


async def test_a_trial_balance_is_whole_however_many_pages(
    fake: FakeLedger, client: LedgerClient
) -> None:
    row = reports_pb2.TrialBalanceRow(
        kind=reports_pb2.TRIAL_BALANCE_ROW_KIND_ACCOUNT,
        id=str(ID),
        code="a",
        currency="USD",
        columns=reports_pb2.TrialBalanceColumns(debit="3.00", closing_debit="3.00"),
    )
    total = reports_pb2.TrialBalanceTotal(
        currency="USD", columns=reports_pb2.TrialBalanceColumns(debit="3.00"), balanced=True
    )
    page = reports_pb2.GetTrialBalanceResponse(
        rows=[row],
        totals=[total],
        sequence=5,
        record_time=NOON,
        layer=common_pb2.LAYER_PENDING,
        as_of="2026-01-31",
    )
    first = reports_pb2.GetTrialBalanceResponse(next_page_token="two")
    first.MergeFrom(page)
    fake.answer("GetTrialBalance", first, page)

    report = await client.get_trial_balance(
        "MAIN", as_of=dt.date(2026, 1, 31), layer=Layer.PENDING, as_known_at=5, set_depth=2
    )

    assert len(report.rows) == 2
    assert len(report.totals) == 1
    assert report.rows[0].columns.closing_debit == Decimal(3)
    assert report.rows[0].columns.opening_debit == Decimal(0)
    assert (report.sequence, report.layer, report.from_date) == (5, Layer.PENDING, None)
    assert report.as_of == dt.date(2026, 1, 31)
    asked, again = fake.requests("GetTrialBalance")
    assert (asked.as_known_at, asked.set_depth, asked.page_size) == (5, 2, 50_000)
    assert (asked.page_token, again.page_token) == ("", "two")


async def test_an_answer_may_be_large(fake: FakeLedger, client: LedgerClient) -> None:
    """4 MiB is what gRPC receives unless it is told otherwise."""
    large = accounts_pb2.Account()
    large.CopyFrom(ACCOUNT)
    large.name = "x" * 8 * 1024 * 1024
    fake.answer("GetAccount", accounts_pb2.GetAccountResponse(account=large))
    assert len((await client.get_account("MAIN", "a")).name) == 8 * 1024 * 1024

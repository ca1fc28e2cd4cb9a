"""Posting one by one and sharing calls: each gets what `post` would have told it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from decimal import Decimal
from typing import Any

import grpc
import pytest

from ledger_client import (
    ConflictError,
    Direction,
    InvalidRequestError,
    LedgerClient,
    LedgerError,
    NewAccount,
    NotFoundError,
    Posting,
    PostResult,
    RefusedError,
    StandingLimit,
    UnavailableError,
    new_id,
)
from ledger_client.templates import library
from ledger_proto.v1 import common_pb2, transactions_pb2
from tests.client.fake_ledger import Failure, FakeLedger

NOT_ACTIVE = common_pb2.Refusal(
    reason="ACCOUNT_NOT_ACTIVE",
    message="locked",
    metadata={"account": "a"},
    status_code=grpc.StatusCode.FAILED_PRECONDITION.value[0],
)
INVALID = common_pb2.Refusal(
    reason="FIELD_INVALID",
    message="transactions[1].external_id: too long",
    metadata={"field": "transactions[1].external_id", "problem": "too long"},
    status_code=grpc.StatusCode.INVALID_ARGUMENT.value[0],
)


def posting(amount: int = 1, **fields: Any) -> Posting:
    return Posting(
        template_code="TRANSFER",
        params={"from": "bank", "to": "cash", "amount": Decimal(amount), "currency": "USD"},
        **fields,
    )


def posted(one: Posting) -> transactions_pb2.Transaction:
    return transactions_pb2.Transaction(
        id=str(one.transaction_id),
        effective_date="2026-01-31",
        kind=transactions_pb2.TRANSACTION_KIND_POSTING,
    )


def results(
    *outcomes: Posting | common_pb2.Refusal,
) -> transactions_pb2.PostTransactionsResponse:
    return transactions_pb2.PostTransactionsResponse(
        results=[
            transactions_pb2.PostResult(transaction=posted(one))
            if isinstance(one, Posting)
            else transactions_pb2.PostResult(refusal=one)
            for one in outcomes
        ]
    )


async def all_of(
    client: LedgerClient, postings: Iterable[Posting]
) -> list[PostResult | BaseException]:
    async with client.poster("MAIN") as poster:
        return await asyncio.gather(*map(poster.post, postings), return_exceptions=True)


async def test_one_alone_goes_as_a_call_of_its_own(fake: FakeLedger, client: LedgerClient) -> None:
    one = posting()
    fake.answer(
        "PostTransaction", transactions_pb2.PostTransactionResponse(transaction=posted(one))
    )
    (result,) = await all_of(client, [one])
    assert isinstance(result, PostResult)
    assert result.transaction.id == one.transaction_id
    (request,) = fake.requests("PostTransaction")
    assert (request.journal, request.validate_only) == ("MAIN", False)
    assert request.transaction.transaction_id == str(one.transaction_id)


async def test_each_gets_its_own_of_one_call(fake: FakeLedger, client: LedgerClient) -> None:
    postings = [posting(), posting(), posting()]
    fake.answer("PostTransactions", results(postings[0], NOT_ACTIVE, postings[2]))
    first, second, third = await all_of(client, postings)
    assert isinstance(first, PostResult)
    assert isinstance(third, PostResult)
    ids = [first.transaction.id, third.transaction.id]
    assert ids == [postings[0].transaction_id, postings[2].transaction_id]
    assert isinstance(second, RefusedError)
    assert (second.reason, second.facts) == ("ACCOUNT_NOT_ACTIVE", {"account": "a"})
    assert second.idempotency_key == str(postings[1].transaction_id)
    (request,) = fake.requests("PostTransactions")
    assert request.mode == transactions_pb2.BATCH_MODE_INDEPENDENT


async def test_a_lost_answer_is_asked_for_again_with_the_same_ids(
    fake: FakeLedger, client: LedgerClient
) -> None:
    postings = [posting(), posting()]
    fake.answer("PostTransactions", Failure(status=grpc.StatusCode.UNAVAILABLE), results(*postings))
    assert all(isinstance(one, PostResult) for one in await all_of(client, postings))
    first, second = fake.requests("PostTransactions")
    assert first == second


async def test_a_call_that_fails_tells_each_its_own_id(
    fake: FakeLedger, client: LedgerClient
) -> None:
    postings = [posting(), posting()]
    fake.answer("PostTransactions", Failure(status=grpc.StatusCode.UNAVAILABLE))
    errors = await all_of(client, postings)
    assert errors[0] is not errors[1]
    for one, error in zip(postings, errors, strict=True):
        assert isinstance(error, UnavailableError)
        assert error.idempotency_key == str(one.transaction_id)
        assert isinstance(error.__cause__, UnavailableError)


async def test_what_has_too_many_entries_together_is_parted(
    fake: FakeLedger, client: LedgerClient
) -> None:
    postings = [posting() for _ in range(4)]
    too_many = Failure(status=grpc.StatusCode.INVALID_ARGUMENT, reason="TOO_MANY_ENTRIES")
    fake.answer("PostTransactions", too_many, results(*postings[:2]), results(*postings[2:]))
    assert [
        one.transaction.id for one in await all_of(client, postings) if isinstance(one, PostResult)
    ] == [one.transaction_id for one in postings]


async def test_what_is_wrong_in_itself_is_told_as_if_it_had_been_alone(
    fake: FakeLedger, client: LedgerClient
) -> None:
    postings = [posting(), posting(external_id="x" * 300)]
    fake.answer("PostTransactions", results(postings[0], INVALID))
    good, bad = await all_of(client, postings)
    assert isinstance(good, PostResult)
    assert isinstance(bad, InvalidRequestError)
    assert [wrong.field for wrong in bad.violations] == ["transaction.external_id"]
    assert bad.message == "transaction.external_id: too long"
    assert bad.idempotency_key == str(postings[1].transaction_id)


async def test_halves_of_one_are_told_apart(fake: FakeLedger, client: LedgerClient) -> None:
    """Whatever bounds a server has: of two that do not fit together one may be refused alone."""
    postings = [posting(), posting()]
    too_many = Failure(status=grpc.StatusCode.INVALID_ARGUMENT, reason="TOO_MANY_ENTRIES")
    fake.answer("PostTransactions", too_many)
    fake.answer(
        "PostTransaction",
        transactions_pb2.PostTransactionResponse(transaction=posted(postings[0])),
        Failure(status=grpc.StatusCode.FAILED_PRECONDITION, reason="LIMIT_EXCEEDED"),
    )
    first, second = await all_of(client, postings)
    assert isinstance(first, PostResult)
    assert isinstance(second, RefusedError)
    assert second.idempotency_key == str(postings[1].transaction_id)


async def test_close_waits_for_all_that_was_asked(fake: FakeLedger, client: LedgerClient) -> None:
    postings = [posting() for _ in range(3)]
    fake.answer("PostTransactions", results(postings[0], INVALID, NOT_ACTIVE))
    poster = client.poster("MAIN")
    tasks = [asyncio.create_task(poster.post(one)) for one in postings]
    await asyncio.sleep(0)
    await poster.close()
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
    assert [type(task.exception()) for task in tasks[1:]] == [InvalidRequestError, RefusedError]
    assert len(fake.calls) == 1


async def test_a_float_is_refused_before_anything_is_sent(
    fake: FakeLedger, client: LedgerClient
) -> None:
    async with client.poster("MAIN") as poster:
        with pytest.raises(TypeError, match="amount"):
            await poster.post(Posting(template_code="TRANSFER", params={"amount": 1.5}))
        await poster.close()
        with pytest.raises(RuntimeError, match="closed"):
            await poster.post(posting())
    assert not fake.calls


async def test_bounds_out_of_range_are_refused(client: LedgerClient) -> None:
    with pytest.raises(ValueError, match="batch_max must be 1 to 1000, not 1001"):
        client.poster("MAIN", batch_max=1_001)
    with pytest.raises(ValueError, match="batch_max must be 1 to 1000, not 0"):
        client.poster("MAIN", batch_max=0)
    with pytest.raises(ValueError, match="calls_max"):
        client.poster("MAIN", calls_max=0)


@pytest.fixture
async def ledger(server_address: str) -> AsyncIterator[LedgerClient]:
    """A client of a real server: two accounts, and one that may not be overdrawn."""
    async with LedgerClient.connect(server_address) as client:
        await client.create_journal("MAIN")
        await client.batch_create_accounts(
            "MAIN",
            [
                NewAccount(code=code, normal_side=Direction.DEBIT)
                for code in ("bank", "cash", "till")
            ],
        )
        for loaded in library():
            await client.create_tx_template("MAIN", loaded.template)
        yield client


async def test_many_post_to_a_real_server(ledger: LedgerClient) -> None:
    """What many ask for, good and bad, comes to the same as one after another."""
    amounts = range(1, 301)
    good = [posting(amount, external_id=f"order-{amount}") for amount in amounts]
    again = good[:5]
    reused = [posting(9, transaction_id=good[7].transaction_id)]
    wrong = [posting(1, external_id="x" * 256), Posting(template_code="NONE", params={})]
    outcomes = await asyncio.wait_for(all_of(ledger, [*good, *again, *reused, *wrong]), 60)

    for one, outcome in zip(good, outcomes, strict=False):
        assert isinstance(outcome, PostResult), outcome
        assert outcome.transaction.id == one.transaction_id
        assert not outcome.replayed
    of_again = outcomes[300:305]
    assert all(isinstance(one, PostResult) and one.replayed for one in of_again)
    id_reused, too_long, no_template = outcomes[305:]
    assert isinstance(id_reused, ConflictError)
    assert id_reused.reason == "TRANSACTION_ID_REUSED"
    assert isinstance(too_long, InvalidRequestError)
    assert [wrong.field for wrong in too_long.violations] == ["transaction.external_id"]
    assert isinstance(no_template, NotFoundError)

    cash = await ledger.get_balance("MAIN", "cash", "USD")
    assert cash.settled.net == sum(amounts)
    sequences = [
        one.transaction.sequence or 0 for one in outcomes[:300] if isinstance(one, PostResult)
    ]
    assert sequences == sorted(sequences), "one call at a time keeps the order"


@pytest.mark.parametrize("calls_max", [1, 3])
async def test_no_limit_is_passed_and_who_is_cancelled_may_ask_again(
    ledger: LedgerClient, calls_max: int
) -> None:
    await ledger.create_limit(
        "MAIN", "no-debt", currency="USD", rule=StandingLimit(available_min=Decimal(0))
    )
    await ledger.attach_limit("MAIN", "no-debt", account="till")
    await ledger.post(
        "MAIN", "TRANSFER", {"from": "bank", "to": "till", "amount": "50", "currency": "USD"}
    )
    params = {"from": "till", "to": "cash", "amount": "1", "currency": "USD"}
    postings = [Posting(template_code="TRANSFER", params=params) for _ in range(80)]
    async with ledger.poster("MAIN", batch_max=7, calls_max=calls_max) as poster:
        tasks = [asyncio.create_task(poster.post(one)) for one in postings]
        await asyncio.sleep(0.01)
        for task in tasks[::3]:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        outcomes = await asyncio.gather(*map(poster.post, postings), return_exceptions=True)
    went = [one for one in outcomes if isinstance(one, PostResult)]
    refused = [one for one in outcomes if isinstance(one, LedgerError)]
    assert (len(went), len(refused)) == (50, 30)
    assert {error.reason for error in refused} == {"LIMIT_EXCEEDED"}
    till = await ledger.get_balance("MAIN", "till", "USD")
    assert till.settled.net == 0


async def test_a_journal_that_is_not_there_is_told_to_each(ledger: LedgerClient) -> None:
    poster = ledger.poster(new_id())
    errors = await asyncio.gather(
        *(poster.post(posting()) for _ in range(3)), return_exceptions=True
    )
    assert [type(error) for error in errors] == [NotFoundError] * 3

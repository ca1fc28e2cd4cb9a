"""One id, one transaction: what is a replay, and which field tells another request."""

import uuid
from typing import Any

import grpc
import pytest

from tests.api.calls import reason, refused
from tests.ledger import (
    ATOMIC,
    INDEPENDENT,
    PostingLedger,
    changed,
    check_books,
    request,
    template,
    transfer,
    transfer_template,
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

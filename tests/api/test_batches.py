"""Many transactions in one call: all or none, each by itself, and how many."""

import uuid
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import reason, refused
from tests.ledger import (
    ATOMIC,
    INDEPENDENT,
    PostingLedger,
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

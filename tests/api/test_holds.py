"""Holds over the API: placed, captured, released, expired, and what is refused of it."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from ledger_proto.v1 import holds_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import reason, refused
from tests.databases import database_of
from tests.ledger import Serving, lines, serving, transfer
from tests.model_rules.rules import (
    CAPTURED,
    EXPIRED,
    OPEN,
    RELEASED,
    RulesLedger,
    check_rules,
    new_id,
    rows,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)

LAYERS = {1: "SETTLED", 2: "PENDING"}


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(dsn: str) -> AsyncIterator[Serving]:
    """A server that expires holds only when a test has it sweep."""
    async with serving(dsn) as running:
        await running.app.sweeper.close()
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(server: Serving, dsn: str) -> AsyncIterator[RulesLedger]:
    opened = RulesLedger(server.channel, f"holds-{next(_journals)}")
    await opened.open("cash", "fees", "income")
    yield opened
    await check_rules(dsn, opened.journal)


async def placed(ledger: RulesLedger, amount: str = "100.00", **fields: Any) -> str:
    """Place a hold that takes an amount out of `cash` and return its id."""
    asked = transfer("income", "cash", amount)
    await ledger.place(asked, **fields)
    return asked.transaction_id


def soon(**delta: float) -> datetime:
    return datetime.now(UTC) + timedelta(**delta)


def entries(transaction: pb.Transaction) -> list[str]:
    """Return entries as `DEBIT cash 10.00 USD PENDING`."""
    return [
        f"{'DEBIT' if one.direction == 1 else 'CREDIT'} {one.account_code} {one.units}"
        f" {one.currency} {LAYERS[one.layer]}"
        for one in transaction.entries
    ]


async def written(ledger: RulesLedger, dsn: str) -> list[Any]:
    """Return all that a hold's calls may write."""
    tables = ("holds", "hold_entries", "balances WHERE version > 0", "reversed_entries")
    return [
        await ledger.head(),
        *[await rows(dsn, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables],
    ]


async def test_a_hold_is_on_pending_until_it_is_captured(ledger: RulesLedger) -> None:
    await ledger.post(transfer("cash", "income", "500.00"))
    asked = transfer("income", "cash", "100.00", correlation_id="order", description="hotel")
    hold = (await ledger.place(asked)).hold
    assert (hold.id, hold.status, hold.HasField("expire_time")) == (
        asked.transaction_id,
        OPEN,
        False,
    )
    assert entries(hold.transaction) == [
        "DEBIT income 100.00 USD PENDING",
        "CREDIT cash 100.00 USD PENDING",
    ]
    assert hold.transaction.hold_id == hold.id
    balance = await ledger.balance("cash")
    assert (balance.settled.net, balance.pending.net, balance.available) == (
        "500.00",
        "-100.00",
        "400.00",
    )
    capture = (await ledger.capture(hold.id)).transaction
    assert entries(capture) == [
        "DEBIT income 100.00 USD SETTLED",
        "CREDIT cash 100.00 USD SETTLED",
        "CREDIT income 100.00 USD PENDING",
        "DEBIT cash 100.00 USD PENDING",
    ]
    assert (capture.hold_id, capture.correlation_id, capture.description) == (
        hold.id,
        "order",
        "hotel",
    )
    assert await ledger.held(hold.id) == (CAPTURED, [("100.00", "100.00", "0.00", "0.00")] * 2)
    balance = await ledger.balance("cash")
    assert (balance.settled.net, balance.pending.net, balance.available) == (
        "400.00",
        "0.00",
        "400.00",
    )


async def test_captured_in_parts_until_nothing_is_left(ledger: RulesLedger) -> None:
    hold = await placed(ledger)
    for amount, left in (("30.00", "70.00"), ("30.00", "40.00")):
        await ledger.capture(hold, {"amount": amount})
        status, legs = await ledger.held(hold)
        assert (status, legs[0][3]) == (OPEN, left)
    refusal = await refused(ledger.capture(hold, {"amount": "40.01"}))
    assert (refusal.reason, refusal.facts["asked"], refusal.facts["left"]) == (
        "CAPTURE_EXCEEDS",
        "40.01",
        "40",
    )
    await ledger.capture(hold, {"amount": "40.00"})
    assert await ledger.held(hold) == (CAPTURED, [("100.00", "100.00", "0.00", "0.00")] * 2)
    assert await reason(ledger.capture(hold, {"amount": "0.01"})) == "HOLD_NOT_OPEN"


async def test_a_final_capture_gives_back_the_rest(ledger: RulesLedger) -> None:
    hold = await placed(ledger)
    capture = await ledger.capture(hold, {"amount": "60.00"}, final=True)
    assert entries(capture.transaction)[2:] == [
        "CREDIT income 100.00 USD PENDING",
        "DEBIT cash 100.00 USD PENDING",
    ]
    assert await ledger.held(hold) == (CAPTURED, [("100.00", "60.00", "40.00", "0.00")] * 2)
    assert await reason(ledger.capture(hold, final=True)) == "HOLD_NOT_OPEN"
    refusal = await refused(ledger.release(hold))
    assert (refusal.reason, refusal.facts["status"]) == ("HOLD_NOT_OPEN", "CAPTURED")


async def test_a_release_gives_back_what_is_left(ledger: RulesLedger) -> None:
    hold = await placed(ledger)
    await ledger.capture(hold, {"amount": "25.00"})
    release = (await ledger.release(hold)).transaction
    assert entries(release) == ["CREDIT income 75.00 USD PENDING", "DEBIT cash 75.00 USD PENDING"]
    assert await ledger.held(hold) == (RELEASED, [("100.00", "25.00", "75.00", "0.00")] * 2)
    for call in (ledger.release(hold), ledger.capture(hold), ledger.capture(hold, final=True)):
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts["status"]) == ("HOLD_NOT_OPEN", "RELEASED")


async def test_several_entries_and_currencies(ledger: RulesLedger) -> None:
    legs = [
        "DEBIT income 100.00 USD",
        "DEBIT fees 3.00 USD",
        "CREDIT cash 103.00 USD",
        "DEBIT fees 500 JPY",
        "CREDIT cash 500 JPY",
    ]
    asked = lines(*legs)
    await ledger.place(asked)
    part = lines("DEBIT fees 2.00 USD", "CREDIT cash 2.00 USD").params
    await ledger.capture(asked.transaction_id, dict(part))
    part = lines("DEBIT fees 500 JPY", "CREDIT cash 500 JPY").params
    await ledger.capture(asked.transaction_id, dict(part))
    _, kept = await ledger.held(asked.transaction_id)
    assert [one[3] for one in kept] == ["100.00", "1.00", "101.00", "0", "0"]
    # One leg fits, the other does not: nothing of it is taken.
    part = lines("DEBIT fees 1.01 USD", "CREDIT cash 1.01 USD").params
    refusal = await refused(ledger.capture(asked.transaction_id, dict(part)))
    assert (refusal.reason, refusal.facts["account"], refusal.facts["left"]) == (
        "CAPTURE_EXCEEDS",
        "fees",
        "1",
    )
    assert (await ledger.held(asked.transaction_id))[1] == kept
    await ledger.capture(asked.transaction_id)
    status, kept = await ledger.held(asked.transaction_id)
    assert (status, {one[3] for one in kept}) == (CAPTURED, {"0.00", "0"})


async def test_a_part_spreads_over_legs_of_one_account(ledger: RulesLedger) -> None:
    asked = lines("DEBIT fees 10.00 USD", "DEBIT fees 5.00 USD", "CREDIT cash 15.00 USD")
    await ledger.place(asked)
    part = dict(lines("DEBIT fees 12.00 USD", "CREDIT cash 12.00 USD").params)
    await ledger.capture(asked.transaction_id, part)
    _, kept = await ledger.held(asked.transaction_id)
    assert [one[1] for one in kept] == ["10.00", "2.00", "12.00"]
    twice = ["DEBIT fees 2.00 USD", "DEBIT fees 2.00 USD", "CREDIT cash 4.00 USD"]
    refusal = await refused(ledger.capture(asked.transaction_id, dict(lines(*twice).params)))
    assert (refusal.reason, refusal.facts["left"]) == ("CAPTURE_EXCEEDS", "1")


async def test_nothing_is_written_by_what_is_refused(ledger: RulesLedger, dsn: str) -> None:
    hold = await placed(ledger)
    await ledger.capture(hold, {"amount": "90.00"})
    ended = await placed(ledger)
    await ledger.release(ended)
    before = await written(ledger, dsn)
    for call, expected in (
        (ledger.capture(hold, {"amount": "10.01"}), "CAPTURE_EXCEEDS"),
        (ledger.capture(hold, {"amount": "10.01"}, final=True), "CAPTURE_EXCEEDS"),
        (ledger.capture(hold, {"amount": "0"}), "AMOUNT_INVALID"),
        (ledger.capture(hold, {"amount": "-1"}), "AMOUNT_INVALID"),
        (ledger.capture(hold, {"debit": "fees"}), "CAPTURE_EXCEEDS"),
        (ledger.capture(hold, {"currency": "JPY", "amount": "1"}), "CAPTURE_EXCEEDS"),
        (ledger.capture(hold, {"nonsense": "1"}), "PARAM_INVALID"),
        (ledger.capture(new_id()), "HOLD_NOT_FOUND"),
        (ledger.release(new_id()), "HOLD_NOT_FOUND"),
        (ledger.capture(ended), "HOLD_NOT_OPEN"),
        (ledger.release(ended), "HOLD_NOT_OPEN"),
        (ledger.capture("x"), "FIELD_INVALID"),
        (ledger.capture(hold, capture_id=""), "FIELD_INVALID"),
    ):
        assert await reason(call) == expected
    assert await written(ledger, dsn) == before


async def test_a_capture_of_no_entries_is_refused(ledger: RulesLedger, dsn: str) -> None:
    asked = lines("DEBIT fees 10.00 USD", "CREDIT cash 10.00 USD")
    await ledger.place(asked)
    posted = lines("DEBIT fees 10.00 USD", "CREDIT cash 10.00 USD")
    await ledger.post(posted)
    before = await written(ledger, dsn)
    expected = await reason(ledger.post(lines()))
    assert expected != "INTERNAL"
    for final in (False, True):
        call = ledger.capture(asked.transaction_id, {"lines": []}, final=final)
        assert await reason(call) == expected
    assert await reason(ledger.reverse(posted.transaction_id, {"lines": []})) == expected
    assert await written(ledger, dsn) == before


async def test_what_is_no_hold_is_not_found(ledger: RulesLedger) -> None:
    posted = transfer("cash", "income")
    await ledger.post(posted)
    hold = await placed(ledger)
    capture = (await ledger.capture(hold, {"amount": "1.00"})).transaction
    for other in (posted.transaction_id, capture.id):
        for call in (ledger.capture(other), ledger.release(other), ledger.hold(other)):
            assert await reason(call) == "HOLD_NOT_FOUND"


async def test_holds_are_placed_on_settled_only(ledger: RulesLedger) -> None:
    for layer in ("PENDING", "ENCUMBRANCE"):
        asked = lines(
            "DEBIT fees 10.00 USD",
            "CREDIT cash 10.00 USD",
            f"DEBIT fees 1.00 USD {layer}",
            f"CREDIT cash 1.00 USD {layer}",
        )
        refusal = await refused(ledger.place(asked))
        assert (refusal.reason, refusal.facts) == (
            "HOLD_LAYER",
            {"account": "fees", "layer": layer},
        )
    hold = lines("DEBIT fees 10.00 USD", "CREDIT cash 10.00 USD")
    await ledger.place(hold)
    part = lines("DEBIT fees 1.00 USD PENDING", "CREDIT cash 1.00 USD PENDING")
    assert await reason(ledger.capture(hold.transaction_id, dict(part.params))) == "HOLD_LAYER"


async def test_time_passes_whether_or_not_anybody_sweeps(
    ledger: RulesLedger, server: Serving, dsn: str
) -> None:
    assert await reason(placed(ledger, expire=soon(seconds=-1))) == "EXPIRE_TIME_PASSED"
    late = soon(seconds=2)
    hold = await placed(ledger, expire=late)
    assert (await ledger.hold(hold)).expire_time.ToDatetime(tzinfo=UTC) == late
    await ledger.capture(hold, {"amount": "10.00"})
    (row,) = await rows(dsn, "SELECT pg_sleep_until($1), clock_timestamp() AS now", late)
    assert row["now"] >= late
    before = await written(ledger, dsn)
    for call in (ledger.capture(hold), ledger.capture(hold, final=True), ledger.release(hold)):
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts["status"]) == ("HOLD_NOT_OPEN", "EXPIRED")
    assert await written(ledger, dsn) == before
    assert (await ledger.hold(hold)).status == OPEN
    assert await server.app.sweeper.sweep() == 1
    assert await ledger.held(hold) == (EXPIRED, [("100.00", "10.00", "90.00", "0.00")] * 2)
    assert await server.app.sweeper.sweep() == 0
    refusal = await refused(ledger.release(hold))
    assert (refusal.reason, refusal.facts["status"]) == ("HOLD_NOT_OPEN", "EXPIRED")


async def test_a_moment_is_held_to_the_microsecond(ledger: RulesLedger) -> None:
    request = holds_pb2.PlaceHoldRequest(journal=ledger.journal, transaction=transfer())
    for seconds, nanos in ((4_000_000_000, 1), (4_000_000_000, -1000), (10**15, 0), (0, 10**9)):
        request.expire_time.seconds, request.expire_time.nanos = seconds, nanos
        refusal = await refused(ledger.holds.PlaceHold(request))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["expire_time"])


async def test_external_ids_are_everybodys(ledger: RulesLedger) -> None:
    taken = new_id()
    hold = await placed(ledger)
    await ledger.capture(hold, {"amount": "1.00"}, external_id=taken)
    assert await reason(ledger.capture(hold, external_id=taken)) == "EXTERNAL_ID_REUSED"
    asked = transfer("fees", "cash", external_id=taken)
    assert await reason(ledger.place(asked)) == "EXTERNAL_ID_REUSED"
    assert await reason(ledger.post(asked)) == "EXTERNAL_ID_REUSED"


async def test_a_lock_lets_holds_end_only_if_it_says_so(
    ledger: RulesLedger, server: Serving, dsn: str
) -> None:
    expire = soon(seconds=2)
    due = await placed(ledger, expire=expire)
    one, two = await placed(ledger), await placed(ledger)
    await ledger.lock("cash")
    for call in (ledger.capture(one), ledger.release(one), placed(ledger)):
        refusal = await refused(call)
        assert (refusal.reason, refusal.facts["account"]) == ("ACCOUNT_NOT_ACTIVE", "cash")
    await rows(dsn, "SELECT pg_sleep_until($1)", expire)
    assert await server.app.sweeper.sweep() == 1, "time ends a hold on any account"
    assert (await ledger.hold(due)).status == EXPIRED
    await ledger.lock_for("cash", allow_hold_ends=True)
    captured = (await ledger.capture(one)).transaction
    await ledger.release(two)
    assert await reason(placed(ledger)) == "ACCOUNT_NOT_ACTIVE"
    assert await reason(ledger.post(transfer("income", "cash"))) == "ACCOUNT_NOT_ACTIVE"
    assert await reason(ledger.reverse(captured.id)) == "ACCOUNT_NOT_ACTIVE"


@pytest.mark.parametrize("offset", [False, True], ids=["one hold", "two that cancel out"])
async def test_an_account_with_an_open_hold_is_not_closed(
    ledger: RulesLedger, *, offset: bool
) -> None:
    hold = await placed(ledger, "10.00")
    other = transfer("cash", "income", "10.00")
    if offset:
        await ledger.place(other)
        assert (await ledger.balance("cash")).pending.net == "0.00"
    assert await reason(ledger.close_account("cash")) == "ACCOUNT_NOT_EMPTY"
    await ledger.release(hold)
    if offset:
        assert await reason(ledger.close_account("cash")) == "ACCOUNT_NOT_EMPTY"
        await ledger.release(other.transaction_id)
    await ledger.close_account("cash")
    refusal = await refused(placed(ledger))
    assert (refusal.reason, refusal.facts["status"]) == ("ACCOUNT_NOT_ACTIVE", "CLOSED")


async def test_lists_by_account_status_and_time(ledger: RulesLedger) -> None:
    far = soon(days=2)
    first = await placed(ledger)
    second = await placed(ledger, expire=far)
    third = transfer("fees", "income")
    await ledger.place(third, soon(days=9))
    await ledger.release(first)

    async def listed(**fields: Any) -> list[str]:
        found: list[str] = []
        token = ""
        while True:
            answer = await ledger.holds.ListHolds(
                holds_pb2.ListHoldsRequest(
                    journal=ledger.journal, page_size=1, page_token=token, **fields
                )
            )
            found.extend(one.id for one in answer.holds)
            token = answer.next_page_token
            if not token:
                return found

    assert await listed() == [first, second, third.transaction_id]
    assert await listed(account="cash") == [first, second]
    assert await listed(account="cash", status=OPEN) == [second]
    assert await listed(status=RELEASED) == [first]
    assert await listed(expire_before=far) == [second]
    assert await listed(expire_before=far - timedelta(microseconds=1)) == []

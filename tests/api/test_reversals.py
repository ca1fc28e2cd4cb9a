"""Reversals over the API: whole, in part, linked both ways, and what is refused of them."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.api.calls import reason, refused
from tests.databases import database_of
from tests.ledger import Serving, lines, request, serving, template, transfer
from tests.model_rules.rules import RulesLedger, check_rules, new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(dsn: str) -> AsyncIterator[Serving]:
    async with serving(dsn) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(server: Serving, dsn: str) -> AsyncIterator[RulesLedger]:
    opened = RulesLedger(server.channel, f"reversals-{next(_journals)}")
    await opened.open("cash", "fees", "income")
    yield opened
    await check_rules(dsn, opened.journal)


async def posted(ledger: RulesLedger, amount: str = "100.00", **fields: Any) -> str:
    asked = transfer("cash", "income", amount, **fields)
    await ledger.post(asked)
    return asked.transaction_id


async def test_takes_all_back_and_links_both_ways(ledger: RulesLedger) -> None:
    original = await posted(ledger, correlation_id="order", external_id="ext", description="sale")
    before = await ledger.get(original)
    reversal = (await ledger.reverse(original, effective_date="2030-02-28")).transaction
    assert [(one.direction, one.account_code, one.units) for one in reversal.entries] == [
        (2, "cash", "100.00"),
        (1, "income", "100.00"),
    ]
    assert (reversal.reverses, reversal.effective_date) == (original, "2030-02-28")
    assert (reversal.correlation_id, reversal.external_id) == ("order", "")
    after = await ledger.get(original)
    assert list(after.reversed_by) == [reversal.id]
    after.ClearField("reversed_by")
    assert after == before, "the original is never touched"
    assert (await ledger.balance("cash")).settled.net == "0.00"
    refusal = await refused(ledger.reverse(original))
    assert (refusal.reason, refusal.facts["transaction_id"]) == ("ALREADY_REVERSED", original)


async def test_parts_never_exceed_what_is_left(ledger: RulesLedger) -> None:
    original = await posted(ledger)
    first = (await ledger.reverse(original, {"amount": "60.00"})).transaction
    refusal = await refused(ledger.reverse(original, {"amount": "40.01"}))
    assert (refusal.reason, refusal.facts["asked"], refusal.facts["left"]) == (
        "REVERSAL_EXCEEDS",
        "40.01",
        "40",
    )
    assert await reason(ledger.reverse(original, {"debit": "fees"})) == "REVERSAL_EXCEEDS"
    last = (await ledger.reverse(original)).transaction
    assert [one.units for one in last.entries] == ["40.00", "40.00"]
    assert await reason(ledger.reverse(original, {"amount": "0.01"})) == "ALREADY_REVERSED"
    assert list((await ledger.get(original)).reversed_by) == [first.id, last.id]
    assert (await ledger.balance("cash")).settled.net == "0.00"


async def test_all_that_is_left_of_uneven_parts(ledger: RulesLedger) -> None:
    legs = ["DEBIT cash 10.00 USD", "DEBIT fees 5.00 USD", "CREDIT income 15.00 USD"]
    pending = ["DEBIT cash 7.00 USD PENDING", "CREDIT income 7.00 USD PENDING"]
    asked = lines(*legs, *pending)
    await ledger.post(asked)
    part = lines("DEBIT fees 5.00 USD", "CREDIT income 5.00 USD")
    await ledger.reverse(asked.transaction_id, dict(part.params))
    # Swapped sides, or another layer, are other entries.
    for legs in (
        ["CREDIT cash 1.00 USD", "DEBIT income 1.00 USD"],
        ["DEBIT cash 1.00 USD ENCUMBRANCE", "CREDIT income 1.00 USD ENCUMBRANCE"],
        ["DEBIT cash 10.01 USD", "CREDIT income 10.01 USD"],
    ):
        call = ledger.reverse(asked.transaction_id, dict(lines(*legs).params))
        assert await reason(call) == "REVERSAL_EXCEEDS"
    rest = (await ledger.reverse(asked.transaction_id)).transaction
    assert [(one.account_code, one.units, one.layer) for one in rest.entries] == [
        ("cash", "10.00", 1),
        ("income", "10.00", 1),
        ("cash", "7.00", 2),
        ("income", "7.00", 2),
    ]


async def test_a_capture_is_taken_back_and_its_hold_is_not(ledger: RulesLedger) -> None:
    hold = transfer("cash", "income", "100.00")
    await ledger.place(hold)
    capture = (await ledger.capture(hold.transaction_id, {"amount": "60.00"})).transaction
    reversal = (await ledger.reverse(capture.id, {"amount": "25.00"})).transaction
    assert [(one.layer, one.units) for one in reversal.entries] == [(1, "25.00")] * 2
    assert await reason(ledger.reverse(capture.id, {"amount": "35.01"})) == "REVERSAL_EXCEEDS"
    await ledger.reverse(capture.id)
    assert await reason(ledger.reverse(capture.id)) == "ALREADY_REVERSED"
    balance = await ledger.balance("cash")
    assert (balance.settled.net, balance.pending.net) == ("0.00", "40.00")
    release = (await ledger.release(hold.transaction_id)).transaction
    for one, kind in (
        (hold.transaction_id, "HOLD"),
        (release.id, "RELEASE"),
        (reversal.id, "REVERSAL"),
    ):
        for params in (None, {"amount": "1.00"}):
            refusal = await refused(ledger.reverse(one, params))
            assert (refusal.reason, refusal.facts["kind_of"]) == ("NOT_REVERSIBLE", kind)


async def test_a_capture_of_what_is_left_is_taken_back(ledger: RulesLedger) -> None:
    """Its params are the hold's and tell of more than it took."""
    hold = transfer("cash", "income", "100.00")
    await ledger.place(hold)
    await ledger.capture(hold.transaction_id, {"amount": "60.00"})
    rest = (await ledger.capture(hold.transaction_id)).transaction
    assert await reason(ledger.reverse(rest.id, {"amount": "40.01"})) == "REVERSAL_EXCEEDS"
    await ledger.reverse(rest.id, {"amount": "1.00"})
    last = (await ledger.reverse(rest.id)).transaction
    assert [one.units for one in last.entries] == ["39.00", "39.00"]


async def test_the_day_is_the_callers(ledger: RulesLedger) -> None:
    original = await posted(ledger)
    for day in ("", "2026-02-30", "tomorrow"):
        refusal = await refused(ledger.reverse(original, effective_date=day))
        assert (refusal.reason, refusal.fields) == ("FIELD_INVALID", ["effective_date"])
    assert await reason(ledger.reverse(new_id())) == "TRANSACTION_NOT_FOUND"
    itself = new_id()
    assert await reason(ledger.reverse(itself, transaction_id=itself)) == "TRANSACTION_NOT_FOUND"


async def test_another_request_with_the_id_of_a_reversal(ledger: RulesLedger) -> None:
    original, other = await posted(ledger), await posted(ledger)
    fields: dict[str, Any] = {"transaction_id": new_id(), "external_id": new_id()}
    first = await ledger.reverse(original, {"amount": "10.00"}, **fields)
    again = await ledger.reverse(original, {"amount": "10"}, **fields)
    assert (again.transaction, again.replayed) == (first.transaction, True)
    for reverses, params, change, field in (
        (other, {"amount": "10.00"}, {"effective_date": "2026-01-01"}, "reverses"),
        (original, {"amount": "10.00"}, {"effective_date": "2026-01-01"}, "effective_date"),
        (original, {"amount": "10.00"}, {"description": "x"}, "description"),
        (original, {"amount": "10.00"}, {"external_id": "x" + new_id()}, "external_id"),
        (original, {"amount": "10.00"}, {"correlation_id": "x"}, "correlation_id"),
        (original, {"amount": "10.00"}, {"metadata": {"a": "b"}}, "metadata"),
        (original, {"amount": "10.01"}, {}, "params.amount"),
        (original, {"amount": "1000"}, {}, "params.amount"),
        (original, None, {}, "params"),
    ):
        refusal = await refused(ledger.reverse(reverses, params, **fields | change))
        assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", field)
    refusal = await refused(ledger.reverse(original, transaction_id=other))
    assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", "kind")
    await ledger.reverse(original)
    again = await ledger.reverse(original, {"amount": "10.00"}, **fields)
    assert (again.transaction, again.replayed) == (first.transaction, True)
    assert await reason(ledger.reverse(other, external_id=fields["external_id"])) == (
        "EXTERNAL_ID_REUSED"
    )


async def test_a_newer_template_changes_nothing_about_the_past(ledger: RulesLedger) -> None:
    def fee(share: str) -> Any:
        units = f"round_half_even(params.amount * decimal('{share}'), 2)"
        return template(
            "FEE",
            {"amount": ("DECIMAL", None)},
            [
                {"account": "'cash'", "direction": "DEBIT", "units": units, "currency": "'USD'"},
                {"account": "'fees'", "direction": "CREDIT", "units": units, "currency": "'USD'"},
            ],
        )

    await ledger.create_template(fee("0.10"))
    asked = request("FEE", {"amount": "100"})
    await ledger.post(asked)
    hold = request("FEE", {"amount": "100"})
    await ledger.place(hold)
    await ledger.create_template(fee("0.90"))
    part = (await ledger.reverse(asked.transaction_id, {"amount": "50"})).transaction
    assert [one.units for one in part.entries] == ["5.00", "5.00"]
    capture = (await ledger.capture(hold.transaction_id, {"amount": "50"})).transaction
    assert (capture.entries[0].units, capture.template_version) == ("5.00", 1)


async def test_force_passes_a_standing_limit_only(ledger: RulesLedger) -> None:
    original = await posted(ledger)
    await ledger.post(transfer("fees", "cash", "80.00"))
    await ledger.standing("NO_OVERDRAFT")
    await ledger.attach("NO_OVERDRAFT", account="cash")
    for params in (None, {"amount": "20.01"}):
        refusal = await refused(ledger.reverse(original, params))
        assert (refusal.reason, refusal.facts["limit"]) == ("LIMIT_EXCEEDED", "NO_OVERDRAFT")
    await ledger.velocity("OUT", "70", direction="DIRECTION_CREDIT")
    await ledger.attach("OUT", account="cash")
    assert await reason(ledger.reverse(original, force=True)) == "LIMIT_EXCEEDED"
    await ledger.bound("OUT", "1000")
    await ledger.lock("cash")
    assert await reason(ledger.reverse(original, force=True)) == "ACCOUNT_NOT_ACTIVE"
    await ledger.unlock("cash")
    await ledger.close_days("2026-01-31")
    assert await reason(ledger.reverse(original, force=True)) == "PERIOD_CLOSED"
    await ledger.reverse(original, force=True, effective_date="2026-02-01")
    assert (await ledger.balance("cash")).available == "-80.00"
    assert await reason(ledger.post(transfer("fees", "cash", "0.01"))) == "LIMIT_EXCEEDED"


async def test_many_take_the_same_back(ledger: RulesLedger) -> None:
    original = await posted(ledger)
    calls = [ledger.reverse(original, {"amount": "30.00"}) for _ in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 3
    calls = [ledger.reverse(original) for _ in range(20)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 1
    assert (await ledger.balance("cash")).settled.net == "0.00"


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE reversed_entries SET reversed = 100.01 WHERE transaction_id = $1", "check"),
        ("UPDATE reversed_entries SET reversed = 0 WHERE transaction_id = $1", "never falls"),
        ("UPDATE reversed_entries SET units = 1000 WHERE transaction_id = $1", "permission"),
        ("DELETE FROM reversed_entries WHERE transaction_id = $1", "permission"),
        ("DELETE FROM reversals WHERE transaction_id = $1", "permission"),
        ("UPDATE reversals SET sequence = 1 WHERE transaction_id = $1", "permission"),
    ],
)
async def test_the_database_guards_reversals(
    ledger: RulesLedger, dsn: str, statement: str, refusal: str
) -> None:
    original = await posted(ledger)
    await ledger.reverse(original, {"amount": "60.00"})
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET ROLE ledger_runtime")
        with pytest.raises(asyncpg.PostgresError, match=refusal):
            await connection.execute(statement, uuid.UUID(original))
    finally:
        await connection.close()

"""Holds once more: requests that come again, and what the database itself refuses."""

import asyncio
import itertools
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import refused
from tests.databases import database_of
from tests.ledger import Serving, changed, serving, transfer, transfer_template
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
    opened = RulesLedger(server.channel, f"ids-{next(_journals)}")
    await opened.open("cash", "fees", "income")
    yield opened
    await check_rules(dsn, opened.journal)


async def placed(ledger: RulesLedger, amount: str = "100.00") -> str:
    """Place a hold that takes an amount out of `cash` and return its id."""
    asked = transfer("income", "cash", amount)
    await ledger.place(asked)
    return asked.transaction_id


async def test_another_request_with_the_id_of_a_hold(ledger: RulesLedger) -> None:
    expire = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    asked = transfer("fees", "cash", "5.00", external_id=new_id(), metadata={"a": "b"})
    first = await ledger.place(asked, expire)
    again = await ledger.place(asked, expire)
    assert (again.hold, again.replayed) == (first.hold, True)
    differing: list[tuple[pb.TransactionRequest, datetime | None, str]] = [
        (changed(asked, template_code="OTHER"), expire, "template_code"),
        (asked, None, "expire_time"),
        (asked, expire + timedelta(microseconds=1), "expire_time"),
        (changed(asked, template_version=1), expire, "template_version"),
        (changed(asked, effective_date="2026-01-01"), expire, "effective_date"),
        (changed(asked, description="x"), expire, "description"),
        (changed(asked, external_id="x" + new_id()), expire, "external_id"),
        (changed(asked, correlation_id="x"), expire, "correlation_id"),
        (changed(asked, metadata={"a": "c"}), expire, "metadata"),
        (changed(asked, params={"amount": "5.01"}), expire, "params.amount"),
        (changed(asked, description="x", params={"amount": "5.01"}), None, "expire_time"),
    ]
    await ledger.create_template(transfer_template("OTHER"))
    for other, moment, field in differing:
        refusal = await refused(ledger.place(other, moment))
        assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", field)
    refusal = await refused(ledger.post(asked))
    assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", "kind")
    refusal = await refused(ledger.capture(first.hold.id, capture_id=first.hold.id))
    assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", "kind")
    posted = transfer()
    await ledger.post(posted)
    refusal = await refused(ledger.place(posted))
    assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", "kind")


async def test_another_request_with_the_id_of_a_capture(ledger: RulesLedger) -> None:
    hold, other = await placed(ledger), await placed(ledger)
    capture_id, external_id = new_id(), new_id()
    fields: dict[str, Any] = {"capture_id": capture_id, "external_id": external_id}
    first = await ledger.capture(hold, {"amount": "10.00"}, **fields)
    for same in ({"amount": "10.00"}, {"amount": "10"}, {"amount": "10.00", "memo": "none"}):
        again = await ledger.capture(hold, same, **fields)
        assert (again.transaction, again.replayed) == (first.transaction, True)
    differing: list[tuple[str, dict[str, str] | None, dict[str, Any], str]] = [
        (other, {"amount": "10.00"}, {"final": True}, "hold_id"),
        (hold, {"amount": "10.00"}, {"final": True, "description": "x"}, "final"),
        (hold, {"amount": "10.00"}, {"effective_date": "2026-01-01"}, "effective_date"),
        (hold, {"amount": "10.00"}, {"description": "x"}, "description"),
        (hold, {"amount": "10.00"}, {"external_id": "x" + new_id()}, "external_id"),
        (hold, {"amount": "10.00"}, {"correlation_id": "x"}, "correlation_id"),
        (hold, {"amount": "10.00"}, {"metadata": {"a": "b"}}, "metadata"),
        (hold, {"amount": "10.01"}, {}, "params.amount"),
        (hold, {"amount": "99999"}, {}, "params.amount"),
        (hold, None, {}, "params"),
    ]
    for reference, params, change, field in differing:
        refusal = await refused(ledger.capture(reference, params, **fields | change))
        assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", field)
    await ledger.capture(hold, final=True)
    again = await ledger.capture(hold, {"amount": "10.00"}, **fields)
    assert (again.transaction, again.replayed) == (first.transaction, True)


async def test_another_request_with_the_id_of_a_release(ledger: RulesLedger) -> None:
    hold, other = await placed(ledger), await placed(ledger)
    release_id = new_id()
    first = await ledger.release(hold, release_id=release_id)
    again = await ledger.release(hold, release_id=release_id)
    assert (again.transaction, again.replayed) == (first.transaction, True)
    differing: list[tuple[str, dict[str, Any], str]] = [
        (other, {}, "hold_id"),
        (hold, {"effective_date": "2026-01-01", "description": "x"}, "effective_date"),
        (hold, {"description": "x"}, "description"),
        (hold, {"metadata": {"a": "b"}}, "metadata"),
    ]
    for reference, change, field in differing:
        refusal = await refused(ledger.release(reference, release_id=release_id, **change))
        assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", field)
    refusal = await refused(ledger.capture(hold, capture_id=release_id))
    assert (refusal.reason, refusal.facts["field"]) == ("TRANSACTION_ID_REUSED", "kind")


async def execute_as_runtime(dsn: str, statement: str, *arguments: Any) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("SET ROLE ledger_runtime")
        await connection.execute(statement, *arguments)
    finally:
        await connection.close()


@pytest.mark.parametrize(
    ("statement", "refusal"),
    [
        ("UPDATE holds SET status = 1 WHERE id = $1", "hold_ends_once"),
        ("UPDATE holds SET status = 4 WHERE id = $1", "hold_ends_once"),
        ("UPDATE hold_entries SET captured = 60.01 WHERE hold_id = $1", "hold_entries_sum"),
        ("UPDATE hold_entries SET captured = 59 WHERE hold_id = $1", "hold_entries_monotone"),
        ("UPDATE hold_entries SET released = 0 WHERE hold_id = $1", "hold_entries_monotone"),
        ("UPDATE hold_entries SET placed = 1000 WHERE hold_id = $1", "permission denied"),
        ("UPDATE hold_entries SET currency = 'JPY' WHERE hold_id = $1", "permission denied"),
        ("UPDATE holds SET expire_at = NULL WHERE id = $1", "permission denied"),
        ("DELETE FROM holds WHERE id = $1", "permission denied"),
        ("DELETE FROM hold_entries WHERE hold_id = $1", "permission denied"),
        ("TRUNCATE holds", "permission denied"),
    ],
)
async def test_the_database_guards_holds(
    ledger: RulesLedger, dsn: str, statement: str, refusal: str
) -> None:
    hold = await placed(ledger)
    await ledger.capture(hold, {"amount": "60.00"}, final=True)
    arguments = [uuid.UUID(hold)] if "$1" in statement else []
    with pytest.raises(asyncpg.PostgresError) as caught:
        await execute_as_runtime(dsn, statement, *arguments)
    assert refusal in (getattr(caught.value, "constraint_name", None) or str(caught.value))


@pytest.mark.parametrize("count", [4, 20])
async def test_many_capture_the_same(ledger: RulesLedger, count: int) -> None:
    """Through one server, which decides them in one batch; four fit, twenty do not."""
    hold = await placed(ledger)
    calls = [ledger.capture(hold, {"amount": "24.00"}) for _ in range(count)]
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 4
    assert (await ledger.held(hold))[1] == [("100.00", "96.00", "0.00", "4.00")] * 2
    ends: list[Any] = [ledger.capture(hold) for _ in range(count)]
    ends.extend(ledger.release(hold) for _ in range(count))
    results = await asyncio.gather(*ends, return_exceptions=True)
    assert sum(not isinstance(one, BaseException) for one in results) == 1
    assert (await ledger.balance("cash")).pending.net == "0.00"

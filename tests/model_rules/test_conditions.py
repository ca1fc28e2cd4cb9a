"""Conditions of velocity limits as postings meet them."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from typing import Any

import pytest
import pytest_asyncio

from tests.api.calls import reason, refused
from tests.ledger import Serving, database_of, serving, transfer
from tests.model_rules.rules import (
    NET,
    RulesLedger,
    check_rules,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(dsn: str) -> AsyncIterator[tuple[Serving, Serving]]:
    """Two servers that expire holds only when a test has them sweep."""
    async with serving(dsn) as one, serving(dsn) as other:
        await one.app.sweeper.close()
        await other.app.sweeper.close()
        yield one, other


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(servers: tuple[Serving, Serving], dsn: str) -> AsyncIterator[RulesLedger]:
    opened = RulesLedger(servers[0].channel, f"condition-{next(_journals)}")
    await opened.open("cash", "income")
    await opened.open_credit("ann", "bob")
    yield opened
    await check_rules(dsn, opened.journal)


def out(amount: str, name: str = "ann", **fields: Any) -> Any:
    return transfer(name, "cash", amount, **fields)


def into(amount: str, name: str = "ann", **fields: Any) -> Any:
    return transfer("cash", name, amount, **fields)


async def exceeded(call: Awaitable[Any]) -> tuple[str, str, str, str]:
    """Wait for a call that passes a limit; return bound, current, asked and left."""
    refusal = await refused(call)
    assert refusal.reason == "LIMIT_EXCEEDED", refusal
    facts = refusal.facts
    return facts["bound"], facts["current"], facts["asked"], facts["left"]


async def test_a_condition_sees_what_a_hold_placed(ledger: RulesLedger) -> None:
    """Also when only a part of it comes back, or it is counted from the history."""
    await ledger.velocity("BIG", "100", condition="params.units > decimal('50')")
    await ledger.velocity("SMALL", "100", condition="params.units < decimal('50')")
    for attached in (True, False):
        if attached:
            for code in ("BIG", "SMALL"):
                await ledger.attach(code, account="ann")
        hold = out("60.00")
        await ledger.place(hold)
        await ledger.capture(hold.transaction_id, {"amount": "20.00"}, final=True)
        if attached:
            assert await ledger.used("ann") == {"BIG": "20", "SMALL": "0"}
            for code in ("BIG", "SMALL"):
                await ledger.detach(code, account="ann")
    for code in ("BIG", "SMALL"):
        await ledger.attach(code, account="ann")
    assert await ledger.used("ann") == {"BIG": "40", "SMALL": "0"}


async def test_conditions_on_metadata(ledger: RulesLedger) -> None:
    condition = "has(params.metadata.card) && params.metadata.card == 'x'"
    await ledger.velocity("CARD", "100", condition=condition)
    await ledger.attach("CARD", account="ann")
    await ledger.post(out("500.00"))
    await ledger.post(out("80.00", metadata={"card": "x"}))
    hold = out("20.00", metadata={"card": "x"})
    await ledger.place(hold)
    assert await reason(ledger.post(out("0.01", metadata={"card": "x"}))) == "LIMIT_EXCEEDED"
    # The metadata of the release is its own; the hold's decides.
    await ledger.release(hold.transaction_id, metadata={"card": "y"})
    assert await ledger.used("ann") == {"CARD": "80"}


@pytest.mark.parametrize("attached_first", [True, False])
async def test_a_condition_that_fails_opens_no_way_past(
    ledger: RulesLedger, *, attached_first: bool
) -> None:
    """Under NET what comes in frees; it must not where nobody can tell whether it counts."""
    await ledger.velocity("CARD", "100", measure=NET, condition="params.metadata.card == 'x'")
    if attached_first:
        await ledger.attach("CARD", account="ann")
    await ledger.post(into("1000.00"))
    await ledger.post(out("30.00"))
    if not attached_first:
        await ledger.attach("CARD", account="ann")
    assert await exceeded(ledger.post(out("70.01", metadata={"card": "x"}))) == (
        "100",
        "30",
        "70.01",
        "70",
    )

"""What must not open a way past a velocity limit: conditions, and money that has not come."""

import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.api.calls import reason, refused
from tests.databases import database_of
from tests.ledger import Serving, serving, transfer
from tests.model_rules.rules import (
    NET,
    RulesLedger,
    check_rules,
    rows,
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


async def test_a_history_is_read_once(ledger: RulesLedger, dsn: str) -> None:
    """Also when the first posting is refused: or each refusal would read all of it again."""
    await ledger.post(out("60.00"))
    await ledger.velocity("OUT", "100")
    await ledger.attach("OUT", account="ann")
    counted = (
        "SELECT count(*) AS starts, (SELECT sum(units)::int FROM limit_movements AS m"
        " WHERE m.journal_id = s.journal_id) AS units FROM limit_starts AS s"
        " JOIN journals ON id = s.journal_id WHERE code = $1 GROUP BY s.journal_id"
    )
    for _ in range(2):
        assert await exceeded(ledger.post(out("40.01"))) == ("100", "60", "40.01", "40")
        assert [tuple(row) for row in await rows(dsn, counted, ledger.journal)] == [(1, 60)]
    await ledger.post(out("40.00"))
    assert await reason(ledger.post(out("0.01"))) == "LIMIT_EXCEEDED"
    await ledger.detach("OUT", account="ann")
    assert await rows(dsn, counted, ledger.journal) == []


@pytest.mark.parametrize("how", ["release", "final", "expire"])
async def test_money_on_its_way_in_is_not_there_yet(
    ledger: RulesLedger, servers: tuple[Serving, Serving], dsn: str, how: str
) -> None:
    """Or a hold that is never captured would lift a NET limit for as long as it stands."""
    await ledger.velocity("OUT", "100", measure=NET)
    await ledger.attach("OUT", account="ann")
    hold, expire = into("1000.00"), datetime.now(UTC) + timedelta(seconds=2)
    await ledger.place(hold, expire if how == "expire" else None)
    assert await exceeded(ledger.post(out("100.01"))) == ("100", "0", "100.01", "100")
    await ledger.post(out("100.00"))
    if how == "release":
        await ledger.release(hold.transaction_id)
    elif how == "final":
        await ledger.capture(hold.transaction_id, {"amount": "25.00"}, final=True)
    else:
        await rows(dsn, "SELECT pg_sleep_until($1)", expire)
        await servers[0].app.sweeper.sweep()
    expected = "75" if how == "final" else "100"
    assert await ledger.used("ann") == {"OUT": expected}
    await ledger.detach("OUT", account="ann")
    await ledger.attach("OUT", account="ann")
    assert await ledger.used("ann") == {"OUT": expected}

"""Closed and locked days: what of postings, holds and reversals they refuse."""

import itertools
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import pytest_asyncio

from tests.api.calls import reason, refused
from tests.databases import database_of
from tests.ledger import Serving, serving, transfer
from tests.model_rules.rules import EXPIRED, RulesLedger, check_rules, events, rows

pytestmark = pytest.mark.asyncio(loop_scope="module")

_journals = itertools.count(1)


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(dsn: str) -> AsyncIterator[Serving]:
    async with serving(dsn) as running:
        await running.app.sweeper.close()
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def ledger(server: Serving, dsn: str) -> AsyncIterator[RulesLedger]:
    opened = RulesLedger(server.channel, f"days-{next(_journals)}")
    await opened.open("cash", "income")
    yield opened
    await check_rules(dsn, opened.journal)


def calls(ledger: RulesLedger, posted: str, hold: str, **fields: Any) -> list[Any]:
    """Return one call of each kind that posts."""
    soft = {name: fields[name] for name in fields if name == "behind_soft_lock"}
    return [
        ledger.post(transfer(**fields)),
        ledger.place(transfer(**fields)),
        ledger.capture(hold, {"amount": "1.00"}, **fields),
        ledger.reverse(
            posted, {"amount": "1.00"}, effective_date=fields.get("effective_date", ""), **soft
        ),
        ledger.release(hold, **fields),
    ]


async def begun(ledger: RulesLedger) -> tuple[str, str]:
    posted, hold = transfer(amount="100.00"), transfer(amount="100.00")
    await ledger.post(posted)
    await ledger.place(hold)
    return posted.transaction_id, hold.transaction_id


@pytest.mark.parametrize("soft", [False, True])
async def test_nothing_posts_on_a_day_that_is_shut(ledger: RulesLedger, *, soft: bool) -> None:
    posted, hold = await begun(ledger)
    await ledger.close_days("2026-01-31", soft=soft)
    expected = "PERIOD_LOCKED" if soft else "PERIOD_CLOSED"
    for day in ("2026-01-31", "2025-06-01"):
        for call in calls(ledger, posted, hold, effective_date=day):
            refusal = await refused(call)
            assert (refusal.reason, refusal.facts["effective_date"]) == (expected, day)
    for call in calls(ledger, posted, hold, effective_date="2026-02-01"):
        await call


async def test_behind_the_soft_lock_but_not_the_hard_close(ledger: RulesLedger) -> None:
    posted, hold = await begun(ledger)
    await ledger.close_days("2025-12-31")
    await ledger.close_days("2026-01-31", soft=True)
    fields: dict[str, Any] = {"behind_soft_lock": True}
    for call in calls(ledger, posted, hold, effective_date="2025-12-31", **fields):
        assert await reason(call) == "PERIOD_CLOSED"
    for call in calls(ledger, posted, hold, effective_date="2026-01-01", **fields):
        await call


async def test_today_may_be_shut(ledger: RulesLedger) -> None:
    posted, hold = await begun(ledger)
    far = (datetime.now(UTC) + timedelta(days=3)).date().isoformat()
    await ledger.close_days(far)
    for call in (
        ledger.post(transfer()),
        ledger.place(transfer()),
        ledger.capture(hold),
        ledger.release(hold),
    ):
        assert await reason(call) == "PERIOD_CLOSED"
    await ledger.reopen_days()
    await ledger.capture(hold)
    await ledger.reverse(posted)


@pytest.mark.parametrize("soft", [False, True])
async def test_an_expiry_takes_the_first_open_day(
    ledger: RulesLedger, server: Serving, dsn: str, *, soft: bool
) -> None:
    expire = datetime.now(UTC) + timedelta(seconds=2)
    hold = transfer(effective_date="2026-01-01")
    await ledger.place(hold, expire)
    shut = (datetime.now(UTC) + timedelta(days=3)).date()
    await ledger.close_days(shut.isoformat(), soft=soft)
    await rows(dsn, "SELECT pg_sleep_until($1)", expire)
    assert await server.app.sweeper.sweep() == 1
    assert (await ledger.hold(hold.transaction_id)).status == EXPIRED
    (*_, last) = await events(dsn, ledger.journal)
    first_open = (shut + timedelta(days=1)).isoformat()
    assert last.hold_expired.transaction.effective_date == first_open


async def test_a_replay_is_answered_on_any_day(ledger: RulesLedger) -> None:
    asked = transfer(effective_date="2026-01-01")
    first = await ledger.post(asked)
    await ledger.close_days("2026-01-31")
    again = await ledger.post(asked)
    assert (again.transaction, again.replayed) == (first.transaction, True)
    validated = await ledger.post(transfer(effective_date="2026-01-31"), validate_only=True)
    assert validated.refusal.reason == "PERIOD_CLOSED"

"""Limits as postings meet them: what counts, from when, on whom, and what counts no longer."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import timedelta
from typing import Any

import asyncpg
import pytest
import pytest_asyncio

from tests.api.calls import CREDIT, DEBIT, reason, refused
from tests.databases import database_of
from tests.ledger import ATOMIC, Serving, changed, lines, serving, transfer
from tests.model_rules.rules import (
    DAY,
    GROSS,
    LIFE,
    MONTH,
    NET,
    ROLLING,
    WEEK,
    WHOLE,
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
    opened = RulesLedger(servers[0].channel, f"velocity-{next(_journals)}")
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


async def test_a_standing_limit_looks_at_what_is_there(ledger: RulesLedger) -> None:
    await ledger.post(into("100.00"))
    await ledger.place(out("30.00"))
    await ledger.place(into("500.00"))
    await ledger.standing("MIN", "-10")
    await ledger.attach("MIN", account="ann")
    assert await exceeded(ledger.post(out("80.01"))) == ("-10", "70", "80.01", "80")
    assert await exceeded(ledger.place(out("80.01"))) == ("-10", "70", "80.01", "80")
    await ledger.post(out("80.00"))
    assert await reason(ledger.post(out("0.01"))) == "LIMIT_EXCEEDED"
    # It is about dollars.
    await ledger.post(changed(out("9999"), params={"currency": "JPY"}))
    # In and out in one transaction: only what comes of it counts.
    await ledger.post(lines("CREDIT ann 5.00 USD", "DEBIT ann 5.00 USD"))


async def test_what_stands_below_may_only_rise(ledger: RulesLedger) -> None:
    await ledger.post(out("100.00"))
    hold = out("20.00")
    await ledger.place(hold)
    await ledger.standing("MIN")
    await ledger.attach("MIN", account="ann")
    assert await exceeded(ledger.post(out("0.01"))) == ("0", "-120", "0.01", "-120")
    await ledger.post(into("1.00"))
    await ledger.capture(hold.transaction_id, {"amount": "5.00"})
    await ledger.release(hold.transaction_id)
    # A reversal of what came in takes out.
    paid = into("10.00")
    await ledger.post(paid)
    assert await reason(ledger.reverse(paid.transaction_id)) == "LIMIT_EXCEEDED"


@pytest.mark.parametrize("condition", ["", "params.template == 'TRANSFER'"])
@pytest.mark.parametrize("window", [DAY, WEEK, MONTH, ROLLING, LIFE])
async def test_history_counts_from_the_first(
    ledger: RulesLedger, window: int, condition: str
) -> None:
    fields: dict[str, Any] = {"window": window, "rolling_seconds": 3600 if window == ROLLING else 0}
    spent = out("10.00")
    await ledger.post(spent)
    await ledger.post(into("7.00"))
    await ledger.post(lines("DEBIT ann 1.00 USD", "CREDIT cash 1.00 USD"))
    hold, captured, released = out("20.00"), out("5.00"), out("40.00")
    for one in (hold, captured, released):
        await ledger.place(one)
    await ledger.capture(captured.transaction_id, {"amount": "3.00"}, final=True)
    await ledger.release(released.transaction_id)
    for code, measure in (("GROSS", GROSS), ("NET", NET)):
        await ledger.velocity(code, "100", measure=measure, condition=condition, **fields)
        await ledger.attach(code, account="ann")
    extra = 0 if condition else 1
    gross = 10 + 20 + 3 + extra
    assert await ledger.used("ann") == {"GROSS": str(gross), "NET": str(gross - 7)}
    left = 100 - gross
    refusal = await exceeded(ledger.post(out(f"{left}.01")))
    assert refusal == ("100", str(gross), f"{left}.01", str(left))
    await ledger.post(out(f"{left}.00"))
    await ledger.reverse(spent.transaction_id)
    assert await ledger.used("ann") == {"GROSS": "100", "NET": str(100 - 7 - 10)}
    assert await reason(ledger.place(out("0.01"))) == "LIMIT_EXCEEDED"


async def test_sides_and_measures(ledger: RulesLedger) -> None:
    for code, direction, measure in (
        ("DR_GROSS", DEBIT, GROSS),
        ("CR_GROSS", CREDIT, GROSS),
        ("DR_NET", DEBIT, NET),
        ("CR_NET", CREDIT, NET),
    ):
        await ledger.velocity(code, "50", direction=direction, measure=measure)
        await ledger.attach(code, account="ann")
    await ledger.post(into("30.00"))
    await ledger.post(out("20.00"))
    await ledger.post(lines("DEBIT ann 7.00 USD", "CREDIT ann 7.00 USD"))
    assert await ledger.used("ann") == {
        "DR_GROSS": "27",
        "CR_GROSS": "37",
        "DR_NET": "-10",
        "CR_NET": "10",
    }
    assert (await refused(ledger.post(into("13.01")))).facts["limit"] == "CR_GROSS"
    assert (await refused(ledger.post(out("23.01")))).facts["limit"] == "DR_GROSS"
    both = lines("DEBIT ann 20.00 USD", "DEBIT ann 20.00 USD", "CREDIT cash 40.00 USD")
    assert (await refused(ledger.post(both))).facts["asked"] == "40"
    await ledger.post(lines("DEBIT ann 99 JPY", "CREDIT cash 99 JPY"))


async def test_holds_count_when_placed_and_once(ledger: RulesLedger) -> None:
    await ledger.velocity("OUT", "100")
    await ledger.attach("OUT", account="ann")
    hold = out("80.00")
    await ledger.place(hold)
    assert await reason(ledger.post(out("20.01"))) == "LIMIT_EXCEEDED"
    await ledger.capture(hold.transaction_id, {"amount": "30.00"})
    assert await ledger.used("ann") == {"OUT": "80"}
    await ledger.capture(hold.transaction_id, {"amount": "10.00"}, final=True)
    assert await ledger.used("ann") == {"OUT": "40"}
    other = out("60.00")
    await ledger.place(other)
    await ledger.release(other.transaction_id)
    assert await ledger.used("ann") == {"OUT": "40"}


@pytest.mark.parametrize("measure", [GROSS, NET])
async def test_what_a_hold_gives_back_counts_at_its_own_time(
    ledger: RulesLedger, dsn: str, measure: int
) -> None:
    """A hold of yesterday leaves today's count alone."""
    await ledger.velocity("OUT", "100", window=ROLLING, rolling_seconds=3600, measure=measure)
    await ledger.attach("OUT", account="ann")
    hold = out("80.00")
    await ledger.place(hold)
    await shift(dsn, ledger.journal, timedelta(hours=-2))
    await ledger.post(out("90.00"))
    await ledger.release(hold.transaction_id)
    assert await ledger.used("ann") == {"OUT": "90"}
    assert await reason(ledger.post(out("10.01"))) == "LIMIT_EXCEEDED"
    # And so it is counted from the history.
    await ledger.detach("OUT", account="ann")
    await ledger.attach("OUT", account="ann")
    assert await exceeded(ledger.post(out("10.01"))) == ("100", "90", "10.01", "10")


async def shift(dsn: str, journal: str, delta: timedelta) -> None:
    """Move all that was recorded in a journal, and what limits counted of it, in time."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            for table, column in (
                ("events", "recorded_at"),
                ("holds", "placed_at"),
                ("limit_movements", "counted_at"),
                ("journal_heads", "recorded_at"),
            ):
                await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
                await connection.execute(
                    f"UPDATE {table} SET {column} = {column} + $2"
                    " WHERE journal_id = (SELECT id FROM journals WHERE code = $1)",
                    journal,
                    delta,
                )
                await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")
    finally:
        await connection.close()


async def test_a_rolling_window_forgets(ledger: RulesLedger, dsn: str) -> None:
    await ledger.velocity("OUT", "100", window=ROLLING, rolling_seconds=60)
    await ledger.attach("OUT", account="ann")
    await ledger.post(out("60.00"))
    await shift(dsn, ledger.journal, timedelta(seconds=-40))
    await ledger.post(out("40.00"))
    assert await reason(ledger.post(out("0.01"))) == "LIMIT_EXCEEDED"
    await shift(dsn, ledger.journal, timedelta(seconds=-30))
    assert await ledger.used("ann") == {"OUT": "40"}
    assert await reason(ledger.post(out("60.01"))) == "LIMIT_EXCEEDED"
    await ledger.post(out("60.00"))


@pytest.mark.parametrize(("window", "days"), [(DAY, 1), (WEEK, 7), (MONTH, 31)])
async def test_a_calendar_window_forgets(
    ledger: RulesLedger, dsn: str, window: int, days: int
) -> None:
    await ledger.velocity("OUT", "100", window=window)
    await ledger.velocity("LIFE", "150", window=LIFE)
    for code in ("OUT", "LIFE"):
        await ledger.attach(code, account="ann")
    await ledger.post(out("100.00"))
    assert (await refused(ledger.post(out("0.01")))).facts["limit"] == "OUT"
    await shift(dsn, ledger.journal, timedelta(days=-days))
    assert (await refused(ledger.post(out("50.01")))).facts["limit"] == "LIFE"
    await ledger.post(out("50.00"))


async def test_each_account_of_a_nested_set(ledger: RulesLedger) -> None:
    await ledger.make_set("inner", "ann")
    await ledger.make_set("outer", "ann", "bob", sets=("inner",))
    await ledger.velocity("OUT", "100")
    await ledger.attach("OUT", account_set="outer")
    await ledger.attach("OUT", account_set="inner")
    await ledger.attach("OUT", account="ann")
    for name in ("ann", "bob"):
        await ledger.post(out("60.00", name))
        assert await reason(ledger.post(out("40.01", name))) == "LIMIT_EXCEEDED"
        assert await ledger.used(name) == {"OUT": "60"}
    await ledger.detach("OUT", account="ann")
    await ledger.detach("OUT", account_set="outer")
    await ledger.post(out("500.00", "bob"))
    assert await exceeded(ledger.post(out("40.01"))) == ("100", "60", "40.01", "40")
    await ledger.remove("inner", "ann")
    await ledger.post(out("500.00"))
    await ledger.add("inner", "ann")
    assert await exceeded(ledger.post(out("1.00"))) == ("100", "560", "1", "-460")


async def test_the_whole_of_a_set(ledger: RulesLedger) -> None:
    await ledger.make_set("inner", "ann")
    await ledger.make_set("outer", "ann", "bob", sets=("inner",))
    await ledger.post(into("100.00"))
    await ledger.standing("MIN")
    await ledger.attach("MIN", account_set="outer", scope=WHOLE)
    hold = out("30.00", "bob")
    await ledger.place(hold)
    assert await exceeded(ledger.post(out("70.01", "bob"))) == ("0", "70", "70.01", "70")
    await ledger.post(lines("DEBIT ann 100.00 USD", "CREDIT bob 100.00 USD"))
    await ledger.capture(hold.transaction_id)
    assert await exceeded(ledger.post(out("70.01", "bob"))) == ("0", "70", "70.01", "70")
    await ledger.remove("outer", "bob")
    assert await ledger.used("ann") == {"MIN": "0"}
    assert await exceeded(ledger.post(out("0.01"))) == ("0", "0", "0.01", "0")
    await ledger.post(out("70.00", "bob"))
    await ledger.add("outer", "bob")
    assert await exceeded(ledger.post(out("0.01", "bob"))) == ("0", "0", "0.01", "0")


async def test_detached_and_attached_again(ledger: RulesLedger) -> None:
    await ledger.velocity("OUT", "100")
    await ledger.attach("OUT", account="ann")
    await ledger.post(out("60.00"))
    hold = out("10.00")
    await ledger.place(hold)
    await ledger.detach("OUT", account="ann")
    await ledger.post(out("500.00"))
    await ledger.release(hold.transaction_id)
    await ledger.attach("OUT", account="ann")
    assert await exceeded(ledger.post(out("1.00"))) == ("100", "560", "1", "-460")


async def test_in_force_at_once_on_another_server(
    ledger: RulesLedger, servers: tuple[Serving, Serving]
) -> None:
    other = RulesLedger(servers[1].channel, ledger.journal)
    await other.post(out("50.00"))
    await ledger.velocity("OUT", "60")
    await ledger.attach("OUT", account="ann")
    assert await exceeded(other.post(out("10.01"))) == ("60", "50", "10.01", "10")
    for bound, amount in (("70", "20.00"), ("90", "20.00")):
        await ledger.bound("OUT", bound)
        await other.post(out(amount))
        assert await reason(other.post(out("0.01"))) == "LIMIT_EXCEEDED"
    await ledger.bound("OUT", "5")
    assert (await refused(other.post(out("0.01")))).facts["bound"] == "5"
    await ledger.detach("OUT", account="ann")
    await other.post(out("1.00"))


async def test_each_of_a_batch_sees_those_before_it(ledger: RulesLedger) -> None:
    await ledger.velocity("OUT", "100")
    await ledger.standing("MIN")
    for code in ("OUT", "MIN"):
        await ledger.attach(code, account="ann")
    many = [into("40.00"), out("30.00"), out("20.00"), into("500.00"), out("70.00"), out("70.01")]
    results = await ledger.post_all([*many, out("0.01")])
    assert [one.refusal.reason for one in results] == [
        "",
        "",
        "LIMIT_EXCEEDED",
        "",
        "",
        "LIMIT_EXCEEDED",
        "LIMIT_EXCEEDED",
    ]
    assert [one.refusal.metadata.get("limit", "") for one in results][2:6:3] == ["MIN", "OUT"]


async def test_a_refused_batch_leaves_nothing_behind(ledger: RulesLedger, dsn: str) -> None:
    await ledger.velocity("OUT", "100")
    await ledger.standing("MIN")
    await ledger.make_set("all", "ann", "bob")
    await ledger.attach("OUT", account_set="all")
    await ledger.attach("MIN", account_set="all", scope=WHOLE)
    many = [into("300.00"), out("60.00"), out("50.00")]
    refusal = await refused(ledger.post_all(many, ATOMIC))
    assert (refusal.reason, refusal.facts["index"]) == ("LIMIT_EXCEEDED", "2")
    # In one batch with others: what is taken back in memory must not reach them.
    answers = await asyncio.gather(
        ledger.post_all(many, ATOMIC),
        *(ledger.post_all([into("50.00", "bob"), out("50.00", "bob")], ATOMIC) for _ in range(2)),
        ledger.post_all(many, ATOMIC),
        return_exceptions=True,
    )
    assert [isinstance(one, BaseException) for one in answers] == [True, False, False, True]
    assert await ledger.used("ann") == {"MIN": "0", "OUT": "0"}
    assert await ledger.used("bob") == {"MIN": "0", "OUT": "100"}
    assert await moved(dsn, ledger.journal) == {"bob": 100}


async def moved(dsn: str, journal: str) -> dict[str, int]:
    found = await rows(
        dsn,
        "SELECT accounts.code, sum(units)::int AS units FROM limit_movements"
        " JOIN journals ON journals.id = limit_movements.journal_id"
        " JOIN accounts ON accounts.journal_id = journals.id AND accounts.id = account_id"
        " WHERE journals.code = $1 GROUP BY 1",
        journal,
    )
    return {row["code"]: row["units"] for row in found}


async def test_a_validation_tells_and_writes_nothing(ledger: RulesLedger, dsn: str) -> None:
    await ledger.post(into("70.00", "bob"))
    await ledger.post(out("60.00"))
    await ledger.velocity("OUT", "100")
    await ledger.standing("MIN")
    await ledger.make_set("all", "ann", "bob")
    await ledger.attach("OUT", account="ann")
    await ledger.attach("MIN", account_set="all", scope=WHOLE)
    tables = ("limit_starts", "limit_movements", "set_balances", "balances", "events")
    before = [await rows(dsn, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    for asked, limit, left in ((out("40.01"), "MIN", "10"), (out("10.01", "bob"), "MIN", "10")):
        refusal = (await ledger.post(asked, validate_only=True)).refusal
        assert (refusal.reason, refusal.metadata["limit"]) == ("LIMIT_EXCEEDED", limit)
        assert refusal.metadata["left"] == left
    assert not (await ledger.post(out("10.00"), validate_only=True)).HasField("refusal")
    after = [await rows(dsn, f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in tables]
    assert after == before


async def test_a_replay_counts_once(ledger: RulesLedger) -> None:
    await ledger.velocity("OUT", "100")
    await ledger.attach("OUT", account="ann")
    asked = out("60.00")
    results = await ledger.post_all([asked, asked])
    assert [one.replayed for one in results] == [False, True]
    await ledger.post(asked)
    assert await ledger.used("ann") == {"OUT": "60"}

"""Holds and limits raced over two servers on one database."""

import asyncio
import itertools
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import grpc
import pytest
import pytest_asyncio

from tests.api.calls import CREDIT, refused
from tests.databases import database_of
from tests.ledger import Serving, serving, transfer
from tests.model_rules.rules import (
    CAPTURED,
    EXPIRED,
    OPEN,
    RELEASED,
    WHOLE,
    RulesLedger,
    Standing,
    check_rules,
    events,
    prefixes,
    rows,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

RACES = [100, pytest.param(1_000, marks=[pytest.mark.nightly, pytest.mark.timeout(1_800)])]

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


Ledgers = tuple[RulesLedger, RulesLedger]


@pytest_asyncio.fixture(loop_scope="module")
async def ledgers(servers: tuple[Serving, Serving], dsn: str) -> AsyncIterator[Ledgers]:
    """The services of both servers for a journal of the test's own; sound when it is over."""
    code = f"race-{next(_journals)}"
    one, other = (RulesLedger(server.channel, code) for server in servers)
    await one.open("cash", "income")
    await one.open_credit("ann", "bob", "cid")
    yield one, other
    await check_rules(dsn, code)
    stuck = "SELECT query FROM pg_stat_activity WHERE datname = current_database()"
    stuck += " AND state LIKE 'idle in transaction%' AND xact_start < now() - interval '1 s'"
    assert await rows(dsn, stuck) == []
    (stat,) = await rows(
        dsn, "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
    )
    assert stat["deadlocks"] == 0


async def outcome(call: Awaitable[Any]) -> str:
    """Wait for a call and return why it was refused, empty if it was not."""
    waiting = asyncio.ensure_future(call)
    try:
        await asyncio.shield(waiting)
    except grpc.aio.AioRpcError:
        return (await refused(waiting)).reason
    return ""


async def place(ledger: RulesLedger, amount: str = "100.00", expire: datetime | None = None) -> str:
    asked = transfer("ann", "cash", amount)
    await ledger.place(asked, expire)
    return asked.transaction_id


async def end(ledger: RulesLedger, how: str, hold: str, delay: float) -> str:
    await asyncio.sleep(delay)
    if how == "release":
        return await outcome(ledger.release(hold))
    if how == "part":
        return await outcome(ledger.capture(hold, {"amount": "60.00"}))
    return await outcome(ledger.capture(hold, final=how == "final"))


@pytest.mark.parametrize("races", RACES)
@pytest.mark.parametrize(
    ("rivals", "loser", "statuses"),
    [
        (("capture", "capture"), "HOLD_NOT_OPEN", {CAPTURED}),
        (("final", "final"), "HOLD_NOT_OPEN", {CAPTURED}),
        (("capture", "release"), "HOLD_NOT_OPEN", {CAPTURED, RELEASED}),
        (("part", "part"), "CAPTURE_EXCEEDS", {OPEN}),
    ],
    ids=["captures", "finals", "capture-release", "parts"],
)
async def test_one_of_two_wins(
    ledgers: Ledgers, races: int, rivals: tuple[str, str], loser: str, statuses: set[int]
) -> None:
    found: Counter[int] = Counter()

    async def race() -> None:
        hold = await place(ledgers[0])
        # Through both servers, or in one batch of one.
        sides = random.choices(ledgers, k=2)
        first, second = await asyncio.gather(
            end(sides[0], rivals[0], hold, random.random() * 0.002),
            end(sides[1], rivals[1], hold, random.random() * 0.002),
        )
        assert {first, second} == {"", loser}
        status, legs = await ledgers[0].held(hold)
        taken = {"part": "60.00", "release": "0.00"}.get(rivals[bool(first)], "100.00")
        assert (status, legs[0][1]) in {(status, taken) for status in statuses}
        found[status] += 1

    for _ in range(races // 20):
        await asyncio.gather(*(race() for _ in range(20)))
    assert found.total() == races
    assert set(found) == statuses, "a race that one side always wins is none"


@pytest.mark.parametrize("races", RACES)
async def test_time_or_a_capture_wins(
    ledgers: Ledgers, servers: tuple[Serving, Serving], dsn: str, races: int
) -> None:
    """Captures come just before or after the end; both servers sweep all the time."""
    found: Counter[str] = Counter()
    expires: dict[str, datetime] = {}

    async def race(ledger: RulesLedger) -> None:
        refusal, asked = "EXPIRE_TIME_PASSED", transfer("ann", "cash", "100.00")
        while refusal == "EXPIRE_TIME_PASSED":
            # A loaded machine may take longer to place it.
            expire = datetime.now(UTC) + timedelta(seconds=random.uniform(0.3, 0.8))
            refusal = await outcome(ledger.place(asked, expire))
        assert not refusal
        hold = asked.transaction_id
        expires[hold] = expire
        wait = (expire - datetime.now(UTC)).total_seconds() + random.choice(
            [0.01, 0.05, 0.25]
        ) * random.uniform(-1, 0.3)
        refusal = await end(random.choice(ledgers), "capture", hold, max(wait, 0))
        assert refusal in {"", "HOLD_NOT_OPEN"}
        found[refusal] += 1
        while (status := (await ledger.hold(hold)).status) not in {CAPTURED, EXPIRED}:
            assert refusal, "a capture that won has ended the hold"
            await asyncio.sleep(0.05)
        assert (status == CAPTURED) == (refusal == "")

    async def sweep(server: Serving) -> None:
        while True:
            await server.app.sweeper.sweep()
            await asyncio.sleep(0.003)

    sweeps = [asyncio.create_task(sweep(server)) for server in servers]
    try:
        for _ in range(races // 50):
            await asyncio.gather(*(race(random.choice(ledgers)) for _ in range(50)))
    finally:
        for task in sweeps:
            task.cancel()
        ended = await asyncio.gather(*sweeps, return_exceptions=True)
    assert all(isinstance(one, asyncio.CancelledError) for one in ended), ended
    assert set(found) == {"", "HOLD_NOT_OPEN"}, "a race that one side always wins is none"
    await _check_times(dsn, ledgers[0].journal, expires)


async def _check_times(dsn: str, journal: str, expires: dict[str, datetime]) -> None:
    """What was captured was captured in time, and nothing has expired before."""
    for event in await events(dsn, journal):
        when = event.record_time.ToDatetime(tzinfo=UTC)
        if event.HasField("hold_captured"):
            assert when < expires[event.hold_captured.transaction.hold_id]
        if event.HasField("hold_expired"):
            assert when >= expires[event.hold_expired.transaction.hold_id]


@pytest.mark.parametrize("width", [1, 2])
async def test_a_gross_daily_limit_lets_exactly_as_much_through(
    ledgers: Ledgers, width: int
) -> None:
    await ledgers[0].velocity("OUT", "1000")
    await ledgers[0].attach("OUT", account="ann")
    calls = [
        outcome(ledgers[number % width].post(transfer("ann", "cash", "10.00")))
        for number in range(200)
    ]
    assert Counter(await asyncio.gather(*calls)) == {"": 100, "LIMIT_EXCEEDED": 100}
    assert await ledgers[1].used("ann") == {"OUT": "1000"}
    assert (await ledgers[0].balance("ann")).settled.debit == "1000.00"


EXPECTED = frozenset({"", "LIMIT_EXCEEDED", "HOLD_NOT_FOUND", "HOLD_NOT_OPEN", "CAPTURE_EXCEEDS"})


async def caller(
    ledgers: Ledgers,
    names: list[str],
    chance: random.Random,
    steps: int,
    expected: frozenset[str] = EXPECTED,
) -> None:
    """Place, capture, release, take in and take out at random; what is refused is for its rule."""
    mine: list[str] = []
    for _ in range(steps):
        ledger, name = chance.choice(ledgers), chance.choice(names)
        till = chance.choice(["cash", "income"])
        amount = f"{chance.randint(1, 4000) / 100:.2f}"
        match chance.choice(["in", "out", "place", "capture", "part", "release"]):
            case "in":
                call = outcome(ledger.post(transfer(till, name, amount)))
            case "out":
                call = outcome(ledger.post(transfer(name, till, amount)))
            case "place":
                asked = transfer(name, till, amount)
                mine.append(asked.transaction_id)
                call = outcome(ledger.place(asked))
            case "capture" if mine:
                call = outcome(ledger.capture(chance.choice(mine)))
            case "part" if mine:
                call = outcome(ledger.capture(chance.choice(mine), {"amount": "5.00"}, final=True))
            case "release" if mine:
                call = outcome(ledger.release(mine.pop()))
            case _:
                continue
        assert await call in expected


async def test_an_overdraft_of_nothing_is_never_passed(ledgers: Ledgers, dsn: str) -> None:
    names = ["ann", "bob", "cid"]
    await ledgers[0].standing("NO_OVERDRAFT")
    for name in names:
        await ledgers[0].attach("NO_OVERDRAFT", account=name)
    seed = random.randrange(10**6)
    sys.stdout.write(f"seed {seed}\n")
    await asyncio.gather(
        *(caller(ledgers, names, random.Random(seed + number), 30) for number in range(20))
    )
    found = await events(dsn, ledgers[0].journal)
    assert len(found) > 200
    for step, standing in enumerate(prefixes(found)):
        for name in names:
            assert standing.available(name, CREDIT) >= 0, (step, name)


async def test_a_whole_set_is_never_passed_from_two_servers(ledgers: Ledgers, dsn: str) -> None:
    """Each server posts to another member; only the set knows of both."""
    one, other = ledgers
    await one.make_set("inner", "bob")
    await one.make_set("family", "ann", sets=("inner",))
    await one.post(transfer("cash", "ann", "500.00"))
    await one.standing("FAMILY")
    await one.attach("FAMILY", account_set="family", scope=WHOLE)
    for wave in range(4):
        calls = [
            outcome(ledger.post(transfer(name, till, "10.00")))
            # An account that both post to would have them wait for each other anyway.
            for ledger, name, till in ((one, "ann", "cash"), (other, "bob", "income")) * 20
        ]
        found = Counter(await asyncio.gather(*calls))
        assert found[""] == (40 if wave == 0 else 10 if wave == 1 else 0)
    for step, standing in enumerate(prefixes(await events(dsn, one.journal))):
        total = standing.available("ann", CREDIT) + standing.available("bob", CREDIT)
        assert total >= 0, step


async def test_a_whole_set_while_its_members_and_bound_change(ledgers: Ledgers, dsn: str) -> None:
    one, other = ledgers
    names = ["ann", "bob", "cid"]
    await one.make_set("inner")
    await one.make_set("family", "ann", "bob", sets=("inner",))
    await one.standing("FAMILY")
    await one.standing("UNUSED")
    await one.attach("FAMILY", account_set="family", scope=WHOLE)
    done = False

    async def change() -> None:
        while not done:
            await one.add("inner", "cid")
            await asyncio.sleep(0.01)
            await other.bound("FAMILY", "-50")
            await one.remove("inner", "cid")
            await one.attach("UNUSED", account="income")
            await other.bound("FAMILY", "0")
            await asyncio.sleep(0.01)
            await one.detach("UNUSED", account="income")

    changing = asyncio.create_task(change())
    # Hundreds of changes a second may outrun a batch; its callers are told to come again.
    expected = EXPECTED | {"CONTENTION"}
    await asyncio.gather(
        *(caller(ledgers, names, random.Random(number), 15, expected) for number in range(12))
    )
    done = True
    await changing
    await check_rules(dsn, one.journal)
    await _check_family(dsn, one.journal)


async def _check_family(dsn: str, journal: str) -> None:
    """Rebuild members, bound and sums from the events: no posting takes the set below."""
    members, bound = {"ann", "bob"}, Decimal(0)
    history = [
        (event, str(event.WhichOneof("fact"))) for event in await events(dsn, journal, all_of=True)
    ]
    standings = prefixes([event for event, fact in history if fact in POSTINGS])
    standing = Standing()
    begun = False
    for event, fact in history:
        if fact == "limit_attached":
            begun = True
        elif begun and fact == "account_set_members_added":
            members.add("cid")
        elif fact == "account_set_members_removed":
            members.discard("cid")
        elif fact == "limit_updated":
            bound = Decimal(event.limit_updated.limit.standing.available_min)
        elif fact in POSTINGS:
            before = sum(standing.available(one, CREDIT) for one in members)
            standing = next(standings)
            after = sum(standing.available(one, CREDIT) for one in members)
            assert after >= bound or after >= before, event.sequence


POSTINGS = {"journal_posted", "hold_created", "hold_captured", "hold_released", "hold_expired"}

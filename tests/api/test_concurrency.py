"""Many callers at once, on one server and on two: what races must not break."""

import asyncio
import contextlib
import random
import uuid
from decimal import Decimal

import asyncpg
import grpc
import pytest

from ledger_proto.v1 import balances_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.app import App
from ledger_server.application.journal_books import Library
from tests.ledger import (
    ATOMIC,
    PostingLedger,
    check_books,
    gather_limited,
    lines,
    transfer,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")

#: Seconds of the long-drawn races in the default run.
RACE_SECONDS = 3.0


Ledgers = tuple[PostingLedger, PostingLedger]


@pytest.mark.parametrize("servers", [1, 2])
async def test_fifty_callers_post_one_id(ledgers: Ledgers, servers: int, dsn: str) -> None:
    ledger = ledgers[0]
    await ledger.open("cash", "income")
    for _ in range(5):
        asked = transfer(external_id=str(uuid.uuid4()))
        head = await ledger.head()
        answers = await asyncio.gather(
            *(ledgers[caller % servers].post(asked) for caller in range(50))
        )
        assert [answer.replayed for answer in answers].count(False) == 1
        assert all(answer.transaction == answers[0].transaction for answer in answers)
        assert await ledger.head() == head + 1
    assert (await ledger.balance("cash")).version == 5
    await check_books(dsn, ledger.journal)


async def test_many_callers_want_one_external_id(ledgers: Ledgers, dsn: str) -> None:
    ledger = ledgers[0]
    await ledger.open("cash", "income")
    for _ in range(5):
        external_id = str(uuid.uuid4())

        async def claim(caller: int, external_id: str = external_id) -> str:
            try:
                await ledgers[caller % 2].post(transfer(external_id=external_id))
            except grpc.aio.AioRpcError as error:
                return str(error.details())
            return ""

        answers = await asyncio.gather(*(claim(caller) for caller in range(30)))
        assert answers.count("") == 1
        assert all("belongs to transaction" in answer for answer in answers if answer)
    assert (await ledger.balance("cash")).version == 5
    await check_books(dsn, ledger.journal)


async def _deadlocks(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        # Counters reach the view when a session ends or is idle for a while.
        await connection.execute("SELECT pg_stat_clear_snapshot()")
        found: int = await connection.fetchval(
            "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"
        )
        return found
    finally:
        await connection.close()


def _shuffled_legs(chooser: random.Random, accounts_: list[str]) -> list[str]:
    """Return legs that balance, between 2 to 5 of the accounts, in random order."""
    legs: list[str] = []
    for currency in chooser.sample(["USD", "JPY", "BTC"], chooser.randint(1, 3)):
        for _ in range(chooser.randint(1, 2)):
            debit, credit = chooser.sample(accounts_, 2)
            units = chooser.randint(1, 99)
            legs += [f"DEBIT {debit} {units} {currency}", f"CREDIT {credit} {units} {currency}"]
    chooser.shuffle(legs)
    return legs


async def _race(ledgers: Ledgers, dsn: str, seed: int, seconds: float) -> None:
    names = [f"account-{number}" for number in range(5)]
    ledger = ledgers[0]
    await ledger.open(*names)
    deadlocks = await _deadlocks(dsn)
    stop = asyncio.Event()
    posted: list[pb.Transaction] = []

    async def post(caller: int) -> None:
        chooser = random.Random(seed * 1_000 + caller)
        while not stop.is_set():
            count = chooser.choice([1, 1, 1, 5, 20])
            requests = [lines(*_shuffled_legs(chooser, names)) for _ in range(count)]
            if count == 1:
                posted.append((await ledgers[caller % 2].post(requests[0])).transaction)
            else:
                results = await ledgers[caller % 2].post_all(requests, ATOMIC)
                posted.extend(result.transaction for result in results)

    reads = 0

    async def read(server: int) -> None:
        nonlocal reads
        sequence = 0
        while not stop.is_set():
            report = await ledgers[server].trial_balance()
            for total in report.totals:
                assert total.balanced, f"seed {seed}: {report}"
            assert report.sequence >= sequence, "no read goes back in time"
            sequence = report.sequence
            listed = await ledgers[server].balances.ListBalances(_all_balances(ledger.journal))
            nets: dict[str, Decimal] = {}
            versions = 0
            for balance in listed.balances:
                nets[balance.currency] = nets.get(balance.currency, Decimal(0)) + Decimal(
                    balance.settled.net
                )
                versions += balance.version
            assert not any(nets.values()), f"seed {seed}: {nets}"
            reads += 1

    async with asyncio.TaskGroup() as group:
        for caller in range(20):
            group.create_task(post(caller))
        for server in range(2):
            group.create_task(read(server))
        await asyncio.sleep(seconds)
        stop.set()
    assert posted
    assert reads
    assert await _deadlocks(dsn) == deadlocks, f"seed {seed}"
    _check_versions(posted)
    await check_books(dsn, ledger.journal)


def _all_balances(journal: str) -> balances_pb2.ListBalancesRequest:
    return balances_pb2.ListBalancesRequest(journal=journal, page_size=1_000)


def _check_versions(posted: list[pb.Transaction]) -> None:
    """In the order of their sequences, entries count each balance up by one, without a gap."""
    versions: dict[tuple[str, str], int] = {}
    for one in sorted(posted, key=lambda one: one.sequence):
        for entry in one.entries:
            key = entry.account_code, entry.currency
            versions[key] = versions.get(key, 0) + 1
            assert entry.balance_after.version == versions[key], one
    numbers = [one.sequence for one in posted]
    assert len(set(numbers)) == len(numbers)
    assert max(numbers) - min(numbers) + 1 == len(numbers), "nothing else wrote to this journal"


async def test_twenty_callers_post_between_five_accounts(ledgers: Ledgers, dsn: str) -> None:
    await _race(ledgers, dsn, seed=1, seconds=RACE_SECONDS)


@pytest.mark.nightly
async def test_twenty_callers_post_for_minutes(ledgers: Ledgers, dsn: str) -> None:
    await _race(ledgers, dsn, seed=random.randrange(10**6), seconds=180)


async def test_first_postings_of_accounts_race(ledgers: Ledgers, dsn: str) -> None:
    """Balances that do not exist yet are made by both servers at once, in any order of legs."""
    ledger = ledgers[0]
    names = [f"account-{number}" for number in range(40)]
    await ledger.open(*names)
    deadlocks = await _deadlocks(dsn)
    chooser = random.Random(7)
    calls = []
    for number in range(60):
        debit, credit, third = chooser.sample(names, 3)
        legs = [f"DEBIT {debit} 2 EUR", f"CREDIT {credit} 1 EUR", f"CREDIT {third} 1 EUR"]
        chooser.shuffle(legs)
        calls.append(ledgers[number % 2].post(lines(*legs)))
    answers = await asyncio.gather(*calls)
    _check_versions([answer.transaction for answer in answers])
    assert await _deadlocks(dsn) == deadlocks
    await check_books(dsn, ledger.journal)


def _library(app: App) -> Library:
    return app._poster._library


async def _idle_in_transaction(dsn: str) -> int:
    connection = await asyncpg.connect(dsn)
    try:
        found: int = await connection.fetchval(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
            " AND state LIKE 'idle in transaction%' AND state_change < now() - interval '0.2 s'"
        )
        return found
    finally:
        await connection.close()


async def test_a_caller_that_goes_away(ledgers: Ledgers, dsn: str) -> None:
    """Whenever it goes, its posting is in the books as a whole or not at all."""
    ledger = ledgers[0]
    await ledger.open("cash", "income")
    chooser = random.Random(11)
    asked = [transfer() for _ in range(150)]

    async def post_and_go(request: pb.TransactionRequest) -> None:
        with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError):
            # From one millisecond to one second: some go and some stay, on any machine.
            async with asyncio.timeout(0.001 * 1000 ** chooser.random()):
                await ledgers[chooser.randrange(2)].post(request)

    await gather_limited(10, [post_and_go(request) for request in asked])
    # Each of these writers has written everything before when it answers.
    for one in ledgers:
        await one.post(transfer(amount="0.01"))
    there = {one.id for one in (await ledger.list(page_size=1_000)).transactions}
    await check_books(dsn, ledger.journal)
    answers = await asyncio.gather(*(ledger.post(request) for request in asked))
    for request, answer in zip(asked, answers, strict=True):
        assert answer.replayed == (request.transaction_id in there)
    assert sum(answer.replayed for answer in answers) > 0, "some came through before they went"
    assert (await ledger.balance("cash")).version == len(asked) + 2
    assert await _idle_in_transaction(dsn) == 0
    await check_books(dsn, ledger.journal)


async def test_a_reader_that_goes_away_leaves_no_transaction_open(
    ledgers: Ledgers, dsn: str
) -> None:
    ledger = ledgers[0]
    await ledger.open("cash", "income")
    await ledger.post_all([transfer() for _ in range(200)])
    chooser = random.Random(12)

    async def read_and_go() -> None:
        with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError):
            async with asyncio.timeout(chooser.uniform(0.0, 0.02)):
                await ledger.trial_balance()

    await gather_limited(20, [read_and_go() for _ in range(150)])
    assert len((await ledger.list(page_size=1_000)).transactions) == 200
    await asyncio.sleep(0.3)
    assert await _idle_in_transaction(dsn) == 0

"""Twelve writers on two servers; consumers that are killed and start again, over and over.

What a consumer keeps must be the journal: every sequence once and in order with PostgreSQL, at
least once and without a gap with a file. Balances rebuilt from it alone are the server's, version
by version.
"""

import asyncio
import itertools
import json
import os
import random
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger_client import LedgerClient
from tests.ports import free_ports
from tests.subscriber.writers import ACCOUNTS, CURRENCIES, Writer, open_books

WRITERS = 12
CONSUMER = Path(__file__).with_name("consumer_process.py")
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)}
#: Of the same consumer, at once.
RACING = 2

Record = dict[str, Any]


class Program:
    """A process that is killed and started again for as long as the campaign lasts."""

    def __init__(self, *arguments: str) -> None:
        self.starts = 0
        self._arguments = [sys.executable, *arguments]
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        self.starts += 1
        self._process = await asyncio.create_subprocess_exec(
            *self._arguments, stdout=asyncio.subprocess.PIPE, env=ENVIRONMENT
        )

    async def kill(self) -> None:
        """End it without a word; it must not have ended by itself."""
        assert self._process is not None
        assert self._process.returncode is None, f"{self._arguments} ended by itself"
        self._process.kill()
        await self._process.wait()

    async def stop(self) -> int:
        """Ask it to end; return its exit status."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(30):
            return await self._process.wait()

    async def harass(self, choose: random.Random, least: float, most: float) -> None:
        """Kill and start until cancelled, and leave it running."""
        while True:
            # On a busy machine a start takes long: it is to have come to something.
            assert self._process is not None
            assert self._process.stdout is not None
            await self._process.stdout.readline()
            await asyncio.sleep(choose.uniform(least, most))
            # Not half done when the campaign ends.
            await asyncio.shield(self._again())

    async def _again(self) -> None:
        await self.kill()
        await self.start()


class Campaign:
    """The processes of one test."""

    def __init__(self, ledger_dsn: str, consumer_dsn: str, folder: Path) -> None:
        self.consumer_dsn = consumer_dsn
        self.folder = folder
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(2)]
        self.servers = [
            Program("-m", "ledger_server", "--dsn", ledger_dsn, "--listen", address)
            for address in self.addresses
        ]
        places = {kind: str(folder / kind) for kind in ("file", "file-batches")}
        places |= dict.fromkeys(("postgres", "postgres-batches"), consumer_dsn)
        self.consumers = [
            Program(str(CONSUMER), kind, place, *self.addresses)
            for kind, place in places.items()
            for _ in range(RACING if kind.startswith("postgres") else 1)
        ]

    async def run(self, calls: int, *, seed: int, with_servers: bool) -> int:
        """Write, kill, then let everyone come to the end; return the head."""
        for server in self.servers:
            await server.start()
        clients = [LedgerClient.connect(address) for address in self.addresses]
        await wait_for(clients)
        await open_books(clients[0])
        for consumer in self.consumers:
            await consumer.start()
        choose = random.Random(seed)  # repeatable
        harassing = [
            asyncio.create_task(each.harass(random.Random(choose.random()), 0.1, 3.0))
            for each in self.consumers
        ]
        if with_servers:
            harassing += [
                asyncio.create_task(each.harass(random.Random(choose.random()), 5.0, 12.0))
                for each in self.servers
            ]
        writers = [Writer(clients[number % 2], seed + number) for number in range(WRITERS)]
        await asyncio.gather(*(writer.write(calls) for writer in writers))
        async with asyncio.timeout(120):
            # On a fast machine all was written before each consumer had come to something.
            while not all(each.starts > 1 for each in self.consumers):
                await asyncio.gather(*(writer.write(1) for writer in writers))
        for task in harassing:
            task.cancel()
        await asyncio.gather(*harassing, return_exceptions=True)
        assert all(task.cancelled() for task in harassing), harassing
        await wait_for(clients)
        assert sum(writer.done for writer in writers) > WRITERS * calls / 3
        # Holds that were placed to expire have.
        await asyncio.sleep(2)
        head = (await clients[0].get_head("main")).sequence
        for client in clients:
            await client.close()
        return head

    async def positions(self) -> dict[str, int]:
        """Return where each checkpoint stands."""
        found = {
            kind: json.loads(path.read_text())["position"] if path.exists() else 0
            for kind in ("file", "file-batches")
            for path in [self.folder / kind]
        }
        connection = await asyncpg.connect(self.consumer_dsn)
        rows = await connection.fetch("SELECT consumer, position FROM ledger_checkpoints")
        await connection.close()
        return found | {row["consumer"]: row["position"] for row in rows}

    async def records(self) -> dict[str, list[Record]]:
        """Return what each consumer kept, in the order in which it did."""
        found = {
            kind: [json.loads(line) for line in lines_of(self.folder / f"{kind}.effects")]
            for kind in ("file", "file-batches")
        }
        connection = await asyncpg.connect(self.consumer_dsn)
        rows = await connection.fetch("SELECT consumer, record FROM effects ORDER BY id")
        await connection.close()
        for row in rows:
            found.setdefault(row["consumer"], []).append(json.loads(row["record"]))
        return found

    async def end(self) -> None:
        for program in (*self.consumers, *self.servers):
            if program.starts and program._process and program._process.returncode is None:
                program._process.kill()
                await program._process.wait()


def lines_of(path: Path) -> list[str]:
    """Return whole lines: a process may have been killed in one."""
    return [line for line in path.read_text().split("\n")[:-1] if line]


async def wait_for(clients: Sequence[LedgerClient]) -> None:
    async with asyncio.timeout(60):
        for client in clients:
            while True:
                try:
                    _ = [journal async for journal in client.list_journals()]
                    break
                except Exception:  # noqa: BLE001  # it is starting
                    await asyncio.sleep(0.1)


@pytest.fixture
async def campaign(
    database_dsn: str, empty_database_dsn: str, tmp_path: Path
) -> AsyncIterator[Campaign]:
    connection = await asyncpg.connect(empty_database_dsn)
    await connection.execute(
        "CREATE TABLE effects (id bigserial, consumer text NOT NULL, record jsonb NOT NULL)"
    )
    await connection.close()
    one = Campaign(database_dsn, empty_database_dsn, tmp_path)
    yield one
    await one.end()


async def check(campaign: Campaign, calls: int, *, seed: int, with_servers: bool) -> None:
    head = await campaign.run(calls, seed=seed, with_servers=with_servers)
    async with asyncio.timeout(120):
        while set((await campaign.positions()).values()) != {head}:  # noqa: ASYNC110  # others'
            await asyncio.sleep(0.1)
    assert [await consumer.stop() for consumer in campaign.consumers] == [0] * 6
    for kind, kept in (await campaign.records()).items():
        sequences = [record["sequence"] for record in kept]
        whole = list(range(1, head + 1))
        if kind.startswith("postgres"):
            assert sequences == whole, kind
        else:
            assert sorted(set(sequences)) == whole, kind
            # A restart goes back to a position that was passed, never beyond it.
            assert all(after <= before + 1 for before, after in itertools.pairwise(sequences))
        first = {record["sequence"]: record for record in reversed(kept)}
        await check_balances(campaign.addresses[0], [first[sequence] for sequence in whole])
    assert all(consumer.starts > 1 for consumer in campaign.consumers)


async def check_balances(address: str, records: Sequence[Record]) -> None:
    """Rebuild the balances from what a consumer kept, version by version, and ask the server."""
    sums: defaultdict[tuple[str, str, str], dict[str, Decimal]] = defaultdict(
        lambda: {"DEBIT": Decimal(0), "CREDIT": Decimal(0)}
    )
    versions: defaultdict[tuple[str, str], int] = defaultdict(int)
    for record in records:
        for account, currency, layer, side, units, version, debit, credit in record["entries"]:
            book = sums[account, currency, layer]
            book[side] += Decimal(units)
            versions[account, currency] += 1
            assert versions[account, currency] == version
            assert (book["DEBIT"], book["CREDIT"]) == (Decimal(debit), Decimal(credit))
    async with LedgerClient.connect(address) as client:
        for account in ACCOUNTS:
            for currency in CURRENCIES:
                balance = await client.get_balance("main", account, currency)
                assert balance.version == versions[account, currency]
                for layer, stood in (("SETTLED", balance.settled), ("PENDING", balance.pending)):
                    book = sums[account, currency, layer]
                    assert (stood.debit, stood.credit) == (book["DEBIT"], book["CREDIT"])


@pytest.mark.timeout(400)
async def test_consumers_are_killed(campaign: Campaign) -> None:
    await check(campaign, 80, seed=1, with_servers=False)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(5))
async def test_consumers_and_servers_are_killed(campaign: Campaign, seed: int) -> None:
    await check(campaign, 600, seed=seed, with_servers=True)

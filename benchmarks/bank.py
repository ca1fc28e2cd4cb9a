"""Deposits a second through the bank beside the same postings: `python -m benchmarks.bank`.

A ledger, a bank and a publisher to NATS JetStream run as anybody would run them. In each round 64
callers record deposits through `DepositService`, then 64 callers post the same through the same
template straight to the ledger, each call one deposit. At the end every deposit must be confirmed,
its event in the broker, and the books in balance.
"""

import argparse
import asyncio
import contextlib
import os
import secrets
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import grpc
import nats
import uvloop
from rich.console import Console

from bank_proto.customer.v1 import customers_pb2 as customers
from bank_proto.customer.v1.customers_pb2_grpc import CustomerServiceStub
from bank_proto.deposit.v1 import deposit_pb2 as deposits
from bank_proto.deposit.v1.deposit_pb2_grpc import DepositServiceStub
from bank_proto.events.v1 import domain_events_pb2 as events
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from bank_proto.operations.v1 import operations_pb2 as operations
from bank_proto.operations.v1.operations_pb2_grpc import OperationsServiceStub
from benchmarks import machine
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import running_server
from benchmarks.rounds import Comparison, alternate, compare
from ledger_client import LedgerClient
from ledger_client.demo.server_process import bank_command
from tests.brokers import Nats

TENANT: Final = "BANK"
CALLERS: Final = 64
ACCOUNTS: Final = 200
TOKEN: Final = f"bank_{secrets.token_urlsafe(32)}"
METADATA: Final = (("authorization", f"Bearer {TOKEN}"),)
SETTLE_SECONDS: Final = 60.0


class Bench:
    """A bank under load."""

    def __init__(self, channel: grpc.aio.Channel, ledger: LedgerClient) -> None:
        """Speak to both."""
        self._channel = channel
        self._ledger = ledger
        self._deposits = DepositServiceStub(channel)
        self._accounts: list[str] = []
        self._ledger_accounts: list[str] = []
        self.recorded = 0

    async def prepare(self) -> None:
        """Open an account for each of so many customers."""
        setting = operations.UpdateSettingRequest(
            tenant=TENANT,
            request_id=str(uuid.uuid4()),
            module="customer",
            name="require_verified_for_accounts",
            value="false",
        )
        await OperationsServiceStub(self._channel).UpdateSetting(setting, metadata=METADATA)
        gate = asyncio.Semaphore(CALLERS)

        async def open_account(number: int) -> str:
            async with gate:
                created = await CustomerServiceStub(self._channel).CreateCustomer(
                    customers.CreateCustomerRequest(
                        tenant=TENANT,
                        request_id=str(uuid.uuid4()),
                        email=f"customer{number}@example.org",
                        customer_type=customers.CUSTOMER_TYPE_INDIVIDUAL,
                    ),
                    metadata=METADATA,
                )
                opened = await self._deposits.CreateAccount(
                    deposits.CreateAccountRequest(
                        tenant=TENANT,
                        request_id=str(uuid.uuid4()),
                        customer_id=created.customer.id,
                    ),
                    metadata=METADATA,
                )
                return opened.account.id

        self._accounts = list(await asyncio.gather(*map(open_account, range(ACCOUNTS))))
        self._ledger_accounts = [f"deposit:{account}" for account in self._accounts]

    async def through_the_bank(self, seconds: float) -> float:
        """Return deposits a second that were confirmed."""

        async def one(number: int) -> None:
            answer = await self._deposits.RecordDeposit(
                deposits.RecordDepositRequest(
                    tenant=TENANT,
                    request_id=str(uuid.uuid4()),
                    account_id=self._accounts[number % ACCOUNTS],
                    amount="12.34",
                ),
                metadata=METADATA,
                timeout=30,
            )
            assert answer.deposit.status == deposits.DEPOSIT_STATUS_CONFIRMED, answer
            self.recorded += 1

        return await _rate(one, seconds)

    async def straight(self, seconds: float) -> float:
        """Return the same postings a second, straight to the ledger."""

        async def one(number: int) -> None:
            await self._ledger.post(
                TENANT,
                "RECORD_DEPOSIT",
                {
                    "account": self._ledger_accounts[number % ACCOUNTS],
                    "omnibus": "deposit-omnibus:USD",
                    "amount": "12.34",
                    "currency": "USD",
                },
            )

        return await _rate(one, seconds)

    async def published(self, stream: Any) -> int:
        """Wait until every event is in the broker; return how many there are."""
        deadline = time.monotonic() + SETTLE_SECONDS
        stub = DomainEventServiceStub(self._channel)
        request = events.ListEventsRequest(tenant=TENANT, module="deposit", page_size=1)
        while True:
            head = (await stub.ListEvents(request, metadata=METADATA)).head_sequence
            state = (await stream.stream_info("BANK")).state
            if state.messages >= head:
                return int(head)
            assert time.monotonic() < deadline, f"{state.messages} of {head} events are published"
            await asyncio.sleep(0.2)

    async def check(self) -> None:
        """Hold the books against what was recorded."""
        balance = await self._ledger.get_trial_balance(TENANT)
        assert all(total.balanced for total in balance.totals), "the books balance"


async def _rate(one: Callable[[int], Awaitable[None]], seconds: float) -> float:
    """Return how often `one` is done a second by so many callers at once."""
    ends_at = time.monotonic() + seconds
    done = 0

    async def call(first: int) -> None:
        nonlocal done
        number = first
        while time.monotonic() < ends_at:
            await one(number)
            number += CALLERS
            done += 1

    began = time.monotonic()
    await asyncio.gather(*map(call, range(CALLERS)))
    return done / (time.monotonic() - began)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.bank", description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=10.0, help="of each side of a round")
    given = parser.parse_args(arguments)
    with running_postgres() as dsn:
        uvloop.run(_bench(dsn, given.rounds, given.seconds))
    return 0


async def _bench(dsn: str, rounds: int, seconds: float) -> None:
    databases = Databases(dsn)
    console = Console(highlight=False)
    console.print(f"{machine.describe()['processor']}; load average {machine.load_average()}")
    with tempfile.TemporaryDirectory(prefix="bank-bench-") as name:
        folder = Path(name)
        try:
            books = await databases.create("books")
            bank = await databases.create("bank")
            async with _running(books, bank, folder) as (bench, broker):
                await _measure(bench, broker, rounds, seconds, console)
        finally:
            await databases.drop_all()


@contextlib.asynccontextmanager
async def _running(books: str, bank: str, folder: Path) -> AsyncIterator[tuple[Bench, Any]]:
    place = folder / "nats"
    place.mkdir()
    broker = Nats(place)
    broker.start()
    try:
        with (
            running_server(books, folder / "server.log") as server,
            _bank_process(server.address, bank, folder) as address,
            _publisher(address, broker.url, folder),
        ):
            connection = await nats.connect(broker.url)
            async with (
                grpc.aio.insecure_channel(address) as channel,
                LedgerClient.connect(server.address) as ledger,
            ):
                yield Bench(channel, ledger), connection.jetstream()
            await connection.close()
    finally:
        broker.kill()


@contextlib.contextmanager
def _bank_process(ledger: str, dsn: str, folder: Path) -> Iterator[str]:
    command = [
        *(*bank_command(), "--ledger", ledger, "--dsn", dsn, "--data-dir", str(folder / "bank")),
        *("--listen", "127.0.0.1:0", "--http-listen", "127.0.0.1:0", "--tenant", TENANT),
    ]
    environment = os.environ | {"LEDGER_BANK_ADMIN_TOKEN": TOKEN}
    with (
        (folder / "bank.log").open("w") as log,
        subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment
        ) as process,
    ):
        try:
            assert process.stdout is not None, "a pipe was asked for"
            said = process.stdout.readline()
            assert said.startswith("ledger-bank ready on "), (folder / "bank.log").read_text()
            yield said.split()[3].rstrip(",")
        finally:
            process.terminate()


@contextlib.contextmanager
def _publisher(bank: str, broker: str, folder: Path) -> Iterator[None]:
    """Publish the events of deposit, as `ledgerctl bank publish` does."""
    command = [
        *(
            sys.executable,
            "-m",
            "ledger_client.cli.__main__",
            "bank",
            "publish",
            "--module",
            "deposit",
        ),
        *("--to", broker, "--name", "bench", "--stream", "BANK", "--create-stream"),
    ]
    environment = os.environ | {
        "LEDGER_BANK_ADDRESS": bank,
        "LEDGER_BANK_TENANT": TENANT,
        "LEDGER_BANK_TOKEN": TOKEN,
    }
    with (
        (folder / "publisher.log").open("w") as log,
        subprocess.Popen(command, stdout=log, stderr=log, env=environment) as process,
    ):
        try:
            yield
            assert process.poll() is None, (folder / "publisher.log").read_text()
        finally:
            process.terminate()


async def _measure(
    bench: Bench, broker: Any, rounds: int, seconds: float, console: Console
) -> None:
    await bench.prepare()
    await bench.through_the_bank(2.0)

    async def bank(_number: int) -> float:
        return await bench.through_the_bank(seconds)

    async def ledger(_number: int) -> float:
        return await bench.straight(seconds)

    runs = {"bank": bank, "ledger": ledger}
    values = await alternate(runs, rounds, lambda text: print(text, file=sys.stderr))
    published = await bench.published(broker)
    await bench.check()
    figure = compare(
        Comparison(
            name="bank_deposits",
            title="deposits through the bank",
            unit="a second",
            ours="bank",
            baseline="ledger",
            higher_is_better=True,
        ),
        values,
    )
    assert figure.baseline is not None, "it was compared"
    assert figure.ratio is not None, "it was compared"
    console.print(
        f"{figure.value.median:,.0f} deposits a second through the bank, each published, beside "
        f"{figure.baseline.median:,.0f} straight to the ledger: ratio {figure.ratio.median:.2f} "
        f"({figure.ratio.lowest:.2f} to {figure.ratio.highest:.2f}); {bench.recorded:,} recorded, "
        f"{published:,} events in the broker"
    )


if __name__ == "__main__":
    sys.exit(main())

"""A small bank's books on a running server, and the page over them in a process of its own."""

import asyncio
import dataclasses
import datetime as dt
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from ledger_client import AccountCategory, Direction, LedgerClient, NewRate
from ledger_client.demo.server_process import running_server
from ledger_client.templates import library
from tests.conftest import reachable_directory

JOURNAL = "BANK"

SETS = (
    ("1", "Assets", AccountCategory.ASSET, ("cash", "loans")),
    ("2", "Liabilities", AccountCategory.LIABILITY, ("deposits:alice", "deposits:bob")),
    ("3", "Equity", AccountCategory.EQUITY, ("capital", "trading")),
    ("4", "Revenue", AccountCategory.REVENUE, ("interest",)),
    ("5", "Expenses", AccountCategory.EXPENSE, ("rent",)),
)
DEBIT_NORMAL = {"cash", "loans", "rent"}


@dataclasses.dataclass(frozen=True)
class Bank:
    """Where the page is, and the ids of what stands in the books."""

    url: str
    server: str
    posted: UUID
    reversal: UUID
    hold: UUID

    def at(self, path: str) -> str:
        """The address of a page of the journal."""
        return f"{self.url}/{JOURNAL}/{path}"


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    """A server with a year of books, and `ledgerctl web` on it."""
    with pytest.MonkeyPatch.context() as patch, reachable_directory() as directory:
        patch.setenv("PYTHONPATH", os.pathsep.join(path for path in sys.path if path))
        patch.delenv("LEDGER_DSN", raising=False)
        log = tmp_path_factory.mktemp("server") / "log"
        with running_server(directory / "data", log) as address:
            ids = asyncio.run(_keep_books(address))
            with _page(address, tmp_path_factory.mktemp("page") / "log") as url:
                yield Bank(url, address, *ids)


class _page:  # noqa: N801  # reads as a function
    """Runs `ledgerctl web` for as long as a block."""

    def __init__(self, address: str, log: Path) -> None:
        self._errors = log.open("w")
        command = [sys.executable, "-m", "ledger_client.cli", "web", "--listen", "127.0.0.1:0"]
        self._process: subprocess.Popen[str] = subprocess.Popen(
            command,
            env=os.environ | {"LEDGER_SERVER": address, "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )

    def __enter__(self) -> str:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        found = re.search(r"http://\S+?(?=/ )", line)
        assert found, f"the page did not start: {line}"
        return found[0]

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(30)
        self._errors.close()


async def _keep_books(address: str) -> tuple[UUID, UUID, UUID]:
    async with LedgerClient.connect(address) as ledger:
        await ledger.create_journal(JOURNAL, name="First Bank <of> Tests")
        for loaded in library():
            await ledger.create_tx_template(JOURNAL, loaded.template)
        for code, name, category, accounts in SETS:
            await ledger.create_account_set(JOURNAL, code, name=name, category=category)
            for account in accounts:
                side = Direction.DEBIT if account in DEBIT_NORMAL else Direction.CREDIT
                await ledger.create_account(JOURNAL, account, normal_side=side)
            await ledger.add_account_set_members(JOURNAL, code, accounts=accounts)
        await ledger.create_account(JOURNAL, "suspense", normal_side=Direction.DEBIT)
        begin = dt.datetime(2025, 12, 31, tzinfo=dt.UTC)
        worth = NewRate(
            base="BTC", quote="USD", effective_time=begin, rate=Decimal(64250), source="TEST"
        )
        await ledger.record_rates(JOURNAL, [worth])

        async def post(day: str, debit: str, credit: str, amount: str, currency: str) -> UUID:
            params = {"from": credit, "to": debit, "amount": Decimal(amount), "currency": currency}
            posted = await ledger.post(
                JOURNAL,
                "TRANSFER",
                params,
                effective_date=dt.date.fromisoformat(day),
                description=f"{credit} to {debit} <b>&</b>",
            )
            return posted.transaction.id

        await post("2025-12-31", "cash", "capital", "100000.00", "USD")
        await post("2026-01-02", "cash", "deposits:alice", "2500.00", "USD")
        await post("2026-01-02", "cash", "deposits:bob", "0.75000000", "BTC")
        for month in range(1, 7):
            await post(f"2026-{month:02}-15", "cash", "interest", f"{month}00.25", "USD")
            await post(f"2026-{month:02}-20", "rent", "cash", "150.00", "USD")
        await post("2026-01-03", "suspense", "cash", "10.00", "USD")
        await post("2026-01-04", "cash", "suspense", "10.00", "USD")
        await post("2026-03-01", "loans", "cash", "5000.00", "USD")
        wrong = await post("2026-03-02", "loans", "cash", "77.00", "USD")
        taken_back = await ledger.reverse_transaction(
            JOURNAL, wrong, effective_date=dt.date(2026, 3, 3)
        )
        hold: Any = await ledger.place_hold(
            JOURNAL,
            "TRANSFER",
            {
                "from": "cash",
                "to": "deposits:alice",
                "amount": Decimal("40.00"),
                "currency": "USD",
            },
        )
        return wrong, taken_back.transaction.id, hold.hold.id

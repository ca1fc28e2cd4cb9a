"""The trial balance beside the SQL that only sums: `python -m benchmarks.reports [--quick]`.

Books of 1,000,000 entries in 100,000 accounts are written past the ledger. In each round the server
makes the whole trial balance, as one answer to one call, and PostgreSQL alone sums the same daily
rows for a client that reads the sums. The same again with three times the entries on the same days:
a report grows with accounts and days, not with entries.
"""

import argparse
import dataclasses
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import asyncpg
import grpc
import uvloop
from rich.console import Console

from benchmarks import machine
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import running_server
from benchmarks.rounds import Comparison, alternate, compare
from ledger_client import LedgerClient
from ledger_proto.v1 import reports_pb2 as pb
from ledger_proto.v1.reports_pb2_grpc import ReportServiceStub

_JOURNAL: Final = "BOOKS"
_OPTIONS: Final = (("grpc.max_receive_message_length", 64 * 1024 * 1024),)
#: What the statement of the report does at least: the sums of each account and currency.
_ONLY_SUM: Final = """
SELECT account_id, currency, sum(debit) AS debit, sum(credit) AS credit
  FROM daily_sums
 WHERE journal_id = $1 AND layer = 1 AND day <= '2025-12-31'
 GROUP BY account_id, currency"""

#: Past the ledger: an entry is row n, and with its neighbour n + 1 a transaction.
_FILL: Final = (
    """INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata, created_at)
       SELECT $1, md5(n::text)::uuid, 'customer:' || to_char(n, 'FM00000000'), 'Customer ' || n,
              1 + n % 2, 1, '{}', now()
         FROM generate_series(0, $2 - 1) AS n""",
    """INSERT INTO entries (journal_id, sequence, position, layer, direction, effective, account_id,
                            units, currency)
       SELECT $1, 1000 + n / 2, n % 2, 1, 1 + n % 2, '2025-01-01'::date + (n / 2 % $4)::integer,
              md5((n % $2)::text)::uuid, 0.01 * (1 + n / 2 % 100000), 'USD'
         FROM generate_series(0, $3 - 1) AS n""",
    """INSERT INTO earlier_days (journal_id, account_id, currency, layer, day, debit, credit)
       SELECT journal_id, account_id, currency, layer, effective,
              coalesce(sum(units) FILTER (WHERE direction = 1), 0),
              coalesce(sum(units) FILTER (WHERE direction = 2), 0)
         FROM entries WHERE journal_id = $1 GROUP BY 1, 2, 3, 4, 5""",
    # The last day of each is the one after all of these, and has nothing.
    """INSERT INTO balances (journal_id, account_id, currency, version, settled_debit,
                             settled_credit, last_day, debit_before, credit_before)
       SELECT journal_id, account_id, currency, count(*), sum(debit), sum(credit), '2026-01-01',
              sum(debit), sum(credit)
         FROM earlier_days WHERE journal_id = $1 GROUP BY 1, 2, 3""",
)
_MORE_ENTRIES: Final = """
INSERT INTO entries
SELECT journal_id, sequence + $2 * 10000000, position, layer, direction, effective, account_id,
       units, currency
  FROM entries WHERE journal_id = $1 AND sequence < 10000000"""
_MORE_SUMS: Final = (
    "UPDATE earlier_days SET debit = 3 * debit, credit = 3 * credit",
    """UPDATE balances SET settled_debit = 3 * settled_debit, settled_credit = 3 * settled_credit,
       debit_before = 3 * debit_before, credit_before = 3 * credit_before""",
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large the books are."""

    accounts: int
    entries: int
    #: On which entries are effective.
    days: int
    rounds: int


FULL: Final = Size(accounts=100_000, entries=1_000_000, days=365, rounds=5)
QUICK: Final = Size(accounts=10_000, entries=100_000, days=365, rounds=3)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.reports", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller books, fewer rounds")
    parser.add_argument("--days", type=int, help="on which entries are effective")
    given = parser.parse_args(arguments)
    size = QUICK if given.quick else FULL
    size = dataclasses.replace(size, days=given.days or size.days)
    with running_postgres() as dsn:
        uvloop.run(_bench(dsn, size))
    return 0


async def _bench(dsn: str, size: Size) -> None:
    databases = Databases(dsn)
    console = Console(highlight=False)
    console.print(f"{machine.describe()['processor']}; load average {machine.load_average()}")
    with tempfile.TemporaryDirectory(prefix="ledger-bench-log-") as folder:
        try:
            books = await databases.create("books")
            with running_server(books, Path(folder) / "server.log") as server:
                async with LedgerClient.connect(server.address) as ledger:
                    await ledger.create_journal(_JOURNAL)
                await _measure(books, server.address, size, console)
        finally:
            await databases.drop_all()


async def _measure(dsn: str, address: str, size: Size, console: Console) -> None:
    connection: Any = await asyncpg.connect(dsn)
    try:
        journal_id = await connection.fetchval("SELECT id FROM journals WHERE code = $1", _JOURNAL)
        await _fill(connection, journal_id, size)
        async with grpc.aio.insecure_channel(address, options=_OPTIONS) as channel:
            stub = ReportServiceStub(channel)
            for times in (1, 3):
                if times > 1:
                    await _add_entries(connection, journal_id, times)
                await _compare(stub, connection, journal_id, size, console)
    finally:
        await connection.close()


async def _fill(connection: Any, journal_id: int, size: Size) -> None:
    async with connection.transaction():
        await connection.execute(_FILL[0], journal_id, size.accounts)
        await connection.execute(_FILL[1], journal_id, size.accounts, size.entries, size.days)
        for statement in _FILL[2:]:
            await connection.execute(statement, journal_id)
    await connection.execute("VACUUM ANALYZE")


async def _add_entries(connection: Any, journal_id: int, times: int) -> None:
    """Enter every transaction again, so that there are so many times the entries."""
    for number in range(1, times):
        await connection.execute(_MORE_ENTRIES, journal_id, number)
    for statement in _MORE_SUMS:
        await connection.execute(statement)
    await connection.execute("VACUUM (FULL, ANALYZE) earlier_days, balances")
    await connection.execute("VACUUM ANALYZE entries")


async def _compare(
    stub: Any, connection: Any, journal_id: int, size: Size, console: Console
) -> None:
    request = pb.GetTrialBalanceRequest(journal=_JOURNAL, as_of="2025-12-31")

    async def report(_number: int) -> float:
        began = time.perf_counter()
        made = await stub.GetTrialBalance(request)
        seconds = time.perf_counter() - began
        assert len(made.rows) <= size.accounts
        assert made.totals[0].balanced
        return seconds * 1_000

    async def only_sum(_number: int) -> float:
        began = time.perf_counter()
        await connection.fetch(_ONLY_SUM, journal_id)
        return (time.perf_counter() - began) * 1_000

    runs = {"report": report, "sum": only_sum}
    values = await alternate(runs, size.rounds, lambda text: print(text, file=sys.stderr))
    figure = compare(
        Comparison(
            name="trial_balance",
            title="trial balance",
            unit="ms",
            ours="report",
            baseline="sum",
            higher_is_better=False,
        ),
        values,
    )
    entries, rows = [
        await connection.fetchval(f"SELECT count(*) FROM {table}")
        for table in ("entries", "daily_sums")
    ]
    assert figure.baseline is not None, "it was compared"
    assert figure.ratio is not None, "it was compared"
    console.print(
        f"{entries:,} entries, {rows:,} daily rows, {size.accounts:,} accounts: "
        f"{figure.value.median:,.0f} ms beside {figure.baseline.median:,.0f} ms, ratio "
        f"{figure.ratio.median:.2f} ({figure.ratio.lowest:.2f} to {figure.ratio.highest:.2f})"
    )


if __name__ == "__main__":
    sys.exit(main())

"""How long reads take: balance, balance as of a day, a page of a statement, trial balance."""

import random
import statistics
import time
from collections.abc import Awaitable, Callable
from typing import Any

import asyncpg
import grpc

from benchmarks.rounds import Comparison, Figure, alternate, compare
from benchmarks.workload import ACCOUNT_COUNT, CURRENCY, JOURNAL, account_code
from ledger_proto.v1 import balances_pb2, reports_pb2
from ledger_proto.v1.balances_pb2_grpc import BalanceServiceStub
from ledger_proto.v1.reports_pb2_grpc import ReportServiceStub

_BASELINE = "a row by its key, asyncpg alone"
_TITLES = {
    "balance": "read a balance, median",
    "balance_as_of": "read a balance as of a day, median",
    "statement_page": "read a page of 50 lines of a statement, median",
    "trial_balance": "read a trial balance, 1,000 accounts a page, median",
}
#: Reads of each kind a round; those of many rows are fewer.
_FEWER = {"trial_balance": 20, "statement_page": 4}


async def measure_reads(
    address: str,
    baseline_dsn: str,
    *,
    calls: int,
    rounds: int,
    tell: Callable[[str], None],
    entries: int = 0,
) -> list[Figure]:
    """Return the median latencies of one caller, in us; `entries` tells of which journal."""
    suffix, there = (f"_at_{entries}", f", {entries:,} entries there") if entries else ("", "")
    chosen = random.Random(1)
    connection = await asyncpg.connect(baseline_dsn)
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            ways = _ways(channel, chosen)

            async def alone(_: int) -> float:
                return await _median_us(
                    lambda: connection.fetchrow(
                        "SELECT * FROM accounts WHERE id = $1", chosen.randint(1, ACCOUNT_COUNT)
                    ),
                    calls,
                )

            runs = {_BASELINE: alone} | {
                name: _run(way, max(3, calls // _FEWER.get(name, 1))) for name, way in ways.items()
            }
            values = await alternate(runs, rounds, tell)
    finally:
        await connection.close()
    return [
        compare(
            Comparison(
                name=f"read_{name}{suffix}",
                title=f"{title}{there}",
                unit="us",
                ours=name,
                baseline=_BASELINE,
                higher_is_better=False,
            ),
            values,
        )
        for name, title in _TITLES.items()
    ]


def _run(way: Callable[[], Awaitable[Any]], calls: int) -> Callable[[int], Awaitable[float]]:
    async def run(_: int) -> float:
        return await _median_us(way, calls)

    return run


def _ways(
    channel: grpc.aio.Channel, chosen: random.Random
) -> dict[str, Callable[[], Awaitable[Any]]]:
    balances: Any = BalanceServiceStub(channel)
    reports: Any = ReportServiceStub(channel)

    def account() -> str:
        return account_code(chosen.randint(1, ACCOUNT_COUNT))

    def balance(as_of: str = "") -> Any:
        return balances.GetBalance(
            balances_pb2.GetBalanceRequest(
                journal=JOURNAL, account=account(), currency=CURRENCY, as_of=as_of
            )
        )

    return {
        "balance": balance,
        "balance_as_of": lambda: balance("2026-06-30"),
        "statement_page": lambda: reports.GetAccountStatement(
            reports_pb2.GetAccountStatementRequest(
                journal=JOURNAL, account=account(), currency=CURRENCY, page_size=50
            )
        ),
        "trial_balance": lambda: reports.GetTrialBalance(
            reports_pb2.GetTrialBalanceRequest(journal=JOURNAL, page_size=1_000)
        ),
    }


async def _median_us(way: Callable[[], Awaitable[Any]], calls: int) -> float:
    latencies = []
    for _ in range(calls):
        began = time.perf_counter()
        await way()
        latencies.append((time.perf_counter() - began) * 1e6)
    return statistics.median(latencies)

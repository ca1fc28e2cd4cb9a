"""How long reads take: balance, balance as of a day, a page of a statement, trial balance."""

import contextlib
import random
import statistics
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import asyncpg
import grpc

from benchmarks.rounds import Comparison, Figure, Run, alternate, compare
from benchmarks.workload import ACCOUNT_COUNT, CURRENCY, JOURNAL, account_code
from ledger_proto.v1 import balances_pb2, reports_pb2
from ledger_proto.v1.balances_pb2_grpc import BalanceServiceStub
from ledger_proto.v1.reports_pb2_grpc import ReportServiceStub

_BASELINE: Final = "a row by its key, asyncpg alone"
#: Lines of a page of a statement; and so few that the accounts of a small journal have them.
_LINES: Final = 50
_LINES_OF_FEW: Final = 5
_TITLES: Final = {
    "balance": "a balance",
    "balance_as_of": "a balance as of a day",
    "statement_page": "a page of {lines} lines of a statement",
    "trial_balance": "a trial balance, 1,000 accounts a page",
}
#: Reads of each kind a round; those of many rows are fewer.
_FEWER: Final = {"trial_balance": 20, "statement_page": 4}
#: After all days of a journal but the last.
_DAY: Final = "2026-06-30"
_BALANCES_A_CALL: Final = 1_000

_Way = Callable[[], Awaitable[Any]]


async def measure_reads(
    address: str, baseline_dsn: str, *, calls: int, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """Return the median latencies of one caller, in us."""
    chosen = random.Random(1)
    connection = await asyncpg.connect(baseline_dsn)
    try:
        async with grpc.aio.insecure_channel(address) as channel:

            async def alone(_: int) -> float:
                return await _median_us(
                    lambda: connection.fetchrow(
                        "SELECT * FROM accounts WHERE id = $1", chosen.randint(1, ACCOUNT_COUNT)
                    ),
                    calls,
                )

            runs = {_BASELINE: alone} | {
                name: _latency(way, _calls(name, calls))
                for name, way in _ways(channel, chosen, _LINES).items()
            }
            values = await alternate(runs, rounds, tell)
    finally:
        await connection.close()
    return [
        compare(
            Comparison(
                name=f"read_{name}",
                title=f"read {title.format(lines=_LINES)}, median",
                unit="us",
                ours=name,
                baseline=_BASELINE,
                higher_is_better=False,
            ),
            values,
        )
        for name, title in _TITLES.items()
    ]


async def measure_reads_of_two(
    addresses: Mapping[str, str], *, calls: int, rounds: int, tell: Callable[[str], None]
) -> list[Figure]:
    """Return what one caller reads a second from the second of two servers beside the first.

    Every balance is read once before, as every account is posted to before postings are measured.
    """
    baseline, ours = addresses
    async with contextlib.AsyncExitStack() as stack:
        ways: dict[str, dict[str, _Way]] = {}
        for name, address in addresses.items():
            channel = await stack.enter_async_context(grpc.aio.insecure_channel(address))
            await _read_all(channel)
            ways[name] = _ways(channel, random.Random(1), _LINES_OF_FEW)
        figures: list[Figure] = []
        for kind, title in _TITLES.items():
            runs = {name: _rate(ways[name][kind], _calls(kind, calls)) for name in addresses}
            values = await alternate(runs, rounds, tell)
            comparison = Comparison(
                name=f"read_{kind}",
                title=f"read {title.format(lines=_LINES_OF_FEW)}",
                unit="reads/s",
                ours=ours,
                baseline=baseline,
            )
            figures.append(compare(comparison, values))
    return figures


def _calls(kind: str, calls: int) -> int:
    return max(3, calls // _FEWER.get(kind, 1))


def _latency(way: _Way, calls: int) -> Run:
    async def run(_: int) -> float:
        return await _median_us(way, calls)

    return run


def _rate(way: _Way, calls: int) -> Run:
    async def run(_: int) -> float:
        return 1e6 / await _median_us(way, calls)

    return run


async def _read_all(channel: grpc.aio.Channel) -> None:
    balances: Any = BalanceServiceStub(channel)
    for first in range(1, ACCOUNT_COUNT + 1, _BALANCES_A_CALL):
        numbers = range(first, min(first + _BALANCES_A_CALL, ACCOUNT_COUNT + 1))
        keys = [
            balances_pb2.BalanceKey(account=account_code(number), currency=CURRENCY)
            for number in numbers
        ]
        for as_of in ("", _DAY):
            await balances.BatchGetBalances(
                balances_pb2.BatchGetBalancesRequest(journal=JOURNAL, keys=keys, as_of=as_of)
            )


def _ways(channel: grpc.aio.Channel, chosen: random.Random, lines: int) -> dict[str, _Way]:
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
        "balance_as_of": lambda: balance(_DAY),
        "statement_page": lambda: reports.GetAccountStatement(
            reports_pb2.GetAccountStatementRequest(
                journal=JOURNAL, account=account(), currency=CURRENCY, page_size=lines
            )
        ),
        "trial_balance": lambda: reports.GetTrialBalance(
            reports_pb2.GetTrialBalanceRequest(journal=JOURNAL, page_size=1_000)
        ),
    }


async def _median_us(way: _Way, calls: int) -> float:
    latencies = []
    for _ in range(calls):
        began = time.perf_counter()
        await way()
        latencies.append((time.perf_counter() - began) * 1e6)
    return statistics.median(latencies)

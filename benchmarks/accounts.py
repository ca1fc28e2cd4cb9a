"""What very many accounts cost postings: `python -m benchmarks.accounts [--accounts 300000]`.

One server, which remembers accounts and balances up to a bound, and one journal. Transfers over
10,000 of its accounts and over all of them run in turn: in batches, by 64 single callers, by one.
The books are verified after each run.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Final

import asyncpg
import uvloop

from benchmarks import machine
from benchmarks.books import open_books
from benchmarks.figures import BATCH, BATCH_CALLERS, SINGLE_CALLERS
from benchmarks.load_generator import Job
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import run_load, running_server
from benchmarks.rounds import Comparison, Figure, Run, alternate, compare
from benchmarks.verify import LedgerVerifier
from benchmarks.workload import ACCOUNT_COUNT, JOURNAL, Shape

_ACCOUNTS: Final = 300_000
#: Transfers a second that runs build for, by callers: many with batches, many, one.
_RATES_MAX: Final = {BATCH_CALLERS: 25_000, SINGLE_CALLERS: 8_000, 1: 1_500}
_FILL: Final = """
INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata, created_at)
SELECT id, gen_random_uuid(), 'customer:' || n, '', 2, 1, '{}', now()
  FROM journals, generate_series($2::int, $3::int) AS n WHERE code = $1
"""


async def measure(plan: Plan, accounts: int, dsn: str, folder: Path) -> list[Figure]:
    """Alternate few and many accounts and return a figure for each kind of load."""
    databases, log = Databases(dsn), folder / "server.log"
    try:
        books_dsn = await databases.create("books")
        await open_books(books_dsn, log)
        await _fill(books_dsn, accounts)
        with running_server(books_dsn, log) as server:
            verifier = LedgerVerifier(books_dsn, server.address)
            seeds = iter(range(1, 10_000))

            async def post(touched: int, callers: int, batch: int, number: int) -> float:
                seconds = plan.seconds if number else plan.warm_up_seconds
                job = Job(
                    address=server.address,
                    shape=Shape.SPREAD,
                    callers=callers,
                    batch=batch,
                    seconds=seconds,
                    count=round(seconds * _RATES_MAX[callers]),
                    seed=next(seeds),
                    accounts=touched,
                )
                result = await asyncio.to_thread(run_load, job)
                await verifier.verify(result.acknowledged)
                if callers == 1:
                    return statistics.median(result.latencies_us)
                return len(result.acknowledged) / result.seconds

            figures = []
            for title, callers, batch in (
                (f"batches of {BATCH}", BATCH_CALLERS, BATCH),
                (f"{SINGLE_CALLERS} single callers", SINGLE_CALLERS, 1),
                ("one caller, median latency", 1, 1),
            ):

                def run(touched: int, callers: int = callers, batch: int = batch) -> Run:
                    return lambda number: post(touched, callers, batch, number)

                comparison = Comparison(
                    name=title,
                    title=f"{title}, {accounts:,} accounts",
                    unit="us" if callers == 1 else "transfers/s",
                    ours="many",
                    baseline="few",
                    higher_is_better=callers > 1,
                )
                values = await alternate(
                    {"few": run(ACCOUNT_COUNT), "many": run(accounts)}, plan.rounds, _tell
                )
                figures.append(compare(comparison, values))
            return figures
    finally:
        await databases.drop_all()


async def _fill(dsn: str, accounts: int) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_FILL, JOURNAL, ACCOUNT_COUNT + 1, accounts)
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


def _tell(text: str) -> None:
    sys.stderr.write(f"{text}\n")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--accounts", type=int, default=_ACCOUNTS)
    options = parser.parse_args()
    plan, before = QUICK if options.quick else FULL, machine.load_average()
    with running_postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        figures = uvloop.run(measure(plan, options.accounts, dsn, Path(folder)))
    print(f"load average {before} before, {machine.load_average()} after")
    for figure in figures:
        assert figure.baseline is not None, "it was compared"
        assert figure.ratio is not None, "it was compared"
        value, baseline, ratio = figure.value, figure.baseline, figure.ratio
        print(
            f"{figure.comparison.title}: {value.median:,.0f} {figure.comparison.unit}, with "
            f"{ACCOUNT_COUNT:,} {baseline.median:,.0f}; ratio {ratio.median:.2f} "
            f"({ratio.lowest:.2f} to {ratio.highest:.2f})"
        )


if __name__ == "__main__":
    main()

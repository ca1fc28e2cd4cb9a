"""The benchmark: `python -m benchmarks [--quick]`."""

import argparse
import dataclasses
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import uvloop
from rich.console import Console

from benchmarks import machine, report
from benchmarks.baseline import Baseline, PgbenchError
from benchmarks.books import open_books
from benchmarks.figures import Bench
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import ProcessError, running_server
from benchmarks.statements import Recording, record
from benchmarks.suite import Places, Results, measure_all
from benchmarks.verify import BooksWrongError, LedgerVerifier

#: Seed of what is posted one at a time to record it; runs count from 1.
_RECORDED_SEED: Final = -2
#: The name of a copy of the books as they are at first.
_YOUNG: Final = "young"
#: Width of the table where nobody's terminal says one.
_FILE_COLUMNS: Final = 160


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print and save.

    Returns:
        The exit status: 0 if every number stands on verified books.
    """
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    quick = parser.parse_args(arguments).quick or os.environ.get("QUICK", "") not in ("", "0")
    plan = QUICK if quick else FULL
    began = time.monotonic()
    described, before = machine.describe(), machine.load_average()
    results, postgres = Results(), dict[str, str]()
    try:
        with running_postgres() as dsn:
            uvloop.run(_bench(dsn, plan, results, postgres))
    except (BooksWrongError, PgbenchError, ProcessError) as error:
        _tell(f"no numbers: {error}")
        return 1
    finally:
        # Also of a run that something ended: its areas took an hour.
        origin = report.Origin(
            machine=described,
            postgres=postgres,
            plan=dataclasses.asdict(plan),
            load_average_before=before,
            load_average_after=machine.load_average(),
        )
        report.save(results.figures, results.series, origin)
    # Into a file, the titles get the room that they need.
    width = None if sys.stdout.isatty() else _FILE_COLUMNS
    report.show(results.figures, origin, Console(width=width))
    _tell(f"{time.monotonic() - began:.0f} s; also in {report.RESULTS}")
    return 0


async def _bench(dsn: str, plan: Plan, results: Results, postgres: dict[str, str]) -> None:
    databases = Databases(dsn)
    postgres.update(await databases.describe())
    with tempfile.TemporaryDirectory(prefix="ledger-bench-log-") as folder:
        try:
            if not await databases.age():
                _tell("the files of its log may be new ones: no right to ask for a checkpoint")
            await _bench_in(databases, plan, Path(folder) / "server.log", results)
        finally:
            await databases.drop_all()


async def _bench_in(databases: Databases, plan: Plan, log: Path, results: Results) -> None:
    _tell(f"opening the books, {plan.name} plan")
    baseline_dsn = await databases.create("baseline")
    baseline = Baseline(baseline_dsn)
    await baseline.prepare()
    ledger_dsn = await databases.create("ledger")
    await open_books(ledger_dsn, log)
    replay_dsn = await databases.create("replayed", like="ledger")
    grown_dsn = await databases.create("grown", like="ledger")
    await databases.create(_YOUNG, like="ledger")
    recording = await _record(databases, plan)
    with running_server(ledger_dsn, log) as server:
        verifier = LedgerVerifier(ledger_dsn, server.address)
        await verifier.verify()
        bench = Bench(
            plan=plan,
            address=server.address,
            baseline=baseline,
            verifier=verifier,
            replay_dsn=replay_dsn,
            recording=recording,
        )
        places = Places(
            server=server,
            ledger_dsn=ledger_dsn,
            baseline_dsn=baseline_dsn,
            grown_dsn=grown_dsn,
            databases=databases,
            young=_YOUNG,
            log=log,
        )
        await measure_all(bench, places, _tell, results)


async def _record(databases: Databases, plan: Plan) -> Recording:
    dsn = await databases.create("recorded", like="ledger")
    return await record(dsn, plan.alone_calls * (plan.rounds + 1), _RECORDED_SEED)


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())

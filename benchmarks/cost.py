"""What a posting costs, not how long it takes: `python -m benchmarks.cost`.

CPU seconds of the server, of the caller and of all of PostgreSQL's processes over a fixed number
of postings, and the bytes of WAL. These hold on a machine that others use too, where rates do not.
"""

import argparse
import asyncio
import dataclasses
import os
import resource
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.baseline import Baseline
from benchmarks.books import open_books
from benchmarks.load_generator import Job
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import run_load, running_server
from benchmarks.verify import LedgerVerifier
from benchmarks.workload import ACCOUNT_COUNT, Shape

_TICKS: Final = os.sysconf("SC_CLK_TCK")
_WAL: Final = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Microseconds of CPU and bytes of WAL for each of some transfers."""

    transfers: int
    server_us: float
    client_us: float
    postgres_us: float
    wal_bytes: float

    @property
    def all_us(self) -> float:
        """All processes together."""
        return self.server_us + self.client_us + self.postgres_us


@dataclasses.dataclass(frozen=True, slots=True)
class _Reading:
    """What was used up so far."""

    server_s: float
    postgres_s: float
    wal_bytes: float


class Meter:
    """Reads what processes have used from `/proc`."""

    def __init__(self, dsn: str, server_pid: int | None = None) -> None:
        """Watch the PostgreSQL of `dsn` on this machine, and a server if there is one."""
        self._dsn = dsn
        self._server_pid = server_pid

    async def read(self) -> _Reading:
        """Return what was used up to now."""
        connection = await asyncpg.connect(self._dsn)
        try:
            postmaster = int(_stat(await connection.fetchval("SELECT pg_backend_pid()"))[1])
            wal = float(await connection.fetchval(_WAL))
        finally:
            await connection.close()
        server = cpu_seconds(self._server_pid) if self._server_pid else 0.0
        return _Reading(server, _family_seconds(postmaster), wal)

    def cost(self, before: _Reading, after: _Reading, client_s: float, transfers: int) -> Cost:
        """Return the difference for each of `transfers`."""
        return Cost(
            transfers=transfers,
            server_us=(after.server_s - before.server_s) * 1e6 / transfers,
            client_us=client_s * 1e6 / transfers,
            postgres_us=(after.postgres_s - before.postgres_s) * 1e6 / transfers,
            wal_bytes=(after.wal_bytes - before.wal_bytes) / transfers,
        )


def cpu_seconds(pid: int, *, with_ended_children: bool = False) -> float:
    """Return what a process has used, in user and kernel mode."""
    fields = _stat(pid)
    return sum(map(int, fields[11 : 15 if with_ended_children else 13])) / _TICKS


def _stat(pid: int) -> list[str]:
    """Return the fields of `/proc/PID/stat` from the state on: the name may hold anything."""
    return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()


def _family_seconds(parent: int) -> float:
    """Return what a process, its children and those of them that have ended have used."""
    total = cpu_seconds(parent, with_ended_children=True)
    for folder in Path("/proc").iterdir():
        try:
            if folder.name.isdigit() and int(_stat(int(folder.name))[1]) == parent:
                total += cpu_seconds(int(folder.name))
        except OSError:
            continue  # it ended while we looked
    return total


async def ledger_cost(dsn: str, address: str, pid: int, job: Job) -> Cost:
    """Post all of `job`, verify, and return what it cost."""
    verifier = LedgerVerifier(dsn, address)
    meter = Meter(dsn, pid)
    before = await meter.read()
    result = await asyncio.to_thread(run_load, job)
    after = await meter.read()
    await verifier.verify(result.acknowledged)
    return meter.cost(before, after, result.cpu_seconds, len(result.acknowledged))


async def baseline_cost(dsn: str, baseline: Baseline, shape: Shape, seconds: float) -> Cost:
    """Run hand-written SQL for `seconds`, verify, and return what it cost."""
    meter = Meter(dsn)
    before, client = await meter.read(), _children_seconds()
    rate = await baseline.run(shape, seconds)
    after, client = await meter.read(), _children_seconds() - client
    return meter.cost(before, after, client, round(rate * seconds))


def _children_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def jobs(address: str, batches: int, single: int) -> dict[str, Job]:
    """Return what is measured: so many transfers in batches and one by one."""
    return {
        f"{'batches of 500' if batch > 1 else '64 single callers'}, {shape}": Job(
            address=address,
            shape=shape,
            callers=4 if batch > 1 else 64,
            batch=batch,
            seconds=600.0,
            count=batches if batch > 1 else single,
            seed=seed,
        )
        for seed, (shape, batch) in enumerate(
            ((Shape.SPREAD, 500), (Shape.HOT, 500), (Shape.SPREAD, 1), (Shape.HOT, 1)), 1
        )
    }


async def _measure(dsn: str, log: Path, options: argparse.Namespace) -> dict[str, Cost]:
    databases = Databases(dsn)
    costs: dict[str, Cost] = {}
    try:
        ledger = await databases.create("ledger")
        await open_books(ledger, log)
        with running_server(ledger, log) as server:
            warm_up = Job(
                address=server.address,
                shape=Shape.EACH,
                callers=1,
                batch=500,
                seconds=600.0,
                count=ACCOUNT_COUNT // 2,
                seed=-7,
            )
            await asyncio.to_thread(run_load, warm_up)
            for name, job in jobs(server.address, options.batches, options.single).items():
                if options.only in name:
                    costs[name] = await ledger_cost(ledger, server.address, server.pid, job)
        if options.baseline:
            address = await databases.create("baseline")
            baseline = Baseline(address)
            await baseline.prepare()
            for shape in (Shape.SPREAD, Shape.HOT):
                await baseline.run(shape, 1.0)
                costs[f"pgbench, {shape}"] = await baseline_cost(address, baseline, shape, 4.0)
    finally:
        await databases.drop_all()
    return costs


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.cost", description=__doc__)
    parser.add_argument("--batches", type=int, default=40_000, help="transfers in batches")
    parser.add_argument("--single", type=int, default=8_000, help="transfers one by one")
    parser.add_argument("--baseline", action="store_true", help="pgbench too")
    parser.add_argument("--only", default="", help="only what has this in its name")
    options = parser.parse_args(arguments)
    with running_postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        costs = uvloop.run(_measure(dsn, Path(folder) / "server.log", options))
    table = Table("us of CPU a posting", "server", "client", "PostgreSQL", "all", "WAL bytes")
    for name, cost in costs.items():
        figures = (
            cost.server_us,
            cost.client_us,
            cost.postgres_us,
            cost.all_us,
            cost.wal_bytes,
        )
        table.add_row(name, *(f"{figure:,.1f}" for figure in figures))
    Console().print(table)
    return 0


if __name__ == "__main__":
    sys.exit(main())

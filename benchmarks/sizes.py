"""What a transfer leaves behind: bytes on disk, bytes of WAL, CPU; and the server's memory."""

import asyncio
import time
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.baseline import Baseline
from benchmarks.cost import Cost, baseline_cost, ledger_cost
from benchmarks.load_generator import Job
from benchmarks.plan import Plan
from benchmarks.processes import run_load
from benchmarks.rounds import Figure, single
from benchmarks.verify import LedgerVerifier
from benchmarks.workload import Shape

_PGBENCH: Final = "rows and indexes of hand-written SQL"
_DISK: Final = """
SELECT sum(pg_total_relation_size(oid))::float8
  FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
"""


async def measure_costs(
    plan: Plan,
    *,
    dsn: str,
    address: str,
    pid: int,
    baseline_dsn: str,
    baseline: Baseline,
    seed: int,
) -> list[Figure]:
    """Return bytes on disk, WAL and CPU a transfer, in batches, spread."""
    job = Job(
        address=address,
        shape=Shape.SPREAD,
        callers=4,
        batch=500,
        seconds=600.0,
        count=plan.counted_transfers,
        seed=seed,
    )
    before = await _disk(dsn)
    ours = await ledger_cost(dsn, address, pid, job)
    ours_disk = (await _disk(dsn) - before) / ours.transfers
    before = await _disk(baseline_dsn)
    theirs = await baseline_cost(baseline_dsn, baseline, Shape.SPREAD, plan.seconds)
    theirs_disk = (await _disk(baseline_dsn) - before) / theirs.transfers
    return [
        single("disk_bytes", "disk a transfer", "bytes", ours_disk, (_PGBENCH, theirs_disk)),
        *_costs(ours, theirs),
    ]


def _costs(ours: Cost, theirs: Cost) -> list[Figure]:
    return [
        single(
            "wal_bytes", "WAL a transfer", "bytes", ours.wal_bytes, (_PGBENCH, theirs.wal_bytes)
        ),
        single("cpu_all", "CPU a transfer, all", "us", ours.all_us, (_PGBENCH, theirs.all_us)),
        single("cpu_server", "CPU a transfer, server", "us", ours.server_us),
        single(
            "cpu_postgres",
            "CPU a transfer, PostgreSQL",
            "us",
            ours.postgres_us,
            (_PGBENCH, theirs.postgres_us),
        ),
    ]


async def measure_memory(
    plan: Plan, address: str, pid: int, verifier: LedgerVerifier, first_seed: int
) -> Figure:
    """Return the server's memory after long load over that after a little."""
    began = time.monotonic()
    first = 0.0
    seed = first_seed
    while time.monotonic() - began < plan.memory_seconds:
        seconds = min(plan.memory_first_seconds, 20.0)
        job = Job(
            address=address,
            shape=Shape.SPREAD,
            callers=4,
            batch=500,
            seconds=seconds,
            count=round(seconds * 15_000),
            seed=seed,
        )
        result = await asyncio.to_thread(run_load, job)
        await verifier.verify(result.acknowledged)
        seed += 1
        if not first and time.monotonic() - began >= plan.memory_first_seconds:
            first = memory_bytes(pid)
    last = memory_bytes(pid)
    return single(
        "memory",
        f"server memory after {plan.memory_seconds:.0f} s of load",
        "MB",
        last / 1e6,
        (f"after {plan.memory_first_seconds:.0f} s", first / 1e6),
    )


def memory_bytes(pid: int) -> float:
    """Return what a process has resident."""
    for line in Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines():
        if line.startswith("VmRSS:"):
            return float(line.split()[1]) * 1024
    raise AssertionError("every process tells its VmRSS")


async def _disk(dsn: str) -> float:
    connection = await asyncpg.connect(dsn)
    try:
        found: float = await connection.fetchval(_DISK)
        return found
    finally:
        await connection.close()

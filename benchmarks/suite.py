"""The whole suite: the nine areas, one after another, on one PostgreSQL."""

import asyncio
import contextlib
import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from benchmarks import replay
from benchmarks.figures import (
    BATCH,
    BATCH_CALLERS,
    PGBENCH,
    SINGLE_CALLERS,
    Bench,
    measure,
    of_callers,
)
from benchmarks.grow import grow
from benchmarks.growth import SMALL_ENTRIES, Journals, measure_growth
from benchmarks.live_load import Followed, Pace
from benchmarks.load_generator import By, Job
from benchmarks.mixed_load import Mix, Mixed
from benchmarks.postgres import Databases
from benchmarks.processes import Server, run_load, run_program, running_server
from benchmarks.reads import measure_reads
from benchmarks.rounds import Comparison, Figure, Run, alternate, compare, single
from benchmarks.sizes import measure_costs, measure_memory
from benchmarks.workload import Shape

Tell = Callable[[str], None]

#: Points of a line of a plot.
Points = list[tuple[float, float]]

_ONE: Final = "the same, one server"


@dataclasses.dataclass(slots=True)
class Results:
    """All that was measured."""

    figures: list[Figure] = dataclasses.field(default_factory=list)
    #: Of each plot: title, titles of the axes, lines.
    series: dict[str, dict[str, Any]] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Where everything is."""

    server: Server
    ledger_dsn: str
    baseline_dsn: str
    #: A copy of the ledger's database, to be grown.
    grown_dsn: str
    #: Where further databases are made, and the name of a copy to make them from.
    databases: Databases
    young: str
    log: Path


async def measure_all(bench: Bench, places: Places, tell: Tell, results: Results) -> None:
    """Measure every area and add it to `results`; the memory, which takes longest, last.

    Args:
        bench: what runs need.
        places: where everything is.
        tell: is told how it goes; of each area before it begins.
        results: has what was measured, whatever ends the rest.
    """
    tell("posting")
    results.figures += await measure(bench, tell)
    tell("everything at once")
    results.figures.append(await _measure_mixed(bench, tell))
    tell("reads")
    results.figures += await measure_reads(
        bench.address,
        places.baseline_dsn,
        calls=bench.plan.alone_calls,
        rounds=bench.plan.rounds,
        tell=tell,
    )
    tell("stream")
    results.figures += await _measure_stream(bench, places)
    tell("bytes and CPU")
    results.figures += await measure_costs(
        bench.plan,
        dsn=places.ledger_dsn,
        address=bench.address,
        pid=places.server.pid,
        baseline_dsn=places.baseline_dsn,
        baseline=bench.baseline,
        seed=next(bench.seeds),
    )
    bench.verifier.forget()
    tell("sizes of batches")
    results.series |= await _measure_sizes(bench, tell)
    tell("servers")
    results.figures += await _measure_servers(bench, places, tell)
    tell("growth")
    for size in bench.plan.grown_entries:
        tell(f"growing to {size:,} entries")
        await grow(places.grown_dsn, size)
        # What has been posted to until now is not small any more.
        small_dsn = await places.databases.create(f"small_{size}", like=places.young)
        await grow(small_dsn, SMALL_ENTRIES)
        if not await places.databases.checkpoint():
            tell("what they grew by is on its way to the disk still: no right to ask for it")
        journals = Journals(
            bench=bench,
            small_dsn=small_dsn,
            grown_dsn=places.grown_dsn,
            entries=size,
            log=places.log,
        )
        results.series |= await measure_growth(journals, results.figures, tell)
    tell("memory")
    results.figures.append(
        await measure_memory(
            bench.plan, bench.address, places.server.pid, bench.verifier, 1_000_000
        )
    )


async def _measure_mixed(bench: Bench, tell: Tell) -> Figure:
    name = "mixed"

    async def run(number: int) -> float:
        seconds = bench.seconds(number)
        mix = Mix(
            address=bench.address,
            callers=SINGLE_CALLERS,
            seconds=seconds,
            count=round(seconds * 6_000),
            seed=next(bench.seeds),
        )
        output = await asyncio.to_thread(run_program, "benchmarks.mixed_load", mix)
        mixed = Mixed(**output)
        await bench.verifier.verify(mixed.acknowledged)
        return mixed.operations / mixed.seconds

    runs: dict[str, Run] = {
        PGBENCH: lambda number: bench.baseline.run(Shape.SPREAD, bench.seconds(number)),
        name: run,
    }
    async with bench.half_limited():
        values = await alternate(runs, bench.plan.rounds, tell)
    comparison = Comparison(
        name="mixed",
        title="transfers, holds, reversals, reads; limits, a subscriber",
        unit="operations/s",
        ours=name,
        baseline=PGBENCH,
    )
    return compare(comparison, values)


async def _measure_stream(bench: Bench, places: Places) -> list[Figure]:
    rates = {
        kind: await asyncio.to_thread(replay.in_process, kind, target)
        for kind, target in (("rows", places.ledger_dsn), ("raw", bench.address))
    }
    replayed = compare(
        Comparison(
            name="replay",
            title="replay",
            unit="events/s",
            ours="raw",
            baseline="rows",
        ),
        {kind: [rate] for kind, rate in rates.items()},
    )
    half = bench.rates[Shape.SPREAD, 1, By.GRPCIO] / 2
    pace = Pace(
        address=bench.address,
        follow=bench.address,
        per_second=half,
        seconds=2 * bench.plan.seconds,
        seed=next(bench.seeds),
    )
    output = await asyncio.to_thread(run_program, "benchmarks.live_load", pace)
    followed = Followed(**output)
    await bench.verifier.verify(followed.acknowledged)
    late = followed.latencies_ms
    at = f"{half:,.0f} postings/s"
    return [
        replayed,
        single("live_p50", f"live event, median, at {at}", "ms", late[len(late) // 2]),
        single("live_p99", f"live event, p99, at {at}", "ms", late[len(late) * 99 // 100]),
    ]


async def _measure_sizes(bench: Bench, tell: Tell) -> dict[str, dict[str, Any]]:
    throughput: Points = []
    latency: Points = []
    for size in bench.plan.batch_sizes:
        result = await bench.run(Shape.SPREAD, BATCH_CALLERS, size, bench.plan.seconds)
        ordered = sorted(result.latencies_us)
        throughput.append((size, len(result.acknowledged) / result.seconds))
        latency.append((size, ordered[len(ordered) // 2] / 1_000))
        tell(f"batches of {size}: {throughput[-1][1]:,.0f}/s, {latency[-1][1]:.1f} ms")
    x = f"transactions a call, {BATCH_CALLERS} callers"
    return {
        "throughput-by-batch": {
            "title": "Throughput by size of batches",
            "x": x,
            "y": "transfers a second",
            "lines": {"spread": throughput},
        },
        "latency-by-batch": {
            "title": "Latency by size of batches",
            "x": x,
            "y": "median, ms a call",
            "lines": {"spread": latency},
        },
    }


async def _measure_servers(bench: Bench, places: Places, tell: Tell) -> list[Figure]:
    """Post to one journal through several servers at once."""
    kinds = (("servers", SINGLE_CALLERS, 1), ("servers_batches", BATCH_CALLERS, BATCH))
    rates: dict[tuple[str, int], list[float]] = {}
    with contextlib.ExitStack() as stack:
        addresses = [bench.address]
        for count in bench.plan.servers:
            while len(addresses) < count:
                server = stack.enter_context(running_server(places.ledger_dsn, places.log))
                addresses.append(server.address)
            for name, callers, batch in kinds:
                found = rates[name, count] = []
                for number in range(bench.plan.rounds + 1):
                    load = (callers // count, batch, bench.seconds(number))
                    rate = await _post_to_all(bench, addresses[:count], load)
                    if number:
                        found.append(rate)
                    tell(f"{count} servers, {of_callers(callers, batch)}: {rate:,.0f}")
    figures: list[Figure] = []
    for name, callers, batch in kinds:
        for count in bench.plan.servers:
            if count == 1:
                continue
            comparison = Comparison(
                name=f"{name}_{count}",
                title=f"{of_callers(callers, batch)}, one journal, {count} servers",
                unit="transfers/s",
                ours="several",
                baseline=_ONE,
            )
            values = {"several": rates[name, count], _ONE: rates[name, 1]}
            figures.append(compare(comparison, values))
    return figures


async def _post_to_all(bench: Bench, addresses: list[str], load: tuple[int, int, float]) -> float:
    """Post by so many callers to each address, batches of that size, for some seconds."""
    callers, batch, seconds = load
    jobs = [
        Job(
            address=address,
            shape=Shape.SPREAD,
            callers=callers,
            batch=batch,
            seconds=seconds,
            count=round(seconds * (8_000 if batch == 1 else 20_000) / len(addresses)),
            seed=next(bench.seeds),
        )
        for address in addresses
    ]
    done = await asyncio.gather(*(asyncio.to_thread(run_load, job) for job in jobs))
    await bench.verifier.verify([one for result in done for one in result.acknowledged])
    return sum(len(result.acknowledged) / result.seconds for result in done)

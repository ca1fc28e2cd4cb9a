"""Which figures there are: what runs against what."""

import asyncio
import contextlib
import dataclasses
import itertools
import statistics
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Final

from benchmarks.baseline import Baseline
from benchmarks.limits import LimitSwitch
from benchmarks.load_generator import By, Job, Result
from benchmarks.plan import Plan
from benchmarks.processes import run_load
from benchmarks.rounds import Comparison, Figure, Run, alternate, compare
from benchmarks.statements import Recording, Replay
from benchmarks.verify import LedgerVerifier
from benchmarks.workload import ACCOUNT_COUNT, Shape

BATCH: Final = 500
#: As many as pgbench has clients.
BATCH_CALLERS: Final = 16
SINGLE_CALLERS: Final = 64

#: Transfers a second that a first run builds for, and how many times the last rate later ones do.
_RATE_AT_FIRST: Final = 15_000.0
_BUILT_TO_SPARE: Final = 1.6


_PER_SECOND: Final = "transfers/s"
PGBENCH: Final = "pgbench, 16 clients, one statement"
_UNLIMITED: Final = "batches, spread, no limit"
_ASYNCPG: Final = "the same statements, asyncpg alone"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """All that runs need."""

    plan: Plan
    address: str
    baseline: Baseline
    verifier: LedgerVerifier
    replay_dsn: str
    recording: Recording
    #: Another for each run: external ids are made from it.
    seeds: Iterator[int] = dataclasses.field(default_factory=lambda: itertools.count(1))
    #: Transfers a second when last seen, by shape, size of batches and how they were called.
    rates: dict[tuple[Shape, int, By], float] = dataclasses.field(default_factory=dict)

    def seconds(self, number: int) -> float:
        """Return how long a run of round `number` takes."""
        return self.plan.seconds if number else self.plan.warm_up_seconds

    async def load(
        self, shape: Shape, callers: int, batch: int, number: int, *, by: By = By.GRPCIO
    ) -> float:
        """Post by `callers`, verify, and return transfers per second."""
        seconds = self.seconds(number)
        kind = (shape, batch, by)
        count = round(seconds * self.rates.get(kind, _RATE_AT_FIRST) * _BUILT_TO_SPARE)
        result = await self._post(shape, callers, batch, seconds, count, by=by)
        rate = self.rates[kind] = len(result.acknowledged) / result.seconds
        return rate

    async def warm_up(self) -> None:
        """Post to each account once: the server remembers all of them."""
        await self._post(Shape.EACH, 1, BATCH, 600.0, ACCOUNT_COUNT // 2)

    async def load_under_limit(self, shape: Shape, callers: int, batch: int, number: int) -> float:
        """Do the same as `load` while a standing limit binds every account.

        Each account is posted to once before the clock starts: the server knows what binds it.
        """
        async with LimitSwitch(self.address).on():
            await self.warm_up()
            return await self.load(shape, callers, batch, number)

    async def run(self, shape: Shape, callers: int, batch: int, seconds: float) -> Result:
        """Post by `callers` for `seconds`, verify, and return what came of it."""
        return await self._post(shape, callers, batch, seconds, round(seconds * _RATE_AT_FIRST))

    @contextlib.asynccontextmanager
    async def half_limited(self) -> AsyncIterator[None]:
        """Bind every second account by a standing limit."""
        async with LimitSwitch(self.address, of_half=True).on():
            yield

    async def alone(self, by: By) -> float:
        """Post one after the other, verify, and return the median latency in us."""
        result = await self._post(Shape.SPREAD, 1, 1, 600.0, self.plan.alone_calls, by=by)
        return statistics.median(result.latencies_us)

    async def _post(
        self,
        shape: Shape,
        callers: int,
        batch: int,
        seconds: float,
        count: int,
        *,
        by: By = By.GRPCIO,
    ) -> Result:
        job = Job(
            address=self.address,
            shape=shape,
            callers=callers,
            batch=batch,
            seconds=seconds,
            count=count,
            seed=next(self.seeds),
            by=by,
        )
        result = await asyncio.to_thread(run_load, job)
        await self.verifier.verify(result.acknowledged)
        return result


async def measure(bench: Bench, tell: Callable[[str], None]) -> list[Figure]:
    """Measure all figures, those of one caller first, on small books."""
    alone = await _measure_alone(bench, tell)
    spread = await _measure_load(bench, Shape.SPREAD, tell)
    hot = await _measure_load(bench, Shape.HOT, tell)
    limited = await _measure_limits(bench, tell)
    return [*spread, *hot, *alone, limited]


async def _measure_alone(bench: Bench, tell: Callable[[str], None]) -> list[Figure]:
    await bench.warm_up()
    async with Replay.open(bench.replay_dsn, bench.recording) as replay:
        runs: dict[str, Run] = {
            _ASYNCPG: lambda _: replay.run(bench.plan.alone_calls),
            "alone": lambda _: bench.alone(By.GRPCIO),
            "alone, bare": lambda _: bench.alone(By.BARE),
        }
        values = await alternate(runs, bench.plan.rounds, tell)
    comparisons = [
        Comparison(
            name=name,
            title=f"{caller}, median latency",
            unit="us",
            ours=ours,
            baseline=_ASYNCPG,
            higher_is_better=False,
        )
        for name, caller, ours in (
            ("alone_latency", "one caller", "alone"),
            ("alone_latency_bare", "one caller without a gRPC library", "alone, bare"),
        )
    ]
    return [compare(comparison, values) for comparison in comparisons]


async def _measure_limits(bench: Bench, tell: Callable[[str], None]) -> Figure:
    limited = "batches, spread, a standing limit on every account"
    runs: dict[str, Run] = {
        _UNLIMITED: lambda number: bench.load(Shape.SPREAD, BATCH_CALLERS, BATCH, number),
        limited: lambda number: bench.load_under_limit(Shape.SPREAD, BATCH_CALLERS, BATCH, number),
    }
    values = await alternate(runs, bench.plan.rounds, tell)
    comparison = Comparison(
        name="batches_limited",
        title="a standing limit on every account",
        unit=_PER_SECOND,
        ours=limited,
        baseline=_UNLIMITED,
    )
    return compare(comparison, values)


async def _measure_load(bench: Bench, shape: Shape, tell: Callable[[str], None]) -> list[Figure]:
    batches, single = f"batches, {shape}", f"single, {shape}"
    gathered, bare = f"gathered, {shape}", f"bare, {shape}"
    runs: dict[str, Run] = {
        PGBENCH: lambda number: bench.baseline.run(shape, bench.seconds(number)),
        batches: lambda number: bench.load(shape, BATCH_CALLERS, BATCH, number),
        single: lambda number: bench.load(shape, SINGLE_CALLERS, 1, number),
        gathered: lambda number: bench.load(shape, SINGLE_CALLERS, 1, number, by=By.POSTER),
        bare: lambda number: bench.load(shape, SINGLE_CALLERS, 1, number, by=By.BARE),
    }
    values = await alternate(runs, bench.plan.rounds, tell)
    comparisons = [
        Comparison(
            name=f"{name}_{shape}",
            title=f"{title}, {shape}",
            unit=_PER_SECOND,
            ours=ours,
            baseline=PGBENCH,
        )
        for name, title, ours in (
            ("batches", f"batches of {BATCH}", batches),
            ("single", f"{SINGLE_CALLERS} single callers", single),
            ("gathered", f"{SINGLE_CALLERS} callers through the client's poster", gathered),
            ("bare", f"{SINGLE_CALLERS} single callers without a gRPC library", bare),
        )
    ]
    return [compare(comparison, values) for comparison in comparisons]


def of_callers(callers: int, batch: int) -> str:
    """Return how a load is titled."""
    return f"batches of {batch}" if batch > 1 else f"{callers} single callers"

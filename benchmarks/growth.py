"""A journal as large as others are after years, beside a small one: postings and reads in turn."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, Final

from benchmarks.figures import BATCH, BATCH_CALLERS, SINGLE_CALLERS, Bench, of_callers
from benchmarks.processes import running_server
from benchmarks.reads import measure_reads_of_two
from benchmarks.rounds import Comparison, Figure, Run, alternate, compare
from benchmarks.verify import LedgerVerifier
from benchmarks.workload import Shape

#: Entries in the small journal at first.
SMALL_ENTRIES: Final = 100_000
_SMALL: Final = f"the same, {SMALL_ENTRIES:,} entries at first"

#: Name, shape, callers and size of batches.
_LOADS: Final = (
    ("batches", Shape.SPREAD, BATCH_CALLERS, BATCH),
    ("batches_hot", Shape.HOT, BATCH_CALLERS, BATCH),
    ("single", Shape.SPREAD, SINGLE_CALLERS, 1),
    ("single_hot", Shape.HOT, SINGLE_CALLERS, 1),
)

_Tell = Callable[[str], None]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Journals:
    """The two journals, in databases of their own."""

    bench: Bench
    small_dsn: str
    grown_dsn: str
    #: In the grown one.
    entries: int
    log: Path


async def measure_growth(
    journals: Journals, figures: list[Figure], tell: _Tell
) -> dict[str, dict[str, Any]]:
    """Add to `figures`, one by one, what is measured; return the plots over the size."""
    lines: dict[str, list[tuple[float, float]]] = {}
    async with (
        _serving(journals, journals.small_dsn) as small,
        _serving(journals, journals.grown_dsn) as grown,
    ):
        reads = await measure_reads_of_two(
            {_SMALL: small.address, "grown": grown.address},
            calls=small.plan.alone_calls,
            rounds=small.plan.rounds,
            tell=tell,
        )
        for figure in reads:
            _add(figures, figure, journals.entries)
            lines[figure.comparison.name] = _line(figure, journals.entries)
        for name, shape, callers, batch in _LOADS:
            posted = await _post_to_both(small, grown, (name, shape, callers, batch), tell)
            _add(figures, posted, journals.entries)
            lines[name] = _line(posted, journals.entries)
    x = "entries in the journal"
    return {
        "throughput-by-size": {
            "title": "Throughput by size of the journal",
            "x": x,
            "y": "transfers a second",
            "lines": {name: lines[name] for name in ("batches", "single")},
        },
        "reads-by-size": {
            "title": "Reads by one caller by size of the journal",
            "x": x,
            "y": "reads a second",
            "lines": {
                "balance": lines["read_balance"],
                "as of a day": lines["read_balance_as_of"],
            },
        },
    }


def _add(figures: list[Figure], figure: Figure, entries: int) -> None:
    comparison = dataclasses.replace(
        figure.comparison,
        name=f"{figure.comparison.name}_at_{entries}",
        title=f"{figure.comparison.title}, {entries:,} entries there",
    )
    figures.append(dataclasses.replace(figure, comparison=comparison))


def _line(figure: Figure, entries: int) -> list[tuple[float, float]]:
    assert figure.baseline is not None, "two journals are compared"
    return [(SMALL_ENTRIES, figure.baseline.median), (entries, figure.value.median)]


@contextlib.asynccontextmanager
async def _serving(journals: Journals, dsn: str) -> AsyncIterator[Bench]:
    with running_server(dsn, journals.log) as server:
        verifier = LedgerVerifier(dsn, server.address)
        bench = dataclasses.replace(
            journals.bench, address=server.address, verifier=verifier, rates={}
        )
        await bench.warm_up()
        yield bench


async def _post_to_both(
    small: Bench, grown: Bench, load: tuple[str, Shape, int, int], tell: _Tell
) -> Figure:
    name, shape, callers, batch = load
    runs: dict[str, Run] = {
        _SMALL: lambda number: small.load(shape, callers, batch, number),
        name: lambda number: grown.load(shape, callers, batch, number),
    }
    values = await alternate(runs, small.plan.rounds, tell)
    comparison = Comparison(
        name=name,
        title=f"{of_callers(callers, batch)}, {shape}",
        unit="transfers/s",
        ours=name,
        baseline=_SMALL,
    )
    return compare(comparison, values)

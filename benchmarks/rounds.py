"""Rounds in alternation: what is compared runs side by side, under the same weather."""

import dataclasses
import statistics
from collections.abc import Awaitable, Callable, Mapping, Sequence

#: Runs once, verifies, and returns its value. Takes the number of the round; 0 is the warm-up.
Run = Callable[[int], Awaitable[float]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """A figure to be measured, and what it is held against."""

    name: str
    title: str
    unit: str
    #: Names of two runs; nothing to hold it against for an empty baseline.
    ours: str
    baseline: str = ""
    #: False for latencies, sizes and costs.
    higher_is_better: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """The lowest, the middle and the highest of some rounds."""

    lowest: float
    median: float
    highest: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Sum up `values`, at least one."""
        return cls(lowest=min(values), median=statistics.median(values), highest=max(values))


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """A comparison that was measured."""

    comparison: Comparison
    rounds: int
    value: Spread
    #: None if there is nothing to hold it against.
    baseline: Spread | None
    #: Ours over the baseline of the same round: what survives a busy machine.
    ratio: Spread | None


async def alternate(
    runs: Mapping[str, Run], rounds: int, tell: Callable[[str], None]
) -> dict[str, list[float]]:
    """Run all of `runs` in each round, every second round in the opposite order.

    The warm-up comes first and does not count.
    """
    values: dict[str, list[float]] = {name: [] for name in runs}
    for number in range(rounds + 1):
        names = list(runs) if number % 2 else list(runs)[::-1]
        for name in names:
            value = await runs[name](number)
            if number:
                values[name].append(value)
            tell(f"{f'round {number}' if number else 'warm-up'}: {name} {value:,.0f}")
    return values


def compare(comparison: Comparison, values: Mapping[str, Sequence[float]]) -> Figure:
    """Sum up the rounds of a comparison."""
    ours = values[comparison.ours]
    baseline = values[comparison.baseline] if comparison.baseline else None
    return Figure(
        comparison=comparison,
        rounds=len(ours),
        value=Spread.of(ours),
        baseline=Spread.of(baseline) if baseline else None,
        ratio=Spread.of([mine / theirs for mine, theirs in zip(ours, baseline, strict=True)])
        if baseline
        else None,
    )


def single(
    name: str, title: str, unit: str, value: float, baseline: tuple[str, float] | None = None
) -> Figure:
    """Return a figure of one measurement, of which less is better."""
    comparison = Comparison(
        name=name,
        title=title,
        unit=unit,
        ours=name,
        baseline=baseline[0] if baseline else "",
        higher_is_better=False,
    )
    values = {name: [value]} | ({baseline[0]: [baseline[1]]} if baseline else {})
    return compare(comparison, values)

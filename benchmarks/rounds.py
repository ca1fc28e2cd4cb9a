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
    #: Names of two runs.
    ours: str
    baseline: str
    #: False for latencies.
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
    baseline: Spread
    #: Ours over the baseline of the same round: what survives a busy machine.
    ratio: Spread


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
    ours, baseline = values[comparison.ours], values[comparison.baseline]
    ratios = [mine / theirs for mine, theirs in zip(ours, baseline, strict=True)]
    return Figure(
        comparison=comparison,
        rounds=len(ratios),
        value=Spread.of(ours),
        baseline=Spread.of(baseline),
        ratio=Spread.of(ratios),
    )

"""The results: a table for people, `results.json` for programs."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from benchmarks.rounds import Figure, Spread

RESULTS: Final = Path(__file__).with_name("results.json")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where and how the figures were measured."""

    machine: dict[str, object]
    postgres: dict[str, str]
    #: How long each part ran, and in how many rounds.
    plan: dict[str, object]
    load_average_before: float
    load_average_after: float


def show(figures: Sequence[Figure], origin: Origin, console: Console) -> None:
    """Print the table."""
    machine = origin.machine
    console.print(
        f"{machine['cores']} cores, {machine['processor']}; PostgreSQL "
        f"{origin.postgres['version']}, Python {machine['python']}, grpcio {machine['grpcio']}, "
        f"commit {machine['commit']}; "
        f"load average {origin.load_average_before} before, {origin.load_average_after} after",
        highlight=False,
    )
    table = Table("", "unit", "ledger", "baseline", "ratio", "lowest", "highest", pad_edge=False)
    for column in table.columns[2:]:
        column.justify = "right"
        column.no_wrap = True
    for figure in figures:
        comparison = figure.comparison
        table.add_row(
            comparison.title,
            comparison.unit,
            _number(figure.value.median),
            _number(figure.baseline.median) if figure.baseline else "",
            *(
                (
                    f"[bold]{figure.ratio.median:.2f}[/bold]",
                    f"{figure.ratio.lowest:.2f}",
                    f"{figure.ratio.highest:.2f}",
                )
                if figure.ratio
                else ("", "", "")
            ),
        )
    console.print(table)
    for baseline in dict.fromkeys(one.comparison.baseline for one in figures if one.baseline):
        units = {one.comparison.unit for one in figures if one.comparison.baseline == baseline}
        console.print(f"Baseline of {', '.join(sorted(units))}: {baseline}.", highlight=False)
    console.print(
        f"Medians of {figures[0].rounds} rounds or of one; ratios are taken round by round; times, "
        "sizes and costs are better when lower. The books were verified after every run.",
        highlight=False,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:,.2f}"


def save(
    figures: Sequence[Figure],
    series: Mapping[str, Any],
    origin: Origin,
    path: Path = RESULTS,
) -> None:
    """Write the results."""
    content = {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        **dataclasses.asdict(origin),
        "figures": [_figure(figure) for figure in figures],
        "series": dict(series),
    }
    path.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _figure(figure: Figure) -> dict[str, Any]:
    comparison = figure.comparison
    return {
        "name": comparison.name,
        "title": comparison.title,
        "unit": comparison.unit,
        "higher_is_better": comparison.higher_is_better,
        "value": round(figure.value.median, 2),
        "baseline": figure.baseline
        and {"name": comparison.baseline, "value": round(figure.baseline.median, 2)},
        "ratio": figure.ratio and round(figure.ratio.median, 3),
        "rounds": figure.rounds,
        "spread": {
            "value": _ends(figure.value, 2),
            "baseline": figure.baseline and _ends(figure.baseline, 2),
            "ratio": figure.ratio and _ends(figure.ratio, 3),
        },
    }


def _ends(spread: Spread, digits: int) -> list[float]:
    return [round(spread.lowest, digits), round(spread.highest, digits)]

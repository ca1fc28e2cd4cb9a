"""Plots as SVG, written by hand: `python -m benchmarks.plots` draws those of `results.json`."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from benchmarks.report import RESULTS

FOLDER: Final = Path(__file__).resolve().parents[1] / "docs" / "plots"
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _BOTTOM, _TOP = 640, 320, 72, 40, 48, 40
_COLOURS: Final = ("#2b6cb0", "#c05621", "#2f855a", "#6b46c1")

#: Points of a line: x and y.
Line = Sequence[tuple[float, float]]


def draw(title: str, x_title: str, y_title: str, lines: Mapping[str, Line]) -> str:
    """Return an SVG of lines over a logarithmic x axis; the y axis begins at zero."""
    points = [point for line in lines.values() for point in line]
    low, high = (chosen(x for x, _ in points) for chosen in (min, max))
    top = _round_up(max(y for _, y in points))

    def x_of(x: float) -> float:
        span = math.log(high / low) or 1.0
        return _LEFT + (math.log(x / low) / span) * (_WIDTH - _LEFT - _RIGHT)

    def y_of(y: float) -> float:
        return _HEIGHT - _BOTTOM - y / top * (_HEIGHT - _BOTTOM - _TOP)

    parts = [
        (
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" '
            'font-family="sans-serif" font-size="12">'
        ),
        f'<rect width="{_WIDTH}" height="{_HEIGHT}" fill="white"/>',
        _text(_WIDTH / 2, 18, title, "middle", size=14),
        _text(_WIDTH / 2, _HEIGHT - 8, x_title, "middle"),
        _text(8, _TOP - 8, y_title, "start"),
    ]
    for step in range(5):
        value = top * step / 4
        parts += [
            (
                f'<line x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y_of(value):.1f}" '
                f'y2="{y_of(value):.1f}" stroke="#ddd"/>'
            ),
            _text(_LEFT - 6, y_of(value) + 4, f"{value:,.0f}" if top > 9 else f"{value:g}", "end"),
        ]
    for x in sorted({x for x, _ in points}):
        parts.append(_text(x_of(x), _HEIGHT - _BOTTOM + 16, f"{x:,.0f}", "middle"))
    for place, (name, line) in enumerate(lines.items()):
        colour = _COLOURS[place % len(_COLOURS)]
        path = " ".join(f"{x_of(x):.1f},{y_of(y):.1f}" for x, y in line)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts += [
            f'<circle cx="{x_of(x):.1f}" cy="{y_of(y):.1f}" r="3" fill="{colour}"/>'
            for x, y in line
        ]
        parts.append(_text(_WIDTH - 28, _TOP + 14 * place, name, "end", colour=colour))
    return "\n".join((*parts, "</svg>", ""))


def save_all(results: Mapping[str, Any], folder: Path = FOLDER) -> list[Path]:
    """Draw every series of the results; return where."""
    folder.mkdir(parents=True, exist_ok=True)
    saved = []
    for name, series in results["series"].items():
        path = folder / f"{name}.svg"
        lines = {line: [(x, y) for x, y in points] for line, points in series["lines"].items()}
        path.write_text(draw(series["title"], series["x"], series["y"], lines), encoding="utf-8")
        saved.append(path)
    return saved


def _round_up(value: float) -> float:
    scale: float = 10.0 ** math.floor(math.log10(value))
    return next(scale * step for step in (1, 2, 4, 6, 8, 10) if scale * step >= value)


def _text(
    x: float, y: float, text: str, anchor: str, *, size: int = 12, colour: str = "#333"
) -> str:
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" '
        f'fill="{colour}">{text}</text>'
    )


if __name__ == "__main__":
    for drawn in save_all(json.loads(RESULTS.read_text(encoding="utf-8"))):
        print(drawn)

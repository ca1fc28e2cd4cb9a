"""Pictures as SVG: where a line or bars tell more than a column of numbers.

Amounts become positions on the screen here, which are binary floats; no amount is computed or
written from them.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from ledger_client.documents.text_form import accounting

WIDTH: Final = 760
HEIGHT: Final = 220
_LEFT: Final = 104
_BOTTOM: Final = 24
_TOP: Final = 10


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """One shape: a class for its look, and the attributes of an SVG element."""

    element: str
    look: str
    attributes: dict[str, str]
    #: Of a text; of a bar what a reader is told.
    text: str = ""


@dataclasses.dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a template draws."""

    title: str
    marks: Sequence[Mark]
    width: int = WIDTH
    height: int = HEIGHT


def line(title: str, points: Sequence[tuple[dt.date, Decimal]]) -> Picture:
    """Return a balance over time, as steps: it stands until it changes.

    Args:
        title: what is shown.
        points: at least two days in order, each with the balance at its end.
    """
    scale = _Scale([amount for _, amount in points])
    first, last = points[0][0], points[-1][0]
    days = max(1, (last - first).days)

    def across(day: dt.date) -> float:
        return _LEFT + (WIDTH - _LEFT - 8) * (day - first).days / days

    path = f"M{across(first):.1f} {scale.down(points[0][1]):.1f}"
    for day, amount in points[1:]:
        path += f"H{across(day):.1f}V{scale.down(amount):.1f}"
    marks = scale.marks()
    marks.append(Mark("path", "line", {"d": path}))
    marks += [_label(across(first), str(first), "start"), _label(across(last), str(last), "end")]
    return Picture(title, marks)


def bars(
    title: str, names: Sequence[str], *, up: Sequence[Decimal], down: Sequence[Decimal]
) -> Picture:
    """Return what came in and what went out, side by side, a pair for each name.

    Args:
        title: what is shown.
        names: below the pairs.
        up: what came in.
        down: what went out, positive.
    """
    scale = _Scale([*up, *down])
    marks = scale.marks()
    step = (WIDTH - _LEFT - 8) / max(1, len(names))
    width = step * 0.36
    for number, name in enumerate(names):
        left = _LEFT + step * number + step * 0.12
        marks.append(scale.bar(left, width, up[number], "up", f"{name}, revenue:"))
        marks.append(scale.bar(left + width, width, down[number], "down", f"{name}, expenses:"))
        marks.append(_label(left + width, name, "middle"))
    return Picture(title, marks)


class _Scale:
    """Turns amounts into places from top to bottom."""

    def __init__(self, amounts: Sequence[Decimal]) -> None:
        self._most = max(*amounts, Decimal(0))
        self._least = min(*amounts, Decimal(0))
        self._span = float(self._most - self._least) or 1.0

    def down(self, amount: Decimal) -> float:
        return _TOP + (HEIGHT - _TOP - _BOTTOM) * float(self._most - amount) / self._span

    def marks(self) -> list[Mark]:
        marks = []
        for amount in dict.fromkeys((self._most, Decimal(0), self._least)):
            place = f"{self.down(amount):.1f}"
            look = "axis zero" if not amount else "axis"
            ends = {"x1": str(_LEFT), "x2": str(WIDTH - 8), "y1": place, "y2": place}
            marks.append(Mark("line", look, ends))
            where = {"x": str(_LEFT - 8), "y": f"{float(place) + 4:.1f}", "text-anchor": "end"}
            marks.append(Mark("text", "", where, accounting(amount).strip("\N{FIGURE SPACE}")))
        return marks

    def bar(self, left: float, width: float, amount: Decimal, look: str, told: str) -> Mark:
        top, bottom = sorted((self.down(amount), self.down(Decimal(0))))
        place = {
            "x": f"{left:.1f}",
            "y": f"{top:.1f}",
            "width": f"{width:.1f}",
            "height": f"{max(bottom - top, 0.5):.1f}",
        }
        return Mark("rect", look, place, f"{told} {accounting(amount)}")


def _label(across: float, text: str, anchor: str) -> Mark:
    where = {"x": f"{across:.1f}", "y": str(HEIGHT - 6), "text-anchor": anchor}
    return Mark("text", "", where, text)

"""A table of the books, independent of how it is written."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Sequence
from decimal import Decimal
from typing import TypeAlias

#: One value. Amounts are `Decimal`; they are never turned into binary floats but by `as_xlsx`,
#: where a float holds the very amount.
Cell: TypeAlias = str | Decimal | int | dt.date | dt.datetime | None


class ColumnKind(enum.Enum):
    """What a column holds, and so on which side and in which form its cells stand."""

    TEXT = "text"
    AMOUNT = "amount"
    NUMBER = "number"
    DATE = "date"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column."""

    #: Heading of the column in exports, stable: `closing_debit`.
    name: str
    #: Heading for people: `Closing debit`.
    title: str
    #: What it holds.
    kind: ColumnKind = ColumnKind.TEXT


class RowStyle(enum.Enum):
    """What a row is among its neighbours."""

    PLAIN = "plain"
    #: A line of text above what belongs to it.
    HEADING = "heading"
    #: The sum of what stands above or below it, deeper in the chart.
    SUBTOTAL = "subtotal"
    #: The last word of a section.
    TOTAL = "total"
    #: Shows that the books agree, or by how much they do not.
    CHECK = "check"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row, a cell for each column."""

    cells: Sequence[Cell]
    style: RowStyle = RowStyle.PLAIN
    #: How deep the first text stands: 0 for not at all.
    indent: int = 0
    #: Where the page goes from here: a path within the page; empty for nowhere.
    link: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A table with its title."""

    #: Of the report: `Trial balance`.
    title: str
    #: What it is about, line by line: journal, dates, layer, position.
    subtitles: Sequence[str] = ()
    columns: Sequence[Column]
    rows: Sequence[Row]
    #: Sentences below the table, such as the check and the rates used.
    notes: Sequence[str] = ()
    #: For the name of a file, without its ending: `trial-balance-MAIN-2026-03-31`.
    file_stem: str = "report"

    def __post_init__(self) -> None:
        """Hold that each row has a cell for each column."""
        for row in self.rows:
            assert len(row.cells) == len(self.columns), f"{self.title}: {row.cells}"

"""Records as a table for people, as JSON or as CSV for programs."""

import csv
import dataclasses
import datetime as dt
import enum
import io
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from rich import box
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table
from rich.text import Text

from ledger_client.cli.amounts import plain

#: What one command has to show: by column, values that `cell` and `to_json` know.
Record: TypeAlias = Mapping[str, Any]

_GAP: Final = "  "


class Output(enum.StrEnum):
    """How results are printed."""

    TABLE = "table"
    JSON = "json"
    CSV = "csv"


@dataclasses.dataclass(frozen=True, slots=True)
class Column:
    """One column of a table or a CSV file."""

    #: Key of the record, and the column's title.
    name: str
    #: Amounts and other numbers stand to the right, so that their digits stand in line.
    is_number: bool = False


def columns(*names: str) -> list[Column]:
    """Return columns by their names; a name that begins with `#` is a number's."""
    return [Column(name.removeprefix("#"), name.startswith("#")) for name in names]


def cell(value: object) -> str:
    """Write a value for a table or a CSV file; nothing for None."""
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case Decimal():
            return plain(value)
        case dt.datetime():
            return value.isoformat(timespec="milliseconds")
        case dt.date():
            return value.isoformat()
        case Mapping() | list() | tuple():
            return json.dumps(to_json(value), ensure_ascii=False) if value else ""
        case _:
            return str(value)


def to_json(value: object) -> Any:
    """Return a value in JSON's types: amounts, dates and ids as strings, never a float."""
    match value:
        case None | bool() | int():
            return value
        case Decimal():
            return plain(value)
        case dt.date():  # a datetime is one too
            return value.isoformat()
        case Mapping():
            return {str(key): to_json(item) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item) for item in value]
        case _:
            return str(value)


def json_text(value: object) -> str:
    """Return a value as indented JSON, its characters as they are."""
    return json.dumps(to_json(value), ensure_ascii=False, indent=2)


def csv_text(titles: Sequence[Column], records: Sequence[Record]) -> str:
    """Return records as CSV with a header, quoted where needed."""
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow([column.name for column in titles])
    writer.writerows([cell(record.get(column.name)) for column in titles] for record in records)
    return target.getvalue().rstrip("\n")


@dataclasses.dataclass(frozen=True, slots=True)
class Grid:
    """A table for people."""

    #: From left to right.
    titles: Sequence[Column]
    #: From top to bottom.
    records: Sequence[Record]
    #: Shown below a line, such as totals.
    footer: Sequence[Record] = ()


def print_grid(console: Console, grid: Grid) -> None:
    """Print a table: with lines and colours on a terminal, else plain, whole and unwrapped."""
    if console.is_terminal:
        console.print(_rich_table(grid))
    else:
        console.file.write(plain_table(grid) + "\n")


def plain_table(grid: Grid) -> str:
    """Return a table of plain text: one line a record, every value whole."""
    rows = [[visible(column.name) for column in grid.titles], *_texts(grid, grid.records)]
    footer = _texts(grid, grid.footer)
    widths = [max(map(cell_len, texts)) for texts in zip(*rows, *footer, strict=True)]
    lines = [_plain_line(grid, widths, row) for row in rows]
    ruler = _GAP.join("-" * width for width in widths)
    lines.insert(1, ruler)
    if footer:
        lines += [ruler, *(_plain_line(grid, widths, row) for row in footer)]
    return "\n".join(lines)


def visible(text: str) -> str:
    """Return a text that stays on its line and tells a terminal nothing: controls are spelt."""
    if text.isprintable():
        return text
    return "".join(_spelt(character) for character in text)


def _spelt(character: str) -> str:
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return character.encode("unicode_escape").decode("ascii")
    return character


def _texts(grid: Grid, records: Sequence[Record]) -> list[list[str]]:
    return [
        [visible(cell(record.get(column.name))) for column in grid.titles] for record in records
    ]


def _plain_line(grid: Grid, widths: Sequence[int], row: Sequence[str]) -> str:
    cells = []
    for column, width, text in zip(grid.titles, widths, row, strict=True):
        blanks = " " * (width - cell_len(text))
        cells.append(blanks + text if column.is_number else text + blanks)
    return _GAP.join(cells).rstrip()


def _rich_table(grid: Grid) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, header_style="bold", show_edge=False)
    for column in grid.titles:
        # An amount is never cut or broken; what does not fit is taken from the texts.
        table.add_column(
            column.name,
            justify="right" if column.is_number else "left",
            no_wrap=column.is_number,
            overflow="ignore" if column.is_number else "fold",
        )
    for row in _texts(grid, grid.records):
        table.add_row(*map(Text, row))
    if grid.footer:
        table.add_section()
    for row in _texts(grid, grid.footer):
        table.add_row(*map(Text, row), style="bold")
    return table


def print_records(
    console: Console,
    output: Output,
    titles: Sequence[Column],
    records: Sequence[Record],
    *,
    table_titles: Sequence[Column] | None = None,
    nothing: str = "nothing found",
) -> None:
    """Print a list of records.

    Args:
        console: of standard output.
        output: how.
        titles: the columns of CSV; JSON has all that a record has.
        records: in order.
        table_titles: the columns of a table, if it has fewer.
        nothing: what a table says instead of standing empty.
    """
    printers: Mapping[Output, Callable[[], str]] = {
        Output.JSON: lambda: json_text(records),
        Output.CSV: lambda: csv_text(titles, records),
    }
    if output in printers:
        console.file.write(printers[output]() + "\n")
    elif records:
        print_grid(console, Grid(table_titles or titles, records))
    else:
        console.print(nothing, style="dim")


def print_record(console: Console, output: Output, record: Record) -> None:
    """Print one record: a table has a line for each field."""
    if output is Output.JSON:
        console.file.write(json_text(record) + "\n")
    elif output is Output.CSV:
        console.file.write(csv_text([Column(name) for name in record], [record]) + "\n")
    else:
        width = max(map(len, record))
        for name, value in record.items():
            line = Text(f"{name:<{width}}", style="bold") + Text(f"  {visible(cell(value))}")
            console.print(line, soft_wrap=True)

"""Records as a table for people, as JSON or as CSV for programs."""

import dataclasses
import datetime as dt
import enum
import json
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any, Final, TypeAlias

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from ledger_client.amounts import plain

#: What one command has to show: by column, values that `cell` and `to_json` know.
Record: TypeAlias = Mapping[str, Any]

_GAP: Final = "  "
#: Texts are not cut to less than this, even if a terminal then breaks the line.
TEXT_WIDTH_MIN: Final = 12


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
    #: Never cut to fit a terminal; nor are numbers.
    is_whole: bool = False


def columns(*names: str) -> list[Column]:
    """Return columns by their names; a name that begins with `#` is a number's."""
    return [Column(name.removeprefix("#"), name.startswith("#"), name == "id") for name in names]


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
    """Return records as CSV with a header, quoted where needed, rows separated by LF."""
    rows = [[column.name for column in titles]]
    rows += [[cell(record.get(column.name)) for column in titles] for record in records]
    return "\n".join(",".join(map(_quoted, row)) for row in rows)


def _quoted(text: str) -> str:
    # The standard library leaves a lone carriage return bare, at which readers end the row.
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text


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
    """Print a table: fitted to a terminal with a little colour, else plain, whole, unwrapped."""
    if not console.is_terminal:
        console.file.write(plain_table(grid) + "\n")
        return
    for line, style in _lines(grid, console.width):
        console.print(Text(line, style=style), soft_wrap=True)


def plain_table(grid: Grid, width: int | None = None) -> str:
    """Return a table of plain text, one line a record.

    Args:
        grid: what to write.
        width: of a terminal: titles of numbers are broken, and texts that do not fit are cut at
            their beginning, where codes of accounts tell least. Numbers are never cut. None
            writes every value whole.
    """
    return "\n".join(line for line, _style in _lines(grid, width))


def _lines(grid: Grid, width: int | None) -> Iterator[tuple[str, str]]:
    """Give the lines of a table, each with its style."""
    header = _header(grid, is_broken=width is not None)
    rows, footer = _texts(grid, grid.records), _texts(grid, grid.footer)
    whole = zip(*header, *rows, *footer, strict=True)
    widths = [max(map(cell_len, texts)) for texts in whole]
    if width is not None:
        widths = _fitted(grid, widths, width)
    ruler = _GAP.join("-" * column_width for column_width in widths)
    yield from ((_line(grid, widths, row), "bold") for row in header)
    yield ruler, "dim"
    yield from ((_line(grid, widths, row), "") for row in rows)
    if footer:
        yield ruler, "dim"
        yield from ((_line(grid, widths, row), "bold") for row in footer)


def _header(grid: Grid, *, is_broken: bool) -> list[list[str]]:
    """Return the lines of the titles, those of numbers a word a line if they are broken."""
    words = [
        column.name.split("_") if is_broken and column.is_number else [column.name]
        for column in grid.titles
    ]
    height = max(map(len, words))
    columns_ = [[""] * (height - len(parts)) + parts for parts in words]
    return [list(line) for line in zip(*columns_, strict=True)]


def _fitted(grid: Grid, widths: Sequence[int], total: int) -> list[int]:
    """Take what is too much from the widest texts, down to a width that still tells something."""
    fitted = list(widths)
    excess = sum(fitted) + len(_GAP) * (len(fitted) - 1) - total
    texts = [
        index
        for index, column in enumerate(grid.titles)
        if not (column.is_number or column.is_whole)
    ]
    while excess > 0 and texts:
        widest = max(texts, key=lambda index: fitted[index])
        if fitted[widest] <= TEXT_WIDTH_MIN:
            break
        fitted[widest] -= 1
        excess -= 1
    return fitted


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


def _line(grid: Grid, widths: Sequence[int], row: Sequence[str]) -> str:
    cells = []
    for column, width, text in zip(grid.titles, widths, row, strict=True):
        shown = _cut(text, width)
        blanks = " " * (width - cell_len(shown))
        cells.append(blanks + shown if column.is_number else shown + blanks)
    return _GAP.join(cells).rstrip()


def _cut(text: str, width: int) -> str:
    """Return the end of a text that is too wide."""
    if cell_len(text) <= width:
        return text
    while cell_len(text) > width - 1:
        text = text[1:]
    return f"…{text}"


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
            title = (f"{name:<{width}}", "bold")
            line = Text.assemble(title, f"  {visible(cell(value))}")
            console.print(line, soft_wrap=True)

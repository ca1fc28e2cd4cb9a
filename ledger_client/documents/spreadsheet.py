"""A sheet as XLSX. Needs the extra `export`."""

import datetime as dt
import io
import re
from collections.abc import Sequence
from decimal import Decimal
from typing import Any, Final

import xlsxwriter

from ledger_client.documents.sheet import Cell, ColumnKind, RowStyle, Sheet
from ledger_client.documents.text_form import plain

#: Digits that every amount keeps in a cell, which is a double.
EXACT_DIGITS: Final = 15
#: What XLSX allows in a cell.
TEXT_LENGTH_MAX: Final = 32_767
#: Not allowed in the name of a worksheet, which has at most 31 characters.
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\']")
_FIRST_DAY: Final = dt.date(1900, 3, 1)
_WIDTH_MAX: Final = 48


def as_xlsx(sheets: Sequence[Sheet]) -> bytes:
    """Return a workbook with one worksheet a sheet.

    Numbers are numbers and dates are dates. An amount of more digits than a double holds exactly
    is written as text, so that none is changed. No text is ever a formula or a link.
    """
    file = io.BytesIO()
    options = {
        "in_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        "remove_timezone": True,
    }
    with xlsxwriter.Workbook(file, options) as book:
        # The same books give the same bytes, whenever they are written.
        book.set_properties({"created": dt.datetime(2000, 1, 1, tzinfo=dt.UTC)})
        taken: set[str] = set()
        for sheet in sheets:
            _write(book, _name(sheet.title, taken), sheet)
    return file.getvalue()


def _name(title: str, taken: set[str]) -> str:
    stem = _NOT_IN_NAMES.sub(" ", title).strip()[:31] or "Sheet"
    name, number = stem, 2
    while name.lower() in taken:
        name = f"{stem[:27]} {number}"
        number += 1
    taken.add(name.lower())
    return name


def _write(book: Any, name: str, sheet: Sheet) -> None:
    page = book.add_worksheet(name)
    formats = _Formats(book)
    page.write_string(0, 0, sheet.title, formats.plain(bold=True, font_size=14))
    line = 1
    for subtitle in sheet.subtitles:
        page.write_string(line, 0, subtitle, formats.plain(italic=True))
        line += 1
    line += 1
    for number, column in enumerate(sheet.columns):
        side = "left" if column.kind in {ColumnKind.TEXT, ColumnKind.DATE} else "right"
        page.write_string(
            line, number, column.title, formats.plain(bold=True, bottom=1, align=side)
        )
    page.freeze_panes(line + 1, 0)
    page.repeat_rows(line)
    for row in sheet.rows:
        line += 1
        for number, (value, column) in enumerate(zip(row.cells, sheet.columns, strict=True)):
            indent = row.indent if number == 0 else 0
            _write_cell(page, formats, (line, number), value, (column.kind, row.style, indent))
    line += 1
    for note in sheet.notes:
        line += 1
        page.write_string(line, 0, note[:TEXT_LENGTH_MAX])
    for number, width in enumerate(_widths(sheet)):
        page.set_column(number, number, width)
    page.fit_to_pages(1, 0)
    if len(sheet.columns) > 6:
        page.set_landscape()


def _write_cell(
    page: Any,
    formats: "_Formats",
    place: tuple[int, int],
    value: Cell,
    look: tuple[ColumnKind, RowStyle, int],
) -> None:
    kind, style, indent = look
    match value:
        case None:
            page.write_blank(*place, None, formats.of(style, indent=indent))
        case Decimal() if _is_exact(value):
            decimals = max(0, -int(value.as_tuple().exponent))
            page.write_number(*place, float(value), formats.of(style, decimals=decimals))
        case int() if abs(value) < 10**EXACT_DIGITS:
            page.write_number(*place, value, formats.of(style, decimals=0, grouped=False))
        case dt.datetime():
            page.write_datetime(*place, value, formats.of(style, date="yyyy-mm-dd hh:mm:ss"))
        case dt.date() if value >= _FIRST_DAY:
            page.write_datetime(*place, value, formats.of(style, date="yyyy-mm-dd"))
        case _:
            side = "right" if kind in {ColumnKind.AMOUNT, ColumnKind.NUMBER} else ""
            text = plain(value)[:TEXT_LENGTH_MAX]
            page.write_string(*place, text, formats.of(style, indent=indent, align=side))


def _is_exact(value: Decimal) -> bool:
    return (
        len(value.normalize().as_tuple().digits) <= EXACT_DIGITS and abs(value) < 10**EXACT_DIGITS
    )


def _widths(sheet: Sheet) -> list[int]:
    widths = [len(column.title) + 2 for column in sheet.columns]
    for row in sheet.rows:
        for number, value in enumerate(row.cells):
            width = len(plain(value)) + 3 + (2 * row.indent if number == 0 else 0)
            widths[number] = min(_WIDTH_MAX, max(widths[number], width))
    return widths


class _Formats:
    """The formats of one workbook, each made once."""

    def __init__(self, book: Any) -> None:
        self._book = book
        self._made: dict[tuple[tuple[str, Any], ...], Any] = {}

    def plain(self, **properties: Any) -> Any:
        key = tuple(sorted(properties.items()))
        if key not in self._made:
            self._made[key] = self._book.add_format(properties)
        return self._made[key]

    def of(
        self,
        style: RowStyle,
        *,
        decimals: int | None = None,
        grouped: bool = True,
        date: str = "",
        indent: int = 0,
        align: str = "",
    ) -> Any:
        properties: dict[str, Any] = {}
        if style is not RowStyle.PLAIN:
            properties["bold"] = True
        if style in {RowStyle.TOTAL, RowStyle.CHECK}:
            properties["top"] = 1
        if decimals is not None:
            digits = ("#,##0" if grouped else "0") + (f".{'0' * decimals}" if decimals else "")
            properties["num_format"] = f"{digits};({digits})" if grouped else digits
        if date:
            properties["num_format"] = date
            properties["align"] = "left"
        if indent:
            properties["indent"] = indent
        if align:
            properties["align"] = align
        return self.plain(**properties)

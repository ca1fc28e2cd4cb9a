"""A sheet as CSV, for programs and for spreadsheets."""

from typing import Final

from ledger_client.documents.sheet import Cell, ColumnKind, Row, RowStyle, Sheet
from ledger_client.documents.text_form import plain

#: A text that begins with one of these would be run as a formula by a spreadsheet.
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def as_csv(sheet: Sheet) -> str:
    """Return the rows of a sheet as CSV, rows separated by LF.

    Amounts are in plain form. Texts that a spreadsheet would run get an apostrophe before them.
    Headings and notes are left out: every row has the same columns.
    """
    lines = [[column.name for column in sheet.columns]]
    lines += [_cells(sheet, row) for row in sheet.rows if row.style is not RowStyle.HEADING]
    return "".join(f"{','.join(map(_quoted, line))}\n" for line in lines)


def defused(text: str) -> str:
    """Return `text` so that no spreadsheet takes it for a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text


def _cells(sheet: Sheet, row: Row) -> list[str]:
    return [
        _text(value, column.kind) for value, column in zip(row.cells, sheet.columns, strict=True)
    ]


def _text(value: Cell, kind: ColumnKind) -> str:
    text = plain(value)
    return defused(text) if kind is ColumnKind.TEXT and isinstance(value, str) else text


def _quoted(text: str) -> str:
    # The standard library leaves a lone carriage return bare, at which readers end the row.
    if any(character in text for character in ',"\r\n'):
        return '"' + text.replace('"', '""') + '"'
    return text

"""A sheet as JSON, for programs."""

import json

from ledger_client.documents.sheet import Cell, Row, RowStyle, Sheet
from ledger_client.documents.text_form import plain


def as_json(sheet: Sheet) -> str:
    """Return a sheet as JSON: title, subtitles, rows by column name, notes.

    Amounts and dates are strings, never binary numbers; what is not there is null.
    """
    document = {
        "title": sheet.title,
        "subtitles": list(sheet.subtitles),
        "rows": [_record(sheet, row) for row in sheet.rows if row.style is not RowStyle.HEADING],
        "notes": list(sheet.notes),
    }
    return json.dumps(document, ensure_ascii=False, indent=2) + "\n"


def _record(sheet: Sheet, row: Row) -> dict[str, object]:
    record: dict[str, object] = {
        column.name: _value(value) for column, value in zip(sheet.columns, row.cells, strict=True)
    }
    return record | {"style": row.style.value, "indent": row.indent}


def _value(value: Cell) -> object:
    return value if value is None or isinstance(value, int) else plain(value)

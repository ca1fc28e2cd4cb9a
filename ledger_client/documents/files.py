"""A report as a file: one form for each ending. XLSX and PDF need the extra `export`."""

import enum
from collections.abc import Sequence

from ledger_client.documents.delimited import as_csv
from ledger_client.documents.records import as_json
from ledger_client.documents.sheet import Sheet

#: Spreadsheets tell UTF-8 by these first bytes.
_UTF8_MARK = b"\xef\xbb\xbf"


class FileForm(enum.StrEnum):
    """The form of a file, which is also the ending of its name."""

    CSV = "csv"
    JSON = "json"
    XLSX = "xlsx"
    PDF = "pdf"


def as_file(sheets: Sequence[Sheet], form: FileForm) -> bytes:
    """Return sheets as the content of a file.

    Args:
        sheets: at least one; CSV and JSON have the first alone.
        form: of the file.

    Raises:
        ImportError: XLSX or PDF was asked for, and the extra `export` is not installed.
    """
    match form:
        case FileForm.CSV:
            return _UTF8_MARK + as_csv(sheets[0]).encode()
        case FileForm.JSON:
            return as_json(sheets[0]).encode()
        case FileForm.XLSX:
            from ledger_client.documents.spreadsheet import as_xlsx  # noqa: PLC0415  # an extra

            return as_xlsx(sheets)
        case FileForm.PDF:
            from ledger_client.documents.printed import as_pdf  # noqa: PLC0415  # an extra

            return as_pdf(sheets)

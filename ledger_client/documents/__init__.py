"""What is shown or handed out of the books: one table, written as a page, CSV, JSON, XLSX or PDF.

A report becomes a `Sheet` once (`trial_balance.py` and its neighbours); `as_file` writes any sheet.
The page shows the same sheets and `ledgerctl report --file` writes them: what is exported is what
was seen.
"""

from ledger_client.documents.delimited import as_csv
from ledger_client.documents.files import FileForm, as_file
from ledger_client.documents.records import as_json
from ledger_client.documents.sheet import Cell, Column, ColumnKind, Row, RowStyle, Sheet

__all__ = [
    "Cell",
    "Column",
    "ColumnKind",
    "FileForm",
    "Row",
    "RowStyle",
    "Sheet",
    "as_csv",
    "as_file",
    "as_json",
]

"""`ledgerctl report ... --file`: every report in every form."""

import csv
import io
import json
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from tests.cli.conftest import Ledgerctl
from tests.cli.test_books import DEMO, import_books

REPORTS = (
    ("trial-balance",),
    ("balance-sheet", "--as-of=2026-03-31"),
    ("income-statement", "--from=2026-01-01", "--as-of=2026-03-31"),
    ("statement", "--account=Assets:Bitcoin"),
    ("ledger",),
    ("journal",),
)


@pytest.mark.usefixtures("journal")
def test_every_report_in_every_form(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    """The four files of a report say the same."""
    assert import_books(ledgerctl, DEMO, "books.csv").exit_code == 0
    for report in REPORTS:
        files = {form: tmp_path / f"{report[0]}.{form}" for form in ("csv", "json", "xlsx", "pdf")}
        for file in files.values():
            done = ledgerctl("report", *report, "--file", file)
            assert done.exit_code == 0, done.stderr
            assert str(file) in done.stdout
        rows = list(csv.DictReader(io.StringIO(files["csv"].read_text("utf-8-sig"), newline="")))
        records = json.loads(files["json"].read_text())["rows"]
        assert rows, report
        for row, record in zip(rows, records, strict=True):
            for name, text in row.items():
                assert text == ("" if record[name] is None else str(record[name]))
        sheet = openpyxl.load_workbook(files["xlsx"]).worksheets[0]
        numbers = {
            Decimal(str(cell))
            for line in sheet.iter_rows(values_only=True)
            for cell in line
            if isinstance(cell, int | float)
        }
        named = next((name for name in ("closing_debit", "amount", "debit") if name in rows[0]), "")
        assert {Decimal(row[named]) for row in rows if row[named]} <= numbers | {Decimal(0)}
        assert files["pdf"].read_bytes().startswith(b"%PDF-")


@pytest.mark.usefixtures("journal")
def test_a_file_that_cannot_be(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    unknown = ledgerctl("report", "trial-balance", "--file", tmp_path / "books.doc")
    assert unknown.exit_code == 2
    assert ".xlsx" in unknown.stderr
    nowhere = ledgerctl("report", "trial-balance", "--file", tmp_path / "none" / "books.csv")
    assert nowhere.exit_code == 1
    assert "No such file" in nowhere.stderr

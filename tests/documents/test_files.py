"""Sheets as CSV, JSON, XLSX and PDF, read again."""

import csv
import datetime as dt
import io
import json
from decimal import Decimal

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.documents import Column, ColumnKind, Row, RowStyle, Sheet, as_csv, as_json
from ledger_client.documents.printed import as_pdf
from ledger_client.documents.spreadsheet import EXACT_DIGITS, as_xlsx
from ledger_client.documents.text_form import accounting

COLUMNS = (
    Column(name="account", title="Account"),
    Column(name="day", title="Day", kind=ColumnKind.DATE),
    Column(name="amount", title="Amount", kind=ColumnKind.AMOUNT),
)
DANGEROUS = ["=1+1", "+1", "-1+1", "@SUM(A1)", "\tx", "\rx", "|calc", "%x", '=HYPERLINK("x")']


def sheet_of(*rows: tuple[str, dt.date | None, Decimal | None], title: str = "Report") -> Sheet:
    return Sheet(
        title=title,
        columns=COLUMNS,
        rows=[
            Row(cells=("Assets", None, None), style=RowStyle.HEADING),
            *(Row(cells=row) for row in rows),
        ],
        notes=["debits = credits"],
    )


amounts = st.decimals(
    min_value=Decimal("-1e30"), max_value=Decimal("1e30"), places=8, allow_nan=False
)


class TestCsv:
    @given(st.lists(st.tuples(st.text(max_size=20), st.dates(), amounts), max_size=5))
    def test_reads_back(self, rows: list[tuple[str, dt.date, Decimal]]) -> None:
        """Amounts to the last digit, texts but for the apostrophe, dates as ISO 8601."""
        text = as_csv(sheet_of(*rows))
        found = list(csv.reader(io.StringIO(text, newline="")))
        assert found[0] == ["account", "day", "amount"]
        for (name, day, amount), read in zip(rows, found[1:], strict=True):
            assert read[0] in {name, f"'{name}"}
            assert (read[1], Decimal(read[2])) == (day.isoformat(), amount)

    @pytest.mark.parametrize("text", DANGEROUS)
    def test_a_text_is_no_formula(self, text: str) -> None:
        found = list(csv.reader(io.StringIO(as_csv(sheet_of((text, None, None))), newline="")))
        assert found[1][0] == f"'{text}"

    def test_a_negative_amount_stays_a_number(self) -> None:
        assert "-12.50" in as_csv(sheet_of(("x", None, Decimal("-12.50"))))
        assert "'-12.50" not in as_csv(sheet_of(("x", None, Decimal("-12.50"))))


class TestXlsx:
    def test_numbers_are_numbers_and_dates_dates(self) -> None:
        content = as_xlsx([sheet_of(("Cash", dt.date(2026, 1, 31), Decimal("-1234.50")))])
        page = openpyxl.load_workbook(io.BytesIO(content)).active
        assert page is not None
        last = [cell.value for cell in list(page.iter_rows())[4]]
        assert last == ["Cash", dt.datetime(2026, 1, 31), -1234.5]  # noqa: DTZ001  # as cells are

    @given(amounts)
    def test_no_digit_is_lost(self, amount: Decimal) -> None:
        content = as_xlsx([sheet_of(("Cash", None, amount))])
        page = openpyxl.load_workbook(io.BytesIO(content)).active
        assert page is not None
        value = list(page.iter_rows())[4][2].value
        assert value is not None
        if isinstance(value, str):
            assert Decimal(value) == amount
            digits = len(amount.normalize().as_tuple().digits)
            assert digits > EXACT_DIGITS or abs(amount) >= 10**EXACT_DIGITS
        else:
            assert Decimal(repr(value)) == amount

    @pytest.mark.parametrize("text", DANGEROUS)
    def test_a_text_is_no_formula(self, text: str) -> None:
        content = as_xlsx([sheet_of((text, None, None))])
        page = openpyxl.load_workbook(io.BytesIO(content)).active
        assert page is not None
        cell = list(page.iter_rows())[4][0]
        assert (cell.data_type, cell.hyperlink) == ("s", None)

    def test_names_of_worksheets_are_allowed_and_differ(self) -> None:
        title = "Statement of Assets:Bank/[1]?*" * 3
        content = as_xlsx([sheet_of(title=title), sheet_of(title=title)])
        names = openpyxl.load_workbook(io.BytesIO(content)).sheetnames
        assert len(set(names)) == 2

    def test_the_same_bytes_again(self) -> None:
        sheet = sheet_of(("Cash", dt.date(2026, 1, 31), Decimal(1)))
        assert as_xlsx([sheet]) == as_xlsx([sheet])


class TestPdf:
    def test_many_rows_and_foreign_letters(self) -> None:
        rows = [(f"<b>Zürich & 現金 {n}", dt.date(2026, 1, 1), Decimal(n)) for n in range(200)]
        content = as_pdf([sheet_of(*rows)])
        assert content.startswith(b"%PDF-")
        assert content.count(b"/Type /Page\n") > 2

    def test_the_same_bytes_again(self) -> None:
        sheet = sheet_of(("Cash", None, Decimal(1)))
        assert as_pdf([sheet]) == as_pdf([sheet])


def test_json_has_amounts_as_strings() -> None:
    found = json.loads(as_json(sheet_of(("Cash", None, Decimal("1.10")))))
    assert found["rows"] == [
        {"account": "Cash", "day": None, "amount": "1.10", "style": "plain", "indent": 0}
    ]


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.5", "1,234.5\u2007"), ("-1234567.89", "(1,234,567.89)"), ("0.00", "\u2013\u2007")],
)
def test_as_accountants_write(amount: str, text: str) -> None:
    assert accounting(Decimal(amount)) == text

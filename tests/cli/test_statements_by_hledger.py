"""Statements of a household's books, ours beside those that hledger makes of our export."""

import csv
import io
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl
from tests.cli.test_books import HOUSEHOLD, import_books
from tests.cli.test_exports import exported, needs_hledger, run_hledger
from tests.cli.test_fiscal_years import household_chart

#: Section, account and currency, on the section's own side.
Amounts = dict[tuple[str, str, str], Decimal]

#: hledger's words for our sections.
SECTIONS = {
    "Assets": "ASSETS",
    "Liabilities": "LIABILITIES",
    "Equity": "EQUITY",
    "Revenues": "REVENUE",
    "Expenses": "EXPENSES",
}
SUMS = {"total", "net"}
REPORTS = {
    "balance-sheet": ("balancesheetequity", "-e", "2014-01-01"),
    "income-statement": ("incomestatement", "-b", "2013-01-01", "-e", "2014-01-01"),
}


def by_hledger(text: str, report: str) -> Amounts:
    """What hledger computes, read from its CSV: a row of a section's name, then its accounts."""
    printed = run_hledger(text, *REPORTS[report], "--flat", "-O", "csv", "--layout=bare")
    found: Amounts = {}
    section = ""
    for row in csv.reader(io.StringIO(printed)):
        if row[0] in SECTIONS:
            section = SECTIONS[row[0]]
        elif (
            section
            and len(row) == 3
            and row[0].rstrip(":").lower() not in {"total", "net"}
            and row[1]
        ):
            amount = Decimal(row[2].replace(",", ""))
            if amount:
                found[section, row[0], row[1]] = amount
    return found


def by_us(ledgerctl: Ledgerctl, report: str, *options: str) -> Amounts:
    """What the server computes."""
    first = ("--from=2013-01-01",) if report == "income-statement" else ()
    run = ledgerctl("report", report, *first, "--as-of=2013-12-31", *options, "--output=csv")
    assert run.exit_code == 0, run.stderr
    found: Amounts = {}
    for row in csv.DictReader(io.StringIO(run.stdout)):
        amount = Decimal(list(row.values())[-1])
        if row["kind"] == "account" and amount:
            found[row["section"], row["code"], row["currency"]] = amount
    return found


@needs_hledger
@pytest.mark.skipif(not HOUSEHOLD.is_dir(), reason=f"the household books are not in {HOUSEHOLD}")
@pytest.mark.usefixtures("journal")
def test_2013_of_a_household_before_and_after_its_close(
    ledgerctl: Ledgerctl, tmp_path: Path
) -> None:
    """Per account and currency: open; closed; closed, with the closing entries left out."""
    assert import_books(ledgerctl, HOUSEHOLD, "journal.csv").exit_code == 0
    household_chart(ledgerctl, tmp_path)
    opened = {report: by_us(ledgerctl, report) for report in REPORTS}
    text = exported(ledgerctl, "hledger")
    for report, ours in opened.items():
        assert len(ours) > 10
        assert by_hledger(text, report) == ours

    span = ("--from=2013-01-01", "--to=2013-12-31", "--retained-earnings=Equity:Retained")
    assert ledgerctl("year", "open", "2013", *span).exit_code == 0
    done = ledgerctl("year", "close", "2013", "--reason=Audited")
    assert done.exit_code == 0, done.stderr

    text = exported(ledgerctl, "hledger")
    sheet = by_us(ledgerctl, "balance-sheet")
    assert by_hledger(text, "balance-sheet") == sheet
    assert ("EQUITY", "Equity:Retained", "USD") in sheet
    # hledger's statement of the year holds the closing entries as ours does: what of earlier years
    # was closed with it stands there, on the other side.
    assert by_hledger(text, "income-statement") == by_us(ledgerctl, "income-statement")

    text = exported(ledgerctl, "hledger", "--without-closing")
    assert "closing:" not in text
    for report, ours in opened.items():
        assert by_us(ledgerctl, report, "--without-closing") == ours
        assert by_hledger(text, report) == ours
    assert "closing:" in exported(ledgerctl, "hledger")


@pytest.mark.usefixtures("journal")
def test_a_close_that_was_taken_back_is_left_out_whole(
    ledgerctl: Ledgerctl, tmp_path: Path
) -> None:
    chart = tmp_path / "chart.csv"
    chart.write_text(
        "code,name,parent,category,normal_side\n1,Assets,,asset,\n3,Equity,,equity,\n"
        "4,Revenue,,revenue,\n"
    )
    assert ledgerctl("chart", "import", chart).exit_code == 0
    for code, node in (("till", "1"), ("kept", "3"), ("sales", "4")):
        made = ledgerctl("account", "create", code, "--normal-side=credit", f"--in={node}")
        assert made.exit_code == 0, made.stderr
    params = ("from=sales", "to=till", "amount=12.50", "currency=USD", "--date=2025-03-01")
    assert ledgerctl("post", "TRANSFER", *params).exit_code == 0
    before = exported(ledgerctl, "hledger").partition("\n")[2]
    span = ("--from=2025-01-01", "--to=2025-12-31", "--retained-earnings=kept")
    assert ledgerctl("year", "open", "2025", *span).exit_code == 0
    assert ledgerctl("year", "close", "2025", "--reason=x").exit_code == 0
    assert ledgerctl("year", "reopen", "2025", "--reason=y").exit_code == 0

    assert exported(ledgerctl, "hledger").count("; closing:") == 2
    assert exported(ledgerctl, "beancount").count(" #closing") == 2
    after = exported(ledgerctl, "hledger", "--without-closing").partition("\n")[2]
    assert after == before

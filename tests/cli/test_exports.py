"""Whole journals as text, read by the programs that they are written for."""

import csv
import io
import shutil
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl
from tests.cli.test_books import DEMO, HOUSEHOLD, import_books

HLEDGER = shutil.which("hledger")
BEAN_CHECK = Path(sys.executable).with_name("bean-check")

needs_hledger = pytest.mark.skipif(HLEDGER is None, reason="hledger is not installed")


def run_hledger(text: str, *arguments: str) -> str:
    assert HLEDGER is not None
    run = subprocess.run(
        [HLEDGER, "-f", "-", *arguments], input=text, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def balances_by_hledger(text: str, *arguments: str) -> dict[tuple[str, str], Decimal]:
    """Net debits of accounts and commodities, as hledger computes them."""
    printed = run_hledger(text, "balance", "--flat", "-N", "-O", "csv", "--layout=bare", *arguments)
    found = {}
    for row in csv.DictReader(io.StringIO(printed)):
        amount = Decimal(row["balance"].replace(",", ""))
        if amount:
            found[row["account"], row["commodity"]] = amount
    return found


def balances_by_us(ledgerctl: Ledgerctl, as_of: str) -> dict[tuple[str, str], Decimal]:
    """The same from the trial balance."""
    run = ledgerctl("report", "trial-balance", "--as-of", as_of, "-o", "csv")
    assert run.exit_code == 0, run.stderr
    found = {}
    for row in csv.DictReader(io.StringIO(run.stdout)):
        net = Decimal(row["closing_debit"] or 0) - Decimal(row["closing_credit"] or 0)
        if row["account"] != "TOTAL" and net:
            found[row["account"], row["currency"]] = net
    return found


def exported(ledgerctl: Ledgerctl, form: str, *options: str) -> str:
    run = ledgerctl("export", form, *options)
    assert run.exit_code == 0, run.stderr
    return run.stdout


@needs_hledger
@pytest.mark.usefixtures("journal")
def test_hledger_computes_what_we_do(ledgerctl: Ledgerctl) -> None:
    assert import_books(ledgerctl, DEMO, "books.csv").exit_code == 0

    text = exported(ledgerctl, "hledger")

    ours = balances_by_us(ledgerctl, "2026-12-31")
    assert ours
    assert balances_by_hledger(text) == ours
    run_hledger(text, "check", "accounts", "commodities", "balancednoautoconversion")


@needs_hledger
@pytest.mark.skipif(not HOUSEHOLD.exists(), reason="the household's books are not on this machine")
@pytest.mark.usefixtures("journal")
def test_three_years_of_a_household_by_hledger(ledgerctl: Ledgerctl) -> None:
    assert import_books(ledgerctl, HOUSEHOLD, "journal.csv").exit_code == 0
    text = exported(ledgerctl, "hledger")
    for day, after in (("2012-12-31", "2013-01-01"), ("2013-12-31", "2014-01-01")):
        assert balances_by_hledger(text, "-e", after) == balances_by_us(ledgerctl, day)


@pytest.mark.usefixtures("journal")
def test_beancount_finds_nothing_wrong(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    assert import_books(ledgerctl, DEMO, "books.csv").exit_code == 0
    file = tmp_path / "books.beancount"
    file.write_text(exported(ledgerctl, "beancount"), encoding="utf-8")

    checked = subprocess.run([BEAN_CHECK, file], capture_output=True, text=True, check=False)

    assert (checked.returncode, checked.stderr) == (0, "")


@needs_hledger
@pytest.mark.usefixtures("journal")
def test_names_that_would_mean_something_else(
    ledgerctl: Ledgerctl, csv_file: Callable[..., Path], tmp_path: Path
) -> None:
    """Marks, brackets, comments and double spaces in codes and descriptions stay text."""
    codes = ["(petty)", "* star", "till  two", "till two", "a;b", "x::y", "[gap]", "1.0 EUR"]
    note = '"50; ""% | (note)  \\"'
    rows = [
        f"2026-01-{day:02},T{day},{note},{leg}"
        for day, code in enumerate(codes, 1)
        for leg in (f"{code},1.50,,USD", "rest,,1.50,USD")
    ]
    file = csv_file(*rows)
    done = ledgerctl("import", "--create-accounts", file)
    assert done.exit_code == 0, done.stderr

    text = exported(ledgerctl, "hledger")
    found = balances_by_hledger(text)
    assert found.pop(("rest", "USD")) == Decimal("-12.00")
    assert len(found) == len(codes), found
    assert set(found.values()) == {Decimal("1.50")}

    written = tmp_path / "odd.beancount"
    written.write_text(exported(ledgerctl, "beancount"), encoding="utf-8")
    checked = subprocess.run([BEAN_CHECK, written], capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stderr) == (0, "")


@needs_hledger
def test_the_chart_says_the_type_of_an_account(ledgerctl: Ledgerctl, journal: str) -> None:
    for arguments in (
        ("set", "create", "1", "--category", "asset"),
        ("set", "create", "1.1"),
        ("set", "create", "4", "--category", "revenue"),
        ("account", "create", "till", "--normal-side", "debit"),
        ("account", "create", "sales", "--normal-side", "credit"),
        ("set", "add", "1", "--set", "1.1"),
        ("set", "add", "1.1", "--account", "till"),
        ("set", "add", "4", "--account", "sales"),
    ):
        run = ledgerctl(*arguments)
        assert run.exit_code == 0, (arguments, run.stderr)
    posted = ledgerctl("post", "TRANSFER", "from=sales", "to=till", "amount=12.50", "currency=USD")
    assert posted.exit_code == 0, posted.stderr

    text = exported(ledgerctl, "hledger")

    assert f"; journal {journal}" in text
    sheet = run_hledger(text, "balancesheet", "-O", "csv")
    income = run_hledger(text, "incomestatement", "-O", "csv")
    assert "till" in sheet
    assert "sales" not in sheet
    assert "sales" in income

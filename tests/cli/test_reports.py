"""Reports on the command line, and those of real books worked out a second time here."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterator
from decimal import Decimal

import pytest

from tests.cli.conftest import Ledgerctl, Run
from tests.cli.test_books import DEMO, HOUSEHOLD, import_books

#: First part of the codes of accounts in the household's books, and their category.
CATEGORIES = {
    "Assets": "asset",
    "Liabilities": "liability",
    "Equity": "equity",
    "equity": "equity",
    "Income": "revenue",
    "Expenses": "expense",
}
ON_CREDIT = {"LIABILITIES", "EQUITY", "REVENUE"}
SECTIONS = {
    "Assets": "ASSETS",
    "Liabilities": "LIABILITIES",
    "Equity": "EQUITY",
    "equity": "EQUITY",
    "Income": "REVENUE",
    "Expenses": "EXPENSES",
}
Key = tuple[str, str, str]
Amounts = dict[Key, Decimal]


def rows(run: Run) -> list[dict[str, str]]:
    assert run.exit_code == 0, run.stderr
    return list(csv.DictReader(io.StringIO(run.stdout)))


def make_chart(ledgerctl: Ledgerctl) -> None:
    """Put each account into a set named for the first part of its code, with its category."""
    accounts = [row["code"] for row in rows(ledgerctl("account", "list", "--output=csv"))]
    for first, category in CATEGORIES.items():
        inside = [code for code in accounts if code.split(":")[0] == first]
        if inside:
            made = ledgerctl("set", "create", f"{first} set", f"--category={category}")
            assert made.exit_code == 0, made.stderr
            added = ledgerctl("set", "add", f"{first} set", *(f"--account={one}" for one in inside))
            assert added.exit_code == 0, added.stderr


@pytest.fixture(scope="module")
def household() -> list[dict[str, str]]:
    if not HOUSEHOLD.is_dir():
        pytest.skip(f"the household books are not in {HOUSEHOLD}")
    with (HOUSEHOLD / "journal.csv").open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def worked_out(books: list[dict[str, str]], first: str, last: str) -> Iterator[tuple[Key, Decimal]]:
    """Give section, account, currency and amount of each row, positive on the section's side."""
    for row in books:
        if first <= row["date"] <= last:
            section = SECTIONS[row["account"].split(":")[0]]
            net = Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
            yield (section, row["account"], row["currency"]), -net if section in ON_CREDIT else net


def summed(found: Iterator[tuple[Key, Decimal]]) -> Amounts:
    sums: defaultdict[Key, Decimal] = defaultdict(Decimal)
    for key, amount in found:
        sums[key] += amount
    return {key: amount for key, amount in sums.items() if amount}


def reported(run: Run, column: str) -> tuple[Amounts, Amounts]:
    """Return the accounts of a statement, and its totals by section and currency."""
    accounts, totals = {}, {}
    for row in rows(run):
        if row["kind"] == "account" and Decimal(row[column]):
            accounts[row["section"], row["code"], row["currency"]] = Decimal(row[column])
        if row["kind"] == "total" and Decimal(row[column]):
            totals[row["section"], "", row["currency"]] = Decimal(row[column])
    return accounts, totals


@pytest.mark.usefixtures("journal")
def test_a_year_of_a_household(ledgerctl: Ledgerctl, household: list[dict[str, str]]) -> None:
    """Balance sheet and income statement of 2013, beside those of 2012."""
    assert import_books(ledgerctl, HOUSEHOLD, "journal.csv").exit_code == 0
    make_chart(ledgerctl)
    sheet = ledgerctl(
        "report", "balance-sheet", "--as-of=2013-12-31", "--compare=1", "--output=csv"
    )
    income = ledgerctl(
        "report",
        "income-statement",
        "--from=2013-01-01",
        "--as-of=2013-12-31",
        "--compare=1",
        "--output=csv",
    )
    for year in ("2013", "2012"):
        first, last = f"{year}-01-01", f"{year}-12-31"
        standing = summed(worked_out(household, "", last))
        earned = summed(worked_out(household, first, last))
        before = summed(worked_out(household, "", str(int(year) - 1) + "-12-31"))

        accounts, totals = reported(sheet, last)
        standing_in = ("ASSETS", "LIABILITIES", "EQUITY")
        assert accounts == {key: each for key, each in standing.items() if key[0] in standing_in}
        for currency in {key[2] for key in standing}:
            for section in standing_in:
                assert totals.get((section, "", currency), 0) == total(standing, section, currency)
            of_year = total(earned, "REVENUE", currency) - total(earned, "EXPENSES", currency)
            of_past = total(before, "REVENUE", currency) - total(before, "EXPENSES", currency)
            assert totals.get(("CURRENT_EARNINGS", "", currency), 0) == of_year
            assert totals.get(("EARLIER_EARNINGS", "", currency), 0) == of_past
            assert ("DIFFERENCE", "", currency) not in totals

        moved, sums = reported(income, f"{first}..{last}")
        moving = ("REVENUE", "EXPENSES")
        assert moved == {key: each for key, each in earned.items() if key[0] in moving}
        assert sums["NET_INCOME", "", "USD"] == (
            total(earned, "REVENUE", "USD") - total(earned, "EXPENSES", "USD")
        )


def total(amounts: Amounts, section: str, currency: str) -> Decimal:
    return sum(
        (each for key, each in amounts.items() if (key[0], key[2]) == (section, currency)),
        start=Decimal(0),
    )


@pytest.fixture
def books(journal: str, ledgerctl: Ledgerctl) -> str:
    """The books of the demo, with a chart of some of them."""
    assert import_books(ledgerctl, DEMO, "books.csv").exit_code == 0
    codes = [row["code"] for row in rows(ledgerctl("account", "list", "--output=csv"))]
    for first, category in (("Assets", "asset"), ("Income", "revenue"), ("Expenses", "expense")):
        ledgerctl("set", "create", first, f"--category={category}")
        inside = [code for code in codes if code.startswith(f"{first}:")]
        assert inside
        ledgerctl("set", "add", first, *(f"--account={code}" for code in inside))
    return journal


def test_a_balance_sheet_for_people(ledgerctl: Ledgerctl, books: str) -> None:
    run = ledgerctl("report", "balance-sheet", "--as-of=2026-12-31", "--depth=1")
    assert run.exit_code == 0, run.stderr
    lines = [line.strip() for line in run.stdout.splitlines()]
    assert lines[0] == f"Balance sheet of {books}"
    assert lines[1].startswith("as of 2026-12-31; fiscal year from 2026-01-01; settled; position ")
    for expected in ("ASSETS", "UNMAPPED", "earnings of the fiscal year"):
        assert any(line.startswith(expected) for line in lines), expected
    assert lines[-1].endswith("the difference is what stands unmapped or off balance")


def test_an_income_statement_for_people(ledgerctl: Ledgerctl, books: str) -> None:
    run = ledgerctl(
        "report", "income-statement", "--from=2026-01-01", "--as-of=2026-03-31", "--compare=1"
    )
    assert run.exit_code == 0, run.stderr
    assert run.stdout.startswith(f"Income statement of {books}\n2026-01-01 to 2026-03-31; settled;")
    assert "2026-01-01..2026-03-31  2025-10-01..2025-12-31" in run.stdout
    assert any(line.startswith("net income ") for line in run.stdout.splitlines())


@pytest.mark.parametrize(
    ("report", "options"),
    [
        ("trial-balance", ("--compare=2", "--interval=month")),
        ("balance-sheet", ("--compare=2", "--interval=quarter")),
        ("income-statement", ("--period=2026-01-01..2026-01-31", "--period=..2026-02-28")),
    ],
)
def test_json_states_the_position(
    ledgerctl: Ledgerctl, books: str, report: str, options: tuple[str, ...]
) -> None:
    run = ledgerctl("report", report, "--as-of=2026-12-31", *options, "--output=json")
    assert run.exit_code == 0, run.stderr
    made = run.json
    assert made["journal"] == books
    assert made["sequence"] == ledgerctl("journal", "show", "-o", "json").json["head_sequence"]
    assert len(made["periods"]) == 3
    again = ledgerctl("report", report, "--as-of=2026-12-31", f"--as-known-at={made['sequence']}")
    assert f"position {made['sequence']}, recorded" in again.stdout


def test_a_compared_trial_balance(ledgerctl: Ledgerctl, books: str) -> None:
    options = ("--as-of=2026-03-31", "--compare=1", "--interval=month")
    table = ledgerctl("report", "trial-balance", *options)
    assert "2026-03-31_debit  2026-03-31_credit" in table.stdout
    found = rows(ledgerctl("report", "trial-balance", *options, "--output=csv"))
    assert {row["as_of"] for row in found} == {"2026-03-31", "2026-02-28"}
    alone = rows(ledgerctl("report", "trial-balance", "--as-of=2026-02-28", "--output=csv"))
    of_february = [
        {name: text for name, text in row.items() if name not in {"from_date", "as_of"}}
        for row in found
        if row["as_of"] == "2026-02-28" and any(Decimal(row[side]) for side in ("debit", "credit"))
    ]
    assert of_february == alone
    assert books in table.stdout


@pytest.mark.usefixtures("books")
def test_statements_agree_with_the_trial_balance(ledgerctl: Ledgerctl) -> None:
    days = ("--from=2026-02-01", "--as-of=2026-02-28")
    ledger = rows(ledgerctl("report", "ledger", *days, "--output=csv"))
    closings = {
        (row["account"], row["currency"]): (Decimal(row["debit"]), Decimal(row["credit"]))
        for row in ledger
        if row["kind"] == "closing"
    }
    for row in rows(ledgerctl("report", "trial-balance", *days, "--output=csv")):
        if row["account"] == "TOTAL":
            continue
        key = (row["account"], row["currency"])
        assert closings[key] == (Decimal(row["debit"]), Decimal(row["credit"]))
        own = rows(ledgerctl("report", "statement", f"--account={key[0]}", *days, "-o", "csv"))
        assert own == [each for each in ledger if each["account"] == key[0]]


@pytest.mark.usefixtures("books")
def test_a_statement_for_people(ledgerctl: Ledgerctl) -> None:
    run = ledgerctl("report", "statement", "--set=Assets", "--as-of=2026-02-28")
    assert run.exit_code == 0, run.stderr
    assert run.stdout.startswith("Statement of Assets/ in ")
    for word in ("opening", "closing", "balance"):
        assert word in run.stdout
    assert ledgerctl("report", "statement").exit_code == 2


@pytest.mark.usefixtures("books")
def test_the_journal(ledgerctl: Ledgerctl) -> None:
    everything = ledgerctl("report", "journal", "-o", "json").json
    assert len(everything["transactions"]) == 18
    first = ledgerctl("report", "journal", "--limit=1").stdout
    assert everything["transactions"][0]["effective_date"] in first
    text = everything["transactions"][3]["description"]
    found = ledgerctl("report", "journal", f"--text={text.upper()}", "-o", "json").json
    assert {each["description"] for each in found["transactions"]} >= {text}
    assert "nothing found" in ledgerctl("report", "journal", "--text=no such words").stdout
    assert rows(ledgerctl("report", "journal", "--min=0.01", "--newest-first", "-o", "csv"))


@pytest.mark.usefixtures("books")
@pytest.mark.parametrize(
    "options",
    [
        ("--period=x",),
        ("--interval=month",),
        ("--compare=1", "--period=2026-01-31"),
        ("--compare=37",),
    ],
)
def test_options_that_do_not_go_together(ledgerctl: Ledgerctl, options: tuple[str, ...]) -> None:
    assert ledgerctl("report", "balance-sheet", *options).exit_code == 2

"""`ledgerctl year` against a real server, also on books that people kept."""

import csv
from collections import defaultdict
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl
from tests.cli.test_books import HOUSEHOLD, import_books

Post = Callable[..., None]
Nets = Mapping[tuple[str, str], Decimal]

CHART = """code,name,parent,category,normal_side
assets,Assets,,asset,
equity,Equity,,equity,
revenue,Revenue,,revenue,
expenses,Expenses,,expense,
"""
#: From the top name of a household's accounts to the node of its chart.
TOPS = {
    "Assets": "asset",
    "Liabilities": "liability",
    "Equity": "equity",
    "Income": "revenue",
    "Expenses": "expense",
}


@pytest.fixture
def post(ledgerctl: Ledgerctl, journal: str, tmp_path: Path) -> Post:
    """Posts to a journal with a chart, accounts on its nodes, and the year 2025."""
    del journal
    file = tmp_path / "chart.csv"
    file.write_text(CHART)
    assert ledgerctl("chart", "import", file).exit_code == 0
    accounts = {"cash": "assets", "retained": "equity", "sales": "revenue", "rent": "expenses"}
    for account, node in accounts.items():
        run = ledgerctl("account", "create", account, "--normal-side=debit", f"--in={node}")
        assert run.exit_code == 0
    year = ("2025", "--from=2025-01-01", "--to=2025-12-31", "--retained-earnings=retained")
    assert ledgerctl("year", "open", *year).exit_code == 0

    def run_post(credit: str, debit: str, amount: str, day: str) -> None:
        params = (f"from={credit}", f"to={debit}", f"amount={amount}", "currency=USD")
        done = ledgerctl("post", "TRANSFER", *params, "--date", day, "--behind-soft-lock")
        assert done.exit_code == 0, done.stderr

    return run_post


def nets(ledgerctl: Ledgerctl, as_of: str, *options: str) -> Nets:
    rows = ledgerctl("report", "trial-balance", "--as-of", as_of, *options, "-ojson").json["rows"]
    return {
        (row["code"], row["currency"]): net
        for row in rows
        if (net := Decimal(row["closing_debit"]) - Decimal(row["closing_credit"]))
    }


def test_a_year_from_its_opening_to_its_end(ledgerctl: Ledgerctl, post: Post) -> None:
    post("sales", "cash", "100.00", "2025-03-01")
    post("cash", "rent", "30.00", "2025-04-01")

    shown = ledgerctl("year", "show", "2025").stdout
    for line in (
        "2025-01-31  OPEN",
        "USD        100.00    30.00       70.00",
        "year is not closed",
    ):
        assert line in shown
    assert "ledgerctl period close --through 2025-01-31 --soft" in shown
    check = ledgerctl("year", "check", "2025")
    assert (check.exit_code, "70.00 of net income is not closed" in check.stdout) == (6, True)

    trial = ledgerctl("year", "preview", "2025")
    assert "nothing was posted" in trial.stdout
    entries = ledgerctl("year", "preview", "2025", "-ocsv").stdout.splitlines()
    assert entries == [
        "account,category,debit,credit,currency",
        "rent,EXPENSE,,30.00,USD",
        "sales,REVENUE,100.00,,USD",
        "retained,EQUITY,,70.00,USD",
    ]
    assert nets(ledgerctl, "2025-12-31")["sales", "USD"] == -100

    closed = ledgerctl("year", "close", "2025", "--reason=Audited")
    assert closed.exit_code == 0, closed.stderr
    assert "2025 is closed into retained by 1 transaction\n" in closed.stdout
    assert nets(ledgerctl, "2025-12-31") == {
        ("cash", "USD"): Decimal(70),
        ("retained", "USD"): Decimal(-70),
    }
    assert ledgerctl("year", "check", "2025").exit_code == 0
    again = ledgerctl("year", "close", "2025", "--reason=Again")
    assert (again.exit_code, "FISCAL_YEAR_STATE" in again.stderr) == (6, True)

    post("cash", "rent", "5.00", "2025-05-01")
    assert "-5.00 of net income is not closed" in ledgerctl("year", "check", "2025").stdout
    assert ledgerctl("year", "close", "2025", "--reason=Late", "-ojson").json["amounts"] == [
        {"currency": "USD", "revenue": "0.00", "expense": "5.00", "net_income": "-5.00"}
    ]
    reopened = ledgerctl("year", "reopen", "2025", "--reason=Wrong rent", "-ojson").json
    assert (reopened["status"], len(reopened["transactions"])) == ("OPEN", 2)
    assert nets(ledgerctl, "2025-12-31")["rent", "USD"] == 35
    assert ledgerctl("year", "close", "2025", "--reason=Now", "-ojson").json["status"] == "CLOSED"
    hard = ledgerctl("period", "close", "--through=2025-12-31", "--reason=For good")
    assert hard.exit_code == 0, hard.stderr
    late = ledgerctl("year", "reopen", "2025", "--reason=Too late")
    assert (late.exit_code, "PERIOD_CLOSED" in late.stderr) == (6, True)
    verified = ledgerctl("verify")
    assert verified.exit_code == 0, verified.stdout + verified.stderr
    closings = ledgerctl("transaction", "list", "--correlation-id=fiscal-year:2025", "-ojson").json
    kinds = [row["kind"] for row in closings]
    assert sorted(kinds) == ["CLOSING"] * 3 + ["REVERSAL"] * 2
    told = ledgerctl("transaction", "show", closings[0]["id"])
    assert (told.exit_code, "version 0" in told.stdout) == (0, False)
    changes = ledgerctl("year", "show", "2025", "-ojson").json["changes"]
    assert [row["reason"] for row in changes] == ["Now", "Wrong rent", "Late", "Audited", "opened"]


def test_what_is_not_there(ledgerctl: Ledgerctl, journal: str) -> None:
    del journal
    assert "no years yet" in ledgerctl("year", "list").stdout
    for words in (("show", "1"), ("check", "1"), ("preview", "1"), ("close", "1", "--reason=x")):
        run = ledgerctl("year", *words)
        assert (run.exit_code, "FISCAL_YEAR_NOT_FOUND" in run.stderr) == (4, True)
    assert ledgerctl("year", "open", "1", "--to=2025-12-31").exit_code == 3
    assert ledgerctl("year", "close", "1").exit_code == 2


def income(ledgerctl: Ledgerctl, year: str, *options: str) -> str:
    """Return the income statement of a calendar year as CSV."""
    span = (f"--from={year}-01-01", f"--as-of={year}-12-31")
    run = ledgerctl("report", "income-statement", *span, *options, "-ocsv")
    assert run.exit_code == 0, run.stderr
    return run.stdout


def household_chart(ledgerctl: Ledgerctl, folder: Path) -> None:
    """Make the chart of a household: a node for each top name of its accounts, all in it."""
    file = folder / "chart.csv"
    rows = [f"{code},{code},,{category}," for code, category in TOPS.items()]
    file.write_text("\n".join(["code,name,parent,category,normal_side", *rows]) + "\n")
    assert ledgerctl("chart", "import", file).exit_code == 0
    codes = [row["code"] for row in ledgerctl("account", "list", "-ojson").json]
    for top in TOPS:
        members = [f"--account={code}" for code in codes if code.partition(":")[0].title() == top]
        assert ledgerctl("set", "add", top, *members).exit_code == 0
    retained = ("Equity:Retained", "--normal-side=credit", "--in=Equity")
    assert ledgerctl("account", "create", *retained).exit_code == 0


def household_nets(as_of: str) -> dict[tuple[str, str], Decimal]:
    """Work the net debits out from the rows of the file."""
    found: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    with (HOUSEHOLD / "journal.csv").open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            if row["date"] <= as_of:
                key = (row["account"], row["currency"])
                found[key] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
    return {key: net for key, net in found.items() if net}


@pytest.mark.skipif(not HOUSEHOLD.is_dir(), reason=f"the household books are not in {HOUSEHOLD}")
@pytest.mark.usefixtures("journal")
def test_the_years_of_a_household(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    """After a close nothing but the result has moved; without closing entries nothing has."""
    assert import_books(ledgerctl, HOUSEHOLD, "journal.csv").exit_code == 0
    household_chart(ledgerctl, tmp_path)
    years = ("2012", "2013")
    for year in years:
        span = (f"--from={year}-01-01", f"--to={year}-12-31")
        opened = ledgerctl("year", "open", year, *span, "--retained-earnings=Equity:Retained")
        assert opened.exit_code == 0, opened.stderr
    incomes = {year: income(ledgerctl, year) for year in years}
    for year in years:
        before = household_nets(f"{year}-12-31")
        closed = ledgerctl("year", "close", year, "--reason=Audited", "-ojson")
        assert closed.exit_code == 0, closed.stderr
        expected: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
        for (account, currency), net in before.items():
            is_result = account.partition(":")[0] in {"Income", "Expenses"}
            expected["Equity:Retained" if is_result else account, currency] += net
        after = nets(ledgerctl, f"{year}-12-31")
        assert after == {key: net for key, net in expected.items() if net}
        assert nets(ledgerctl, f"{year}-12-31", "--without-closing") == before
    assert income(ledgerctl, "2013", "--without-closing") == incomes["2013"]
    assert income(ledgerctl, "2012", "--without-closing") == incomes["2012"]
    zero = [line.rsplit(",", 1)[1] for line in income(ledgerctl, "2013").splitlines()[1:]]
    assert {Decimal(amount) for amount in zero} <= {Decimal(0)}, "all is closed"
    sheets = [
        ledgerctl("report", "balance-sheet", "--as-of=2013-12-31", "--depth=1", "-ojson").json
        for _ in range(2)
    ]
    for total in sheets[0]["totals"]:
        assert {Decimal(one) for one in total["difference"]} == {Decimal(0)}
        assert {Decimal(one) for one in total["current_earnings"]} == {Decimal(0)}
    assert sheets[0] == sheets[1]
    results = {row["currency"]: Decimal(row["net_income"]) for row in closed.json["amounts"]}
    earlier = household_nets("2012-12-31")
    moved = {
        currency: sum(
            -net + earlier.get((account, currency), Decimal(0))
            for (account, other), net in before.items()
            if other == currency and account.partition(":")[0] in {"Income", "Expenses"}
        )
        for currency in results
    }
    assert results == moved, "the second year's result alone"
    for year in reversed(years):
        assert ledgerctl("year", "reopen", year, "--reason=Test").exit_code == 0
    assert nets(ledgerctl, "2013-12-31") == household_nets("2013-12-31")

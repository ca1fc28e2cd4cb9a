"""`ledgerctl report ... --in CURRENCY`."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl

ROWS = (
    "2026-01-01,1,Capital,assets,1000.00,,USD",
    "2026-01-01,1,Capital,capital,,1000.00,USD",
    "2026-01-05,2,Sale,assets,10.00,,EUR",
    "2026-01-05,2,Sale,sales,,10.00,EUR",
    "2026-01-06,3,Sale,assets,1,,GBP",
    "2026-01-06,3,Sale,sales,,1,GBP",
)
CHART = {"A": ("asset", "assets"), "E": ("equity", "capital"), "R": ("revenue", "sales")}


@pytest.fixture
def books(ledgerctl: Ledgerctl, journal: str, csv_file: Callable[..., Path]) -> str:
    """Dollars, euros that have two rates, and a pound that has none."""

    def done(*arguments: object) -> None:
        run = ledgerctl(*arguments)
        assert run.exit_code == 0, run.stderr

    done("import", "--create-accounts", csv_file(*ROWS))
    for code, (category, account) in CHART.items():
        done("set", "create", code, f"--category={category}")
        done("set", "add", code, f"--account={account}")
    for day, rate in (("05", "1.25"), ("31", "1.5")):
        time = f"2026-01-{day}T12:00:00Z"
        done("rate", "record", "EUR", "USD", rate, "--source=ECB", "--time", time)
    return journal


@pytest.mark.usefixtures("books")
def test_a_balance_sheet_shows_the_difference_and_the_rates(ledgerctl: Ledgerctl) -> None:
    run = ledgerctl("report", "balance-sheet", "--as-of=2026-01-31", "--in=USD")
    assert run.exit_code == 0, run.stderr
    lines = [" ".join(line.split()) for line in run.stdout.splitlines()]
    for line in (
        "total assets 1015.00",
        "earnings of the fiscal year 12.50",
        "translation difference 2.50",
        "assets - liabilities - equity - earnings - translation 0.00",
        "converted to USD",
        "without a rate, in their own currency: GBP",
        "assets = liabilities + equity + earnings + translation in each currency",
    ):
        assert line in lines
    assert sum("ECB" in line for line in lines) == 2
    assert not any("translation" in line for line in lines[: lines.index("USD")])


@pytest.mark.usefixtures("books")
def test_as_csv_and_as_json(ledgerctl: Ledgerctl) -> None:
    asked = ("report", "balance-sheet", "--as-of=2026-01-31", "--in=USD")
    rows = list(csv.DictReader(io.StringIO(ledgerctl(*asked, "-ocsv").stdout)))
    found = {(row["section"], row["currency"]): row["2026-01-31"] for row in rows}
    assert found["TRANSLATION_DIFFERENCE", "USD"] == "2.50"
    assert ("TRANSLATION_DIFFERENCE", "GBP") not in found
    made = ledgerctl(*asked, "-ojson").json
    assert (made["reporting_currency"], made["unconverted"]) == ("USD", ["GBP"])
    assert [used["rate"]["rate"] for used in made["used_rates"]] == ["1.25", "1.5"]


@pytest.mark.usefixtures("books")
def test_an_income_statement_at_the_rate_of_the_day(ledgerctl: Ledgerctl) -> None:
    asked = ("report", "income-statement", "--as-of=2026-01-31", "--in=USD")
    run = ledgerctl(*asked)
    assert "converted to USD" in run.stdout
    totals = ledgerctl(*asked, "-ojson").json["totals"]
    assert [(one["currency"], *one["net_income"]) for one in totals] == [
        ("GBP", "1.00"),
        ("USD", "12.50"),
    ]
    unknown = ledgerctl("report", "income-statement", "--in=XYZ")
    assert (unknown.exit_code, "CURRENCY_UNKNOWN" in unknown.stderr) == (3, True)


@pytest.mark.usefixtures("books")
def test_files_show_the_difference_and_the_rates(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    """The rates stand below the table, where a sheet has its notes."""
    made = {}
    for report in ("balance-sheet", "income-statement"):
        file = tmp_path / f"{report}.json"
        run = ledgerctl("report", report, "--as-of=2026-01-31", "--in=USD", "--file", file)
        assert run.exit_code == 0, run.stderr
        made[report] = file.read_text(encoding="utf-8")
        for said in (
            "; in USD",
            "1 EUR = 1.25 USD from 2026-01-05 12:00:00 UTC (ECB, sequence ",
            "Without a rate to USD, not converted: GBP.",
        ):
            assert said in made[report]
    assert made["balance-sheet"].count("Translation difference") == 1
    assert (
        "USD: assets = liabilities + equity + earnings + translation difference."
        in (made["balance-sheet"])
    )
    assert "Translation difference" not in made["income-statement"]

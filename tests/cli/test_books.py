"""Books imported into a real server, and their trial balance worked out a second time here."""

import csv
import io
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

import ledger_client.demo
from tests.cli.conftest import Ledgerctl, Run

DEMO = Path(ledger_client.demo.__file__).parent
HOUSEHOLD = Path(__file__).resolve().parents[3] / "shared" / "data" / "household"

COLUMNS = [
    "opening_debit",
    "opening_credit",
    "debit",
    "credit",
    "closing_debit",
    "closing_credit",
]
Key = tuple[str, str]


def import_books(ledgerctl: Ledgerctl, folder: Path, name: str, *options: str) -> Run:
    files = ("--currencies", folder / "currencies.csv", folder / name)
    return ledgerctl("import", "--create-accounts", *options, *files)


def worked_out(file: Path, from_date: str, as_of: str) -> dict[Key, list[Decimal]]:
    """The six columns of each account and currency, from the rows of the file."""
    opening: dict[Key, Decimal] = defaultdict(Decimal)
    debit: dict[Key, Decimal] = defaultdict(Decimal)
    credit: dict[Key, Decimal] = defaultdict(Decimal)
    with file.open(newline="", encoding="utf-8") as rows:
        for row in csv.DictReader(rows):
            key = (row["account"], row["currency"])
            if row["date"] > as_of:
                continue
            if row["date"] < from_date:
                opening[key] += Decimal(row["debit"] or 0) - Decimal(row["credit"] or 0)
            else:
                debit[key] += Decimal(row["debit"] or 0)
                credit[key] += Decimal(row["credit"] or 0)
    columns = {}
    for key in opening.keys() | debit.keys():
        closing = opening[key] + debit[key] - credit[key]
        columns[key] = [
            *sides(opening[key]),
            debit[key],
            credit[key],
            *sides(closing),
        ]
    return {key: each for key, each in columns.items() if any(each)}


def sides(net: Decimal) -> tuple[Decimal, Decimal]:
    return max(net, Decimal(0)), max(-net, Decimal(0))


def reported(run: Run) -> tuple[dict[Key, list[Decimal]], dict[str, list[Decimal]]]:
    """The rows of a trial balance as CSV, and its totals by currency."""
    assert run.exit_code == 0, run.stderr
    reader = csv.DictReader(io.StringIO(run.stdout))
    assert reader.fieldnames == ["account", "currency", *COLUMNS]
    rows, totals = {}, {}
    for row in reader:
        amounts = [Decimal(row[column]) for column in COLUMNS]
        if row["account"] == "TOTAL":
            totals[row["currency"]] = amounts
        else:
            assert not totals, "the totals come last"
            rows[row["account"], row["currency"]] = amounts
    return rows, totals


@pytest.mark.parametrize(
    ("from_date", "as_of"),
    [
        ("", "2026-01-18"),
        ("", "2026-01-19"),  # the day of an entry that stands at the end of the file
        ("", "2026-12-31"),
        ("2026-02-01", "2026-02-28"),
        ("2026-03-01", "2026-03-31"),
    ],
)
@pytest.mark.usefixtures("journal")
def test_the_trial_balance_is_what_the_file_says(
    ledgerctl: Ledgerctl, from_date: str, as_of: str
) -> None:
    imported = import_books(ledgerctl, DEMO, "books.csv")
    assert imported.exit_code == 0, imported.stderr
    assert "18 posted, 0 already there" in imported.stdout

    options = [f"--from={from_date}"] if from_date else []
    run = ledgerctl("report", "trial-balance", f"--as-of={as_of}", *options, "--output=csv")
    rows, totals = reported(run)

    expected = worked_out(DEMO / "books.csv", from_date, as_of)
    assert rows == expected
    assert list(rows) == sorted(rows)
    for currency, amounts in totals.items():
        of_currency = [each for (_, code), each in expected.items() if code == currency]
        assert amounts == [sum(column, Decimal(0)) for column in zip(*of_currency, strict=True)]
        assert amounts[0] == amounts[1]
        assert amounts[2] == amounts[3]
        assert amounts[4] == amounts[5]


@pytest.mark.usefixtures("journal")
def test_balances_are_what_the_file_says(ledgerctl: Ledgerctl) -> None:
    import_books(ledgerctl, DEMO, "books.csv")
    expected = worked_out(DEMO / "books.csv", "", "2026-02-28")
    run = ledgerctl("balance", "--as-of=2026-02-28", "--output=csv")
    found = {
        (row["account"], row["currency"]): (Decimal(row["debit"]), Decimal(row["credit"]))
        for row in csv.DictReader(io.StringIO(run.stdout))
    }
    posted = {key: amounts for key, amounts in found.items() if any(amounts)}
    assert posted == {key: (each[2], each[3]) for key, each in expected.items()}


@pytest.mark.usefixtures("journal")
def test_imported_again_nothing_is_posted(ledgerctl: Ledgerctl) -> None:
    import_books(ledgerctl, DEMO, "books.csv")
    head = ledgerctl("journal", "show", "--output=json").json["head_sequence"]
    again = import_books(ledgerctl, DEMO, "books.csv")
    assert again.exit_code == 0
    assert again.stdout == "0 posted, 18 already there\n"
    assert ledgerctl("journal", "show", "--output=json").json["head_sequence"] == head


@pytest.mark.usefixtures("journal")
def test_an_import_that_was_cut_short_is_completed(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    lines = (DEMO / "books.csv").read_text(encoding="utf-8").splitlines()
    (tmp_path / "currencies.csv").write_bytes((DEMO / "currencies.csv").read_bytes())
    (tmp_path / "books.csv").write_text("\n".join(lines[:14]), encoding="utf-8")
    assert "6 posted" in import_books(ledgerctl, tmp_path, "books.csv").stdout
    assert "12 posted, 6 already there" in import_books(ledgerctl, DEMO, "books.csv").stdout
    rows, _ = reported(ledgerctl("report", "trial-balance", "--output=csv"))
    assert rows == worked_out(DEMO / "books.csv", "", "9999")


@pytest.mark.skipif(not HOUSEHOLD.is_dir(), reason=f"the household books are not in {HOUSEHOLD}")
@pytest.mark.usefixtures("journal")
def test_three_years_of_a_household_agree_with_another_program(ledgerctl: Ledgerctl) -> None:
    imported = import_books(ledgerctl, HOUSEHOLD, "journal.csv", "--output=json")
    assert imported.exit_code == 0, imported.stderr
    assert (imported.json["posted"], imported.json["already_there"]) == (1035, 0)
    again = import_books(ledgerctl, HOUSEHOLD, "journal.csv")
    assert again.stdout == "0 posted, 1035 already there\n"
    expected_files = sorted(HOUSEHOLD.glob("trial_balance_*.csv"))
    assert len(expected_files) == 3
    for file in expected_files:
        as_of = file.stem.removeprefix("trial_balance_")
        run = ledgerctl("report", "trial-balance", f"--as-of={as_of}", "--output=csv")
        rows, _ = reported(run)
        nets = {key: amounts[4] - amounts[5] for key, amounts in rows.items()}
        with file.open(newline="", encoding="utf-8") as expected:
            assert {key: net for key, net in nets.items() if net} == {
                (row["account"], row["currency"]): Decimal(row["net_debit"])
                for row in csv.DictReader(expected)
            }

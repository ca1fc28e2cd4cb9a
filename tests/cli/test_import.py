"""`ledgerctl import` against a real server: mistakes, conflicts, many at once."""

import datetime as dt
import subprocess
import sys
import uuid
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pytest

from ledger_client.cli.general_journal_csv import JournalLine, JournalTransaction
from ledger_client.cli.journal_import import BATCH_LINES_MAX, batches, transaction_id
from ledger_client.models import Direction
from tests.cli.conftest import Ledgerctl

Write = Callable[..., Path]
DAY = dt.date(2026, 1, 2)

SALE = (
    "2026-01-02,T1,Sale,Assets:Cash,10.00,,USD",
    "2026-01-02,T1,Sale,Income:Sales,,10,USD",
)
RENT = (
    "2026-01-03,T2,,Expenses:Rent,5,,USD",
    "2026-01-03,T2,,Assets:Cash,,5.0,USD",
)


def head(ledgerctl: Ledgerctl) -> int:
    sequence = ledgerctl("journal", "show", "--output=json").json["head_sequence"]
    assert isinstance(sequence, int)
    return sequence


@pytest.mark.usefixtures("journal")
def test_posts_as_the_file_says(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    run = ledgerctl("import", "--create-accounts", csv_file(SALE[0], *RENT, SALE[1]))
    assert run.stdout == "3 accounts created, 0 currencies registered\n2 posted, 0 already there\n"
    assert run.stderr == ""
    posted = ledgerctl("transaction", "list", "--output=json").json
    assert [(each["external_id"], each["description"]) for each in posted] == [
        ("T1", "Sale"),
        ("T2", ""),  # not a description of the template's own
    ]
    sides = {row["code"]: row["normal_side"] for row in ledgerctl("account", "list", "-ojson").json}
    assert sides == {"Assets:Cash": "DEBIT", "Expenses:Rent": "DEBIT", "Income:Sales": "CREDIT"}


@pytest.mark.usefixtures("journal")
def test_a_bad_file_posts_nothing(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    before = head(ledgerctl)
    file = csv_file(*SALE, *RENT, "2026-01-04,T3,x,Assets:Cash,1,,USD")
    run = ledgerctl("import", "--create-accounts", file)
    assert run.exit_code == 3
    assert run.stdout == ""
    assert run.stderr.splitlines() == [
        f"{file}:6: transaction 'T3' does not balance in USD: debits 1, credits 0, difference 1",
        f"error: {file}: 1 mistake, nothing was posted",
        "hint: correct the file, or post its good transactions with --skip-bad",
    ]
    assert head(ledgerctl) == before


@pytest.mark.usefixtures("journal")
def test_skip_bad_posts_the_good_ones(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    file = csv_file(*SALE, *RENT, "2026-01-04,T3,x,Assets:Cash,1,,USD")
    run = ledgerctl("import", "--create-accounts", "--skip-bad", file, "--output=json")
    assert run.exit_code == 3
    assert (run.json["posted"], run.json["skipped"]) == (2, ["T3"])
    assert f"{file}:6: " in run.stderr


@pytest.mark.usefixtures("journal")
def test_skip_bad_stops_at_a_row_of_no_transaction(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    # Of T1 a debit and a credit are lost that balance: what is left would look good.
    rows = (*SALE, "2026-01-02,T1,a,b,Assets:Cash,1,,USD", "2026-01-02,,Sale,Income:Sales,,1,USD")
    before = head(ledgerctl)
    run = ledgerctl("import", "--create-accounts", "--skip-bad", csv_file(*rows))
    assert run.exit_code == 3
    assert "--skip-bad cannot be used here" in run.stderr
    assert head(ledgerctl) == before


@pytest.mark.usefixtures("journal")
def test_many_mistakes_are_counted(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    rows = [f"2026-01-02,T{number},x,A,oops,,USD" for number in range(250)]
    run = ledgerctl("import", "--create-accounts", csv_file(*rows))
    assert run.stderr.count("oops") == 100
    assert "... and 150 more mistakes" in run.stderr
    assert "250 mistakes, nothing was posted" in run.stderr


@pytest.mark.usefixtures("journal")
def test_dry_run_posts_nothing(ledgerctl: Ledgerctl, csv_file: Write, tmp_path: Path) -> None:
    (tmp_path / "currencies.csv").write_text("currency,exponent\nBEANS,0\n")
    before = head(ledgerctl)
    options = ("--create-accounts", "--dry-run", "--currencies", tmp_path / "currencies.csv")
    run = ledgerctl("import", *options, csv_file(*SALE))
    assert run.exit_code == 0
    assert "1 transactions of 2 lines are good" in run.stdout
    assert "to be created: 2 accounts, 1 currency" in run.stdout
    assert head(ledgerctl) == before
    assert ledgerctl("account", "list", "--output=json").json == []


@pytest.mark.usefixtures("journal")
def test_unknown_accounts_need_a_word(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    run = ledgerctl("import", csv_file(*SALE))
    assert run.exit_code == 3
    assert "unknown account 'Assets:Cash'" in run.stderr
    assert "--create-accounts" in run.stderr


@pytest.mark.usefixtures("journal")
def test_a_currency_keeps_its_exponent(
    ledgerctl: Ledgerctl, csv_file: Write, tmp_path: Path
) -> None:
    (tmp_path / "currencies.csv").write_text("currency,exponent\nUSD,3\n")
    run = ledgerctl("import", "--currencies", tmp_path / "currencies.csv", csv_file(*SALE))
    assert run.exit_code == 3
    assert "currencies.csv:2: currency USD is registered with exponent 2, not 3" in run.stderr


@pytest.mark.parametrize(
    ("changed", "difference"),
    [
        ((",Sale,", ",Sold,"), "description: 'Sale' there, 'Sold' in the file"),
        (("2026-01-02", "2026-01-05"), "date: 2026-01-02 there, 2026-01-05 in the file"),
        (("10", "12"), "row 2, debit: 10 there, 12 in the file"),
        (("Income:Sales", "Expenses:Rent"), "row 3, account: Income:Sales there, Expenses:Rent"),
        (("USD", "EUR"), "row 2, currency: USD there, EUR in the file"),
    ],
)
@pytest.mark.usefixtures("journal")
def test_other_content_under_a_known_id_is_a_conflict(
    ledgerctl: Ledgerctl, csv_file: Write, changed: tuple[str, str], difference: str
) -> None:
    ledgerctl("import", "--create-accounts", csv_file(*SALE, *RENT))
    rows = [row.replace(*changed) for row in SALE]
    run = ledgerctl("import", csv_file(*rows, *RENT))
    assert run.exit_code == 5
    assert run.stdout == "0 posted, 1 already there\n"
    assert f"T1: TRANSACTION_ID_REUSED: {difference}" in run.stderr
    assert "error: 1 transaction refused; all others are posted" in run.stderr


@pytest.mark.usefixtures("journal")
def test_amounts_compare_by_value(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    ledgerctl("import", "--create-accounts", csv_file(*SALE))
    rows = [row.replace("10.00", "10").replace(",10,", ",10.0,") for row in SALE]
    assert ledgerctl("import", csv_file(*rows)).stdout == "0 posted, 1 already there\n"


@pytest.mark.usefixtures("journal")
def test_an_external_id_of_somebody_else_is_a_conflict(
    ledgerctl: Ledgerctl, csv_file: Write
) -> None:
    ledgerctl("import", "--create-accounts", csv_file(*RENT))
    ledgerctl("account", "create", "Income:Sales", "--normal-side=credit")
    params = ("from=Assets:Cash", "to=Expenses:Rent", "amount=1", "currency=USD")
    assert ledgerctl("post", "TRANSFER", *params, "--external-id=T1").exit_code == 0
    run = ledgerctl("import", csv_file(*SALE))
    assert run.exit_code == 5
    assert "T1: EXTERNAL_ID_REUSED: it belongs to" in run.stderr


@pytest.mark.usefixtures("journal")
def test_a_locked_account_refuses_its_own_only(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    ledgerctl("import", "--create-accounts", csv_file(*SALE, *RENT))
    ledgerctl("account", "lock", "Expenses:Rent")
    more = [row.replace("T1", "T3") for row in SALE] + [row.replace("T2", "T4") for row in RENT]
    run = ledgerctl("import", csv_file(*SALE, *RENT, *more))
    assert run.exit_code == 6
    assert run.stdout == "1 posted, 2 already there\n"
    assert "row 8: T4: ACCOUNT_NOT_ACTIVE" in run.stderr


def test_without_its_template_it_says_how_to_get_it(
    ledgerctl: Ledgerctl, journal: str, csv_file: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    bare = f"{journal}-bare"
    monkeypatch.setattr("ledger_client.cli.journals.library", list)
    assert ledgerctl("journal", "create", bare).exit_code == 0
    run = ledgerctl("import", "--journal", bare, "--create-accounts", csv_file(*SALE))
    assert run.exit_code == 4
    assert f"ledgerctl template apply --built-in --journal {bare}" in run.stderr
    assert ledgerctl("template", "apply", "--built-in", "--journal", bare).exit_code == 0
    run = ledgerctl("import", "--journal", bare, "--create-accounts", csv_file(*SALE))
    assert "1 posted" in run.stdout


@pytest.mark.usefixtures("journal")
def test_several_at_once_post_each_transaction_once(ledgerctl: Ledgerctl, csv_file: Write) -> None:
    rows = []
    for number in range(3_000):
        start = f"2026-01-{number % 28 + 1:02d},T{number},Sale {number}"
        rows.append(f"{start},Assets:Cash {number % 40},{number + 1}.00,,USD")
        rows.append(f"{start},Income:Shop {number % 7},,{number + 1}.00,USD")
    command = [sys.executable, "-m", "ledger_client.cli", "import", "--create-accounts", "-ojson"]
    imports = [
        subprocess.Popen([*command, csv_file(*rows)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    written = [each.communicate(timeout=100)[0] for each in imports]
    assert [each.returncode for each in imports] == [0, 0, 0], written
    totals = ledgerctl("report", "trial-balance", "--output=json").json["totals"]
    assert [total["debit"] for total in totals] == [f"{3_000 * 3_001 // 2}.00"]
    assert len(ledgerctl("account", "list", "--output=json").json) == 47
    again = ledgerctl("import", csv_file(*rows))
    assert again.stdout == "0 posted, 3000 already there\n"


def test_batches_keep_the_order_and_the_bounds() -> None:
    line = JournalLine(2, "A", Direction.DEBIT, Decimal(1), "USD")
    sizes = [1, 1000, 1000, 500] * 300
    transactions = [
        JournalTransaction(f"T{index}", DAY, "", (line,) * size) for index, size in enumerate(sizes)
    ]
    made = list(batches(transactions))
    assert [each for batch in made for each in batch] == transactions
    for batch in made:
        assert 1 <= len(batch) <= 500
        assert sum(len(each.lines) for each in batch) <= BATCH_LINES_MAX


def test_ids_never_change() -> None:
    journal_id = uuid.UUID("01a1fc17-8c63-7db1-b3c7-b395b61a154f")
    assert str(transaction_id(journal_id, "T00001")) == "73048ea9-bdd5-59c9-8b77-040db97d15f5"

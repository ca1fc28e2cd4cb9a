"""`ledgerctl import opening-balances` against a real server, and its file."""

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.cli.opening_balances_csv import (
    OpeningBalance,
    OpeningFile,
    Terms,
    postings,
    read_opening_balances,
)
from tests.cli.conftest import Ledgerctl, Run

HEADER = "account,currency,debit,credit"
ROWS = ("bank,USD,100.50,", "bank,BTC,0.5,", "loan,USD,,60.50", "owner,USD,,40", "owner,BTC,,0.50")
DAY = "2025-12-31"

File = Callable[..., Path]


@pytest.fixture
def balances_file(tmp_path: Path) -> File:
    def write(*rows: str) -> Path:
        path = tmp_path / "opening.csv"
        path.write_text("\n".join((HEADER, *rows)) + "\n")
        return path

    return write


@pytest.fixture
def books(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal with four accounts."""
    for code in ("bank", "loan", "owner", "opening"):
        assert ledgerctl("account", "create", code, "--normal-side=debit").exit_code == 0
    return journal


def run(ledgerctl: Ledgerctl, *more: object) -> Run:
    options = ("--date", DAY, "--against=opening", "-ojson")
    return ledgerctl("import", "opening-balances", *more, *options)


@pytest.mark.usefixtures("books")
def test_balances_are_posted_once(ledgerctl: Ledgerctl, balances_file: File) -> None:
    file = balances_file(*ROWS)
    trial = run(ledgerctl, file, "--dry-run")
    assert (trial.exit_code, trial.json["posted"]) == (0, 0), trial.stderr
    done = run(ledgerctl, file)
    assert (done.exit_code, done.json["posted"]) == (0, 1), done.stderr
    assert done.json["totals"][1] == {
        "currency": "USD",
        "debit": "100.50",
        "credit": "100.50",
        "difference": "0.00",
    }
    again = run(ledgerctl, balances_file(*ROWS))
    assert (again.json["posted"], again.json["already_there"]) == (0, 1)
    changed = run(ledgerctl, balances_file("bank,USD,1,", "owner,USD,,1"))
    assert (changed.exit_code, "TRANSACTION_ID_REUSED" in changed.stderr) == (5, True)
    found = ledgerctl("balance", "-ojson", "--as-of", DAY).json
    told = {
        (row["account"], row["currency"]): row["available"] for row in found if "available" in row
    }
    assert len(found) == 5, told
    assert (
        ledgerctl("report", "trial-balance", "--as-of", "2025-12-30", "-ojson").json["rows"] == []
    )


@pytest.mark.usefixtures("books")
def test_a_difference_is_refused_or_goes_to_equity(
    ledgerctl: Ledgerctl, balances_file: File
) -> None:
    file = balances_file("bank,USD,100,", "loan,USD,,60", "bank,BTC,1,")
    refused = run(ledgerctl, file)
    assert refused.exit_code == 3
    for said in ("debits and credits differ", "40", "--allow-difference", "nothing was posted"):
        assert said in refused.stderr
    done = run(ledgerctl, file, "--allow-difference")
    assert done.exit_code == 0, done.stderr
    rows = ledgerctl("report", "trial-balance", "-ojson").json["rows"]
    opening = {row["currency"]: row["closing_credit"] for row in rows if row["code"] == "opening"}
    assert opening == {"BTC": "1.00000000", "USD": "40.00"}


@pytest.mark.usefixtures("books")
def test_mistakes_are_told_by_row(ledgerctl: Ledgerctl, balances_file: File) -> None:
    file = balances_file(
        "nobody,USD,1,",
        "bank,XXXX,1,",
        "bank,USD,1,1",
        "loan,USD,,",
        "owner,USD,1.005,",
        "bank,USD,1,",
    )
    done = run(ledgerctl, file)
    assert done.exit_code == 3
    for said in (
        ":2: unknown account 'nobody'",
        ":3: unknown currency 'XXXX'",
        ":4: either a debit or a credit",
        ":5: either a debit or a credit",
        ":6: debit '1.005': 3 decimals",
        ":7: 'bank' in USD is there before, in row 4",
    ):
        assert said in done.stderr
    missing = ledgerctl(
        "import", "opening-balances", balances_file(*ROWS), "--date", DAY, "--against=nobody"
    )
    assert missing.exit_code == 4


def test_the_journal_needs_no_name(ledgerctl: Ledgerctl, journal: str, tmp_path: Path) -> None:
    del journal
    file = tmp_path / "journal.csv"
    file.write_text(
        "date,transaction,description,account,debit,credit,currency\n"
        "2026-01-01,1,x,a,1,,USD\n2026-01-01,1,x,b,,1,USD\n"
    )
    for words in (("import",), ("import", "journal")):
        done = ledgerctl(*words, "--create-accounts", file, "-ojson")
        assert done.exit_code == 0, done.stderr
    assert done.json["already_there"] == 1
    assert "opening-balances" in ledgerctl("import", "--help").stdout


balance_lists = st.lists(
    st.builds(
        OpeningBalance,
        st.sampled_from([f"account {number}" for number in range(50)]),
        st.sampled_from(["BTC", "USD"]),
        st.integers(-(10**6), 10**6).filter(bool).map(Decimal),
    ),
    min_size=1,
    max_size=40,
)


@given(balance_lists, st.integers(1, 60))
def test_every_transaction_balances_and_all_is_posted(
    balances: list[OpeningBalance], copies: int
) -> None:
    """Also of a file that takes several: what stands against it is the difference alone."""
    file = OpeningFile(balances * copies, [])
    terms = Terms("against", dt.date(2025, 12, 31), "n", behind_soft_lock=False)
    made = postings(UUID(int=1), file, terms)
    nets: dict[tuple[str, str], Decimal] = {}
    for posting in made:
        lines = posting.params["lines"]
        assert len(lines) <= 1000
        sums: dict[str, Decimal] = {}
        for line in lines:
            net = Decimal(line.get("debit", 0)) - Decimal(line.get("credit", 0))
            sums[line["currency"]] = sums.get(line["currency"], Decimal(0)) + net
            key = (line["account"], line["currency"])
            nets[key] = nets.get(key, Decimal(0)) + net
        assert set(sums.values()) == {Decimal(0)}
    for currency, (debit, credit) in file.totals().items():
        assert nets.get(("against", currency), Decimal(0)) == credit - debit
    assert len({posting.transaction_id for posting in made}) == len(made)
    assert postings(UUID(int=1), file, terms) == made


def test_too_many() -> None:
    rows = "".join(f"a{number},USD,1,\n" for number in range(15_001))
    accounts = {f"a{number}" for number in range(15_001)}
    found = read_opening_balances(
        f"{HEADER}\n{rows}".encode(), exponents={"USD": 2}, accounts=accounts
    )
    assert [problem.message for problem in found.problems] == [
        "more than 15000 balances: use several files"
    ]

"""`ledgerctl rate` against a real server."""

from pathlib import Path

import pytest

from ledger_client.cli.rates import parse_rates
from tests.cli.conftest import Ledgerctl

HEADER = "base,quote,time,rate,source"


@pytest.mark.usefixtures("journal")
def test_a_rate_is_recorded_and_found(ledgerctl: Ledgerctl) -> None:
    assert "no rates yet" in ledgerctl("rate", "list").stdout
    time = ("--time", "2026-01-31T16:00:00Z")
    made = ledgerctl("rate", "record", "EUR", "USD", "1.25", "--source=ECB", *time, "-ojson")
    assert (made.exit_code, made.json["rate"]) == (0, "1.25"), made.stderr
    found = ledgerctl("rate", "get", "USD", "EUR", "-ojson").json
    assert (found["value"], found["of"], found["inverse"]) == ("0.8", "1 USD in EUR", True)
    assert found["recorded_sequence"] == made.json["sequence"]
    early = ledgerctl("rate", "get", "EUR", "USD", "--time", "2026-01-31T15:59:59Z")
    assert (early.exit_code, "RATE_NOT_FOUND" in early.stderr) == (4, True)
    assert ledgerctl("rate", "record", "EUR", "USD", "1,25", "--source=ECB").exit_code == 2


def test_a_file_is_recorded_once(ledgerctl: Ledgerctl, journal: str, tmp_path: Path) -> None:
    del journal
    file = tmp_path / "rates.csv"
    rows = [f"EUR,USD,2026-01-{day:02},1.{day:02},ECB" for day in range(1, 11)]
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    assert ledgerctl("rate", "import", file, "--dry-run", "-ojson").json["recorded"] == 10
    assert ledgerctl("rate", "list", "-ojson").json == []
    for recorded in (10, 0):
        done = ledgerctl("rate", "import", file, "-ojson")
        assert (done.exit_code, done.json["recorded"]) == (0, recorded), done.stderr
    listed = ledgerctl("rate", "list", "-ojson").json
    assert [row["rate"] for row in listed] == ["1.1", *(f"1.0{day}" for day in range(9, 0, -1))]


def test_a_file_that_grew_records_what_is_new(
    ledgerctl: Ledgerctl, journal: str, tmp_path: Path
) -> None:
    """And what is other than it is now: a correction, also one back to what it was."""
    del journal
    file = tmp_path / "rates.csv"
    first, second = "EUR,USD,2026-01-01,1.1,ECB", "EUR,USD,2026-01-02,1.2,ECB"
    for rows, recorded in (
        ([first], 1),
        ([first, second], 1),
        ([first.replace("1.1", "1.15"), second], 1),
        ([first, second], 1),
        ([first, second], 0),
    ):
        file.write_text("\n".join([HEADER, *rows]) + "\n")
        assert ledgerctl("rate", "import", file, "-ojson").json["recorded"] == recorded


def test_a_file_with_mistakes_names_them_all(
    ledgerctl: Ledgerctl, journal: str, tmp_path: Path
) -> None:
    del journal
    file = tmp_path / "rates.csv"
    rows = ["EUR,USD,2026-01-01,1.1,ECB", "EUR,XXXX,yesterday,0,", "EUR,EUR,2026-01-01T00:00,1,E"]
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    done = ledgerctl("rate", "import", file)
    assert done.exit_code == 3
    for said in (":3: unknown currency 'XXXX'", ":3: time", ":3: rate '0'", ":3: source", ":4: "):
        assert said in done.stderr
    assert "nothing was recorded" in done.stderr
    assert ledgerctl("rate", "list", "-ojson").json == []


def test_an_empty_file_is_a_mistake() -> None:
    _, problems = parse_rates(f"{HEADER}\n".encode(), {"EUR"})
    assert [(problem.row, problem.message) for problem in problems] == [(1, "no rates in it")]

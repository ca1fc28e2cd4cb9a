"""`ledgerctl chart` against a real server, and the two forms of its file."""

from pathlib import Path

import pytest

from ledger_client.csv_files.charts import read_chart
from ledger_client.models import AccountCategory, Direction
from tests.cli.conftest import Ledgerctl

INDENTED = """1,,,Assets,Debit,
,,,,,
11,,,Current Assets,,
,01,,Cash and Equivalents,,
,,0101,Operating Cash,,
,,0102,"Petty, Cash",,
,02,,Provisions,Credit
12,,,Non-Current Assets
7,,,Other,,
71,,,Other Income,,
"""
PLAIN = """code,name,parent,category,normal_side
assets,Assets,,asset,
cash,Cash,assets,,
lost,Lost,,off-balance,debit
"""
#: What a bank keeps; the test is left out where it is not there.
BANK = Path(__file__).resolve().parents[3] / "shared" / "data" / "bank-chart.csv"


@pytest.fixture
def chart_file(tmp_path: Path) -> Path:
    file = tmp_path / "chart.csv"
    file.write_text(INDENTED)
    return file


def test_indented_codes() -> None:
    found = read_chart(INDENTED.encode(), {"7": AccountCategory.REVENUE})
    assert found.problems == []
    told = [
        (row, one.code, one.parent, one.normal_side)
        for row, one in zip(found.rows, found.nodes, strict=True)
    ]
    assert told == [
        (1, "1", "", Direction.DEBIT),
        (3, "11", "1", None),
        (4, "11.01", "11", None),
        (5, "11.01.0101", "11.01", None),
        (6, "11.01.0102", "11.01", None),
        (7, "11.02", "11", Direction.CREDIT),
        (8, "12", "1", None),
        (9, "7", "", Direction.CREDIT),
        (10, "71", "7", None),
    ]
    assert found.nodes[4].name == "Petty, Cash"
    assert [one.category for one in found.nodes if not one.parent] == [
        AccountCategory.ASSET,
        AccountCategory.REVENUE,
    ]


@pytest.mark.parametrize(
    ("text", "row", "said"),
    [
        ("1,Assets\n7,Other\n", 2, "'Other' stands at the top and needs a category"),
        ("1,Assets\n1,Assets\n", 2, "'1' is there before, in row 1"),
        (",01,Cash\n", 1, "no row above"),
        ("1,Assets\n,,01,Cash\n", 2, "no row above"),
        ("1,Assets\nCash\n", 2, "no code"),
        ("1,\n", 1, "no name"),
        ("1,2x\n", 1, "cannot begin with a digit"),
        ("1,Assets,Left\n", 1, "'Left' after the name"),
        ("1,Assets,Debit,more\n", 1, "after the name"),
        ("1,,01,Cash\n", 1, "an empty column between"),
        ('1,"Assets\n', 1, "cannot be read as CSV"),
        ("", 1, "no nodes in it"),
        ("code,name\n1,Assets\n", 1, "missing parent, category, normal_side"),
        ("code,name,parent,category,normal_side\n1,Assets,,cash,\n", 2, "category 'cash'"),
        ("code,name,parent,category,normal_side\n,Assets,,asset,\n", 2, "code: required"),
        ("code,name,parent,category,normal_side\n1,A,,asset,left\n", 2, "normal_side 'left'"),
    ],
)
def test_mistakes_have_their_rows(text: str, row: int, said: str) -> None:
    found = read_chart(text.encode(), {})
    assert any(one.row == row and said in one.message for one in found.problems), found.problems


def test_a_category_must_have_its_node() -> None:
    found = read_chart(b"1,Assets\n11,Cash\n", {"11": AccountCategory.ASSET})
    assert "--category 11" in found.problems[0].message


@pytest.mark.usefixtures("journal")
def test_a_chart_is_imported_and_shown(ledgerctl: Ledgerctl, chart_file: Path) -> None:
    told = ledgerctl("chart", "import", chart_file)
    assert (told.exit_code, ":9: 'Other' stands at the top" in told.stderr) == (3, True)
    category = "--category=7=revenue"
    trial = ledgerctl("chart", "import", chart_file, category, "--dry-run")
    assert trial.exit_code == 0, trial.stderr
    for line in ("      11.01.0101/  Operating Cash", "9 to be added, 0 there before"):
        assert line in trial.stdout
    assert "no chart yet" in ledgerctl("chart", "show").stdout
    assert ledgerctl("chart", "import", chart_file, category, "-ojson").json["there_before"] == 0
    again = ledgerctl("chart", "import", chart_file, category)
    assert "0 added, 9 there before" in again.stdout

    made = ledgerctl("account", "create", "till", "--normal-side=debit", "--in=11.01.0101")
    assert made.exit_code == 0, made.stderr
    inner = ledgerctl("account", "create", "x", "--normal-side=debit", "--in=11.01")
    assert (inner.exit_code, "reason: ACCOUNT_SET_NOT_LEAF" in inner.stderr) == (6, True)
    assert ledgerctl("account", "create", "lost", "--normal-side=debit").exit_code == 0
    shown = ledgerctl("chart", "show").stdout
    assert shown.index("11.01.0101/") < shown.index("till") < shown.index("11.01.0102/")
    assert shown.index("unmapped") < shown.index("lost")
    assert "till" not in ledgerctl("chart", "show", "--no-accounts").stdout
    rows = ledgerctl("chart", "show", "-ojson").json
    assert [row["code"] for row in rows if row["kind"] != "set"] == ["till", "lost"]
    assert ledgerctl("chart", "show", "-ocsv").stdout.startswith("kind,code,name,category")


@pytest.mark.usefixtures("journal")
def test_what_is_there_otherwise_is_named_by_row(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    file = tmp_path / "plain.csv"
    file.write_text(PLAIN)
    assert ledgerctl("chart", "import", file).exit_code == 0
    file.write_text(PLAIN.replace("cash,Cash,assets", "cash,Money,lost"))
    told = ledgerctl("chart", "import", file)
    assert told.exit_code == 3
    assert f"{file}:3: 'cash' is there as 'Cash', not 'Money'" in told.stderr
    assert f"{file}:3: 'cash' is there, in 'assets'" in told.stderr
    assert "nothing was added" in told.stderr


@pytest.mark.skipif(not BANK.exists(), reason="the bank's chart is not there")
@pytest.mark.usefixtures("journal")
def test_the_chart_of_a_bank(ledgerctl: Ledgerctl) -> None:
    done = ledgerctl("chart", "import", BANK, "--category=7=revenue", "-ojson")
    assert done.exit_code == 0, done.stderr
    rows = {row["code"]: row for row in ledgerctl("chart", "show", "-ojson").json}
    assert len(rows) == len(done.json["added"])
    assert rows["11.01.0101"]["category"] == "ASSET"
    assert rows["11.99.0201"]["name"] == "Reimbursements"
    assert rows["51.02"]["category"] == "EXPENSE"
    assert (rows["81.06"]["category"], rows["81.06"]["normal_side"]) == ("OFF_BALANCE", "CREDIT")

"""Every noun of `ledgerctl` against a real server."""

import csv
import io
import json
import os
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from tests.cli.conftest import Ledgerctl, Run


@pytest.fixture
def bank(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal with three accounts, and 100.00 USD on two of them."""
    for code, side in (("bank", "debit"), ("savings", "debit"), ("alice", "credit")):
        assert ledgerctl("account", "create", code, "--normal-side", side).exit_code == 0
    deposit(ledgerctl, "amount=100.00", "--date=2026-01-10", "--external-id=D-1")
    return journal


def deposit(ledgerctl: Ledgerctl, *arguments: str) -> Run:
    params = ("account=alice", "cash_account=bank", "currency=USD", "-ojson")
    return ledgerctl("post", "DEPOSIT", *params, *arguments)


def rows(run: Run) -> list[dict[str, str]]:
    assert run.exit_code == 0, run.stderr
    return list(csv.DictReader(io.StringIO(run.stdout)))


def test_journals(ledgerctl: Ledgerctl, journal: str) -> None:
    shown = ledgerctl("journal", "show", "--output=json").json
    assert (shown["code"], shown["time_zone"]) == (journal, "UTC")
    assert shown == ledgerctl("journal", "show", shown["id"], "--output=json").json
    assert journal in [row["code"] for row in rows(ledgerctl("journal", "list", "--output=csv"))]
    again = ledgerctl("journal", "create", journal)
    assert again.exit_code == 5
    assert "reason: JOURNAL_EXISTS" in again.stderr
    wrong = ledgerctl("journal", "create", f"{journal}-x", "--time-zone=Mars/Olympus")
    assert wrong.exit_code == 3


def test_a_journal_is_ready_for_use(ledgerctl: Ledgerctl, journal: str) -> None:
    assert journal
    codes = [row["code"] for row in rows(ledgerctl("template", "list", "--output=csv"))]
    needed = {"DEPOSIT", "WITHDRAWAL", "TRANSFER", "FX_TRADE", "GENERAL_JOURNAL", "FEE"}
    assert needed <= set(codes)


def test_which_journal(ledgerctl: Ledgerctl, journal: str, monkeypatch: pytest.MonkeyPatch) -> None:
    ledgerctl("journal", "create", f"{journal}-2")
    monkeypatch.delenv("LEDGER_JOURNAL")
    unclear = ledgerctl("account", "list")
    assert unclear.exit_code == 2
    assert "there is more than one journal" in unclear.stderr
    near = ledgerctl("account", "list", "--journal", f"{journal}-3")
    assert near.exit_code == 4
    assert f"did you mean {journal}" in near.stderr
    assert ledgerctl("account", "list", "--journal", journal).exit_code == 0


@pytest.mark.usefixtures("journal")
def test_currencies(ledgerctl: Ledgerctl) -> None:
    assert rows(ledgerctl("currency", "register", "BEANS", "0", "--output=csv")) == [
        {"code": "BEANS", "exponent": "0"}
    ]
    assert ledgerctl("currency", "register", "BEANS", "0").exit_code == 0
    assert ledgerctl("currency", "register", "BEANS", "1").exit_code == 5
    assert ledgerctl("currency", "register", "beans", "1").exit_code == 3
    known = {row["code"]: row["exponent"] for row in rows(ledgerctl("currency", "list", "-ocsv"))}
    assert (known["USD"], known["BTC"], known["JPY"], known["BEANS"]) == ("2", "8", "0", "0")


@pytest.mark.usefixtures("bank")
def test_accounts(ledgerctl: Ledgerctl) -> None:
    own = str(uuid.uuid4())
    made = ledgerctl(
        *("account", "create", "Bücher", "--normal-side=debit", "--name=Books", "--id", own),
        *("--metadata", "shelf=a=b", "--metadata", "floor=2", "-ojson"),
    ).json
    assert (made["id"], made["name"]) == (own, "Books")
    assert made["metadata"] == {"shelf": "a=b", "floor": "2"}
    assert ledgerctl("account", "create", "Bücher", "--normal-side=debit").exit_code == 5

    listed = rows(ledgerctl("account", "list", "--prefix=Bü", "-ocsv"))
    assert [row["code"] for row in listed] == ["Bücher"]

    updated = ledgerctl("account", "update", own, "--name=Shelf", "--clear-metadata", "-ojson").json
    assert (updated["name"], updated["metadata"]) == ("Shelf", {})

    assert ledgerctl("account", "lock", "Bücher", "-ojson").json["status"] == "LOCKED"
    locked = rows(ledgerctl("account", "list", "--status=locked", "-ocsv"))
    assert [row["code"] for row in locked] == ["Bücher"]
    assert ledgerctl("account", "unlock", "Bücher", "-ojson").json["status"] == "ACTIVE"
    assert ledgerctl("account", "close", "Bücher", "-ojson").json["status"] == "CLOSED"
    assert ledgerctl("account", "unlock", "Bücher").exit_code == 6
    full = ledgerctl("account", "close", "bank")
    assert full.exit_code == 6
    assert "reason: ACCOUNT_NOT_EMPTY" in full.stderr

    shown = ledgerctl("account", "show", "bank", "-ojson").json
    assert [each["balance"] for each in shown["balances"]] == ["100.00"]
    assert "100.00" in ledgerctl("account", "show", "bank").stdout
    near = ledgerctl("account", "show", "bnak")
    assert near.exit_code == 4
    assert "did you mean bank?" in near.stderr


@pytest.mark.usefixtures("bank")
def test_sets(ledgerctl: Ledgerctl) -> None:
    for code, category in (("assets", "asset"), ("cash", "asset"), ("customers", "liability")):
        assert ledgerctl("set", "create", code, "--category", category).exit_code == 0
    members = ("--account=bank", "--account=savings")
    assert ledgerctl("set", "add", "cash", *members, "-ojson").json == {"added": 2}
    assert ledgerctl("set", "add", "assets", "--set=cash", "-ojson").json == {"added": 1}
    assert ledgerctl("set", "add", "cash", "--set=assets").exit_code == 6
    assert ledgerctl("set", "show", "cash", "-ojson").json["category"] == "ASSET"
    codes = [row["code"] for row in rows(ledgerctl("set", "list", "-ocsv"))]
    assert codes == ["assets", "cash", "customers"]
    assert [
        (row["kind"], row["code"]) for row in rows(ledgerctl("set", "members", "assets", "-ocsv"))
    ] == [("set", "cash")]

    report = ledgerctl("report", "trial-balance", "--depth=1", "-ojson").json
    assert [(row["kind"], row["code"], row["depth"]) for row in report["rows"]] == [
        ("ACCOUNT_SET", "assets", 0),
        ("ACCOUNT", "alice", 0),
    ]
    assert ledgerctl("set", "remove", "cash", "--account=savings", "-ojson").json == {"removed": 1}
    assert ledgerctl("set", "remove", "cash", "--account=savings").exit_code == 4


@pytest.mark.usefixtures("journal")
def test_templates(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    (tmp_path / "gift.yaml").write_text(
        """\
code: GIFT
description: Something for nothing.
params:
  from:   {type: ACCOUNT}
  to:     {type: ACCOUNT}
  amount: {type: DECIMAL}
entries:
  - {account: params.to, direction: DEBIT, units: params.amount, currency: "'USD'"}
  - {account: params.from, direction: CREDIT, units: params.amount, currency: "'USD'"}
""",
        encoding="utf-8",
    )
    assert [row["status"] for row in rows(ledgerctl("template", "apply", tmp_path, "-ocsv"))] == [
        "created"
    ]
    again = rows(ledgerctl("template", "apply", tmp_path / "gift.yaml", "-ocsv"))
    assert [(row["version"], row["status"]) for row in again] == [("1", "unchanged")]
    versions = rows(ledgerctl("template", "versions", "GIFT", "-ocsv"))
    assert [row["version"] for row in versions] == ["1"]
    assert "params.amount" in ledgerctl("template", "show", "GIFT").stdout
    shown = ledgerctl("template", "show", "GIFT", "-ojson").json
    assert [param["param"] for param in shown["params"]] == ["from", "to", "amount"]
    near = ledgerctl("template", "show", "GIFTS")
    assert near.exit_code == 4
    assert "did you mean GIFT?" in near.stderr


@pytest.mark.usefixtures("journal")
def test_every_mistake_in_a_template_has_its_line(ledgerctl: Ledgerctl, tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        """\
code: BAD
params:
  amount: {type: DECIMAL}
entries:
  - {account: "'a'", direction: DEBIT, units: params.amont, currency: "'USD'"}
  - {account: "'b'", direction: CREDIT, units: params.amount +, currency: "'USD'"}
""",
        encoding="utf-8",
    )
    run = ledgerctl("template", "apply", tmp_path)
    assert run.exit_code == 3
    assert "error: nothing was applied" in run.stderr
    assert f"{file}:5: " in run.stderr
    assert f"{file}:6: " in run.stderr


@pytest.mark.usefixtures("bank")
def test_posting(ledgerctl: Ledgerctl) -> None:
    own = str(uuid.uuid4())
    arguments = ("amount=12.30", "memo=Thanks", "--date=2026-02-01", "--id", own)
    facts = ("--correlation-id=C", "--metadata=till=3")
    first = deposit(ledgerctl, *arguments, *facts).json
    assert (first["id"], first["replayed"], first["description"]) == (own, False, "Thanks")
    assert (first["correlation_id"], first["metadata"]) == ("C", {"till": "3"})
    assert [(each["account"], each["debit"], each["credit"]) for each in first["entries"]] == [
        ("bank", "12.30", None),
        ("alice", None, "12.30"),
    ]
    assert deposit(ledgerctl, *arguments, *facts).json["replayed"] is True
    other = deposit(ledgerctl, "amount=12.31", "memo=Thanks", "--date=2026-02-01", "--id", own)
    assert other.exit_code == 5
    assert "reason: TRANSACTION_ID_REUSED" in other.stderr
    assert ledgerctl("transaction", "show", own, "-ojson").json["params"]["amount"] == "12.30"


@pytest.mark.parametrize(
    ("arguments", "exit_code", "reason"),
    [
        (("amount=1.001",), 3, "AMOUNT_INVALID"),
        (("amount:=1.001",), 3, "AMOUNT_INVALID"),
        (("amount=1", "colour=red"), 3, "PARAM_INVALID"),
        ((), 3, "PARAM_INVALID"),
        (("amount=1", "--external-id=D-1"), 5, "EXTERNAL_ID_REUSED"),
        (("amount=1", "--template-version=9"), 4, "TEMPLATE_NOT_FOUND"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_postings_that_are_refused(
    ledgerctl: Ledgerctl, arguments: tuple[str, ...], exit_code: int, reason: str
) -> None:
    for trial in ((), ("--dry-run",)):
        run = deposit(ledgerctl, *arguments, *trial)
        assert (run.exit_code, f"reason: {reason}" in run.stderr) == (exit_code, True), run.stderr


@pytest.mark.usefixtures("bank")
def test_trying_shows_what_would_happen_and_why_not(ledgerctl: Ledgerctl) -> None:
    head = ledgerctl("journal", "show", "-ojson").json["head_sequence"]
    arguments = ("account=alice", "cash_account=bank", "currency=USD", "amount=5")
    tried = ledgerctl("template", "try", "DEPOSIT", *arguments, "-ojson")
    assert tried.exit_code == 0
    assert tried.json["refusal"] is None
    changes = [
        (each["account"], each["net_debit_before"], each["net_debit_after"])
        for each in tried.json["balance_changes"]
    ]
    assert sorted(changes) == [("alice", "-100.00", "-105.00"), ("bank", "100.00", "105.00")]
    assert "nothing was posted" in ledgerctl("template", "try", "DEPOSIT", *arguments).stdout

    ledgerctl("account", "lock", "bank")
    head = ledgerctl("journal", "show", "-ojson").json["head_sequence"]
    refused = ledgerctl("post", "DEPOSIT", *arguments, "--dry-run")
    assert refused.exit_code == 6
    assert "reason: ACCOUNT_NOT_ACTIVE" in refused.stderr
    assert ledgerctl("journal", "show", "-ojson").json["head_sequence"] == head


@pytest.mark.usefixtures("bank")
def test_transactions_are_found(ledgerctl: Ledgerctl) -> None:
    deposit(ledgerctl, "amount=2", "--date=2026-01-05", "--correlation-id=C")
    params = ("from=bank", "to=savings", "amount=3", "currency=USD")
    ledgerctl("post", "TRANSFER", *params, "--date=2026-01-20")

    def amounts(*filters: str) -> list[str]:
        listed = ledgerctl("transaction", "list", "-ojson", *filters).json
        return [each["entries"][0]["debit"] for each in listed]

    assert amounts() == ["2.00", "100.00", "3.00"]
    assert amounts("--newest-first", "--limit=2") == ["3.00", "100.00"]
    assert amounts("--account=alice") == ["2.00", "100.00"]
    assert amounts("--from=2026-01-06", "--to=2026-01-10") == ["100.00"]
    assert amounts("--external-id=D-1") == ["100.00"]
    assert amounts("--correlation-id=C") == ["2.00"]
    assert len(rows(ledgerctl("transaction", "list", "-ocsv"))) == 6
    assert "100.00  USD" in ledgerctl("transaction", "list").stdout
    assert ledgerctl("transaction", "show", str(uuid.uuid4())).exit_code == 4


@pytest.mark.usefixtures("bank")
def test_balances(ledgerctl: Ledgerctl) -> None:
    deposit(ledgerctl, "amount=2", "--date=2026-01-05")

    def balances(*arguments: str) -> dict[str, str]:
        return {
            row["account"]: row["balance"]
            for row in rows(ledgerctl("balance", *arguments, "-ocsv"))
        }

    assert balances() == {"alice": "102.00", "bank": "102.00"}
    assert balances("alice") == {"alice": "102.00"}
    assert balances("savings") == {}
    assert balances("savings", "USD") == {"savings": "0.00"}
    assert balances("bank", "USD", "--as-of=2026-01-09") == {"bank": "2.00"}
    assert ledgerctl("balance", "bank", "USDX").exit_code == 3


@pytest.mark.usefixtures("bank")
def test_the_trial_balance(ledgerctl: Ledgerctl) -> None:
    known = ledgerctl("journal", "show", "-ojson").json["head_sequence"]
    deposit(ledgerctl, "amount=2", "--date=2026-01-05")
    shown = ledgerctl("report", "trial-balance", "--from=2026-01-06", "--as-of=2026-01-31").stdout
    assert "2026-01-06 to 2026-01-31; settled; position" in shown
    assert shown.rstrip().endswith("debits = credits in USD")
    assert "\x1b" not in shown
    assert shown.splitlines()[4].split() == [
        *("account", "opening_debit", "opening_credit", "debit", "credit"),
        *("closing_debit", "closing_credit"),
    ]
    then = ledgerctl("report", "trial-balance", "--as-known-at", str(known), "-ojson").json
    assert then["sequence"] == known
    assert [total["debit"] for total in then["totals"]] == ["100.00"]
    zero = rows(ledgerctl("report", "trial-balance", "--layer=pending", "--zero-rows", "-ocsv"))
    assert all(float(row["debit"]) == 0 for row in zero)
    beyond = ledgerctl("report", "trial-balance", "--as-known-at=999999")
    assert beyond.exit_code == 3
    assert "reason: POSITION_UNAVAILABLE" in beyond.stderr


def test_options_may_stand_before_the_command(
    ledgerctl: Ledgerctl, journal: str, server_address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LEDGER_SERVER", "127.0.0.1:1")
    options = ("--server", server_address, "--output=json", "--timeout=5")
    assert ledgerctl(*options, "journal", "show").json["code"] == journal


def test_version(ledgerctl: Ledgerctl) -> None:
    assert ledgerctl("version").stdout.startswith("ledgerctl  ")


@pytest.mark.usefixtures("journal")
def test_head_ends_it_quietly() -> None:
    environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [sys.executable, "-m", "ledger_client.cli", "currency", "list", "--output=json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()  # before anything is written
        assert process.stderr.read() == b""
        assert process.wait(30) == 0


@pytest.mark.usefixtures("bank")
def test_output_is_json_also_with_csv_like_texts(ledgerctl: Ledgerctl) -> None:
    memo = 'a,"b"\r\nc\t=1+1'
    posted = deposit(ledgerctl, "amount=1", f"memo={memo}")
    assert json.loads(posted.stdout)["description"] == memo
    listed = io.StringIO(ledgerctl("transaction", "list", "-ocsv").stdout, newline="")
    assert memo in {row["description"] for row in csv.DictReader(listed)}

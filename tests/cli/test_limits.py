"""`ledgerctl limit` against a real server."""

import csv
import io

import pytest

from tests.cli.conftest import Ledgerctl, Run

PARAMS = ("account=alice", "cash_account=bank", "currency=USD")
DAILY = ("--amount-max=50", "--side=debit", "--measure=gross", "--window=day")


@pytest.fixture
def bank(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal in which alice has 100.00 USD at the bank."""
    for code, side in (("bank", "debit"), ("alice", "credit")):
        assert ledgerctl("account", "create", code, "--normal-side", side).exit_code == 0
    assert ledgerctl("post", "DEPOSIT", *PARAMS, "amount=100.00").exit_code == 0
    return journal


def create(ledgerctl: Ledgerctl, code: str, *arguments: str) -> Run:
    return ledgerctl("limit", "create", code, "--currency=USD", *arguments)


def rows(run: Run) -> list[dict[str, str]]:
    assert run.exit_code == 0, run.stderr
    return list(csv.DictReader(io.StringIO(run.stdout)))


@pytest.mark.usefixtures("bank")
def test_a_limit_refuses_and_says_by_how_much(ledgerctl: Ledgerctl) -> None:
    made = create(ledgerctl, "DAILY", *DAILY, "--name=A day", "-ojson").json
    assert (made["code"], made["name"], made["amount_max"]) == ("DAILY", "A day", "50")
    assert (made["side"], made["measure"], made["window"]) == ("DEBIT", "GROSS", "DAY")
    assert (made["available_min"], made["rolling_seconds"]) == (None, None)
    assert "it binds nothing yet" in ledgerctl("limit", "show", "DAILY").stdout
    attached = ledgerctl("limit", "attach", "DAILY", "--account=alice", "-ojson").json
    assert (attached["limit"], attached["kind"], attached["code"]) == ("DAILY", "account", "alice")

    refused = ledgerctl("hold", "place", "WITHDRAWAL", *PARAMS, "amount=60")
    assert refused.exit_code == 6
    for fact in ("reason: LIMIT_EXCEEDED", "limit: DAILY", "bound: 50", "current: 0", "asked: "):
        assert fact in refused.stderr
    assert "see ledgerctl limit uses ACCOUNT" in refused.stderr
    assert ledgerctl("hold", "place", "WITHDRAWAL", *PARAMS, "amount=20").exit_code == 0
    (use,) = rows(ledgerctl("limit", "uses", "alice", "-ocsv"))
    assert (use["limit"], use["used"], use["left"]) == ("DAILY", "20", "30")
    assert (use["through"], use["rule"]) == ("account alice", "gross debits a day, at most")
    assert use["window_start"]

    changed = ledgerctl("limit", "update", "DAILY", "--bound=80", "-ojson").json
    assert (changed["amount_max"], changed["name"]) == ("80", "A day")
    assert ledgerctl("limit", "update", "DAILY").exit_code == 2
    assert ledgerctl("post", "WITHDRAWAL", *PARAMS, "amount=60").exit_code == 0
    assert ledgerctl("limit", "detach", "DAILY", "--account=alice").exit_code == 0
    again = ledgerctl("limit", "detach", "DAILY", "--account=alice")
    assert (again.exit_code, "LIMIT_NOT_ATTACHED" in again.stderr) == (4, True)
    assert "no limit binds it" in ledgerctl("limit", "uses", "alice").stdout


@pytest.mark.usefixtures("bank")
def test_a_set_as_a_whole(ledgerctl: Ledgerctl) -> None:
    ledgerctl("set", "create", "customers", "--normal-side=credit")
    ledgerctl("set", "add", "customers", "--account=alice")
    made = create(ledgerctl, "OVERDRAFT", "--available-min", "-500", "-ojson").json
    assert (made["available_min"], made["amount_max"]) == ("-500", None)
    for option, scope in (((), "EACH_ACCOUNT"), (("--whole-set",), "WHOLE_SET")):
        attached = ledgerctl("limit", "attach", "OVERDRAFT", "--set=customers", *option, "-ojson")
        assert (attached.json["scope"], attached.json["kind"]) == (scope, "set")
    (attachment,) = ledgerctl("limit", "show", "OVERDRAFT", "-ojson").json["attachments"]
    assert (attachment["code"], attachment["scope"]) == ("customers", "WHOLE_SET")
    assert "customers  WHOLE_SET" in ledgerctl("limit", "show", "OVERDRAFT").stdout
    (use,) = ledgerctl("limit", "uses", "alice", "-ojson").json
    assert (use["used"], use["left"], use["through"]) == ("100", "600", "set customers")
    assert use["window_start"] is None


@pytest.mark.usefixtures("bank")
def test_limits_are_listed(ledgerctl: Ledgerctl) -> None:
    assert "no limits yet" in ledgerctl("limit", "list").stdout
    create(ledgerctl, "A", "--available-min=0")
    rolling = (*DAILY[:3], "--window=rolling", "--rolling=1d12h")
    create(ledgerctl, "B", *rolling, "--condition=params.metadata['till'] == '3'")
    found = {row["code"]: row for row in rows(ledgerctl("limit", "list", "-ocsv"))}
    assert (found["A"]["available_min"], found["A"]["window"]) == ("0", "")
    assert (found["B"]["window"], found["B"]["rolling_seconds"]) == ("ROLLING", "129600")
    shown = ledgerctl("limit", "list").stdout
    assert "available, at least" in shown
    assert "gross debits in any 1d12h if params.metadata['till'] == '3', at most" in shown
    again = create(ledgerctl, "A", "--available-min=0")
    assert (again.exit_code, "LIMIT_EXISTS" in again.stderr) == (5, True)
    near = ledgerctl("limit", "attach", "AB", "--account=alice")
    assert near.exit_code == 4
    assert "did you mean" in near.stderr


@pytest.mark.parametrize(
    ("arguments", "exit_code", "said"),
    [
        ((), 2, "give --available-min N or --amount-max N"),
        (("--available-min=0", "--side=debit"), 2, "--available-min stands alone"),
        (("--available-min=0", "--amount-max=1"), 2, "--available-min stands alone"),
        (DAILY[:3], 2, "--amount-max needs --side, --measure and --window"),
        ((*DAILY, "--rolling=1h"), 2, "--rolling SPAN goes with"),
        ((*DAILY[:3], "--window=rolling"), 2, "--rolling SPAN goes with"),
        ((*DAILY[:3], "--window=rolling", "--rolling=400d"), 3, "FIELD_INVALID"),
        (("--available-min=1,5",), 2, "not a plain amount"),
        (("--available-min=0.001",), 3, "AMOUNT_INVALID"),
        ((*DAILY, "--condition=units >"), 3, "LIMIT_INVALID"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_limits_that_are_refused(
    ledgerctl: Ledgerctl, arguments: tuple[str, ...], exit_code: int, said: str
) -> None:
    run = create(ledgerctl, "L", *arguments)
    assert (run.exit_code, said in run.stderr) == (exit_code, True), run.stderr


@pytest.mark.parametrize(
    "arguments",
    [(), ("--account=alice", "--set=customers"), ("--account=alice", "--whole-set")],
)
@pytest.mark.usefixtures("bank")
def test_a_limit_has_one_target(ledgerctl: Ledgerctl, arguments: tuple[str, ...]) -> None:
    assert ledgerctl("limit", "attach", "L", *arguments).exit_code == 2

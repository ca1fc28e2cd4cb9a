"""`ledgerctl hold` and `ledgerctl reverse` against a real server."""

import csv
import datetime as dt
import io
import uuid

import pytest

from tests.cli.conftest import Ledgerctl, Run

PARAMS = ("account=alice", "cash_account=bank", "currency=USD")


@pytest.fixture
def bank(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal in which alice has 100.00 USD at the bank."""
    for code, side in (("bank", "debit"), ("alice", "credit")):
        assert ledgerctl("account", "create", code, "--normal-side", side).exit_code == 0
    paid_in = ledgerctl("post", "DEPOSIT", *PARAMS, "amount=100.00", "--date=2026-01-10")
    assert paid_in.exit_code == 0
    return journal


def place(ledgerctl: Ledgerctl, *arguments: str) -> Run:
    return ledgerctl("hold", "place", "WITHDRAWAL", *PARAMS, *arguments)


def rows(run: Run) -> list[dict[str, str]]:
    assert run.exit_code == 0, run.stderr
    return list(csv.DictReader(io.StringIO(run.stdout)))


def alice(ledgerctl: Ledgerctl) -> tuple[str, str]:
    """Return what is settled and what is available."""
    (row,) = rows(ledgerctl("balance", "alice", "USD", "-ocsv"))
    return row["balance"], row["available"]


@pytest.mark.usefixtures("bank")
def test_a_hold_from_place_to_release(ledgerctl: Ledgerctl) -> None:
    own, part = str(uuid.uuid4()), str(uuid.uuid4())
    arguments = (
        "amount=60",
        "--id",
        own,
        "--expires=2096-01-31T18:00:00+01:00",
        "--date=2026-02-01",
    )
    placed = place(ledgerctl, *arguments, "-ojson").json
    assert (placed["id"], placed["status"], placed["replayed"]) == (own, "OPEN", False)
    assert placed["expire_time"] == "2096-01-31T17:00:00+00:00"
    assert placed["transaction"]["kind"] == "HOLD"
    again = place(ledgerctl, *arguments)
    assert again.exit_code == 0
    assert "nothing was placed again" in again.stdout
    assert "expires         2096-01-31T17:00:00.000+00:00" in again.stdout
    assert alice(ledgerctl) == ("100.00", "40.00")

    captured = ledgerctl("hold", "capture", own, "amount=25", "--id", part, "-ojson").json
    assert (captured["id"], captured["kind"], captured["hold_id"]) == (part, "CAPTURE", own)
    repeated = ledgerctl("hold", "capture", own, "amount=25", "--id", part)
    assert "nothing was posted again" in repeated.stdout
    too_much = ledgerctl("hold", "capture", own, "amount=36")
    assert too_much.exit_code == 6
    assert "reason: CAPTURE_EXCEEDS" in too_much.stderr
    assert "left: 35" in too_much.stderr
    assert alice(ledgerctl) == ("75.00", "40.00")

    released = ledgerctl("hold", "release", own, "--description=No more", "-ojson").json
    assert (released["kind"], released["description"]) == ("RELEASE", "No more")
    ended = ledgerctl("hold", "release", own)
    assert ended.exit_code == 6
    assert "status: RELEASED" in ended.stderr
    shown = rows(ledgerctl("hold", "show", own, "-ocsv"))
    assert [
        (row["account"], row["placed"], row["captured"], row["released"], row["left"])
        for row in shown
    ] == [("alice", "60.00", "25.00", "35.00", "0.00"), ("bank", "60.00", "25.00", "35.00", "0.00")]
    assert alice(ledgerctl) == ("75.00", "75.00")


@pytest.mark.usefixtures("bank")
def test_holds_are_found(ledgerctl: Ledgerctl) -> None:
    assert "no such hold" in ledgerctl("hold", "list").stdout
    first = place(ledgerctl, "amount=1", "-ojson").json["id"]
    second = place(ledgerctl, "amount=2", "--expires=+2h30m", "-ojson").json
    assert ledgerctl("hold", "capture", first, "amount=0.25", "--final").exit_code == 0
    wait = dt.datetime.fromisoformat(second["expire_time"]) - dt.datetime.now(dt.UTC)
    assert dt.timedelta(hours=2, minutes=29) < wait <= dt.timedelta(hours=2, minutes=30)

    def ids(*filters: str) -> list[str]:
        return [each["id"] for each in ledgerctl("hold", "list", "-ojson", *filters).json]

    assert ids() == [first, second["id"]]
    assert ids("--status=open") == [second["id"]]
    assert ids("--status=captured", "--account=bank") == [first]
    assert ids("--expire-before=+3h") == [second["id"]]
    assert ids("--expire-before=+2h") == []
    assert len(rows(ledgerctl("hold", "list", "-ocsv"))) == 4
    table = ledgerctl("hold", "list").stdout.splitlines()
    titles = "status expires description placed left currency id"
    assert " ".join(table[0].split()) == titles
    assert table[2].split() == ["CAPTURED", "Withdrawal", "1.00", "0.00", "USD", first]
    missing = ledgerctl("hold", "show", str(uuid.uuid4()))
    assert missing.exit_code == 4
    assert "see ledgerctl hold list" in missing.stderr


@pytest.mark.parametrize(
    ("expires", "said"),
    [
        ("2026-01-31T18:00:00", "needs an offset"),
        ("tomorrow", "is not a moment"),
        ("+1w", "is not a span"),
        ("+0s", "must be above 0"),
    ],
)
@pytest.mark.usefixtures("bank")
def test_moments_that_are_none(ledgerctl: Ledgerctl, expires: str, said: str) -> None:
    run = place(ledgerctl, "amount=1", "--expires", expires)
    assert run.exit_code == 2
    assert said in run.stderr


@pytest.mark.usefixtures("bank")
def test_a_hold_that_would_have_expired(ledgerctl: Ledgerctl) -> None:
    run = place(ledgerctl, "amount=1", "--expires=2020-01-01T00:00:00Z")
    assert run.exit_code == 6
    assert "reason: EXPIRE_TIME_PASSED" in run.stderr


@pytest.mark.usefixtures("bank")
def test_reversals_are_linked_both_ways(ledgerctl: Ledgerctl) -> None:
    own = str(uuid.uuid4())
    paid = ledgerctl("post", "WITHDRAWAL", *PARAMS, "amount=40", "-ojson").json["id"]
    reverse = ("reverse", paid, "--date=2026-02-01")
    assert ledgerctl("reverse", paid).exit_code == 2
    part = ledgerctl(*reverse, "amount=15", "--id", own, "--description=Part", "-ojson").json
    assert (part["id"], part["kind"], part["reverses"]) == (own, "REVERSAL", paid)
    assert (part["effective_date"], part["description"]) == ("2026-02-01", "Part")
    again = ledgerctl(*reverse, "amount=15", "--id", own, "--description=Part")
    assert "nothing was posted again" in again.stdout
    exceeds = ledgerctl(*reverse, "amount=26")
    assert (exceeds.exit_code, "reason: REVERSAL_EXCEEDS" in exceeds.stderr) == (6, True)
    rest = ledgerctl(*reverse, "--force", "-ojson").json["id"]
    assert alice(ledgerctl) == ("100.00", "100.00")

    shown = ledgerctl("transaction", "show", paid).stdout
    assert f"reversed_by     {own}, {rest}" in shown
    assert "kind            POSTING" in shown
    assert f"reverses        {paid}" in ledgerctl("transaction", "show", rest).stdout
    assert ledgerctl("transaction", "show", paid, "-ojson").json["reversed_by"] == [own, rest]
    by_id = {row["id"]: row for row in rows(ledgerctl("transaction", "list", "-ocsv"))}
    assert (by_id[own]["kind"], by_id[own]["reverses"]) == ("REVERSAL", paid)
    for wrong, reason in ((paid, "ALREADY_REVERSED"), (own, "NOT_REVERSIBLE")):
        refused = ledgerctl("reverse", wrong, "--date=2026-02-01")
        assert (refused.exit_code, f"reason: {reason}" in refused.stderr) == (6, True)


@pytest.mark.usefixtures("bank")
def test_a_capture_shows_its_hold(ledgerctl: Ledgerctl) -> None:
    hold = place(ledgerctl, "amount=5", "-ojson").json["id"]
    captured = ledgerctl("hold", "capture", hold, "-ojson").json["id"]
    shown = ledgerctl("transaction", "show", captured).stdout
    assert f"hold_id         {hold}" in shown
    assert "PENDING" in shown


@pytest.mark.usefixtures("bank")
def test_a_lock_may_let_holds_end(ledgerctl: Ledgerctl) -> None:
    hold = place(ledgerctl, "amount=5", "-ojson").json["id"]
    locked = ledgerctl("account", "lock", "alice", "-ojson").json
    assert locked["lock_allows_hold_ends"] is False
    refused = ledgerctl("hold", "capture", hold)
    assert (refused.exit_code, "ACCOUNT_NOT_ACTIVE" in refused.stderr) == (6, True)
    kinder = ledgerctl("account", "lock", "alice", "--allow-hold-ends", "-ojson").json
    assert kinder["lock_allows_hold_ends"] is True
    assert ledgerctl("hold", "capture", hold).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("hold", "place", "WITHDRAWAL", "--expires=+1h"),
        ("hold", "capture", str(uuid.uuid4())),
        ("hold", "release", str(uuid.uuid4())),
        ("reverse", str(uuid.uuid4()), "--date=2026-02-01"),
    ],
)
def test_how_to_repeat_what_got_no_answer(ledgerctl: Ledgerctl, arguments: tuple[str, ...]) -> None:
    away = ("--server=127.0.0.1:1", "--journal=J", "--timeout=0.3")
    run = ledgerctl(*arguments, *away)
    assert run.exit_code == 7
    repeat = run.stderr.splitlines()[-1]
    assert repeat.startswith("to repeat it safely, add --id ")
    # As a span it would be another moment the next time.
    assert (" --expires 2" in repeat) is ("--expires=+1h" in arguments)

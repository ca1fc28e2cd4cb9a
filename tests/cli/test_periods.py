"""`ledgerctl period` against a real server."""

import pytest

from tests.cli.conftest import Ledgerctl

TRANSFER = ("post", "TRANSFER", "from=a", "to=b", "amount=1", "currency=USD")


@pytest.fixture
def books(ledgerctl: Ledgerctl, journal: str) -> str:
    """A journal with two accounts."""
    for code in "ab":
        assert ledgerctl("account", "create", code, "--normal-side=debit").exit_code == 0
    return journal


@pytest.mark.usefixtures("books")
def test_days_are_closed_and_opened(ledgerctl: Ledgerctl) -> None:
    assert "no day is closed, and none ever was" in ledgerctl("period", "show").stdout
    assert ledgerctl("period", "show", "-ojson").json["closed_through"] is None
    assert "no day was ever closed" in ledgerctl("period", "list").stdout

    soft = ledgerctl(
        "period", "close", "--through=2026-02-28", "--soft", "--reason=Review", "-ojson"
    )
    assert (soft.json["closed_through"], soft.json["locked_through"]) == (None, "2026-02-28")
    hard = ledgerctl("period", "close", "--through=2026-01-31", "--reason=Audited", "-ojson").json
    assert (hard["closed_through"], hard["locked_through"]) == ("2026-01-31", "2026-02-28")
    assert ledgerctl("period", "show", "-ojson").json == hard

    for day, options, reason in (
        ("2026-02-28", (), "PERIOD_LOCKED"),
        ("2026-01-31", ("--behind-soft-lock",), "PERIOD_CLOSED"),
    ):
        for trial in ((), ("--dry-run",)):
            refused = ledgerctl(*TRANSFER, "--date", day, *options, *trial)
            assert (refused.exit_code, f"reason: {reason}" in refused.stderr) == (6, True)
    assert ledgerctl(*TRANSFER, "--date=2026-02-28", "--behind-soft-lock").exit_code == 0

    order = ledgerctl("period", "close", "--through=2026-01-31", "--reason=Again")
    assert (order.exit_code, "reason: PERIOD_ORDER" in order.stderr) == (6, True)
    part = ledgerctl(
        "period", "reopen", "--through=2026-01-15", "--reason=Late bill", "-ojson"
    ).json
    assert (part["closed_through"], part["locked_through"]) == ("2026-01-15", "2026-01-15")
    whole = ledgerctl("period", "reopen", "--all", "--reason=Anew", "-ojson").json
    assert (whole["closed_through"], whole["locked_through"]) == (None, None)
    assert ledgerctl(*TRANSFER, "--date=2026-01-15").exit_code == 0
    reasons = [row["reason"] for row in ledgerctl("period", "list", "-ojson").json]
    assert reasons == ["Anew", "Late bill", "Audited", "Review"]
    assert "Late bill" in ledgerctl("period", "list").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        ("close", "--reason=Why"),
        ("close", "--through=2026-01-31"),
        ("close", "--through=31.1.2026", "--reason=Why"),
        ("reopen", "--reason=Why"),
        ("reopen", "--all", "--through=2026-01-31", "--reason=Why"),
    ],
)
@pytest.mark.usefixtures("books")
def test_what_must_be_said(ledgerctl: Ledgerctl, arguments: tuple[str, ...]) -> None:
    assert ledgerctl("period", *arguments).exit_code == 2

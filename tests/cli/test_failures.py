"""Exit codes and what is said on standard error. No server."""

import datetime as dt
import io
import socket
from decimal import Decimal
from pathlib import Path

import pytest
from rich.console import Console

from ledger_client import errors
from ledger_client.cli import reports, session
from ledger_client.cli.failures import EXIT_CODES_HELP, ExitCode, exit_code_of, print_ledger_error
from ledger_client.models import Layer, TrialBalance, TrialBalanceColumns, TrialBalanceTotal
from tests.cli.conftest import Ledgerctl


@pytest.mark.parametrize(
    ("kind", "exit_code"),
    [
        (errors.InvalidRequestError, 3),
        (errors.NotFoundError, 4),
        (errors.ConflictError, 5),
        (errors.RefusedError, 6),
        (errors.UnavailableError, 7),
        (errors.OverloadedError, 7),
        (errors.ServerError, 1),
    ],
)
def test_each_kind_of_error_has_its_exit_code(
    kind: type[errors.LedgerError], exit_code: int
) -> None:
    assert exit_code_of(kind("REASON", "message")) == exit_code


def test_the_help_tells_every_exit_code(ledgerctl: Ledgerctl) -> None:
    run = ledgerctl("--help")
    assert run.exit_code == 0
    said = " ".join(run.stdout.split())
    assert EXIT_CODES_HELP in said
    for code in ExitCode:
        assert f"{int(code)} " in EXIT_CODES_HELP


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["jornal"], "Did you mean 'journal'?"),
        (["account", "crate", "X"], "Did you mean 'create'?"),
        (["journal", "list", "--sever=x"], "--server"),
        (["account", "create", "X"], "--normal-side"),
        (["account", "create", "X", "--normal-side", "left"], "'debit', 'credit'"),
        (["post", "TRANSFER", "amount"], "'amount' is not name=value"),
        (["report", "trial-balance", "--as-of", "31.12.2026"], "not a date such as"),
        (["import", "/nowhere/at/all.csv"], "does not exist"),
        (["balance", "--output", "xml"], "'table', 'json', 'csv'"),
        (["template", "apply"], "name a FILE or DIR"),
        (["set", "add", "X"], "name a member"),
        (["account", "update", "X"], "give --name"),
    ],
)
def test_a_wrong_command_line_ends_with_2(
    ledgerctl: Ledgerctl, arguments: list[str], said: str
) -> None:
    run = ledgerctl(*arguments)
    assert run.exit_code == 2
    assert run.stdout == ""
    assert run.stderr.startswith("error: ")
    assert said in run.stderr
    assert "hint: see ledgerctl" in run.stderr


def test_a_server_that_is_not_there_ends_with_7(ledgerctl: Ledgerctl) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, but nobody listens
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        run = ledgerctl("--server", address, "journal", "list", "--timeout", "0.5")
    assert run.exit_code == 7
    assert f"error: no answer from the server at {address}" in run.stderr
    assert "reason: UNAVAILABLE" in run.stderr
    assert "Start one with ledger-server" in run.stderr


def test_a_server_that_does_not_answer_ends_with_7(ledgerctl: Ledgerctl) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        run = ledgerctl("journal", "list", "--server", address, "--timeout", "0.3")
    assert run.exit_code == 7
    assert "reason: DEADLINE_EXCEEDED" in run.stderr or "reason: UNAVAILABLE" in run.stderr


async def test_books_that_do_not_balance_are_shouted_out(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    zero, one = Decimal(0), Decimal(1)
    sums = TrialBalanceColumns(
        opening_debit=zero,
        opening_credit=zero,
        debit=one,
        credit=zero,
        closing_debit=one,
        closing_credit=zero,
    )
    broken = TrialBalance(
        rows=(),
        totals=(TrialBalanceTotal(currency="USD", columns=sums, balanced=False),),
        sequence=1,
        record_time=dt.datetime(2026, 1, 1, tzinfo=dt.UTC),
        from_date=None,
        as_of=None,
        layer=Layer.SETTLED,
    )
    settings = session.Settings(server="127.0.0.1:1", journal="MAIN")
    run = session.Session(settings, timeout_seconds=1)

    async def report(*_: object, **__: object) -> TrialBalance:
        return broken

    async with run.ledger:
        monkeypatch.setattr(run.ledger, "get_trial_balance", report)
        assert await reports.trial_balance(run) == ExitCode.FAILURE
    written = capsys.readouterr()
    assert "THE LEDGER IS BROKEN" in written.err
    assert "debits = credits" not in written.out


def test_a_reader_that_has_seen_enough_is_no_failure(
    ledgerctl: Ledgerctl, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Closed:
        def __call__(self, *_: object, **__: object) -> int:
            raise BrokenPipeError

    monkeypatch.setattr("ledger_client.cli.__main__.app", Closed())
    with (tmp_path / "out").open("w") as target:
        monkeypatch.setattr("sys.stdout", target)
        assert ledgerctl("balance").exit_code == 0


def test_facts_are_told_once() -> None:
    target = io.StringIO()
    violation = errors.FieldViolation("entries[0].units", "too fine")
    other = errors.FieldViolation("entries[1].units", "too fine")
    error = errors.InvalidRequestError(
        "AMOUNT_INVALID",
        "entries[0].units: too fine",
        {"field": "entries[0].units", "problem": "too fine"},
        violations=(violation, other),
    )
    print_ledger_error(Console(file=target), error, server="x:1", hint=None)
    assert target.getvalue().splitlines() == [
        "error: entries[0].units: too fine",
        "  reason: AMOUNT_INVALID",
        "  field: entries[0].units",
        "  problem: too fine",
        "  entries[1].units: too fine",
    ]

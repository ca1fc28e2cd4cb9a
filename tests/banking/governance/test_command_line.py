"""`ledgerctl bank` against a bank that runs."""

import asyncio
import contextlib
import dataclasses
import json
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger_client.cli.__main__ import main
from ledger_client.cli.bank.events import event_record, stream
from ledger_client.cli.bank.session import BankSession, BankSettings
from ledger_client.cli.session import Settings
from tests.banking.bank import TENANT
from tests.banking.governance.committee import governance_in_process


@dataclasses.dataclass(frozen=True)
class Terminal:
    """Where a user types commands; environment variables say which bank and who."""

    capsys: pytest.CaptureFixture[str]
    user: uuid.UUID

    async def run(self, *arguments: str) -> tuple[int, str, str]:
        """Return exit code, standard output and standard error of a command."""
        exit_code = await asyncio.to_thread(main, ["bank", *arguments])
        out, err = self.capsys.readouterr()
        return exit_code, out, err

    async def ask(self, *arguments: str) -> Any:
        """Return what a command of governance answers as JSON."""
        exit_code, out, err = await self.run("governance", *arguments, "--json")
        assert exit_code == 0, err
        return json.loads(out)


@pytest.fixture
async def terminal(
    ledger_dsn: str,
    bank_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> AsyncIterator[Terminal]:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        monkeypatch.setenv("LEDGER_BANK_ADDRESS", governance.bank.bank.address)
        monkeypatch.setenv("LEDGER_BANK_TENANT", TENANT)
        monkeypatch.setenv("LEDGER_BANK_TOKEN", str(governance.bank.user))
        yield Terminal(capsys, governance.bank.user)


async def test_a_process_is_approved_from_the_command_line(terminal: Terminal) -> None:
    ask = terminal.ask
    create = ("create-committee", "--name", "Counter", "--request-id", str(uuid.uuid4()))
    committee = (await ask(*create))["committee"]
    assert (await ask(*create))["committee"] == committee
    await ask("add-member", "--committee-id", committee["id"], "--user-id", str(terminal.user))
    rules = ("--rules-kind", "committee", "--rules-committee-id", committee["id"])
    await ask("set-policy", "--process-type", "cli", *rules, "--rules-threshold", "1")
    process_id = str(uuid.uuid4())
    what = ("--process-type", "cli", "--target-ref", "one", "--initiator", "system:deposit")
    started = await ask("start-process", "--process-id", process_id, *what)
    assert started["process"]["status"] == "pending"
    waiting = await ask("list-processes", "--waiting-for-me", "--process-type", "cli")
    assert [process["id"] for process in waiting["processes"]] == [process_id]

    exit_code, out, _ = await terminal.run("governance", "approve", "--process-id", process_id)
    assert exit_code == 0
    lines = [line.split() for line in out.splitlines()]
    assert ["status", "approved"] in lines
    assert ["rules.threshold", "1"] in lines
    exit_code, _, err = await terminal.run("governance", "deny", "--process-id", process_id)
    assert exit_code == 3
    assert "reason: FIELD_INVALID" in err
    denial = ("deny", "--process-id", process_id, "--reason", "no")
    exit_code, _, err = await terminal.run("governance", *denial)
    assert exit_code == 6
    assert "reason: PROCESS_CONCLUDED" in err
    assert "status: approved" in err
    exit_code, out, _ = await terminal.run("governance", "list-policies")
    assert exit_code == 0
    assert "process_type" in out


async def test_events_are_listed_and_followed(terminal: Terminal) -> None:
    await terminal.ask("create-committee", "--name", "Early")
    _, out, _ = await terminal.run("events", "--module", "governance", "--json")
    told = json.loads(out)
    assert told[-1]["event_type"] == "governance.committee-created"
    assert told[-1]["payload"]["name"] == "Early"
    last = told[-1]["sequence"]
    _, out, _ = await terminal.run("events", "-m", "governance", "-o", "csv")
    assert len(out.splitlines()) == last + 1

    session = BankSession({}, BankSettings(), Settings())
    renamed = ["governance.committee-renamed"]
    async with (
        session.channel,
        contextlib.aclosing(stream(session, "governance", last, renamed)) as events,
    ):
        following = asyncio.ensure_future(anext(events))
        await terminal.ask("create-committee", "--name", "Between")
        of = ("--committee-id", told[-1]["aggregate_id"])
        await terminal.ask("rename-committee", *of, "--name", "Late")
        event = event_record(await asyncio.wait_for(following, 10))
    assert (event["sequence"], event["payload"]["name"]) == (last + 2, "Late")
    exit_code, _, err = await terminal.run("events", "--module", "nothing-such")
    assert exit_code == 4
    assert "reason: MODULE_UNKNOWN" in err

"""`ledgerctl bank` against a bank that runs."""

import asyncio
import contextlib
import json
import uuid
from typing import Any

import pytest

from ledger_client.cli.__main__ import main
from ledger_client.cli.bank.events import stream
from ledger_client.cli.bank.session import BankSession, BankSettings
from ledger_client.cli.session import Settings
from tests.banking.bank import TENANT
from tests.banking.governance.committee import governance_in_process


async def test_a_withdrawal_is_approved_from_the_command_line(
    ledger_dsn: str,
    bank_dsn: str,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with governance_in_process(ledger_dsn, bank_dsn) as governance:
        monkeypatch.setenv("LEDGER_BANK_ADDRESS", governance.bank.bank.address)
        monkeypatch.setenv("LEDGER_BANK_TENANT", TENANT)
        monkeypatch.setenv("LEDGER_BANK_TOKEN", str(governance.bank.user))

        async def run(*arguments: str) -> tuple[int, str, str]:
            exit_code = await asyncio.to_thread(main, ["bank", *arguments])
            out, err = capsys.readouterr()
            return exit_code, out, err

        async def ask(*arguments: str) -> Any:
            exit_code, out, err = await run("governance", *arguments, "--json")
            assert exit_code == 0, err
            return json.loads(out)

        key = str(uuid.uuid4())
        create = ("create-committee", "--name", "Counter", "--request-id", key)
        committee = (await ask(*create))["committee"]
        assert (await ask(*create))["committee"] == committee
        of = ("--committee-id", committee["id"])
        await ask("add-member", *of, "--user-id", str(governance.bank.user))
        rules = ("--rules-kind", "committee", "--rules-committee-id", committee["id"])
        await ask("set-policy", "--process-type", "cli", *rules, "--rules-threshold", "1")
        process_id = str(uuid.uuid4())
        what = ("--process-type", "cli", "--target-ref", "one", "--initiator", "system:deposit")
        started = await ask("start-process", "--process-id", process_id, *what)
        assert started["process"]["status"] == "pending"
        waiting = await ask("list-processes", "--waiting-for-me", "--process-type", "cli")
        assert [process["id"] for process in waiting["processes"]] == [process_id]

        exit_code, out, _ = await run("governance", "approve", "--process-id", process_id)
        assert exit_code == 0
        lines = [line.split() for line in out.splitlines()]
        assert ["status", "approved"] in lines
        assert ["rules.threshold", "1"] in lines
        exit_code, _, err = await run("governance", "deny", "--process-id", process_id)
        assert exit_code == 3
        assert "reason: FIELD_INVALID" in err
        denial = ("deny", "--process-id", process_id, "--reason", "no")
        exit_code, _, err = await run("governance", *denial)
        assert exit_code == 6
        assert "reason: PROCESS_CONCLUDED" in err
        assert "status: approved" in err
        exit_code, out, _ = await run("governance", "list-policies")
        assert exit_code == 0
        assert "process_type" in out

        exit_code, out, _ = await run("events", "--module", "governance", "--json")
        told = [event["event_type"] for event in json.loads(out)]
        assert told[0] == "governance.committee-created"
        assert told[-1] == "governance.approval-process-concluded"
        last = str(len(told) - 1)
        _, out, _ = await run("events", "-m", "governance", "--after", last, "-o", "csv")
        assert len(out.splitlines()) == 2
        session = BankSession({}, BankSettings(), Settings())
        async with (
            session.channel,
            contextlib.aclosing(
                stream(session, "governance", 1, ["governance.committee-created"])
            ) as events,
        ):
            following = asyncio.ensure_future(anext(events))
            await ask("create-committee", "--name", "Late")
            event = await asyncio.wait_for(following, 10)
            assert event.payload["name"] == "Late"
        exit_code, _, err = await run("events", "--module", "nothing-such")
        assert exit_code == 4
        assert "reason: MODULE_UNKNOWN" in err

"""What a server remembers of limits is never older than the configuration that it is good for."""

import asyncio
from typing import Any
from uuid import UUID

import pytest

from ledger_server.application.group import UNPREPARED, Group
from ledger_server.application.journal_writer import JournalWriter
from ledger_server.store import limits
from tests.api.calls import reason
from tests.api.test_limit_uses import LimitedLedger, standing
from tests.ledger import serving, transfer


async def test_a_snapshot_of_before_a_change_is_not_remembered_as_of_after(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While limits' uses are read at one moment, a second limit comes, and postings heed it."""
    async with serving(database_dsn) as running:
        ledger = LimitedLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.post(transfer("cash", "income", "10.00"))
        await ledger.limit("LOW", standing("-100.00"))
        await ledger.limit("MIN", standing("0"))
        await ledger.attach("LOW", account="cash")
        present = limits.present_in_tx

        (writer,) = running.app._poster._writers.values()

        async def meanwhile(*arguments: Any) -> Any:
            monkeypatch.setattr(limits, "present_in_tx", present)
            await ledger.attach("MIN", account="cash")
            # As a posting would, after which no other has looked at the account yet.
            await writer._books.refresh()
            return await present(*arguments)

        monkeypatch.setattr(limits, "present_in_tx", meanwhile)
        await ledger.list_uses()
        assert await reason(ledger.post(transfer("income", "cash", "10.01"))) == "LIMIT_EXCEEDED"
        await ledger.post(transfer("income", "cash", "10.00"))


async def test_what_has_to_be_prepared_again_is_not_decided_ahead(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared under the configuration of now, it may be bound by what is still to be counted."""
    async with serving(database_dsn) as running:
        ledger = LimitedLedger(running.channel)
        await ledger.open("cash", "income")
        await ledger.post(transfer())
        (writer,) = running.app._poster._writers.values()
        seen: list[Group] = []

        async def noted(self: JournalWriter, groups: list[Group], *rest: Any) -> None:
            seen.extend(groups)
            await write(self, groups, *rest)

        write = JournalWriter._write
        monkeypatch.setattr(JournalWriter, "_write", noted)
        await ledger.post(transfer())
        (group,) = seen
        if (running_task := writer._task) is not None:
            # The posting is answered a moment before its batch is put away.
            await asyncio.wait([running_task])
        assert writer._may_be_ahead([group], set(group.ids()))
        group.config_version = UNPREPARED
        assert not writer._may_be_ahead([group], set(group.ids()))


async def test_a_command_that_was_refused_takes_its_ids(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prepared again it may be accepted, and its retry must not be decided beside it."""
    async with serving(database_dsn) as running:
        await running.ledger.open("cash", "income")
        seen: list[Group] = []

        async def noted(self: JournalWriter, group: Group) -> Any:
            seen.append(group)
            return await submit(self, group)

        submit = JournalWriter.submit
        monkeypatch.setattr(JournalWriter, "submit", noted)
        refused = transfer("cash", "nobody", external_id="order 7")
        results = await running.ledger.post_all([refused, transfer()])
        assert [result.refusal.reason for result in results] == ["ACCOUNT_NOT_FOUND", ""]
        (group,) = seen
        assert {UUID(refused.transaction_id), "order 7"} <= set(group.ids())

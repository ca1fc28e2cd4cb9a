"""A bank starts on a ledger that is as it should be, and leaves a process as it found it."""

import asyncio
from typing import Any

import grpc
import pytest

from ledger_client import LedgerClient
from ledger_client.banking.host import _make_journals
from ledger_client.errors import ConflictError
from tests.banking.bank import TENANT, bank_in_process
from tests.watched_files import watched_but_closed


async def test_what_comes_after_it_in_the_same_loop_is_heard(
    ledger_dsn: str, bank_dsn: str
) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time"):
        # At work: its HTTP server listens.
        await asyncio.sleep(0.2)
    assert watched_but_closed() == []
    async with bank_in_process(ledger_dsn, bank_dsn, "time"):
        pass  # ended while it starts
    assert watched_but_closed() == []


async def test_a_bank_that_has_called_the_ledger_stops_and_starts_again(
    ledger_dsn: str, bank_dsn: str
) -> None:
    for _ in range(2):
        async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
            assert (await bank.ledger.get_journal(TENANT)).code == TENANT


async def test_a_journal_that_is_there_is_taken(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        with pytest.raises(ConflictError, match="JOURNAL_EXISTS"):
            await bank.ledger.create_journal(TENANT)
        await _make_journals(bank.settings)


async def test_another_conflict_keeps_the_bank_from_starting(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def create_journal(*_arguments: Any) -> None:
        raise ConflictError("CONTENTION", "busy", status=grpc.StatusCode.ABORTED)

    monkeypatch.setattr(LedgerClient, "create_journal", create_journal)
    with pytest.raises(ConflictError, match="CONTENTION"):
        async with bank_in_process(ledger_dsn, bank_dsn, "time"):
            pass

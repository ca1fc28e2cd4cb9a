"""What is due by the clock is tried again, ever more rarely while it fails."""

import asyncio
from typing import Any

import pytest

from ledger_client.banking.foundation import runner as running
from tests.banking.bank import bank_in_process


async def test_what_fails_is_tried_ever_more_rarely(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running, "TICK_SECONDS", 0.01)
    tries = 0
    is_broken = True

    async def on_tick(*_arguments: Any) -> bool:
        nonlocal tries
        tries += 1
        if is_broken:
            raise KeyError("a bug")
        return False

    async with bank_in_process(ledger_dsn, bank_dsn, "governance") as bank:
        module: Any = bank.bank.runners["governance"].module
        module.on_tick = on_tick
        await asyncio.sleep(0.5)
        assert 2 <= tries <= 8
        is_broken, before = False, tries
        await asyncio.sleep(1)
        assert tries > before + 8

"""A bank in a process that goes on without it."""

import asyncio
import os
from typing import Any

from tests.banking.bank import bank_in_process


def watched_but_closed() -> list[int]:
    """Return the numbers of files that the loop watches although nothing is open under them."""
    loop: Any = asyncio.get_running_loop()
    return [number for number in loop._selector.get_map() if not _is_open(number)]


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True


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

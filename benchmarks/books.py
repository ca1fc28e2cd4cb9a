"""The journal that is measured: opened once, then posted to by every run."""

import asyncio
from pathlib import Path
from typing import Final

import asyncpg

from benchmarks.limits import prepare_limit
from benchmarks.load_generator import Job
from benchmarks.processes import run_load, running_server
from benchmarks.workload import ACCOUNT_COUNT, JOURNAL, Shape, account_code
from ledger_client import LedgerClient
from ledger_client.models import Direction, NewAccount
from ledger_client.templates import library

_ACCOUNTS_PER_CALL: Final = 1_000
_BATCH: Final = 500
#: Of the first transfers; runs count from 1.
_SEED: Final = 0


async def open_books(dsn: str, log: Path) -> None:
    """Make the journal, its accounts and templates, and post to each account.

    After that every balance has its row and every table its statistics: what is measured is a
    ledger in use, not the first minute of one, in which autovacuum has not come round yet.
    """
    with running_server(dsn, log) as server:
        async with LedgerClient.connect(server.address) as ledger:
            await ledger.create_journal(JOURNAL)
            for template in library():
                await ledger.create_tx_template(JOURNAL, template.template)
            for start in range(1, ACCOUNT_COUNT + 1, _ACCOUNTS_PER_CALL):
                accounts = [
                    NewAccount(code=account_code(number), normal_side=Direction.CREDIT)
                    for number in range(start, start + _ACCOUNTS_PER_CALL)
                ]
                await ledger.batch_create_accounts(JOURNAL, accounts)
            await prepare_limit(ledger)
        await _post(server.address, Shape.SPREAD, _BATCH, _SEED)
        await _analyze(dsn)
        await _post(server.address, Shape.EACH, ACCOUNT_COUNT // 2, _SEED - 1)
    await _analyze(dsn)


async def _post(address: str, shape: Shape, count: int, seed: int) -> None:
    job = Job(
        address=address,
        shape=shape,
        callers=1,
        batch=_BATCH,
        seconds=600.0,
        count=count,
        seed=seed,
    )
    await asyncio.to_thread(run_load, job)


async def _analyze(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()

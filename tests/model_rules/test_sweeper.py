"""The sweeper: what must not keep it from expiring what is due."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import pytest

from ledger_server.application import post
from ledger_server.application.sweeper import Sweeper
from ledger_server.store import holds
from tests.ledger import serving, transfer
from tests.model_rules.rules import EXPIRED, RulesLedger, rows


async def place_due(ledger: RulesLedger, dsn: str, count: int) -> list[str]:
    """Place holds and wait until their time has passed."""
    expire = datetime.now(UTC) + timedelta(seconds=1)
    placed = [transfer("cash", "income") for _ in range(count)]
    await asyncio.gather(*(ledger.place(asked, expire) for asked in placed))
    await rows(dsn, "SELECT pg_sleep_until($1)", expire)
    return [asked.transaction_id for asked in placed]


async def test_one_journal_is_not_in_the_way_of_others(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Holds that are too many entries for one call are expired in smaller ones."""
    async with serving(database_dsn) as running:
        await running.app.sweeper.close()
        many, few = (RulesLedger(running.channel, code) for code in ("many", "few"))
        for ledger in (many, few):
            await ledger.open("cash", "income")
        due = [(many, await place_due(many, database_dsn, 7))]
        due.append((few, await place_due(few, database_dsn, 1)))
        monkeypatch.setattr(post, "ENTRIES_MAX_PER_CALL", 5)
        assert await running.app.sweeper.sweep() == 8
        for ledger, ids in due:
            for hold_id in ids:
                assert (await ledger.hold(hold_id)).status == EXPIRED


async def test_nobody_can_take_the_id_of_an_expiry(database_dsn: str) -> None:
    """Were it known beforehand, a posting under it would keep the money on hold for ever."""
    async with serving(database_dsn) as running:
        await running.app.sweeper.close()
        ledger = RulesLedger(running.channel)
        await ledger.open("cash", "income")
        (hold_id,) = await place_due(ledger, database_dsn, 1)
        known = uuid.UUID("6f0f9b0a-2f5e-5d0b-9f25-5b0d7c1c8e11")
        await ledger.post(transfer(transaction_id=str(uuid.uuid5(known, hold_id))))
        assert await running.app.sweeper.sweep() == 1
        assert (await ledger.hold(hold_id)).status == EXPIRED


async def test_servers_that_sweep_at_once_end_a_hold_once(database_dsn: str) -> None:
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        sweepers: list[Sweeper] = [one.app.sweeper, other.app.sweeper]
        for sweeper in sweepers:
            await sweeper.close()
        ledger = RulesLedger(one.channel)
        await ledger.open("cash", "income")
        ids = await place_due(ledger, database_dsn, 30)
        async with one.app.database.transaction() as tx:
            assert len(await holds.expired_in_tx(tx, 500)) == len(ids)

        ended = await asyncio.gather(*(sweeper.sweep() for sweeper in sweepers))
        assert sum(ended) == len(ids)
        assert await sweepers[0].sweep() == 0

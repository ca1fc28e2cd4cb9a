"""From a posting to an effect: a server, `ledgerctl publish`, a broker, a consumer."""

import asyncio
import os
import sys
from decimal import Decimal
from typing import Any

import pytest

from ledger_client import Direction, LedgerClient
from ledger_client.consume import Gap, ReceivedEvent, SequenceWatch
from ledger_client.publish.envelopes import ENVELOPES
from ledger_client.templates import library
from tests.client.consume.brokers_at_hand import OnRabbitMQ, until
from tests.client.consume.effects import Effects, running
from tests.ledger import serving

POSTINGS = 12
TRANSFER = {"from": "bank", "to": "cash", "currency": "USD", "amount": Decimal("0.25")}


async def keep_books(client: LedgerClient) -> int:
    """Post, and return the sequence of the last event."""
    await client.create_journal("MAIN")
    for code in ("bank", "cash"):
        await client.create_account("MAIN", code, normal_side=Direction.DEBIT)
    (transfer,) = (one for one in library() if one.template.code == "TRANSFER")
    await client.create_tx_template("MAIN", transfer.template)
    for _ in range(POSTINGS):
        await client.post("MAIN", "TRANSFER", TRANSFER)
    return (await client.get_head("MAIN")).sequence


async def publish(address: str, broker: OnRabbitMQ, envelope: str) -> None:
    command = [sys.executable, "-m", "ledger_client.cli", "publish", "--server", address]
    command += ["--journal", "MAIN", "--to", broker.url, "--exchange", broker.name, "--once"]
    command += ["--balances", "--envelope", envelope]
    path = os.pathsep.join(entry for entry in sys.path if entry)
    process = await asyncio.create_subprocess_exec(
        *command,
        env={**os.environ, "PYTHONPATH": path},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await asyncio.wait_for(process.communicate(), 90)
    assert process.returncode == 0, output.decode()


@pytest.mark.parametrize("envelope", tuple(ENVELOPES))
async def test_a_balance_is_kept_by_who_consumes(
    shared_rabbitmq: Any, effects: Effects, database_dsn: str, envelope: str
) -> None:
    """Each event once and none missing: so balances kept from events are the ledger's."""
    balances: dict[str, Decimal] = {}

    async def keep(event: ReceivedEvent, connection: Any) -> None:
        await effects.handle(event, connection)
        if event.type.endswith(("balance.updated", "balance-updated")):
            sums = event.data["balance"]
            code = event.data["account_code"]
            balances[code] = Decimal(sums["debit"]) - Decimal(sums["credit"])

    async def none(gap: Gap) -> None:
        raise AssertionError(gap)

    broker = OnRabbitMQ(shared_rabbitmq.url)
    await broker.prepare()
    async with serving(database_dsn) as server, LedgerClient.connect(server.address) as client:
        head = await keep_books(client)
        journal = str((await client.get_journal("MAIN")).id)
        await publish(server.address, broker, envelope)
    watch = SequenceWatch({journal: 0})
    consumer = broker.consumer(effects.inbox, keep, in_order=True, watch=watch, on_gap=none)

    async def done() -> bool:
        return await broker.left() == 0 and consumer.counts.handled >= head + 2 * POSTINGS

    async with running(consumer):
        await until(done)
    sequences = await effects.sequences()
    assert sequences == sorted(sequences)
    assert set(sequences) == set(range(1, head + 1))
    assert len(sequences) == head + 2 * POSTINGS
    assert balances == {"bank": Decimal(-3), "cash": Decimal(3)}
    assert await broker.dead_letters() == []

"""The code of the page on consuming runs as it stands there."""

import asyncio
import re
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from ledger_client.consume import Gap, SequenceWatch
from ledger_client.consume.nats import NatsConsumer
from ledger_client.publish.envelopes import envelope
from ledger_client.publish.message import Message
from ledger_client.publish.topology import Topology, load_topology
from ledger_client.publish.topology_declaration import declare
from ledger_client.template_source.strict_yaml import parse, plain
from ledger_proto.v1 import events_pb2, transactions_pb2
from tests.brokers import Nats, RabbitMQ
from tests.client.consume.brokers_at_hand import OnNats, OnRabbitMQ
from tests.client.publish.any_event import JOURNAL, of_message

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "consuming.md").read_text()
LETTERS = "CREATE TABLE letters (transaction_id text, text text)"


def fence(kind: str) -> str:
    found = re.search(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    assert found, kind
    return found[1]


def posted() -> Message:
    event = events_pb2.Event(sequence=4712)
    transaction = event.journal_posted.transaction
    transaction.id = "00000000-0000-7000-8000-000000000001"
    transaction.template_code = "TRANSFER"
    transaction.entries.append(transactions_pb2.Entry(units="12.50"))
    return envelope("cloudevents", JOURNAL).message(of_message(event))


async def consumed(main: Any, dsn: str) -> list[str]:
    """Run a page's `main` until there is a letter, and return its text."""
    connection = await asyncpg.connect(dsn)
    task = asyncio.create_task(main())
    try:
        async with asyncio.timeout(60):
            while not (rows := await connection.fetch("SELECT text FROM letters")):
                assert not task.done(), task.exception()
                await asyncio.sleep(0.05)
        return [row["text"] for row in rows]
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await connection.close()


async def with_letters(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(LETTERS)
    await connection.close()


def names(dsn: str, **more: Any) -> dict[str, Any]:
    found = {"DATABASE_URL": dsn, "JOURNAL_ID": str(JOURNAL), "Gap": Gap, **more}
    found |= {"NatsConsumer": NatsConsumer, "SequenceWatch": SequenceWatch}
    exec(fence("python rabbitmq"), found)
    return found


async def test_rabbitmq(
    shared_rabbitmq: RabbitMQ, database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    topology = load_topology(ROOT / "docs" / "topologies" / "ledger.yaml")
    await declare(topology, shared_rabbitmq.url)
    await with_letters(database_dsn)
    broker = OnRabbitMQ(shared_rabbitmq.url)
    broker.name = topology.exchange
    await broker.publish([posted()])
    page = names(database_dsn, AMQP_URL=shared_rabbitmq.url)
    assert await consumed(page["main"], database_dsn) == ["TRANSFER of 12.50"]
    page |= {"topology": topology, "inbox": None}
    exec(fence("python in-order"), page)
    assert page["consumer"].counts.handled == 0


async def test_nats(shared_nats: Nats, database_dsn: str) -> None:
    await with_letters(database_dsn)
    broker = OnNats(shared_nats.url)
    broker.name = "LEDGER"
    await broker.prepare()
    page = names(database_dsn, NATS_URL=shared_nats.url)
    code = fence("python nats").replace("ledger.*.journal.posted", "LEDGER.journal.posted")
    exec(code, page)
    await broker.publish([posted()])
    assert await consumed(page["main"], database_dsn) == ["TRANSFER of 12.50"]


def test_the_topology() -> None:
    root = parse(fence("yaml"), [])
    assert root is not None
    topology = Topology.model_validate(plain(root))
    assert topology.dead_letters_to == "ledger.events.dlx"
    shortest = {"exchange": "ledger.events", "queues": [dict(topology.queues[0])]}
    assert Topology.model_validate(shortest).retries == topology.retries
    assert Topology.model_validate(shortest).message_ttl_ms == topology.message_ttl_ms

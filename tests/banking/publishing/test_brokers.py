"""Domain events through real brokers: at least once, in order, whoever is killed meanwhile."""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import os
import signal
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from typing import Any

import grpc
import pytest
from nats.aio.client import Client

from bank_proto.events.v1 import cursors_pb2
from bank_proto.events.v1.cursors_pb2_grpc import DomainEventCursorServiceStub
from ledger_client.banking.foundation.event_messages import message_of
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.publishing.envelope import DomainEventEnvelope
from ledger_client.banking.publishing.feed import DomainEvent, DomainEventFeed
from ledger_client.consume.received import EventReference, ReceivedEvent, read
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.publisher import Publisher, Settings
from ledger_client.publish.rabbitmq import RabbitTarget
from ledger_client.publish.target import Target
from tests.banking.bank import (
    START,
    TENANT,
    TestBank,
    bank_in_process,
    eventually,
)
from tests.brokers import Nats, RabbitMQ
from tests.client.publish.publishing import (
    RabbitReader,
    publishing,
    read_stream,
    until,
)
from tests.databases import database_of

LEASE_SECONDS = 1
#: Published before the one that is killed is.
BEFORE = 20
DAYS = 40
END = START + dt.timedelta(days=2 * DAYS)


@pytest.fixture
def name() -> str:
    return f"bank-{uuid.uuid4().hex[:8]}"


def publisher_of(bank: TestBank, target: Target, name: str) -> Publisher[DomainEvent]:
    feed = DomainEventFeed(bank.channel, "time", TENANT, credentials=lambda: bank.metadata)
    settings = Settings(name=name, lease_seconds=LEASE_SECONDS)
    return Publisher(feed, target=target, envelope=DomainEventEnvelope(), settings=settings)


@contextlib.asynccontextmanager
async def publishing_process(bank: TestBank, *options: str) -> AsyncIterator[Any]:
    """Run `ledgerctl bank publish`, and kill it as a power cut would."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger_client.cli", "bank", "publish", "--module", "time"),
        *("--lease", str(LEASE_SECONDS), *options),
        env={
            **os.environ,
            "LEDGER_BANK_ADDRESS": bank.bank.address,
            "LEDGER_BANK_TENANT": TENANT,
            "LEDGER_BANK_TOKEN": str(bank.user),
            "PYTHONPATH": os.pathsep.join(each for each in sys.path if each),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.wait()


async def position(bank: TestBank, name: str) -> int:
    stub = DomainEventCursorServiceStub(bank.channel)
    answer = await bank.call(stub.ListCursors, cursors_pb2.ListCursorsRequest(module="time"))
    return next((cursor.position for cursor in answer.cursors if cursor.name == name), 0)


@dataclasses.dataclass
class Place:
    """A place on a broker, and the options that name it."""

    cursor: str
    target: Target
    options: tuple[str, ...]


async def killed_in_the_middle(bank: TestBank, place: Place, both: asyncio.Barrier) -> None:
    """Have one publish and be killed, while events come, and another go on to the end."""
    options = ("--name", place.cursor, "--in-flight", "8", *place.options)
    async with publishing_process(bank, *options) as process:

        async def is_on_its_way() -> bool:
            assert process.returncode is None, await process.stderr.read()
            return await position(bank, place.cursor) >= BEFORE

        await eventually(is_on_its_way, 60)
        # Or the events that come for one could be all that the slower waits for.
        await both.wait()
        if bank.clock.now() < END:
            bank.clock.set(END)
    assert await position(bank, place.cursor) < 2 * DAYS, "it was done before it was killed"

    publisher = publisher_of(bank, place.target, place.cursor)
    async with publishing(publisher):
        await until(lambda: publisher.status.position == 2 * DAYS)
    assert await position(bank, place.cursor) == 2 * DAYS, "noted at the end"


@pytest.fixture
def fresh_bank(postgres_dsn: str) -> Iterator[str]:
    """A database of the test's own: its first day is the first of events."""
    with database_of(postgres_dsn) as dsn:
        yield dsn


async def test_nothing_is_lost_though_publishers_are_killed(
    ledger_dsn: str, fresh_bank: str, shared_rabbitmq: RabbitMQ, shared_nats: Nats, name: str
) -> None:
    reader = RabbitReader(shared_rabbitmq.url, name, name)
    await reader.bind("core.time.*")
    rabbitmq = Place(
        "one",
        RabbitTarget(shared_rabbitmq.url, name),
        ("--to", shared_rabbitmq.url, "--exchange", name),
    )
    # Subjects with a prefix of the test's own, so that its stream is in nobody's way.
    nats = Place(
        "other",
        NatsTarget(shared_nats.url, name, subject_prefix=name),
        ("--to", shared_nats.url, "--stream", name, "--create-stream", "--subject-prefix", name),
    )
    async with bank_in_process(ledger_dsn, fresh_bank, "time") as bank:
        bank.clock.set(START + dt.timedelta(days=DAYS))
        both = asyncio.Barrier(2)
        await asyncio.gather(
            *(killed_in_the_middle(bank, place, both) for place in (rabbitmq, nats))
        )
        events = await bank.events("time")
    assert [event.sequence for event in events] == list(range(1, 2 * DAYS + 1))
    by_id = {str(event.id): event for event in events}

    messages = await reader.messages()
    assert {message.message_id for message in messages} == set(by_id), "nothing is lost, or else"
    firsts = dict.fromkeys(int(str(message.headers["sequence"])) for message in messages)
    assert list(firsts) == [event.sequence for event in events], "first in order"
    for message in messages:
        event = by_id[str(message.message_id)]
        assert Envelope.model_validate_json(message.body) == event, "the same in every way"
        assert message.content_type == "application/json"
        assert message.routing_key == message.type == event.event_type == "core.time.end-of-day"
        assert message.headers["X-Request-Id"] == event.trace_id

    arrivals = await read_stream(shared_nats.url, name)
    assert [one.id for one in arrivals] == list(by_id), "once each: the stream told what it had"


async def test_subjects_are_types_and_consumers_read_what_comes(
    ledger_dsn: str, fresh_bank: str, nats: Nats, name: str
) -> None:
    async with bank_in_process(ledger_dsn, fresh_bank, "time") as bank:
        bank.clock.set(START + dt.timedelta(days=1))

        async def ended() -> list[Envelope]:
            return await bank.events("time")

        (event,) = await eventually(ended)
        target = NatsTarget(
            nats.url, name, subject_prefix="", subjects="core.time.>", create_stream=True
        )
        await publisher_of(bank, target, name).run(until=1)
        (again,) = await ended()
        assert again == event
    client = Client()
    await client.connect(servers=[nats.url])
    message = await client.jetstream().get_msg(name, seq=1)
    await client.close()
    assert message.subject == "core.time.end-of-day"
    assert message.data is not None
    received = read(message.data, content_type="application/json")
    assert isinstance(received, ReceivedEvent)
    assert (received.id, received.sequence) == (str(event.id), 1)
    assert received.series == f"{TENANT}/core.time"
    assert received.correlation_id == event.trace_id
    assert received.data == event.payload


async def test_an_event_too_large_is_referred_to() -> None:
    event = message_of(
        Envelope(
            id=uuid.uuid4(),
            event_type="core.time.end-of-day",
            payload={},
            recorded_at=START,
            trace_id="t",
            sequence=7,
            schema_version=1,
            tenant=TENANT,
            aggregate_id=uuid.uuid4(),
            correlation_id="t",
            causation_id="request:t",
        )
    )
    message = DomainEventEnvelope().message(DomainEvent(event))
    async with grpc.aio.insecure_channel("127.0.0.1:1") as channel:
        feed = DomainEventFeed(channel, "time", TENANT, credentials=tuple)
        reference = feed.reference_of_message(message, "too large")
        assert feed.reference_of_event(DomainEvent(event), "too large") == reference
    assert reference.headers == message.headers
    received = read(
        reference.body,
        content_type=reference.content_type,
        message_id=reference.id,
        message_type=reference.type,
    )
    assert received == EventReference(
        id=event.id,
        type=event.event_type,
        journal_id="",
        sequence=7,
        problem="too large",
        tenant=TENANT,
        module="time",
    )

"""Two publishers of one origin at once, as after a pause: the broker lets one of them publish."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from ledger_client.publish.message import Message
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.rabbitmq import RabbitTarget
from ledger_client.publish.target import FencedError, Origin, Published, Target
from tests.brokers import Nats, RabbitMQ
from tests.client.publish.publishing import RabbitReader, read_stream


@pytest.fixture
def name() -> str:
    return f"fence-{uuid.uuid4().hex[:8]}"


def messages(*sequences: int) -> list[Message]:
    return [
        Message(
            id=f"id-{sequence}",
            type=("journal.posted", "hold.created")[sequence % 2],
            sequence=sequence,
            body=b"{}",
            content_type="application/json",
            headers={"sequence": str(sequence)},
        )
        for sequence in sequences
    ]


@asynccontextmanager
async def opened(target: Target, origin: Origin) -> AsyncIterator[Published | None]:
    try:
        yield await target.open(origin)
    finally:
        await target.close()


async def test_rabbitmq_lets_one_connection_publish(shared_rabbitmq: RabbitMQ, name: str) -> None:
    """For one origin; others are not in its way. A name may be longer than a queue's."""
    await RabbitReader(shared_rabbitmq.url, name, name).bind()
    for origin in (Origin("J", name), Origin("J" * 255, name)):
        first, second = (RabbitTarget(shared_rabbitmq.url, name) for _ in range(2))
        async with opened(first, origin):
            with pytest.raises(FencedError):
                await second.open(origin)
            await second.close()
            async with opened(second, Origin("K", name)):
                await second.publish(messages(1))
            await first.publish(messages(1, 2))
        async with opened(second, origin):
            await second.publish(messages(3))


@pytest.mark.parametrize("journal", ["J", "a.b *>\u00e9"])
async def test_nats_refuses_who_is_behind(shared_nats: Nats, name: str, journal: str) -> None:
    """Of several that are on their way, none may fit by its place alone."""
    origin = Origin(journal, "Öffentlich 1")
    first, second = (
        NatsTarget(shared_nats.url, name, subject_prefix=name, create_stream=True) for _ in range(2)
    )
    async with opened(first, origin) as found:
        assert found is None
        await first.publish(messages(1, 2))
        async with opened(second, origin) as found_then:
            assert found_then == Published(2, "id-2")
            await second.publish(messages(4))
            with pytest.raises(FencedError) as refusal:
                await first.publish(messages(5, 6))
            assert refusal.value.confirmed == 0
            await second.publish(messages(6, 7))
    arrivals = await read_stream(shared_nats.url, name)
    assert [arrival.sequence for arrival in arrivals] == [1, 2, 4, 6, 7]

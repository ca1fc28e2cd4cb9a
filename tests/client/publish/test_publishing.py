"""Publishing to real brokers: everything arrives, in order, as long as nothing goes wrong."""

import pytest

from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.rabbitmq import RabbitTarget
from tests.brokers import Nats, RabbitMQ
from tests.client.publish.publishing import (
    Books,
    RabbitReader,
    first_arrivals,
    publishing,
    read_stream,
    until,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_rabbitmq_gets_everything_in_order(shared_rabbitmq: RabbitMQ, books: Books) -> None:
    reader = RabbitReader(shared_rabbitmq.url, books.journal.code, books.journal.code)
    await reader.bind()
    await books.post(1_200)
    publisher = books.publisher(RabbitTarget(shared_rabbitmq.url, books.journal.code))
    async with publishing(publisher):
        head = await books.post(30)
        await until(lambda: publisher.status.position == head)
    assert await books.position() == head
    assert [one.sequence for one in await reader.read()] == list(range(1, head + 1))
    assert (publisher.status.published, publisher.status.lag) == (head, 0)


async def test_nats_gets_everything_in_order(shared_nats: Nats, books: Books) -> None:
    stream = books.journal.code
    target = NatsTarget(shared_nats.url, stream, create_stream=True)
    await books.post(1_200)
    publisher = books.publisher(target)
    async with publishing(publisher):
        head = await books.post(30)
        await until(lambda: publisher.status.position == head)
    assert await books.position() == head
    arrivals = await read_stream(shared_nats.url, stream)
    assert [one.sequence for one in arrivals] == list(range(1, head + 1))
    assert first_arrivals(arrivals) == list(range(1, head + 1))

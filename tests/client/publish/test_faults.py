"""Brokers that are killed, blocked and cut off in mid-batch: all arrives, first in order."""

import logging
from typing import Literal

import pytest

from tests.brokers import Nats, RabbitMQ
from tests.client.publish.faults import Outcome, place, publish_through
from tests.client.publish.publishing import Books, first_arrivals

#: A broker that starts on a busy machine takes its time.
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(300)]

logger = logging.getLogger(__name__)

Fault = Literal["kill", "block", "cut"]
FAULTS = ["kill", "block", "cut"]


async def check(broker: RabbitMQ | Nats, books: Books, fault: Fault, times: int) -> Outcome:
    async with place(broker, books.journal.code) as where:
        outcome = await publish_through(books, where, getattr(where, fault), times)
    status = outcome.publisher.status
    logger.info(
        "%s, %s %d times: %d events, %d arrivals; failed attempts %d, found there %d",
        *(type(broker).__name__, fault, times, outcome.head, len(outcome.arrivals)),
        *(status.retried, status.skipped),
    )
    assert first_arrivals(outcome.arrivals) == list(range(1, outcome.head + 1))
    assert status.retried >= times, "each fault was felt"
    return outcome


@pytest.mark.parametrize("fault", FAULTS)
async def test_nats(nats: Nats, books: Books, fault: Fault) -> None:
    """Not one comes again, though the stream forgets ids at once."""
    outcome = await check(nats, books, fault, 1)
    assert len(outcome.arrivals) == outcome.head


async def test_rabbitmq_is_cut_off(shared_rabbitmq: RabbitMQ, books: Books) -> None:
    await check(shared_rabbitmq, books, "cut", 2)


async def test_rabbitmq_blocks(shared_rabbitmq: RabbitMQ, books: Books) -> None:
    await check(shared_rabbitmq, books, "block", 1)


async def test_rabbitmq_is_killed(rabbitmq: RabbitMQ, books: Books) -> None:
    await check(rabbitmq, books, "kill", 1)


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("fault", FAULTS)
async def test_nats_twenty_times(nats: Nats, books: Books, fault: Fault) -> None:
    outcome = await check(nats, books, fault, 20)
    assert len(outcome.arrivals) == outcome.head


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("fault", FAULTS)
async def test_rabbitmq_twenty_times(rabbitmq: RabbitMQ, books: Books, fault: Fault) -> None:
    await check(rabbitmq, books, fault, 20)

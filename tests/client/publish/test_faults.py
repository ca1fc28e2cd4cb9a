"""Brokers that are killed, blocked and cut off in mid-batch: all arrives, first in order."""

import logging
from typing import Literal

import pytest

from tests.brokers import Nats, RabbitMQ
from tests.client.publish.faults import place, publish_through
from tests.client.publish.publishing import Books, first_arrivals

pytestmark = pytest.mark.asyncio(loop_scope="module")

Fault = Literal["kill", "block", "cut"]


async def check(broker: RabbitMQ | Nats, books: Books, fault: Fault, times: int) -> None:
    async with place(broker, books.journal.code) as where:
        outcome = await publish_through(books, where, getattr(where, fault), times)
    assert first_arrivals(outcome.arrivals) == list(range(1, outcome.head + 1))
    assert outcome.publisher.status.retried >= times
    again = len(outcome.arrivals) - outcome.head
    logging.getLogger(__name__).warning(
        "%s, %s %d times: %d events, %d came again, %d attempts, %d found there",
        type(broker).__name__,
        fault,
        times,
        outcome.head,
        again,
        outcome.publisher.status.retried,
        outcome.publisher.status.skipped,
    )


@pytest.mark.parametrize("fault", ["kill", "block", "cut"])
async def test_nats(nats: Nats, books: Books, fault: Fault) -> None:
    await check(nats, books, fault, 2)


async def test_rabbitmq_is_cut_off(shared_rabbitmq: RabbitMQ, books: Books) -> None:
    await check(shared_rabbitmq, books, "cut", 3)


@pytest.mark.parametrize("fault", ["block", "kill"])
async def test_rabbitmq(shared_rabbitmq: RabbitMQ, books: Books, fault: Fault) -> None:
    await check(shared_rabbitmq, books, fault, 1)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", ["kill", "block", "cut"])
async def test_nats_twenty_times(nats: Nats, books: Books, fault: Fault) -> None:
    await check(nats, books, fault, 20)


@pytest.mark.nightly
@pytest.mark.parametrize("fault", ["kill", "block", "cut"])
async def test_rabbitmq_twenty_times(rabbitmq: RabbitMQ, books: Books, fault: Fault) -> None:
    await check(rabbitmq, books, fault, 20)

"""Each broker in turn, and effects in a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from tests.client.consume.brokers_at_hand import BrokerAtHand, OnNats, OnRabbitMQ
from tests.client.consume.effects import Effects, effects_in


@pytest.fixture(params=["rabbitmq", "nats"])
async def broker(request: pytest.FixtureRequest) -> BrokerAtHand:
    """A place of the test's own, on the session's broker."""
    kind = {"rabbitmq": OnRabbitMQ, "nats": OnNats}[request.param]
    at_hand: BrokerAtHand = kind(request.getfixturevalue(f"shared_{request.param}").url)
    await at_hand.prepare()
    return at_hand


@pytest.fixture
async def effects(database_dsn: str) -> AsyncIterator[Effects]:
    async with effects_in(database_dsn) as found:
        yield found

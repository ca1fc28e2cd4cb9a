"""Each broker in turn, and effects in a database of the test's own."""

from collections.abc import AsyncIterator

import pytest

from ledger_client.consume import consumer, nats
from tests.client.consume.brokers_at_hand import BrokerAtHand, OnNats, OnRabbitMQ
from tests.client.consume.effects import Effects, effects_in


@pytest.fixture(autouse=True)
def without_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consumer, "BACKOFF_SECONDS_FIRST", 0.02)
    monkeypatch.setattr(nats, "FETCH_SECONDS", 0.2)


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

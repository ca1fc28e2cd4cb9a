"""Effects exactly once, whatever breaks: consumers, connections, brokers, the database."""

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aio_pika.message import IncomingMessage

from ledger_client.consume import ReceivedEvent, Retries, rabbitmq
from tests.brokers import Broker
from tests.client.consume.brokers_at_hand import BrokerAtHand, OnNats, OnRabbitMQ, until
from tests.client.consume.effects import Effects, event_message, event_messages, running
from tests.tcp_proxy import tcp_proxy

KINDS: dict[str, type[BrokerAtHand]] = {"rabbitmq": OnRabbitMQ, "nats": OnNats}


def start_consumer(
    broker: BrokerAtHand, dsn: str, when: str = "never", after: int = 0
) -> "subprocess.Popen[bytes]":
    """Start a consumer in a process of its own."""
    kind = "rabbitmq" if isinstance(broker, OnRabbitMQ) else "nats"
    path = os.pathsep.join(entry for entry in (*sys.path, os.getcwd()) if entry)  # noqa: PTH109
    command = [sys.executable, "-m", "tests.client.consume.killed_consumer"]
    return subprocess.Popen(
        [*command, kind, broker.url, broker.name, dsn, when, str(after)],
        env={**os.environ, "PYTHONPATH": path},
        stderr=subprocess.DEVNULL,
    )


async def ended(process: "subprocess.Popen[bytes]") -> int:
    return await asyncio.wait_for(asyncio.to_thread(process.wait), 60)


async def is_done(broker: BrokerAtHand, effects: Effects, count: int) -> bool:
    return await effects.count() >= count and await broker.left() == 0


async def test_killed_between_effect_and_acknowledgement(
    broker: BrokerAtHand, effects: Effects, database_dsn: str
) -> None:
    await broker.publish(event_messages(25))
    killed = start_consumer(broker, database_dsn, "after-commit", 7)
    assert await ended(killed) == -signal.SIGKILL
    assert await effects.count() >= 7
    assert await broker.left() > 25 - await effects.count(), "the last was not acknowledged"
    async with running(broker.consumer(effects.inbox, effects.handle)) as consumer:
        await until(lambda: is_done(broker, effects, 25))
    assert sorted(await effects.sequences()) == list(range(1, 26))
    assert consumer.counts.repeated >= 1


async def test_what_kills_its_consumer_ends_as_a_dead_letter(
    shared_rabbitmq: Any, effects: Effects, database_dsn: str
) -> None:
    """The broker does not count, and who is dead cannot: so what comes again is counted first."""
    broker = OnRabbitMQ(shared_rabbitmq.url)
    broker.retries = Retries(count=1, first_wait_ms=20)
    await broker.prepare()
    await broker.publish([event_message(1)])
    for _ in range(3):
        assert await ended(start_consumer(broker, database_dsn, "in-handler", 1)) == -signal.SIGKILL
    await broker.publish([event_message(2)])
    harmless = broker.consumer(effects.inbox, Failing().handle)
    async with running(harmless):
        await until(lambda: is_true(harmless.counts.dead == 1))
        await until(lambda: is_done(broker, effects, 0))
    (letter,) = await broker.dead_letters()
    assert letter.body == event_message(1).body
    assert letter.attempts == 3


class Failing:
    async def handle(self, event: ReceivedEvent, _connection: Any) -> None:
        if event.sequence == 1:
            raise ValueError("always")


async def is_true(value: bool) -> bool:  # a condition
    return value


async def consume_while(
    broker: BrokerAtHand, effects: Effects, url: str, count: int, trouble: Any
) -> None:
    """Consume `count` events while something goes wrong again and again; count the effects."""

    async def handle(event: ReceivedEvent, connection: Any) -> None:
        await effects.handle(event, connection)
        await asyncio.sleep(0.001)

    async with running(broker.consumer(effects.inbox, handle, url=url, concurrency=20)) as consumer:
        await trouble(consumer)
        await until(lambda: is_done(broker, effects, count), 120)
    assert sorted(await effects.sequences()) == list(range(1, count + 1))
    assert await broker.dead_letters() == []
    assert consumer.counts.connections > 1


async def cut_off(broker: BrokerAtHand, effects: Effects, *, cuts: int) -> None:
    port = int(broker.url.rstrip("/").rsplit(":", 1)[1])
    count = 100 * cuts
    await broker.publish(event_messages(count))
    async with tcp_proxy(port) as proxy:

        async def cut(_consumer: Any) -> None:
            for number in range(1, cuts + 1):
                wanted = number * count // (cuts + 1)
                await until(lambda wanted=wanted: has(effects, wanted), 120)
                proxy.cut()

        url = broker.url.replace(f":{port}", f":{proxy.port}")
        await consume_while(broker, effects, url, count, cut)


async def has(effects: Effects, count: int) -> bool:
    return await effects.count() >= count


async def test_connections_that_are_cut(broker: BrokerAtHand, effects: Effects) -> None:
    await cut_off(broker, effects, cuts=3)


async def test_an_acknowledgement_that_never_ends(
    shared_rabbitmq: Any, effects: Effects, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The driver waits for what nobody will write any more, if the connection breaks just then."""
    broker = OnRabbitMQ(shared_rabbitmq.url)
    await broker.prepare()
    await broker.publish(event_messages(10))
    acknowledge, hanging = IncomingMessage.ack, [3]

    async def ack(message: IncomingMessage, multiple: bool = False) -> None:
        hanging[0] -= 1
        if not hanging[0]:
            await asyncio.Future()
        await acknowledge(message, multiple)

    monkeypatch.setattr(IncomingMessage, "ack", ack)
    monkeypatch.setattr(rabbitmq, "SETTLE_SECONDS", 0.1)
    async with running(broker.consumer(effects.inbox, effects.handle)) as consumer:
        await until(lambda: is_true(consumer.counts.connections == 2))
        await until(lambda: is_done(broker, effects, 10))
    assert sorted(await effects.sequences()) == list(range(1, 11))


@pytest.mark.nightly
@pytest.mark.timeout(900)
async def test_connections_that_are_cut_twenty_times(
    broker: BrokerAtHand, effects: Effects
) -> None:
    await cut_off(broker, effects, cuts=20)


@contextlib.asynccontextmanager
async def of_its_own(request: pytest.FixtureRequest, kind: str) -> AsyncIterator[Any]:
    broker: Broker = request.getfixturevalue(kind)
    at_hand = KINDS[kind](broker.url)  # type: ignore[attr-defined]  # each kind has its own
    await at_hand.prepare()
    yield broker, at_hand


async def killed_broker(
    request: pytest.FixtureRequest, kind: str, effects: Effects, *, kills: int
) -> None:
    count = 50 * kills
    async with of_its_own(request, kind) as (process, broker):
        await broker.publish(event_messages(count))

        async def kill(_consumer: Any) -> None:
            for number in range(1, kills + 1):
                wanted = number * count // (kills + 1)
                await until(lambda wanted=wanted: has(effects, wanted), 120)
                await asyncio.to_thread(process.kill)
                await asyncio.to_thread(process.start)

        await consume_while(broker, effects, broker.url, count, kill)


async def test_a_broker_that_is_killed(request: pytest.FixtureRequest, effects: Effects) -> None:
    """NATS alone, which starts at once; both are killed by night."""
    await killed_broker(request, "nats", effects, kills=1)


@pytest.mark.nightly
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("kind", list(KINDS))
async def test_a_broker_that_is_killed_twenty_times(
    request: pytest.FixtureRequest, kind: str, effects: Effects
) -> None:
    await killed_broker(request, kind, effects, kills=20)


@pytest.mark.nightly
@pytest.mark.timeout(900)
async def test_consumers_that_are_killed_twenty_times(
    broker: BrokerAtHand, effects: Effects, database_dsn: str
) -> None:
    """At any moment, two at a time."""
    count = 2000
    await broker.publish(event_messages(count))
    consumers = [start_consumer(broker, database_dsn) for _ in range(2)]
    try:
        for number in range(20):
            wanted = (number + 1) * count // 22
            await until(lambda wanted=wanted: has(effects, wanted), 120)
            await asyncio.sleep(random.random() / 20)
            victim = consumers.pop(0)
            victim.kill()
            await ended(victim)
            consumers.append(start_consumer(broker, database_dsn))
        await until(lambda: is_done(broker, effects, count), 120)
    finally:
        for consumer in consumers:
            consumer.kill()
            consumer.wait()
    assert sorted(await effects.sequences()) == list(range(1, count + 1))
    assert await broker.dead_letters() == []


async def test_a_database_that_drops_its_connections(
    broker: BrokerAtHand, effects: Effects
) -> None:
    """In mid-handling: nothing of a transaction stays, and the event is handled again."""
    await broker.publish(event_messages(60))

    async def drop(_consumer: Any) -> None:
        for wanted in (10, 30):
            await until(lambda wanted=wanted: has(effects, wanted))
            with contextlib.suppress(Exception):
                await effects.pool.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )

    async def handle(event: ReceivedEvent, connection: Any) -> None:
        await effects.handle(event, connection)
        await asyncio.sleep(0.005)

    async with running(broker.consumer(effects.inbox, handle, concurrency=5)) as consumer:
        await drop(consumer)
        await until(lambda: is_done(broker, effects, 60))
    assert sorted(await effects.sequences()) == list(range(1, 61))
    assert consumer.counts.dead == 0

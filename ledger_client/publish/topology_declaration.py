"""Declares a topology on a RabbitMQ. What is there as it should be stays; nothing is changed."""

import asyncio
import dataclasses
from typing import Any, ClassVar, Final, TypeAlias

import aio_pika
import aiormq.exceptions
from aio_pika.abc import AbstractConnection
from yarl import URL

from ledger_client.publish.topology import Queue, Topology

CONNECT_SECONDS: Final = 10.0
#: Of one declaration.
DECLARE_SECONDS: Final = 30.0


@dataclasses.dataclass(frozen=True, slots=True)
class ExchangeStep:
    """A durable topic exchange."""

    kind: ClassVar = "exchange"

    name: str
    detail: str = "topic, durable"


@dataclasses.dataclass(frozen=True, slots=True)
class QueueStep:
    """A durable queue."""

    kind: ClassVar = "queue"

    name: str
    arguments: dict[str, Any]

    @property
    def detail(self) -> str:
        """Its arguments."""
        shown = (f"{key}={value!r}" for key, value in self.arguments.items())
        return ", ".join(["durable", *shown])


@dataclasses.dataclass(frozen=True, slots=True)
class BindingStep:
    """A queue's binding to an exchange."""

    kind: ClassVar = "binding"

    exchange: str
    routing_key: str
    queue: str

    @property
    def name(self) -> str:
        """The routing key."""
        return self.routing_key

    @property
    def detail(self) -> str:
        """From where to where."""
        return f"{self.exchange} -> {self.queue}"


Step: TypeAlias = ExchangeStep | QueueStep | BindingStep


class TopologyMismatchError(Exception):
    """What is on the broker differs from the topology, and cannot be changed in place."""

    def __init__(self, differences: list[str]) -> None:
        """Keep a sentence for each difference, in the broker's words."""
        super().__init__("; ".join(differences))
        self.differences = tuple(differences)


class BrokerError(Exception):
    """The broker does not answer, or does not let this user declare."""


def steps(topology: Topology) -> list[Step]:
    """Return all that is to be declared, in order."""
    found: list[Step] = [ExchangeStep(topology.exchange), ExchangeStep(topology.dead_letters_to)]
    for queue in topology.queues:
        found += _of_queue(topology, queue)
    return found


def _of_queue(topology: Topology, queue: Queue) -> list[Step]:
    key = topology.dead_letter_key(queue)
    kind = {"x-queue-type": "quorum"} if queue.type == "quorum" else {}
    # The default on quorum queues loses dead letters if a node goes down in between.
    safely = {"x-dead-letter-strategy": "at-least-once", "x-overflow": "reject-publish"}
    passing = kind | (safely if kind else {})
    to_dead_letters = {
        "x-dead-letter-exchange": topology.dead_letters_to,
        "x-dead-letter-routing-key": key,
        "x-message-ttl": topology.message_ttl_ms,
    }
    # Dead letters stay until somebody has looked at them: no time to live. Where they go comes
    # first, so that there is no moment in which they would be lost.
    found: list[Step] = [
        QueueStep(queue.dead_letters, kind),
        BindingStep(topology.dead_letters_to, key, queue.dead_letters),
        QueueStep(queue.name, passing | to_dead_letters),
    ]
    for retry, wait_ms in enumerate(topology.retries.waits_ms, 1):
        back = {
            "x-dead-letter-exchange": "",
            "x-dead-letter-routing-key": queue.name,
            "x-message-ttl": wait_ms,
        }
        found.append(QueueStep(queue.waiting(retry), passing | back))
    found += [BindingStep(topology.exchange, each, queue.name) for each in queue.bind]
    return found


async def declare(topology: Topology, url: str) -> None:
    """Declare a topology. Done again it changes nothing.

    Where something differs all the rest is declared all the same, and every difference is told.

    Args:
        topology: what to declare.
        url: `amqp://user:password@host:port/vhost`, or `amqps://` with TLS.

    Raises:
        TopologyMismatchError: something is there with other properties.
        BrokerError: the broker is not there, or this user may not.
    """
    place = URL(url).with_password(None)
    differences = []
    try:
        connection = await asyncio.wait_for(aio_pika.connect(url), CONNECT_SECONDS)
        async with connection:
            for step in steps(topology):
                try:
                    await asyncio.wait_for(_declare(connection, step), DECLARE_SECONDS)
                except aiormq.exceptions.ChannelPreconditionFailed as error:
                    differences.append(f"{step.kind} {step.name}: {error}")
    except (aiormq.exceptions.AMQPError, OSError, TimeoutError) as error:
        raise BrokerError(f"{place}: {error or type(error).__name__}") from error
    if differences:
        raise TopologyMismatchError(differences)


async def _declare(connection: AbstractConnection, step: Step) -> None:
    """Declare on a channel of its own: the broker closes it with a refusal."""
    async with connection.channel() as channel:
        match step:
            case ExchangeStep():
                await channel.declare_exchange(step.name, aio_pika.ExchangeType.TOPIC, durable=True)
            case QueueStep():
                await channel.declare_queue(step.name, durable=True, arguments=step.arguments)
            case BindingStep():
                queue = await channel.get_queue(step.queue, ensure=False)
                await queue.bind(step.exchange, step.routing_key)

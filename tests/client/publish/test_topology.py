"""Topologies: read strictly, and declared on a real RabbitMQ."""

import asyncio
from pathlib import Path

import aio_pika
import pytest

from ledger_client.publish.topology import Topology, TopologyFileError, load_topology
from ledger_client.publish.topology_declaration import (
    BindingStep,
    BrokerError,
    QueueStep,
    TopologyMismatchError,
    declare,
    steps,
)
from tests.brokers import RabbitMQ

EXAMPLES = Path(__file__).resolve().parents[3] / "docs" / "topologies"


def topology(**fields: object) -> Topology:
    queue = {"name": "q", "bind": ["journal.posted"]}
    return Topology.model_validate({"exchange": "e", "queues": [queue]} | fields)


class TestFile:
    """What a file may say, and how a mistake is told."""

    @pytest.mark.parametrize("path", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
    def test_the_examples_are_topologies(self, path: Path) -> None:
        assert load_topology(path).queues

    @pytest.mark.parametrize(
        ("text", "line", "message"),
        [
            ("", 1, "the file is empty"),
            ("exchange: [", 1, "expected"),
            ("exchange: e\nqueues:\n- name: q\n", 3, "queues[0].bind: Field required"),
            ("exchange: e\nqueues: [{name: q, bind: [x], ttl: 5}]", 2, "queues[0].ttl: Extra"),
            ("exchange: e\nqueues: []", 2, "queues: Tuple should have at least 1 item"),
            (
                "exchange: amq.topic\nqueues: [{name: q, bind: [x]}]",
                1,
                "exchange: names that begin",
            ),
            ("exchange: e\nqueues: [{name: q, bind: [x]}]\nmessage_ttl_ms: 0", 3, "message_ttl_ms"),
            (
                "exchange: e\nqueues: [{name: q, bind: [x]}]\nmessage_ttl_ms: '5'",
                3,
                "valid integer",
            ),
            (
                "exchange: e\nexchange: f\nqueues: [{name: q, bind: [x]}]",
                2,
                "exchange is there twice",
            ),
            (
                'exchange: e\nqueues: [{name: q, bind: [x]}]\ndead_letter_routing_key: "{key}"',
                3,
                "may name {routing_key} and {queue} alone",
            ),
            ("exchange: e\nqueues: [{name: q, bind: [x], type: stream}]", 2, "queues[0].type"),
            (
                "exchange: e\nqueues: [{name: q, bind: [x]}]\nretries: {count: 10, factor: 100}",
                3,
                "retries: the last wait is longer",
            ),
        ],
    )
    def test_a_mistake_is_told_with_its_line(
        self, tmp_path: Path, text: str, line: int, message: str
    ) -> None:
        path = tmp_path / "topology.yaml"
        path.write_text(text)
        with pytest.raises(TopologyFileError) as error:
            load_topology(path)
        assert any(
            problem.line == line and message in problem.message for problem in error.value.problems
        ), error.value.problems

    def test_one_queue_twice(self) -> None:
        queue = {"name": "q", "bind": ["a"]}
        with pytest.raises(ValueError, match="the queue q is there twice"):
            topology(queues=[queue, queue])

    def test_a_queue_that_is_anothers_dead_letters(self) -> None:
        queues = [{"name": "q", "bind": ["a"]}, {"name": "q.dlq", "bind": ["b"]}]
        with pytest.raises(ValueError, match=r"the queue q\.dlq is there twice"):
            topology(queues=queues)

    def test_dead_letters_of_two_queues_under_one_key(self) -> None:
        queues = [{"name": "q", "bind": ["a"]}, {"name": "r", "bind": ["a"]}]
        with pytest.raises(ValueError, match="would get each other's"):
            topology(queues=queues, dead_letter_routing_key="{routing_key}.dlq")
        assert topology(queues=queues)

    def test_dead_letters_where_they_came_from(self) -> None:
        with pytest.raises(ValueError, match="an exchange of their own"):
            topology(dead_letter_exchange="e")


class TestSteps:
    def test_the_topology_of_a_lending_service(self) -> None:
        lending = load_topology(EXAMPLES / "lending.yaml")
        name = "imaglend.flow.execution.failed"
        queues = {
            step.name: step.arguments for step in steps(lending) if isinstance(step, QueueStep)
        }
        assert queues[name] == {
            "x-dead-letter-exchange": "imagy.events.dlx",
            "x-dead-letter-routing-key": "flow.execution.failed.dlq",
            "x-message-ttl": 86_400_000,
        }
        assert queues[f"{name}.dlq"] == {}
        waits = [queues[f"{name}.retry.{retry}"]["x-message-ttl"] for retry in (1, 2, 3)]
        assert waits == [1_000, 4_000, 16_000]
        assert len(queues) == 4 * 5
        bindings = [step for step in steps(lending) if isinstance(step, BindingStep)]
        assert BindingStep("imagy.events", "flow.execution.failed", name) in bindings
        assert (
            BindingStep("imagy.events.dlx", "flow.execution.failed.dlq", f"{name}.dlq") in bindings
        )

    def test_dead_letters_of_a_queue_with_wildcards_go_by_its_name(self) -> None:
        queue = {"name": "q", "bind": ["hold.*"]}
        found = topology(queues=[queue], dead_letter_routing_key="{routing_key}.dlq")
        assert found.dead_letter_key(found.queue("q")) == "q.dlq"


class TestDeclare:
    @pytest.mark.parametrize("kind", ["classic", "quorum"])
    async def test_again_it_changes_nothing(self, shared_rabbitmq: RabbitMQ, kind: str) -> None:
        queue = {"name": f"again-{kind}", "bind": ["a.b", "c.#"], "type": kind}
        wanted = topology(exchange=f"again-{kind}", queues=[queue])
        await declare(wanted, shared_rabbitmq.url)
        async with await aio_pika.connect(shared_rabbitmq.url) as connection:
            channel = await connection.channel()
            exchange = await channel.get_exchange(wanted.exchange)
            for key in ("a.b", "c", "c.d.e"):
                await exchange.publish(aio_pika.Message(b""), key)
            await declare(wanted, shared_rabbitmq.url)
            there = await channel.declare_queue(f"again-{kind}", passive=True)
            assert there.declaration_result.message_count == 3

    async def test_what_is_not_taken_in_time_is_a_dead_letter(
        self, shared_rabbitmq: RabbitMQ
    ) -> None:
        queue = {"name": "late", "bind": ["a"]}
        wanted = topology(exchange="late", queues=[queue], message_ttl_ms=50)
        await declare(wanted, shared_rabbitmq.url)
        async with await aio_pika.connect(shared_rabbitmq.url) as connection:
            channel = await connection.channel()
            await (await channel.get_exchange("late")).publish(aio_pika.Message(b"x"), "a")
            dead_letters = await channel.get_queue("late.dlq")
            async with asyncio.timeout(20), dead_letters.iterator() as letters:
                letter = await anext(aiter(letters))
                assert letter.body == b"x"
                await letter.ack()

    async def test_what_differs_is_told_and_the_rest_declared(
        self, shared_rabbitmq: RabbitMQ
    ) -> None:
        first = {"name": "differs", "bind": ["a"]}
        await declare(topology(exchange="differs", queues=[first]), shared_rabbitmq.url)
        both = [first, {"name": "differs-not", "bind": ["a"]}]
        changed = topology(exchange="differs", queues=both, message_ttl_ms=5)
        with pytest.raises(TopologyMismatchError) as error:
            await declare(changed, shared_rabbitmq.url)
        (difference,) = error.value.differences
        assert difference.startswith("queue differs: PRECONDITION_FAILED")
        assert "'x-message-ttl'" in difference
        async with await aio_pika.connect(shared_rabbitmq.url) as connection:
            channel = await connection.channel()
            assert await channel.declare_queue("differs-not", passive=True)

    async def test_a_broker_that_is_not_there_or_refuses(self, shared_rabbitmq: RabbitMQ) -> None:
        with pytest.raises(BrokerError, match=r"^amqp://127\.0\.0\.1:1/: "):
            await declare(topology(), "amqp://127.0.0.1:1/")
        wrong = shared_rabbitmq.url.replace("guest@", "secret@")
        with pytest.raises(BrokerError, match="ACCESS_REFUSED") as error:
            await declare(topology(), wrong)
        assert "secret" not in str(error.value)

"""Brokers that do not take what is published: nothing is lost, and somebody is told."""

import logging
from uuid import UUID

import pytest
from nats.aio.client import Client
from nats.js.api import StreamConfig
from nats.js.errors import BadRequestError

from ledger_client import Direction, EntryDefinition, NewAccount, NewTxTemplate, Param, ParamType
from ledger_client.models import Event
from ledger_client.publish import reference
from ledger_client.publish.nats import NatsTarget
from ledger_client.publish.publisher import Publisher
from ledger_client.publish.rabbitmq import RabbitTarget
from ledger_client.publish.status import State
from ledger_client.publish.troubles import GaveUpError
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


async def post_large(books: Books, byte_count: int) -> UUID:
    """Post a transaction whose event alone is larger than NATS takes."""
    code = books.journal.code
    template = NewTxTemplate(
        code="LARGE",
        params=[Param(name="lines", type=ParamType.JSON)],
        entries=[
            EntryDefinition(
                for_each="params.lines",
                account="item.account",
                direction="item.direction",
                units="decimal('1')",
                currency="'USD'",
            )
        ],
    )
    await books.ledger.create_tx_template(code, template)
    lines = [
        {"account": "bank", "direction": "DEBIT", "memo": "x" * byte_count},
        {"account": "cash", "direction": "CREDIT"},
    ]
    return (await books.ledger.post(code, "LARGE", {"lines": lines})).transaction.id


async def stuck(publisher: Publisher[Event]) -> None:
    await until(lambda: publisher.status.state is State.STUCK)


class TestRabbitMQ:
    async def test_what_nobody_would_get_waits_for_a_queue(
        self, shared_rabbitmq: RabbitMQ, books: Books
    ) -> None:
        name = books.journal.code
        reader = RabbitReader(shared_rabbitmq.url, name, name)
        await reader.bind("journal.#")
        await books.post(10)
        publisher = books.publisher(RabbitTarget(shared_rabbitmq.url, name))
        async with publishing(publisher):
            await stuck(publisher)
            assert publisher.status.position == 1, "account.created has no queue"
            assert "account.created" in books.alerts[-1].message
            assert books.alerts[-1].kind == "UnroutableError"
            await reader.bind("#")
            head = await books.post(10)
            await until(lambda: publisher.status.position == head)
        assert publisher.status.returned >= 1
        assert first_arrivals(await reader.read()) == list(range(1, head + 1))

    async def test_messages_are_as_they_should_be(
        self, shared_rabbitmq: RabbitMQ, books: Books
    ) -> None:
        name = books.journal.code
        reader = RabbitReader(shared_rabbitmq.url, name, name)
        await reader.bind()
        publisher = books.publisher(RabbitTarget(shared_rabbitmq.url, name))
        await publisher.run(until=1)
        message = (await reader.messages())[0]
        assert message.routing_key == message.type == "journal.created"
        assert message.message_id == message.headers["event-id"]
        assert message.content_type == "application/cloudevents+json"
        assert message.delivery_mode == 2, "persistent"
        assert message.headers["sequence"] == "1"

    async def test_only_the_wanted_types_and_balances(
        self, shared_rabbitmq: RabbitMQ, books: Books
    ) -> None:
        name = books.journal.code
        reader = RabbitReader(shared_rabbitmq.url, name, name)
        await reader.bind()
        head = await books.post(3)
        target = RabbitTarget(shared_rabbitmq.url, name)
        publisher = books.publisher(target, types=("journal.posted",), balance_updates=True)
        await publisher.run(until=head)
        messages = await reader.messages()
        assert [one.type for one in messages] == (
            ["journal.posted", "balance.updated", "balance.updated"] * 3
        )
        assert len({one.message_id for one in messages}) == 9
        assert await books.position() == head

    async def test_a_wrong_password_is_told_without_telling_it(
        self, shared_rabbitmq: RabbitMQ, books: Books, caplog: pytest.LogCaptureFixture
    ) -> None:
        caplog.set_level(logging.DEBUG, "ledger_client")
        url = f"amqp://guest:ver1secret@127.0.0.1:{shared_rabbitmq.port}/"
        publisher = books.publisher(RabbitTarget(url, "e"), give_up_seconds=0.5)
        with pytest.raises(GaveUpError) as failure:
            await publisher.run()
        assert books.alerts[0].kind == "TargetSetupError"
        said = f"{failure.value}{books.alerts}{publisher.status}{caplog.text}"
        assert "ver1secret" not in said


class TestNats:
    async def test_a_stream_that_is_not_there_is_waited_for(
        self, shared_nats: Nats, books: Books
    ) -> None:
        name = books.journal.code
        publisher = books.publisher(NatsTarget(shared_nats.url, name))
        async with publishing(publisher):
            await until(lambda: bool(books.alerts))
            assert books.alerts[0].kind == "TargetSetupError"
            await make_stream(shared_nats.url, name, f"ledger.{name}.journal.*")
            # It takes no accounts: the second event is one's.
            await stuck(publisher)
            assert publisher.status.position == 1
            assert publisher.status.returned >= 1
            await make_stream(shared_nats.url, name, f"ledger.{name}.>")
            head = await books.post(5)
            await until(lambda: publisher.status.position == head)
        arrivals = await read_stream(shared_nats.url, name)
        assert [one.sequence for one in arrivals] == list(range(1, head + 1))

    async def test_a_stream_of_another_publisher_is_left_alone(
        self, shared_nats: Nats, books: Books
    ) -> None:
        name = books.journal.code
        target = NatsTarget(shared_nats.url, name, create_stream=True)
        await books.publisher(target).run(until=4)
        other = books.publisher(
            NatsTarget(shared_nats.url, name), name="other", give_up_seconds=0.5
        )
        with pytest.raises(GaveUpError, match="stream of its own"):
            await other.run(until=4)
        assert len(await read_stream(shared_nats.url, name)) == 4

    async def test_a_position_that_was_lost_repeats_nothing(
        self, shared_nats: Nats, books: Books
    ) -> None:
        """Whatever the cursor says, the stream knows what it has."""
        name = books.journal.code
        head = await books.post(2_500)
        target = NatsTarget(shared_nats.url, name, create_stream=True)
        await make_stream(shared_nats.url, name, f"ledger.{name}.>")
        await books.publisher(target).run(until=head)
        await books.ledger.reset_cursor(name, "test", 0)
        head = await books.post(1)
        again = books.publisher(NatsTarget(shared_nats.url, name))
        await again.run(until=head)
        assert again.status.published == 1
        assert again.status.skipped == head - 1
        arrivals = await read_stream(shared_nats.url, name)
        assert [one.sequence for one in arrivals] == list(range(1, head + 1))

    async def test_ids_that_are_known_from_before(self, shared_nats: Nats, books: Books) -> None:
        """A stream for work loses what was read; JetStream knows its ids for a while."""
        name = books.journal.code
        client = Client()
        await client.connect(servers=[shared_nats.url])
        jetstream = client.jetstream()
        await jetstream.add_stream(StreamConfig(name=name, subjects=[f"ledger.{name}.>"]))
        await books.publisher(NatsTarget(shared_nats.url, name)).run(until=4)
        await jetstream.purge_stream(name)
        await books.ledger.reset_cursor(name, "test", 0)
        head = await books.post(3)
        await books.publisher(NatsTarget(shared_nats.url, name)).run(until=head)
        await client.close()
        arrivals = await read_stream(shared_nats.url, name)
        assert [one.sequence for one in arrivals] == list(range(5, head + 1))

    async def test_what_is_too_large_is_stopped_at_or_referred_to(
        self, shared_nats: Nats, books: Books
    ) -> None:
        name = books.journal.code
        await books.post(2)
        await post_large(books, 1_100_000)
        head = await books.post(2)
        publisher = books.publisher(NatsTarget(shared_nats.url, name, create_stream=True))
        async with publishing(publisher):
            await stuck(publisher)
        assert await books.position() == head - 3
        assert books.alerts[0].kind == "MessageTooLargeError"
        assert "max_payload" in books.alerts[0].message
        assert len(await read_stream(shared_nats.url, name)) == head - 3
        again = books.publisher(NatsTarget(shared_nats.url, name), unpublishable="refer")
        await again.run(until=head)
        assert again.status.referred == 1
        arrivals = await read_stream(shared_nats.url, name)
        assert [one.sequence for one in arrivals] == list(range(1, head + 1))
        client = Client()
        await client.connect(servers=[shared_nats.url])
        message = await client.jetstream().get_msg(name, seq=head - 2)
        await client.close()
        assert message.headers is not None
        assert message.headers["Content-Type"] == reference.CONTENT_TYPE

    async def test_what_a_stream_finds_too_large(self, shared_nats: Nats, books: Books) -> None:
        name = books.journal.code
        await make_stream(shared_nats.url, name, f"ledger.{name}.>", max_msg_size=1_200)
        await books.ledger.batch_create_accounts(
            name, [NewAccount(code="x" * 255, normal_side=Direction.DEBIT, name="y" * 255)]
        )
        publisher = books.publisher(NatsTarget(shared_nats.url, name), unpublishable="refer")
        head = await books.post(1)
        await publisher.run(until=head)
        arrivals = await read_stream(shared_nats.url, name)
        assert [one.sequence for one in arrivals] == list(range(1, head + 1))
        assert publisher.status.referred >= 1


async def make_stream(url: str, name: str, subject: str, **config: int) -> None:
    """Make a stream, or give it another subject; it forgets ids at once."""
    client = Client()
    await client.connect(servers=[url])
    stream = StreamConfig(name=name, subjects=[subject], duplicate_window=0.1, **config)  # type: ignore[arg-type]
    jetstream = client.jetstream()
    try:
        await jetstream.add_stream(stream)
    except BadRequestError:  # it is there, with others
        await jetstream.update_stream(stream)
    await client.close()

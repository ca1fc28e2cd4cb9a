"""The feed of domain events: how it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc
import pytest

from bank_proto.events.v1 import domain_events_pb2 as pb
from ledger_client.banking.publishing.envelope import DomainEventEnvelope
from ledger_client.banking.publishing.feed import DomainEventFeed
from ledger_client.errors import RefusedError, UnavailableError
from ledger_client.publish.message import Message
from ledger_client.publish.publisher import Publisher, Settings
from ledger_client.publish.target import Origin, Published
from tests.banking.bank import TENANT, bank_in_process
from tests.banking.publishing.test_cursors import CursorGate
from tests.client.publish.publishing import until


class EmptyTarget:
    """Gets nothing, as there are no events."""

    name = "empty"

    async def open(self, _origin: Origin) -> Published | None:
        raise AssertionError("opened for nothing")

    async def publish(self, messages: Sequence[Message]) -> None:
        raise AssertionError(f"there is nothing to publish, and yet {messages}")

    async def close(self) -> None:
        pass


async def test_who_may_no_longer_publish_is_told_and_ends(ledger_dsn: str, bank_dsn: str) -> None:
    gate = CursorGate()
    async with bank_in_process(ledger_dsn, bank_dsn, "time", gate=gate) as bank:
        feed = DomainEventFeed(bank.channel, "time", TENANT, credentials=lambda: bank.metadata)
        publisher = Publisher(
            feed,
            target=EmptyTarget(),
            envelope=DomainEventEnvelope(),
            settings=Settings(name="c", lease_seconds=1),
        )
        running = asyncio.create_task(publisher.run())
        await until(lambda: publisher.status.state == "publishing")
        gate.denied.add("bank:cursors:advance")
        with pytest.raises(RefusedError, match=r"PERMISSION_DENIED: .* may not bank:cursors:adv"):
            await asyncio.wait_for(running, 30)


async def test_a_server_that_stops_is_told_from_silence() -> None:
    """Its stream ends in good order, and there is more to come from the next server."""

    async def stream(_request: bytes, _context: Any) -> AsyncIterator[bytes]:
        yield pb.StreamEventsResponse(position=7, head_sequence=7).SerializeToString()

    server = grpc.aio.server()
    handler: Any = grpc.unary_stream_rpc_method_handler(stream)
    service = "bank.events.v1.DomainEventService"
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(service, {"StreamEvents": handler}),)
    )
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        feed = DomainEventFeed(channel, "time", TENANT, credentials=tuple)
        batches = feed.batches(0)
        assert (await anext(batches)).position == 7
        with pytest.raises(UnavailableError, match="was ended"):
            await anext(batches)
    await server.stop(None)

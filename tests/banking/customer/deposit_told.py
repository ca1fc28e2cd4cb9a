"""What the module deposit tells, in the contract's form, from a server of its own."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Any

import grpc

from bank_proto.events.v1 import domain_events_pb2 as pb
from bank_proto.events.v1.domain_events_pb2_grpc import (
    DomainEventServiceServicer,
    add_DomainEventServiceServicer_to_server,
)
from ledger_client.banking.foundation.event_messages import message_of
from ledger_client.banking.foundation.events import Envelope
from tests.banking.bank import TENANT


class Deposit(DomainEventServiceServicer):
    """Tells of accounts and of what happens on them."""

    def __init__(self) -> None:
        self.address = ""
        self._events: list[pb.DomainEvent] = []
        self._more = asyncio.Condition()

    async def tell(self, name: str, at: dt.datetime, **payload: Any) -> None:
        """Tell of something that happened at a time."""
        async with self._more:
            event = Envelope(
                id=uuid.uuid4(),
                event_type=f"core.deposit.{name}",
                payload=payload,
                recorded_at=at,
                trace_id="trace",
                sequence=len(self._events) + 1,
                schema_version=1,
                tenant=TENANT,
                aggregate_id=uuid.uuid4(),
                correlation_id="trace",
                causation_id="trace",
            )
            self._events.append(message_of(event))
            self._more.notify_all()

    async def StreamEvents(  # noqa: N802  # named by the contract
        self, request: pb.StreamEventsRequest, _context: Any
    ) -> AsyncIterator[pb.StreamEventsResponse]:
        position = request.after_sequence
        while True:
            async with self._more:
                while len(self._events) <= position:
                    await self._more.wait()
            yield pb.StreamEventsResponse(events=self._events[position:])
            position = len(self._events)

    async def ListEvents(  # noqa: N802  # named by the contract
        self, request: pb.ListEventsRequest, _context: Any
    ) -> pb.ListEventsResponse:
        return pb.ListEventsResponse(events=self._events[request.after_sequence :])


@contextlib.asynccontextmanager
async def deposit_telling() -> AsyncIterator[Deposit]:
    """Serve the events of a module deposit until the end of the block."""
    deposit = Deposit()
    server = grpc.aio.server()
    add_DomainEventServiceServicer_to_server(deposit, server)
    deposit.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield deposit
    finally:
        await server.stop(None)

"""A subscription as the tests read it."""

import asyncio
from typing import Any

import grpc

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1 import events_pb2
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub


class Stream:
    """A subscription, read response by response."""

    def __init__(self, channel: grpc.aio.Channel, **fields: Any) -> None:
        asked: dict[str, Any] = {"journal": "main", "heartbeat_seconds": 1} | fields
        self.call: Any = EventServiceStub(channel).Subscribe(pb.SubscribeRequest(**asked))

    async def next(self) -> pb.SubscribeResponse:
        async with asyncio.timeout(10):
            response: Any = await self.call.read()
        assert response is not grpc.aio.EOF, "the stream has ended"
        return response  # type: ignore[no-any-return]  # grpc's read is untyped

    async def until(self, position: int) -> list[events_pb2.Event]:
        """Return the events that come until the subscriber is told of `position`."""
        found: list[events_pb2.Event] = []
        reached = -1
        while reached < position:
            response = await self.next()
            assert response.position >= reached
            reached = response.position
            found += response.events
        return found


def places(events: list[events_pb2.Event]) -> list[int]:
    return [event.sequence for event in events]

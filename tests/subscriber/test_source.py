"""A subscriber ends when it is cancelled, whatever happens at that moment."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from ledger_client.subscriber.continuity import Step
from ledger_client.subscriber.source import EventSource, _Response
from ledger_proto.v1 import event_stream_pb2


class SilentClient:
    """A server that has nothing to say."""

    async def subscribe_messages(self, _request: Any) -> AsyncIterator[Any]:
        await asyncio.Event().wait()
        yield


async def test_a_cancellation_that_meets_news_ends_it() -> None:
    request = event_stream_pb2.SubscribeRequest(heartbeat_seconds=5)
    client: Any = SilentClient()
    source = EventSource([client], request, stopping=asyncio.Event())
    async with source.reading():
        step = Step(sequence=1, messages=())
        source._responses.append(_Response(deque([step]), 1, 1))
        taking = asyncio.create_task(source.take(2, 60.0))
        await asyncio.sleep(0.01)
        source._changed.set()
        taking.cancel()
        await asyncio.wait([taking], timeout=0.5)
        is_over = taking.cancelled()
        taking.cancel()
        assert is_over

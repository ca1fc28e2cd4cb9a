"""The process that follows what it posts: `python -m benchmarks.live_load`.

Callers post one by one at a fixed rate; a subscriber in the same process, so of the same clock,
notes when each event comes. The latency of an event is from the answer to its posting; an event
that comes before its answer has none.
"""

import asyncio
import dataclasses
import gc
import json
import sys
import time
from typing import Any

import grpc
import uvloop

from benchmarks.workload import JOURNAL, Shape, single_requests, transfers
from ledger_proto.v1 import event_stream_pb2
from ledger_proto.v1 import transactions_pb2 as pb


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """How fast to post, and for how long."""

    address: str
    #: Where to follow: the same server or another on the same database.
    follow: str
    per_second: float
    seconds: float
    seed: int


@dataclasses.dataclass(slots=True)
class Followed:
    """What came of it."""

    acknowledged: list[str]
    #: Of each event, in ascending order.
    latencies_ms: list[float]


async def run(pace: Pace) -> Followed:
    """Post at the pace and wait for all events."""
    count = round(pace.per_second * pace.seconds)
    built = transfers(Shape.SPREAD, count, pace.seed)
    requests = single_requests(built)
    answered: dict[str, float] = {}
    arrived: dict[str, float] = {}
    async with (
        grpc.aio.insecure_channel(pace.address) as posting,
        grpc.aio.insecure_channel(pace.follow) as following,
    ):
        post: Any = posting.unary_unary("/ledger.v1.TransactionService/PostTransaction")
        subscribed = asyncio.Event()
        follower = asyncio.create_task(_follow(following, arrived, subscribed, count))
        await subscribed.wait()
        gc.freeze()
        gc.disable()
        began = time.perf_counter()

        async def one(number: int) -> None:
            await post(requests[number], timeout=60.0)
            answered[built[number].transaction_id] = time.perf_counter()

        async with asyncio.TaskGroup() as group:
            for number in range(count):
                ahead = began + number / pace.per_second - time.perf_counter()
                if ahead > 0.001:
                    await asyncio.sleep(ahead)
                group.create_task(one(number))
        await asyncio.wait_for(follower, 30.0)
    late = [1_000 * max(0.0, arrived[one] - moment) for one, moment in answered.items()]
    return Followed(list(answered), sorted(late))


async def _follow(
    channel: grpc.aio.Channel, arrived: dict[str, float], subscribed: asyncio.Event, count: int
) -> None:
    head: Any = channel.unary_unary(
        "/ledger.v1.EventService/GetHead",
        request_serializer=event_stream_pb2.GetHeadRequest.SerializeToString,
        response_deserializer=event_stream_pb2.GetHeadResponse.FromString,
    )
    answer = await head(event_stream_pb2.GetHeadRequest(journal=JOURNAL))
    subscribe: Any = channel.unary_stream(
        "/ledger.v1.EventService/Subscribe",
        request_serializer=event_stream_pb2.SubscribeRequest.SerializeToString,
        response_deserializer=event_stream_pb2.SubscribeResponse.FromString,
    )
    request = event_stream_pb2.SubscribeRequest(
        journal=JOURNAL, after_sequence=answer.head_sequence
    )
    async for response in subscribe(request):
        subscribed.set()
        now = time.perf_counter()
        for event in response.events:
            transaction: pb.Transaction = event.journal_posted.transaction
            arrived[transaction.id] = now
        if len(arrived) >= count:
            return


def main() -> None:
    """Read the pace, work, write what came of it."""
    followed = uvloop.run(run(Pace(**json.load(sys.stdin))))
    json.dump(dataclasses.asdict(followed), sys.stdout)


if __name__ == "__main__":
    main()

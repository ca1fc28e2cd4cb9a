"""The process that does everything at once: `python -m benchmarks.mixed_load`.

Of a hundred operations 70 are transfers, 15 holds with their captures, 5 reversals of transfers
just posted and 10 reads of balances, in random order; one subscriber follows live. Requests are
built before the clock starts.
"""

import asyncio
import dataclasses
import gc
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from typing import Any, Final

import grpc
import uvloop

from benchmarks.workload import ACCOUNT_COUNT, CURRENCY, JOURNAL, Shape, account_code, transfers
from ledger_client.ids import new_id
from ledger_proto.v1 import balances_pb2, event_stream_pb2, holds_pb2
from ledger_proto.v1 import transactions_pb2 as pb

_POST: Final = "/ledger.v1.TransactionService/PostTransaction"
_REVERSE: Final = "/ledger.v1.TransactionService/ReverseTransaction"
_PLACE: Final = "/ledger.v1.HoldService/PlaceHold"
_CAPTURE: Final = "/ledger.v1.HoldService/CaptureHold"
_READ: Final = "/ledger.v1.BalanceService/GetBalance"
_SUBSCRIBE: Final = "/ledger.v1.EventService/Subscribe"
_DAY: Final = "2026-06-01"

#: Calls of one operation, one after the other: a method and a serialised request each.
Operation = list[tuple[str, bytes]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mix:
    """What to do, and for how long."""

    address: str
    callers: int
    seconds: float
    #: Operations that are built; the run ends early without more.
    count: int
    seed: int


@dataclasses.dataclass(slots=True)
class Mixed:
    """What came of it."""

    seconds: float
    operations: int
    #: Transactions that were acknowledged.
    acknowledged: list[str]
    #: Events that the subscriber got.
    events: int


def operations(count: int, seed: int) -> list[tuple[Operation, list[str]]]:
    """Return operations, each with the ids of the transactions that it posts."""
    chosen = random.Random(seed)
    made: list[tuple[Operation, list[str]]] = []
    for transfer in transfers(Shape.SPREAD, count, seed):
        kind = chosen.random()
        post = (_POST, _serialised(pb.PostTransactionRequest, transaction=transfer))
        other = str(new_id())
        if kind < 0.70:
            made.append(([post], [transfer.transaction_id]))
        elif kind < 0.85:
            place = (_PLACE, _serialised(holds_pb2.PlaceHoldRequest, transaction=transfer))
            capture = _serialised(
                holds_pb2.CaptureHoldRequest, hold_id=transfer.transaction_id, capture_id=other
            )
            made.append(([place, (_CAPTURE, capture)], [transfer.transaction_id, other]))
        elif kind < 0.90:
            reverse = _serialised(
                pb.ReverseTransactionRequest,
                reverses=transfer.transaction_id,
                transaction_id=other,
                effective_date=_DAY,
            )
            made.append(([post, (_REVERSE, reverse)], [transfer.transaction_id, other]))
        else:
            account = account_code(chosen.randint(1, ACCOUNT_COUNT))
            read = _serialised(balances_pb2.GetBalanceRequest, account=account, currency=CURRENCY)
            made.append(([(_READ, read)], []))
    return made


def _serialised(message: Any, **fields: Any) -> bytes:
    content: bytes = message(journal=JOURNAL, **fields).SerializeToString()
    return content


async def run(mix: Mix) -> Mixed:
    """Work until the time or the operations are over."""
    waiting = iter(operations(mix.count, mix.seed))
    async with grpc.aio.insecure_channel(mix.address) as channel:
        await asyncio.wait_for(channel.channel_ready(), 60.0)
        calls: dict[str, Any] = {
            method: channel.unary_unary(method)
            for method in (_POST, _REVERSE, _PLACE, _CAPTURE, _READ)
        }
        subscriber = _Subscriber()
        following = asyncio.create_task(subscriber.follow(channel))
        await subscriber.ready.wait()
        gc.freeze()
        gc.disable()
        acknowledged: list[str] = []
        began = time.perf_counter()
        done = await asyncio.gather(
            *(
                _caller(calls, waiting, began + mix.seconds, acknowledged)
                for _ in range(mix.callers)
            )
        )
        seconds = time.perf_counter() - began
        await asyncio.wait_for(subscriber.has(len(acknowledged)), 30.0)
        following.cancel()
    return Mixed(seconds, sum(done), acknowledged, subscriber.events)


async def _caller(
    calls: dict[str, Any],
    waiting: Iterator[tuple[Operation, list[str]]],
    deadline: float,
    acknowledged: list[str],
) -> int:
    done = 0
    while time.perf_counter() < deadline:
        found = next(waiting, None)
        if found is None:
            break
        operation, posts = found
        for method, request in operation:
            await calls[method](request, timeout=60.0)
        acknowledged += posts
        done += 1
    return done


class _Subscriber:
    """Follows from the head on and counts."""

    def __init__(self) -> None:
        self.events = 0
        self.ready = asyncio.Event()
        self._news = asyncio.Condition()

    async def follow(self, channel: grpc.aio.Channel) -> None:
        head = channel.unary_unary(
            "/ledger.v1.EventService/GetHead",
            request_serializer=event_stream_pb2.GetHeadRequest.SerializeToString,
            response_deserializer=event_stream_pb2.GetHeadResponse.FromString,
        )
        answer: Any = await head(event_stream_pb2.GetHeadRequest(journal=JOURNAL))
        subscribe: Any = channel.unary_stream(
            _SUBSCRIBE, response_deserializer=event_stream_pb2.SubscribeResponse.FromString
        )
        request = event_stream_pb2.SubscribeRequest(
            journal=JOURNAL, after_sequence=answer.head_sequence
        )
        async for response in subscribe(request.SerializeToString()):
            self.ready.set()
            self.events += len(response.events)
            async with self._news:
                self._news.notify_all()

    async def has(self, count: int) -> None:
        """Wait until so many events have come."""
        async with self._news:
            await self._news.wait_for(lambda: self.events >= count)


def main(_arguments: Sequence[str] = ()) -> None:
    """Read the mix, work, write what came of it."""
    mixed = uvloop.run(run(Mix(**json.load(sys.stdin))))
    json.dump(dataclasses.asdict(mixed), sys.stdout)


if __name__ == "__main__":
    main()

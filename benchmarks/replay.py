"""How fast a journal is replayed and followed: `python -m benchmarks.replay [EVENTS]`.

Replay is held against asyncpg alone reading the same rows in pages of the same size; each in a
process of its own, in turn, the best of some rounds. `raw` takes the responses as bytes, as a proxy
or a native client would; `decoded` has them as messages. Latency is from the answer to a posting to
its event at a subscriber of the same server, and of another server on the same database.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import asyncpg
import grpc

from benchmarks.postgres import running_postgres
from benchmarks.processes import running_server
from benchmarks.workload import JOURNAL
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.ledger import CHANNEL_OPTIONS, PostingLedger, transfer

ROUNDS: Final = 3
POSTINGS: Final = 300
BATCH: Final = 1_000
ACCOUNTS: Final = [f"account-{number}" for number in range(100)]
_QUERY: Final = (
    "SELECT sequence, recorded_at, type, payload, personal FROM events"
    " WHERE journal_id = 1 AND sequence > $1 ORDER BY sequence LIMIT 1000"
)


async def read_rows(dsn: str) -> float:
    """Read all events with asyncpg alone; return events a second."""
    connection: Any = await asyncpg.connect(dsn)
    began = time.perf_counter()
    position = 0
    while rows := await connection.fetch(_QUERY, position):
        position = rows[-1]["sequence"]
    rate = position / (time.perf_counter() - began)
    await connection.close()
    return rate


async def replay_decoded(address: str) -> float:
    """Subscribe from the first event to the head; return events a second."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        call: Any = EventServiceStub(channel).Subscribe(pb.SubscribeRequest(journal=JOURNAL))
        began = time.perf_counter()
        async for response in call:
            if response.position == response.head_sequence:
                rate: float = response.position / (time.perf_counter() - began)
                call.cancel()
                return rate
    raise AssertionError("the stream has no end")


async def replay_raw(address: str) -> float:
    """Do the same without looking into the events."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        head = (await PostingLedger(channel, JOURNAL).head()) or 0
        end = pb.SubscribeResponse(position=head, head_sequence=head).SerializeToString()
        subscribe: Any = channel.unary_stream("/ledger.v1.EventService/Subscribe")
        call = subscribe(pb.SubscribeRequest(journal=JOURNAL).SerializeToString())
        began = time.perf_counter()
        async for response in call:
            if response.endswith(end):
                rate = head / (time.perf_counter() - began)
                call.cancel()
                return rate
    raise AssertionError("the stream has no end")


RATES: Final[dict[str, Callable[[str], Coroutine[Any, Any, float]]]] = {
    "rows": read_rows,
    "decoded": replay_decoded,
    "raw": replay_raw,
}


async def fill(address: str, count: int) -> None:
    """Post `count` transfers between some accounts."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        ledger = PostingLedger(channel, JOURNAL)
        await ledger.open("cash", "income", *ACCOUNTS)
        for number in range(0, count, BATCH):
            debit, credit = ACCOUNTS[number // BATCH % 100], ACCOUNTS[number // BATCH % 99]
            if debit == credit:
                credit = "income"
            await ledger.post_all([transfer(debit, credit) for _ in range(min(BATCH, count))])


async def latencies_ms(posting_at: str, following_at: str) -> list[float]:
    """Return the milliseconds from each answer to its event, in ascending order."""
    async with (
        grpc.aio.insecure_channel(posting_at, options=CHANNEL_OPTIONS) as one,
        grpc.aio.insecure_channel(following_at, options=CHANNEL_OPTIONS) as other,
    ):
        ledger = PostingLedger(one, JOURNAL)
        head = await ledger.head()
        call: Any = EventServiceStub(other).Subscribe(
            pb.SubscribeRequest(journal=JOURNAL, after_sequence=head)
        )
        await call.read()
        found = []
        for _ in range(POSTINGS):
            event = asyncio.create_task(_arrival(call))
            await ledger.post(transfer())
            answered = time.perf_counter()
            found.append(1_000 * (await event - answered))
            await asyncio.sleep(0.013)
        call.cancel()
    return sorted(found)


async def _arrival(call: Any) -> float:
    while not (await call.read()).events:
        pass
    return time.perf_counter()


def in_process(kind: str, target: str) -> float:
    """Measure a rate in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.replay", "--measure", kind, target]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    rate: float = json.loads(done.stdout)
    return rate


def measure(events: int) -> None:
    """Fill a journal, measure, print."""
    with running_postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        with running_server(dsn, log) as server, running_server(dsn, log) as other:
            asyncio.run(fill(server.address, events))
            targets = {"rows": dsn, "decoded": server.address, "raw": server.address}
            best = dict.fromkeys(targets, 0.0)
            for _ in range(ROUNDS):
                for kind, target in targets.items():
                    best[kind] = max(best[kind], in_process(kind, target))
            for kind, rate in best.items():
                print(f"{kind:8} {rate:10,.0f} events/s   {rate / best['rows']:.2f} of rows")
            for name, address in (("same", server.address), ("other", other.address)):
                found = asyncio.run(latencies_ms(server.address, address))
                p50, p99 = found[len(found) // 2], found[len(found) * 99 // 100]
                print(f"live, {name} server: p50 {p50:.1f} ms, p99 {p99:.1f} ms after the answer")


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=int, nargs="?", default=100_000)
    parser.add_argument("--measure", nargs=2, metavar=("KIND", "TARGET"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        kind, target = options.measure
        print(json.dumps(asyncio.run(RATES[kind](target))))
    else:
        measure(options.events)


if __name__ == "__main__":
    main()

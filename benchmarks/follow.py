"""What a live subscriber and the tree cost postings: `python -m benchmarks.follow [--quick]`.

Batches are posted to two servers in turn, each on books of its own: one with a live subscriber
(a process that takes every response as bytes), trees and signed checkpoints; one without. After
each run the books are verified, the subscriber must have every event and a checkpoint must cover
the head.
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import grpc
import uvloop

from benchmarks import machine
from benchmarks.books import open_books
from benchmarks.load_generator import Job
from benchmarks.plan import FULL, QUICK, Plan
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import run_load, running_server
from benchmarks.rounds import Comparison, Figure, Run, alternate, compare
from benchmarks.verify import BooksWrongError, LedgerVerifier
from benchmarks.workload import JOURNAL, Shape
from ledger_proto.v1 import event_stream_pb2, proofs_pb2
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from ledger_proto.v1.proofs_pb2_grpc import ProofServiceStub
from ledger_server.proof.signing import ensure_key

BATCH: Final = 500
CALLERS: Final = 4
#: Transfers a second that runs build for.
_RATE_MAX: Final = 20_000
#: What a checkpoint may take to cover the head after a run.
_CAUGHT_UP_SECONDS_MAX: Final = 30.0
_COMPARISON: Final = Comparison(
    name="followed",
    title="a live subscriber, trees and signed checkpoints",
    unit="transfers/s",
    ours="followed",
    baseline="alone",
)


async def measure(plan: Plan, dsn: str, folder: Path) -> Figure:
    """Alternate the two and return the figure."""
    databases, log, key = Databases(dsn), folder / "server.log", folder / "key.pem"
    ensure_key(key)
    try:
        alone_dsn = await databases.create("alone")
        await open_books(alone_dsn, log)
        followed_dsn = await databases.create("followed", like="alone")
        with (
            running_server(alone_dsn, log, "benchmarks.treeless") as alone,
            running_server(followed_dsn, log, options=("--signing-key", str(key))) as followed,
        ):
            seeds = iter(range(1, 1_000))
            verifiers = {
                alone.address: LedgerVerifier(alone_dsn, alone.address),
                followed.address: LedgerVerifier(followed_dsn, followed.address),
            }

            async def post(address: str, number: int) -> float:
                seconds = plan.seconds if number else plan.warm_up_seconds
                job = Job(
                    address=address,
                    shape=Shape.SPREAD,
                    callers=CALLERS,
                    batch=BATCH,
                    seconds=seconds,
                    count=round(seconds * _RATE_MAX),
                    seed=next(seeds),
                )
                result = await asyncio.to_thread(run_load, job)
                await verifiers[address].verify(result.acknowledged)
                return len(result.acknowledged) / result.seconds

            async def post_followed(number: int) -> float:
                with _subscriber(followed.address) as subscriber:
                    rate = await post(followed.address, number)
                    await _check_followed(followed.address, subscriber)
                return rate

            runs: dict[str, Run] = {
                "alone": lambda number: post(alone.address, number),
                "followed": post_followed,
            }
            values = await alternate(runs, plan.rounds, lambda text: print(text, file=sys.stderr))
        return compare(_COMPARISON, values)
    finally:
        await databases.drop_all()


@contextmanager
def _subscriber(address: str) -> Iterator[Any]:
    command = [sys.executable, "-m", "benchmarks.follow", "--subscribe", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "following\n"
        try:
            yield process
        finally:
            process.kill()


async def _check_followed(address: str, subscriber: Any) -> None:
    """Wait until a checkpoint covers the head and the subscriber has come to it."""
    async with (
        grpc.aio.insecure_channel(address) as channel,
        asyncio.timeout(_CAUGHT_UP_SECONDS_MAX),
    ):
        events: Any = EventServiceStub(channel)
        head = (
            await events.GetHead(event_stream_pb2.GetHeadRequest(journal=JOURNAL))
        ).head_sequence
        proofs: Any = ProofServiceStub(channel)
        request = proofs_pb2.GetCheckpointRequest(journal=JOURNAL)
        size = 0
        while size < head:
            await asyncio.sleep(0.1)
            size = (await proofs.GetCheckpoint(request)).checkpoint.size
        position = 0
        while position < head:
            line = await asyncio.to_thread(subscriber.stdout.readline)
            if not line:
                raise BooksWrongError(f"the subscriber ended at {position} of {head}")
            position = int(line)


async def _subscribe(address: str) -> None:
    """Take responses as bytes and tell every position at which there is nothing more yet."""
    async with grpc.aio.insecure_channel(address) as channel:
        stub: Any = EventServiceStub(channel)
        head = (await stub.GetHead(event_stream_pb2.GetHeadRequest(journal=JOURNAL))).head_sequence
        subscribe: Any = channel.unary_stream("/ledger.v1.EventService/Subscribe")
        request = event_stream_pb2.SubscribeRequest(
            journal=JOURNAL, after_sequence=head, heartbeat_seconds=1
        )
        call = subscribe(request.SerializeToString())
        print("following", flush=True)
        async for response in call:
            # The places stand at the end; a heartbeat holds nothing else.
            if len(response) < 32:
                places = event_stream_pb2.SubscribeResponse.FromString(response)
                print(places.position, flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds")
    parser.add_argument("--subscribe", metavar="ADDRESS", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.subscribe:
        uvloop.run(_subscribe(options.subscribe))
        return
    before = machine.load_average()
    with running_postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        figure = uvloop.run(measure(QUICK if options.quick else FULL, dsn, Path(folder)))
    print(f"load average {before} before, {machine.load_average()} after")
    assert figure.baseline is not None, "it was compared"
    assert figure.ratio is not None, "it was compared"
    for name, spread in (("followed", figure.value), ("alone", figure.baseline)):
        between = f"({spread.lowest:,.0f} to {spread.highest:,.0f})"
        print(f"{name:10} {spread.median:10,.0f} transfers/s {between}")
    ratio = figure.ratio
    print(f"ratio      {ratio.median:10.2f} ({ratio.lowest:.2f} to {ratio.highest:.2f})")


if __name__ == "__main__":
    main()

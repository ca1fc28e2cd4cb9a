"""What subscribers cost: `python -m benchmarks.subscribers [EVENTS] [--seconds S] [--rounds N]`.

Ratios of one run: replay beside asyncpg reading the same rows, alone, ten at once, and beside a
reader of one event a second; posting with a thousand idle subscribers beside posting with none.
Idle is who is sent nothing: on a journal in which nothing happens, or on the busy one with a
filter that nothing matches. With and without take turns, and each has the median of its rounds.
"""

import argparse
import asyncio
import contextlib
import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import grpc

from benchmarks import replay
from benchmarks.books import open_books
from benchmarks.load_generator import Job
from benchmarks.postgres import Databases, running_postgres
from benchmarks.processes import Server, run_load, running_server
from benchmarks.workload import JOURNAL, Shape
from ledger_client import LedgerClient
from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.ledger import CHANNEL_OPTIONS

IDLE: Final = 1_000
AT_ONCE: Final = 10
#: Streams of one connection.
_STREAMS: Final = 50
_QUIET_JOURNAL: Final = "quiet"


async def stay(address: str, journal: str, kind: str, count: int) -> None:
    """Hold streams that are sent nothing but heartbeats, until killed; say when all are there."""
    types = [pb.EVENT_TYPE_PERIOD_CHANGED] if kind == "filtered" else []
    wanted = pb.EventFilter(types=types) if types else None
    async with contextlib.AsyncExitStack() as stack:
        calls: list[Any] = []
        for start in range(0, count, _STREAMS):
            options = (*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1))
            channel = grpc.aio.insecure_channel(address, options=options)
            await stack.enter_async_context(channel)
            stub: Any = EventServiceStub(channel)
            head = await stub.GetHead(pb.GetHeadRequest(journal=journal))
            request = pb.SubscribeRequest(
                journal=journal, after_sequence=head.head_sequence, filter=wanted
            )
            new = [stub.Subscribe(request) for _ in range(min(_STREAMS, count - start))]
            await asyncio.gather(*(call.read() for call in new))
            calls += new
        print("ready", flush=True)
        await asyncio.gather(*(_drain(call) for call in calls))


async def _drain(call: Any) -> None:
    while await call.read() is not grpc.aio.EOF:
        pass


async def read_slowly(address: str) -> None:
    """Read the journal from its first event, an event a second, until killed."""
    async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
        call: Any = EventServiceStub(channel).Subscribe(pb.SubscribeRequest(journal="main"))
        print("ready", flush=True)
        async for response in call:
            for _ in response.events:
                await asyncio.sleep(1)


@contextlib.contextmanager
def beside(*arguments: str) -> Iterator[None]:
    """Run one of the above in a process of its own while the block runs."""
    command = [sys.executable, "-m", "benchmarks.subscribers", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None, "the pipe was asked for"
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(f"{arguments} did not come to be")
            yield
        finally:
            process.kill()


def resident_mib(server: Server) -> float:
    """Return the memory that a server holds now."""
    for line in Path(f"/proc/{server.pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("this system does not tell the memory of a process")


def replays_at_once(address: str, count: int) -> list[float]:
    """Return the events a second of each of some replays that begin together."""
    command = [sys.executable, "-m", "benchmarks.replay", "--measure", "raw", address]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(count)]
    rates = [float(json.loads(process.communicate()[0])) for process in running]
    if any(process.returncode for process in running):
        raise RuntimeError("a replay failed")
    return rates


def measure_replay(dsn: str, log: Path, events: int, rounds: int) -> None:
    """Replay alone, ten at once, and beside a reader of one event a second."""
    with running_server(dsn, log) as server:
        asyncio.run(replay.fill(server.address, events))
        kinds = {"rows": dsn, "raw": server.address, "decoded": server.address}
        found: dict[str, list[float]] = {kind: [] for kind in (*kinds, "raw beside slow")}
        for _ in range(rounds):
            for kind, target in kinds.items():
                found[kind].append(replay.in_process(kind, target))
            with beside("--slow", server.address):
                found["raw beside slow"].append(replay.in_process("raw", server.address))
        medians = {kind: statistics.median(rates) for kind, rates in found.items()}
        for kind, rate in medians.items():
            _tell(f"{kind:16}{rate:10,.0f} events/s   {rate / medians['rows']:.2f} of rows")
        before = resident_mib(server)
        with beside("--slow", server.address):
            rates = replays_at_once(server.address, AT_ONCE)
            after = resident_mib(server)
        together = AT_ONCE * events / max(events / rate for rate in rates)
        _tell(
            f"{AT_ONCE} at once beside a slow reader: each {min(rates):,.0f} to {max(rates):,.0f}"
            f" events/s, {together:,.0f} together, {together / medians['raw']:.2f} of one alone;"
            f" server memory {before:.0f} MiB before, {after:.0f} MiB after"
        )


def measure_idle(dsn: str, log: Path, rounds: int, seconds: float) -> None:
    """Post with no subscribers, and with a thousand of each kind of idle ones."""
    with running_server(dsn, log) as server:
        asyncio.run(_open_quiet(server.address))
        for callers, batch in ((64, 1), (4, 250)):
            found: dict[str, list[_Run]] = {"none": [], "quiet": [], "filtered": []}
            _post(server, callers, batch, seconds, 1)  # warm
            for number in range(rounds):
                seed = 10 + 10 * number
                found["none"].append(_post(server, callers, batch, seconds, seed))
                for offset, kind in enumerate(("quiet", "filtered"), 1):
                    journal = _QUIET_JOURNAL if kind == "quiet" else JOURNAL
                    idle = ("--idle", server.address, journal, kind, str(IDLE))
                    with beside(*idle):
                        rate = _post(server, callers, batch, seconds, seed + offset)
                    found[kind].append(rate)
            for kind, runs in found.items():
                shares = [
                    one.rate / none.rate for one, none in zip(runs, found["none"], strict=True)
                ]
                posted = statistics.median(run.rate for run in runs)
                cost = statistics.median(run.server_us for run in runs)
                _tell(
                    f"{callers} callers of {batch:3}, {IDLE if kind != 'none' else 0:5} idle"
                    f" ({kind:8}): {posted:8,.0f}/s, {statistics.median(shares):.2f} of none"
                    f" ({min(shares):.2f} to {max(shares):.2f}); the server's processor"
                    f" {cost:5.0f} us a posting"
                )


async def _open_quiet(address: str) -> None:
    async with LedgerClient.connect(address) as ledger:
        await ledger.create_journal(_QUIET_JOURNAL)


@dataclasses.dataclass(frozen=True, slots=True)
class _Run:
    #: Postings a second.
    rate: float
    #: Processor time of the server for each: steadier than the rate on a busy machine.
    server_us: float


def _post(server: Server, callers: int, batch: int, seconds: float, seed: int) -> _Run:
    job = Job(
        address=server.address,
        shape=Shape.SPREAD,
        callers=callers,
        batch=batch,
        seconds=seconds,
        count=int(seconds * 12_000),
        seed=1_000 * batch + seed,
    )
    before = _processor_seconds(server)
    result = run_load(job)
    count = len(result.acknowledged)
    used = _processor_seconds(server) - before
    return _Run(count / result.seconds, 1e6 * used / count)


def _processor_seconds(server: Server) -> float:
    fields = Path(f"/proc/{server.pid}/stat").read_text().rpartition(")")[2].split()
    # User and system time, the fields 14 and 15 of the whole line.
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(events: int, rounds: int, seconds: float, parts: Sequence[str]) -> None:
    """Measure all parts, each on a database of its own."""
    with running_postgres() as dsn, tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "server.log"
        databases = Databases(dsn)
        try:
            if "replay" in parts:
                measure_replay(asyncio.run(databases.create("replay")), log, events, rounds)
            if "idle" in parts:
                idle_dsn = asyncio.run(databases.create("idle"))
                asyncio.run(open_books(idle_dsn, log))
                measure_idle(idle_dsn, log, rounds, seconds)
        finally:
            asyncio.run(databases.drop_all())


def _tell(text: str) -> None:
    print(text, flush=True)


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("events", type=int, nargs="?", default=200_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument(
        "--parts", nargs="+", choices=["replay", "idle"], default=["replay", "idle"]
    )
    parser.add_argument("--idle", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--slow", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with contextlib.suppress(KeyboardInterrupt):
        if options.idle:
            address, journal, kind, count = options.idle
            asyncio.run(stay(address, journal, kind, int(count)))
        elif options.slow:
            asyncio.run(read_slowly(options.slow))
        else:
            measure(options.events, options.rounds, options.seconds, options.parts)


if __name__ == "__main__":
    main()

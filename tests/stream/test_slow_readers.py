"""What readers who do not read cost a server process, in memory."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.ledger import CHANNEL_OPTIONS, PostingLedger, lines

SLOW = 12
#: About 10 KB each: 40 MB, so that keeping it for each slow reader would take half a gigabyte.
EVENTS = 4_000
METADATA = {f"key-{number}": "x" * 500 for number in range(20)}
#: For each slow reader the page that is sent, the one after it, and what lies in the connection.
GROWTH_MIB_MAX = SLOW * 8


def resident_mib(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise AssertionError("no VmRSS")


def subscribe(channel: grpc.aio.Channel, after: int = 0) -> Any:
    return EventServiceStub(channel).Subscribe(
        pb.SubscribeRequest(journal="main", after_sequence=after, heartbeat_seconds=60)
    )


async def read_to(call: Any, position: int) -> None:
    while (await call.read()).position < position:
        pass


async def fill(ledger: PostingLedger, count: int) -> int:
    """Post so many; return the head."""
    for _ in range(count // 100):
        await ledger.post_all(
            [
                lines("DEBIT cash 1 USD", "CREDIT income 1 USD", metadata=METADATA)
                for _ in range(100)
            ]
        )
    return await ledger.head()


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
async def test_slow_readers_cost_bounded_memory(database_dsn: str) -> None:
    """They subscribe, read once, and read no more; others replay and follow beside them."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger_server", "--dsn", database_dsn),
        *("--listen", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(each for each in sys.path if each)},
    )
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[-1]
        async with grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS) as channel:
            ledger = PostingLedger(channel)
            await ledger.open("cash", "income")
            head = await fill(ledger, EVENTS // 2)
            # As it is once it has done all that is to be done beside the slow ones.
            await read_to(subscribe(channel), head)
            live = subscribe(channel, head)
            await live.read()
            before = resident_mib(process.pid)
            options = (*CHANNEL_OPTIONS, ("grpc.use_local_subchannel_pool", 1))
            channels = [grpc.aio.insecure_channel(address, options=options) for _ in range(SLOW)]
            slow = [subscribe(each) for each in channels]
            for call in slow:
                assert (await call.read()).events
            following = asyncio.create_task(read_to(live, head + EVENTS // 2))
            head = await fill(ledger, EVENTS // 2)
            await following
            await read_to(subscribe(channel), head)
            growth = resident_mib(process.pid) - before
            assert growth < GROWTH_MIB_MAX, f"{growth:.0f} MiB for {SLOW} slow readers"
            # None of them has missed anything.
            async with asyncio.timeout(60):
                await asyncio.gather(*(read_to(call, head) for call in slow))
            for each in channels:
                await each.close()
    finally:
        process.kill()
        await process.wait()

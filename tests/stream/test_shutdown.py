"""A server process that is told to stop while a subscriber follows."""

import asyncio
import os
import sys
from typing import Any

import grpc

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_proto.v1.event_stream_pb2_grpc import EventServiceStub
from tests.api.calls import refused
from tests.ledger import PostingLedger

#: What the server may take to end before it counts as hanging.
PATIENCE_SECONDS = 30


async def test_sigterm_ends_the_stream_with_its_position(database_dsn: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "ledger_server", "--dsn", database_dsn),
        *("--listen", "127.0.0.1:0"),
        stdout=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(entry for entry in sys.path if entry)},
    )
    try:
        assert process.stdout is not None
        address = (await process.stdout.readline()).decode().split()[-1]
        async with grpc.aio.insecure_channel(address) as channel:
            await PostingLedger(channel).open("cash")
            call: Any = EventServiceStub(channel).Subscribe(
                pb.SubscribeRequest(journal="main", heartbeat_seconds=60)
            )
            response = await call.read()
            assert len(response.events) == response.position == 4
            process.terminate()
            last = await call.read()
            assert (len(last.events), last.position) == (0, 4)
            assert (await refused(call.read())).reason == "SHUTTING_DOWN"
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()

"""What gRPC's own server got wrong in some of its releases."""

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from tests.api.calls import refused
from tests.server.slow_server import CALLS_MAX

Process = subprocess.Popen[str]

KNOCKED_SERVER = Path(__file__).with_name("knocked_server.py")
SLOW_SERVER = Path(__file__).with_name("slow_server.py")


def run_script(script: Path, *arguments: str) -> Process:
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("LEDGER_")
    }
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**environment, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


@pytest.fixture
def slow_server(postgres_dsn: str) -> Iterator[Process]:
    """A server that takes `CALLS_MAX` calls at once."""
    with run_script(SLOW_SERVER, postgres_dsn) as process:
        yield process
        process.kill()


@pytest.fixture
def slow_address(slow_server: Process) -> str:
    """Where it listens."""
    assert slow_server.stdout is not None
    return slow_server.stdout.readline().split()[-1]


def test_stopping_survives_who_knocks_and_goes() -> None:
    """grpcio 1.78 ended with a segmentation fault, with the calls in flight unanswered."""
    with run_script(KNOCKED_SERVER) as process:
        try:
            assert process.wait(timeout=100) == 0
        finally:
            process.kill()


async def test_more_calls_than_a_server_takes_are_refused_wave_after_wave(
    slow_address: str,
) -> None:
    """gRPC's own bound had, up to 1.78, one more place after each refusal: soon it was none."""
    async with grpc.aio.insecure_channel(slow_address) as channel:
        await channel.channel_ready()
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        for _ in range(4):
            calls = [wait(b"1.5", timeout=20) for _ in range(4 * CALLS_MAX)]
            codes = [await call.code() for call in calls]
            assert codes.count(grpc.StatusCode.OK) == CALLS_MAX
            assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 3 * CALLS_MAX


async def test_who_is_one_too_many_is_told_so_and_health_is_answered(
    slow_server: Process, slow_address: str
) -> None:
    async with grpc.aio.insecure_channel(slow_address) as channel:
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        held = [wait(b"100", timeout=200) for _ in range(CALLS_MAX)]
        assert slow_server.stdout is not None
        for _ in held:
            assert await asyncio.to_thread(slow_server.stdout.readline) == "called\n"
        found = await refused(wait(b"1", timeout=20))
        assert (found.reason, found.facts) == ("TOO_MANY_CALLS", {"calls_max": str(CALLS_MAX)})
        assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        stub: Any = health_pb2_grpc.HealthStub(channel)
        health = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        held[0].cancel()
        # Its place is free again a moment after it is gone.
        async with asyncio.timeout(20):
            while await wait(b"0", timeout=20).code() is not grpc.StatusCode.OK:  # noqa: ASYNC110  # another process's state
                await asyncio.sleep(0.05)
        assert not any(call.done() for call in held[1:])

"""What gRPC's own server got wrong in some of its releases."""

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

KNOCKED_SERVER = Path(__file__).with_name("knocked_server.py")
SLOW_SERVER = Path(__file__).with_name("slow_server.py")


def run_script(script: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


@pytest.fixture
def slow_address(postgres_dsn: str) -> Iterator[str]:
    """A server that takes `CALLS_MAX` calls at once."""
    with run_script(SLOW_SERVER, postgres_dsn) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_stopping_survives_who_knocks_and_goes() -> None:
    """grpcio 1.78 ended with a segmentation fault, with the calls in flight unanswered."""
    with run_script(KNOCKED_SERVER) as process:
        stdout, _ = process.communicate(timeout=100)
    assert (process.returncode, stdout) == (0, "stopped\n")


async def test_more_calls_than_a_server_takes_are_refused_wave_after_wave(
    slow_address: str,
) -> None:
    """gRPC's own bound had, up to 1.78, one more place after each refusal: soon it was none."""
    async with grpc.aio.insecure_channel(slow_address) as channel:
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        for _ in range(4):
            calls = [wait(b"0.5", timeout=20) for _ in range(4 * CALLS_MAX)]
            codes = [await call.code() for call in calls]
            assert codes.count(grpc.StatusCode.OK) == CALLS_MAX
            assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 3 * CALLS_MAX


async def test_who_is_one_too_many_is_told_so_and_health_is_answered(slow_address: str) -> None:
    async with grpc.aio.insecure_channel(slow_address) as channel:
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        held = [wait(b"1", timeout=20) for _ in range(CALLS_MAX)]
        found = await refused(wait(b"1", timeout=20))
        assert (found.reason, found.facts) == ("TOO_MANY_CALLS", {"calls_max": str(CALLS_MAX)})
        assert found.code is grpc.StatusCode.RESOURCE_EXHAUSTED
        stub: Any = health_pb2_grpc.HealthStub(channel)
        health = await stub.Check(health_pb2.HealthCheckRequest(), timeout=10)
        assert health.status == health_pb2.HealthCheckResponse.SERVING
        assert not any(call.done() for call in held)
        assert {await call.code() for call in held} == {grpc.StatusCode.OK}

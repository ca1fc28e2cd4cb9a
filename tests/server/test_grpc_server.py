"""What we rely on gRPC's server for, as some of its releases got it wrong."""

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

KNOCKED_SERVER = Path(__file__).with_name("knocked_server.py")
SLOW_SERVER = Path(__file__).with_name("slow_server.py")
CALLS_MAX = 3


def run_script(script: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, str(script), *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)},
    )


@pytest.fixture
def limited_address(postgres_dsn: str) -> Iterator[str]:
    """A server that takes `CALLS_MAX` calls at once."""
    with run_script(SLOW_SERVER, postgres_dsn, str(CALLS_MAX)) as process:
        assert process.stdout is not None
        yield process.stdout.readline().split()[-1]
        process.terminate()


def test_stopping_survives_who_knocks_and_goes() -> None:
    """grpcio 1.78 ended with a segmentation fault, with the calls in flight unanswered."""
    with run_script(KNOCKED_SERVER) as process:
        stdout, _ = process.communicate(timeout=100)
    assert (process.returncode, stdout) == (0, "stopped\n")


async def test_more_calls_than_a_server_takes_are_refused_wave_after_wave(
    limited_address: str,
) -> None:
    """Up to grpcio 1.78 each refusal made room for one more call: soon there was no bound."""
    async with grpc.aio.insecure_channel(limited_address) as channel:
        wait: Any = channel.unary_unary("/test.Slow/Wait")
        for _ in range(4):
            calls = [wait(b"0.5", timeout=20) for _ in range(4 * CALLS_MAX)]
            codes = [await call.code() for call in calls]
            assert codes.count(grpc.StatusCode.OK) == CALLS_MAX
            assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 3 * CALLS_MAX
            # What was answered is counted off a moment after its answer.
            await asyncio.sleep(0.1)

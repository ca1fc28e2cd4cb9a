"""What gRPC itself costs: `python -m benchmarks.echo`, a method that sends back what it gets.

CPU of server and caller and latency of a call of 300 bytes, with the grpcio that is installed: 64
callers on one connection and one alone. Versions of grpcio differ by a half; look before another
is pinned.
"""

import argparse
import asyncio
import multiprocessing
import sys
import time
from collections.abc import Iterator
from multiprocessing.connection import Connection
from typing import Any, Final

import grpc
import grpc.aio
import uvloop
from rich.console import Console
from rich.table import Table

from benchmarks.cost import cpu_seconds
from benchmarks.rounds import Spread

_BODY: Final = b"x" * 300
_METHOD: Final = "/echo.Echo/Echo"
_WARM_UP_CALLS: Final = 2_000
_TIMEOUT_SECONDS: Final = 60.0
_CALLERS: Final = (64, 1)


class _Echo(grpc.GenericRpcHandler):
    """Every method of every service, sending back what it gets."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        del handler_call_details
        return grpc.unary_unary_rpc_method_handler(_echo)


async def _echo(body: bytes, _context: object) -> bytes:
    return body


async def _serve(port: Connection) -> None:
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((_Echo(),))
    port.send(server.add_insecure_port("127.0.0.1:0"))
    await server.start()
    await server.wait_for_termination()


def _run_server(port: Connection) -> None:
    uvloop.run(_serve(port))


async def _call(address: str, callers: int, calls: int) -> list[float]:
    """Make the calls; return the seconds that each took."""
    seconds: list[float] = []
    async with grpc.aio.insecure_channel(address) as channel:
        await channel.channel_ready()
        method: Any = channel.unary_unary(_METHOD)
        left = iter(range(calls))
        await asyncio.gather(*(_caller(method, left, seconds) for _ in range(callers)))
    return seconds


async def _caller(method: Any, left: Iterator[int], seconds: list[float]) -> None:
    for _ in left:
        began = time.perf_counter()
        await method(_BODY, timeout=_TIMEOUT_SECONDS)
        seconds.append(time.perf_counter() - began)


def _measure(address: str, server_pid: int, callers: int, calls: int) -> tuple[float, float, float]:
    """Return CPU of server and caller for a call and the median latency, in microseconds."""
    server, caller = cpu_seconds(server_pid), time.process_time()
    seconds = uvloop.run(_call(address, callers, calls))
    server, caller = cpu_seconds(server_pid) - server, time.process_time() - caller
    return server * 1e6 / calls, caller * 1e6 / calls, Spread.of(seconds).median * 1e6


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="benchmarks.echo", description=__doc__)
    parser.add_argument("--calls", type=int, default=10_000, help="of 64 callers; of one a fifth")
    options = parser.parse_args()
    spawn = multiprocessing.get_context("spawn")
    ours, theirs = spawn.Pipe()
    process = spawn.Process(target=_run_server, args=(theirs,), daemon=True)
    process.start()
    assert process.pid is not None, "started"
    table = Table("callers", "server, us of CPU", "caller, us of CPU", "median, us")
    try:
        address = f"127.0.0.1:{ours.recv()}"
        uvloop.run(_call(address, max(_CALLERS), _WARM_UP_CALLS))
        for callers in _CALLERS:
            calls = options.calls if callers > 1 else options.calls // 5
            figures = _measure(address, process.pid, callers, calls)
            table.add_row(str(callers), *(f"{figure:,.0f}" for figure in figures))
    finally:
        process.terminate()
        process.join()
    Console().print(f"an echo by grpcio {grpc.__version__}", table, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

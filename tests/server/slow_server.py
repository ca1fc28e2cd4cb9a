"""A server process whose one service is slow, for the tests of the lifecycle.

Run as `python slow_server.py DSN`; its calls are `test.Slow/Wait` with the seconds as text.
"""

import asyncio
import decimal
import sys

import grpc
import grpc.aio

from ledger_server import lifecycle
from ledger_server.api.methods import Methods
from ledger_server.settings import Settings

#: Calls at once.
CALLS_MAX = 3


class SlowService:
    """Answers late, with the precision of its decimal context and whether it was closed."""

    service_names = ("test.Slow",)

    def __init__(self) -> None:
        self.is_closed = False

    async def wait(self, seconds: bytes, _context: object) -> bytes:
        print("called", flush=True)  # noqa: T201  # the test reads it
        await asyncio.sleep(float(seconds))
        return f"{decimal.getcontext().prec} {self.is_closed}".encode()

    async def end_streams(self) -> None:
        print("streams ended", flush=True)  # noqa: T201  # the test reads it

    async def close(self) -> None:
        self.is_closed = True
        print("closed", flush=True)  # noqa: T201  # the test reads it


async def add_servicers(server: grpc.aio.Server, _dsn: str) -> SlowService:
    service = SlowService()
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_unary_rpc_method_handler(service.wait)
    methods = Methods(CALLS_MAX)
    methods.add_registered_method_handlers("test.Slow", {"Wait": handler})
    server.add_generic_rpc_handlers((methods,))
    return service


if __name__ == "__main__":
    settings = Settings(listen="127.0.0.1:0")
    asyncio.run(lifecycle.serve(settings, sys.argv[1], add_servicers))

"""The caller without a gRPC library says what grpcio's would, whatever the server sends."""

import asyncio
import contextlib
import itertools
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from benchmarks.bare_caller import BareCaller, BareCallError

METHOD = "/echo.Echo/Echo"


class Echo(grpc.GenericRpcHandler):
    """Sends back what it gets, what is short a thousand times; refuses what begins with a minus."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of the one method that there is."""
        if handler_call_details.method != METHOD:
            return None
        return grpc.unary_unary_rpc_method_handler(answer)


async def answer(body: bytes, context: grpc.aio.ServicerContext[bytes, bytes]) -> bytes:
    """Answer a call; every third one late, so that answers come in another order."""
    if body.startswith(b"-"):
        await context.abort(grpc.StatusCode.FAILED_PRECONDITION, "refused")
    if int(body[-4:]) % 3 == 0:
        await asyncio.sleep(0.001)
    return body * 1_000 if len(body) < 100 else body


@contextlib.asynccontextmanager
async def echoing() -> AsyncIterator[str]:
    """Give the address of a server."""
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((Echo(),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)


async def called(requests: list[bytes], callers: int, method: str = METHOD) -> list[bytes]:
    """Return the answers to `requests`, in the order in which they came."""
    async with echoing() as address:
        with contextlib.closing(BareCaller(address, method)) as caller:
            await asyncio.to_thread(caller.run, iter(requests), callers, 60.0)
            assert len(caller.latencies_us) == len(caller.answers)
            return caller.answers


@pytest.mark.parametrize("callers", [1, 64])
async def test_each_call_gets_its_answer_whole(callers: int) -> None:
    requests = [f"{number:050d}".encode() for number in range(500)]
    answers = await called(requests, callers)
    assert sorted(answers) == [request * 1_000 for request in requests]
    if callers == 1:
        assert answers == sorted(answers)


async def test_more_goes_over_a_connection_than_it_takes_at_once() -> None:
    requests = [f"{number:08000d}".encode() for number in range(64)]
    assert sorted(await called(requests, 4)) == requests


async def test_a_refused_call_and_a_method_that_is_not_there_have_no_answer() -> None:
    assert await called([b"1", b"-1", b"2"], 1) == [b"1" * 1_000, b"", b"2" * 1_000]
    assert await called([b"1"], 1, "/echo.Echo/Nothing") == [b""]


async def test_too_much_under_way_is_told() -> None:
    with pytest.raises(BareCallError, match="more under way"):
        await called([b"1" * 16_000] * 64, 64)


async def test_no_call_begins_after_the_time_is_over() -> None:
    async with echoing() as address:
        with contextlib.closing(BareCaller(address, METHOD)) as caller:
            endless = (b"%d" % number for number in itertools.count())
            await asyncio.to_thread(caller.run, endless, 8, 0.2)
            assert caller.answers

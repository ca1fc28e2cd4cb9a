"""What surrounds a stream of answers when its caller is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from ledger_server.api.methods import Methods


class Gone:
    """The context of a call whose connection broke: gRPC finds out when it sends."""

    async def write(self, _: bytes) -> None:
        raise grpc.aio.InternalError("Failed execute_batch")


async def test_a_caller_that_is_gone_is_no_incident(caplog: pytest.LogCaptureFixture) -> None:
    closed = asyncio.Event()

    async def answers(_: bytes, _context: object) -> AsyncIterator[bytes]:
        try:
            yield b"one"
            raise AssertionError("nobody takes a second one")
        finally:
            closed.set()

    methods = Methods()
    streaming: Any = grpc.unary_stream_rpc_method_handler(answers)
    methods.add_registered_method_handlers("x", {"Y": streaming})
    details: Any = type("Details", (), {"method": "/x/Y"})
    handler = methods.service(details)
    with pytest.raises(asyncio.CancelledError):
        await handler.unary_stream(b"", Gone())
    assert closed.is_set(), "what it held is let go"
    assert caplog.records == []

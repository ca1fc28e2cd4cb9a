"""Services made from the contract, and a stream of answers whose caller is gone."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import event_stream_pb2 as pb
from ledger_server.api.methods import Methods

EVENTS = pb.DESCRIPTOR.services_by_name["EventService"]


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


class Answers:
    """An EventService that keeps what it was asked."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def Subscribe(self, request: object, _context: object) -> AsyncIterator[bytes]:  # noqa: N802  # the contract's name
        self.asked.append(request)
        yield b"stored"

    async def ListEvents(self, request: object, _context: object) -> bytes:  # noqa: N802  # the contract's name
        self.asked.append(request)
        return b"stored"

    async def GetHead(self, request: object, _context: object) -> pb.GetHeadResponse:  # noqa: N802  # the contract's name
        self.asked.append(request)
        return pb.GetHeadResponse(head_sequence=7)


async def test_some_methods_answer_with_bytes() -> None:
    methods, answers = Methods(), Answers()
    methods.add_servicer(EVENTS, answers, as_bytes={"Subscribe", "ListEvents"})

    def handler(name: str) -> Any:
        details: Any = type("Details", (), {"method": f"/ledger.v1.EventService/{name}"})
        return methods.service(details)

    assert handler("Subscribe").response_streaming
    assert not handler("ListEvents").response_streaming
    assert handler("ListEvents").response_serializer is None, "they are sent as they are"
    listing = pb.ListEventsRequest(journal="main")
    assert await handler("ListEvents").unary_unary(listing.SerializeToString(), None) == b"stored"
    asked = pb.GetHeadRequest(journal="main")
    answer = await handler("GetHead").unary_unary(asked.SerializeToString(), None)
    assert handler("GetHead").response_serializer(answer) == answer.SerializeToString()
    assert answers.asked == [listing, asked], "messages, not bytes"


def test_a_method_that_the_contract_has_not() -> None:
    with pytest.raises(AssertionError, match="names of the contract"):
        Methods().add_servicer(EVENTS, Answers(), as_bytes={"ListEvent"})

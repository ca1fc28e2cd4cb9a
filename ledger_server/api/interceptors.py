"""What surrounds every call: refusals become statuses, and nothing internal leaks."""

import asyncio
import contextlib
import inspect
import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from grpc_status import rpc_status

from ledger_server.api import errors
from ledger_server.domain.errors import FieldInvalidError, InternalError, LedgerError

_log = logging.getLogger(__name__)


class RefusalInterceptor(grpc.aio.ServerInterceptor):
    """Turns what a handler raises into a status, also in the middle of a stream of answers.

    An exception that is not a refusal is a bug: the caller gets the number of a log entry, since
    gRPC would send the exception's own text.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the handler of a call with one request; leave streams of requests to themselves."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.request_streaming:
            return handler
        run = _stream if handler.response_streaming else _answer
        behaviour = handler.unary_stream if handler.response_streaming else handler.unary_unary
        deserialize = handler.request_deserializer
        method = handler_call_details.method

        async def guarded(body: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                # Decoded here, as bytes that are no message are refused like anything else: gRPC
                # would call them an internal error, without a reason.
                return await run(behaviour, deserialize(body) if deserialize else body, context)
            except LedgerError as error:
                refusal = error
            except DecodeError:
                refusal = FieldInvalidError("request", "not a message that this method takes")
            except grpc.aio.AbortError:
                raise  # the handler has said itself why
            except Exception as error:  # noqa: BLE001  # the last resort of a call
                refusal = _unknown(method, error)
            await context.abort_with_status(rpc_status.to_status(errors.status(refusal)))
            raise AssertionError("abort_with_status raises")

        wrap: Any = (
            grpc.unary_stream_rpc_method_handler
            if handler.response_streaming
            else grpc.unary_unary_rpc_method_handler
        )
        return wrap(
            guarded, request_deserializer=None, response_serializer=handler.response_serializer
        )


async def _answer(behaviour: Any, request: Any, context: Any) -> Any:
    return await behaviour(request, context)


async def _stream(behaviour: Any, request: Any, context: Any) -> None:
    """Send what a handler gives, or let one that writes by itself do so."""
    answers = behaviour(request, context)
    if inspect.isawaitable(answers):
        await answers
        return
    # Closed here, as a caller that went away leaves the handler in the middle.
    async with contextlib.aclosing(answers):
        async for answer in answers:
            try:
                await context.write(answer)
            except grpc.aio.InternalError as error:
                # The connection is gone, and gRPC has not told us yet: nobody waits for an error.
                raise asyncio.CancelledError from error


def _unknown(method: str, error: Exception) -> LedgerError:
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s in %s", incident, method, exc_info=error)
    return InternalError(incident)

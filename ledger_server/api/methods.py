"""What surrounds every call: refusals become statuses, and nothing internal leaks."""

import asyncio
import contextlib
import inspect
import logging
import uuid
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any, Final

import grpc
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass
from grpc_status import rpc_status

from ledger_server.api import errors
from ledger_server.domain.errors import (
    FieldInvalidError,
    InternalError,
    LedgerError,
    TooManyCallsError,
)

_log = logging.getLogger(__name__)

#: Calls at once whose request came and whose answer is not made yet, subscribers included.
CALLS_MAX: Final = 4_000


class Methods(grpc.GenericRpcHandler):
    """The methods of all services, under the names that calls give.

    Stands in for the server where services are added, for two reasons. Methods that are
    registered with gRPC's own server each keep a task waiting, and every call waits on all of
    them anew: forty microseconds with our contract, more with each method. And what surrounds
    every call is put around a method once, here, where an interceptor would do it at each call.
    """

    def __init__(self, calls_max: int = CALLS_MAX) -> None:
        """Begin without methods.

        Args:
            calls_max: calls of all methods at once; one more is refused, with a reason, which
                gRPC's own bound has not.
        """
        self._handlers: dict[str, Any] = {}
        self._places = _Places(calls_max)

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, Any]) -> None:
        """Add a service. Named and called as gRPC's server is by generated code."""
        for name, handler in handlers.items():
            method = f"/{service}/{name}"
            self._handlers[method] = _guarded(method, handler, self._places)

    def add_servicer(
        self, service: ServiceDescriptor, servicer: object, *, as_bytes: AbstractSet[str]
    ) -> None:
        """Add a service as generated code would, but for methods that answer with bytes.

        Args:
            service: of the contract.
            servicer: has a method of each name.
            as_bytes: names of those whose answers are serialised already, and sent as they are.
        """
        assert as_bytes <= set(service.methods_by_name), "names of the contract"
        handlers = {
            method.name: _handler(method, servicer, as_bytes=method.name in as_bytes)
            for method in service.methods
        }
        self.add_registered_method_handlers(service.full_name, handlers)

    def add_generic_rpc_handlers(self, _handlers: object) -> None:
        """Do nothing: generated code hands over once more what it registers."""

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> Any:
        """Return the handler of a call, None for a method that nobody added."""
        return self._handlers.get(handler_call_details.method)


def _handler(method: MethodDescriptor, servicer: object, *, as_bytes: bool) -> Any:
    request: Any = GetMessageClass(method.input_type)
    response: Any = GetMessageClass(method.output_type)
    wrap = _wrap(is_stream=method.server_streaming)
    serialize = None if as_bytes else response.SerializeToString
    return wrap(getattr(servicer, method.name), request.FromString, serialize)


class _Places:
    """A place for each call under way."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken = 0

    def __enter__(self) -> None:
        if self._taken >= self._most:
            raise TooManyCallsError(self._most)
        self._taken += 1

    def __exit__(self, *_: object) -> None:
        self._taken -= 1


def _guarded(method: str, handler: Any, places: _Places) -> Any:
    """Have what a handler raises become a status, also in the middle of a stream of answers.

    An exception that is not a refusal is a bug: the caller gets the number of a log entry, since
    gRPC would send the exception's own text. Streams of requests are left to themselves.
    """
    if handler.request_streaming:
        return handler
    answer, stream = handler.unary_unary, handler.unary_stream
    deserialize = handler.request_deserializer or bytes

    async def guarded(body: bytes, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
        try:
            # Decoded here, as bytes that are no message are refused like anything else: gRPC
            # would call them an internal error, without a reason.
            with places:
                if stream is not None:
                    return await _stream(stream, deserialize(body), context)
                return await answer(deserialize(body), context)
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

    wrap = _wrap(is_stream=handler.response_streaming)
    return wrap(guarded, request_deserializer=None, response_serializer=handler.response_serializer)


def _wrap(*, is_stream: bool) -> Any:
    """Return what makes a handler of a function: for one answer, or for a stream of them."""
    if is_stream:
        return grpc.unary_stream_rpc_method_handler
    return grpc.unary_unary_rpc_method_handler


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

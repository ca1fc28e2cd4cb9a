"""What surrounds every call: refusals become statuses, and nothing internal leaks."""

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
    """Turns what a unary handler raises into a status.

    An exception that is not a refusal is a bug: the caller gets the number of a log entry, since
    gRPC would send the exception's own text.
    """

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Any:
        """Wrap the unary handler of a call; leave streams to themselves."""
        handler = await continuation(handler_call_details)
        if handler is None or handler.unary_unary is None:
            return handler
        behaviour, deserialize = handler.unary_unary, handler.request_deserializer
        method = handler_call_details.method

        async def guarded(body: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                # Decoded here, as bytes that are no message are refused like anything else: gRPC
                # would call them an internal error, without a reason.
                return await behaviour(deserialize(body) if deserialize else body, context)
            except LedgerError as error:
                refusal = error
            except DecodeError:
                refusal = FieldInvalidError("request", "not a message that this method takes")
            except Exception as error:  # noqa: BLE001  # the last resort of a call
                refusal = _unknown(method, error)
            await context.abort_with_status(rpc_status.to_status(errors.status(refusal)))
            raise AssertionError("abort_with_status raises")

        return grpc.unary_unary_rpc_method_handler(
            guarded,
            request_deserializer=None,
            response_serializer=handler.response_serializer,
        )


def _unknown(method: str, error: Exception) -> LedgerError:
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s in %s", incident, method, exc_info=error)
    return InternalError(incident)

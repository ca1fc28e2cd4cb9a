"""What surrounds every call: refusals become statuses, and nothing internal leaks."""

import logging
import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from grpc_status import rpc_status

from ledger_server.api import errors
from ledger_server.domain.errors import InternalError, LedgerError

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
        behaviour = handler.unary_unary
        method = handler_call_details.method

        async def guarded(request: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            try:
                return await behaviour(request, context)
            except LedgerError as error:
                refusal = error
            except Exception as error:  # noqa: BLE001  # the last resort of a call
                refusal = _unknown(method, error)
            await context.abort_with_status(rpc_status.to_status(errors.status(refusal)))
            raise AssertionError("abort_with_status raises")

        return grpc.unary_unary_rpc_method_handler(
            guarded,
            request_deserializer=handler.request_deserializer,
            response_serializer=handler.response_serializer,
        )


def _unknown(method: str, error: Exception) -> LedgerError:
    incident = uuid.uuid4().hex[:12]
    _log.error("incident %s in %s", incident, method, exc_info=error)
    return InternalError(incident)

"""Refusals on the wire: the one place where a kind becomes a gRPC code."""

import contextlib
import logging
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, TypeAlias

import asyncpg
import grpc
from google.protobuf.message import DecodeError, Message
from google.rpc import error_details_pb2, status_pb2
from grpc_status import rpc_status

from ledger_client.banking.foundation.errors import (
    BankError,
    FieldInvalidError,
    InternalError,
    Kind,
)

_log: Final = logging.getLogger(__name__)

#: `domain` of every ErrorInfo.
ERROR_DOMAIN: Final = "bank.v1"
#: What PostgreSQL says of text, or of text in JSON, that it cannot keep: that with a NUL.
_NO_TEXT: Final = (asyncpg.CharacterNotInRepertoireError, asyncpg.UntranslatableCharacterError)
#: A status travels in trailers, of which peers take 8 KiB: see the ledger's `api/errors`.
MESSAGE_CHARACTERS_MAX: Final = 400
FACT_CHARACTERS_MAX: Final = 255

CODES: Final = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    Kind.REFUSED: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.CONTENTION: grpc.StatusCode.ABORTED,
    Kind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    Kind.DENIED: grpc.StatusCode.PERMISSION_DENIED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
}
#: Codes of a module that is away, or busy: it may answer the same question later. After any other
#: it would say the same again.
PASSING: Final = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.CANCELLED,
    }
)

_Handler: TypeAlias = Callable[[Any, Any], Awaitable[Any]]


def status(error: BankError) -> status_pb2.Status:
    """Return the status of a call that `error` refuses."""
    code: int = CODES[error.kind].value[0]
    answer = status_pb2.Status(code=code, message=str(error)[:MESSAGE_CHARACTERS_MAX])
    facts = {name: text[:FACT_CHARACTERS_MAX] for name, text in error.facts().items()}
    answer.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=facts)
    )
    if isinstance(error, FieldInvalidError):
        violations = error_details_pb2.BadRequest()
        violations.field_violations.add(field=error.field, description=error.problem)
        answer.details.add().Pack(violations)
    return answer


def unary(method: str, request_class: Any, answer: _Handler) -> Any:
    """Return the gRPC handler of a method with one answer.

    Args:
        method: its full name.
        request_class: of the message that it takes.
        answer: given the request and the call's context, returns the response; what it raises ends
            the call with a status.
    """

    async def handle(body: bytes, context: Any) -> Any:
        async with _guarded(method, context):
            return await answer(request_class.FromString(body), context)

    return grpc.unary_unary_rpc_method_handler(handle, None, _serialized)


def streaming(method: str, request_class: Any, send: _Handler) -> Any:
    """Return the gRPC handler of a method with many answers, as `unary`; `send` writes them."""

    async def handle(body: bytes, context: Any) -> None:
        async with _guarded(method, context):
            await send(request_class.FromString(body), context)

    return grpc.unary_stream_rpc_method_handler(handle, None, _serialized)


@contextlib.asynccontextmanager
async def _guarded(method: str, context: Any) -> AsyncIterator[None]:
    """End the call with a status if the block raises."""
    try:
        yield
    except grpc.aio.AbortError:
        raise
    except Exception as error:  # noqa: BLE001  # the last resort of a call
        await _refuse(method, error, context)


def _serialized(message: Message) -> bytes:
    return message.SerializeToString()


async def _refuse(method: str, error: Exception, context: Any) -> None:
    """End a call with what a handler raised; a bug is logged, and named by a number only."""
    if isinstance(error, BankError):
        refusal = error
    elif isinstance(error, DecodeError):
        refusal = FieldInvalidError("request", "not a message that this method takes")
    elif isinstance(error, _NO_TEXT):
        refusal = FieldInvalidError("request", "a text in it has a NUL, which cannot be stored")
    else:
        incident = uuid.uuid4().hex[:12]
        _log.error("incident %s in %s", incident, method, exc_info=error)
        refusal = InternalError(incident)
    await context.abort_with_status(rpc_status.to_status(status(refusal)))

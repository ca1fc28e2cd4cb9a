"""Refusals on the wire: the one place where a kind becomes a gRPC code."""

import logging
import uuid
from typing import Any, Final

import asyncpg
import grpc
from google.protobuf.message import DecodeError
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


async def refuse(method: str, error: Exception, context: Any) -> None:
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

"""Refusals on the wire: the one place where a kind becomes a gRPC code."""

from typing import Final

import grpc
from google.protobuf import any_pb2
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from ledger_proto.v1 import common_pb2
from ledger_server.domain.errors import Kind, LedgerError

#: `domain` of every ErrorInfo: the package of the contract.
ERROR_DOMAIN: Final = "ledger.v1"
#: How long a caller is asked to wait before it tries again.
RETRY_DELAY_MS: Final = 200

CODES: Final = {
    Kind.INVALID: grpc.StatusCode.INVALID_ARGUMENT,
    Kind.OUT_OF_RANGE: grpc.StatusCode.OUT_OF_RANGE,
    Kind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    Kind.CONFLICT: grpc.StatusCode.ALREADY_EXISTS,
    Kind.REFUSED: grpc.StatusCode.FAILED_PRECONDITION,
    Kind.CONTENTION: grpc.StatusCode.ABORTED,
    Kind.TOO_MUCH: grpc.StatusCode.RESOURCE_EXHAUSTED,
    Kind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    Kind.INTERNAL: grpc.StatusCode.INTERNAL,
    Kind.BROKEN: grpc.StatusCode.DATA_LOSS,
}

_RETRIED: Final = frozenset({Kind.CONTENTION, Kind.TOO_MUCH, Kind.UNAVAILABLE})


def status(error: LedgerError) -> status_pb2.Status:
    """Return the status of a call that `error` refuses: ErrorInfo, and what else applies."""
    details: list[any_pb2.Any] = []
    _add(
        details,
        error_details_pb2.ErrorInfo(
            reason=error.reason, domain=ERROR_DOMAIN, metadata=dict(error.facts())
        ),
    )
    violations = error.violations_found()
    if violations:
        _add(
            details,
            error_details_pb2.BadRequest(
                field_violations=[
                    error_details_pb2.BadRequest.FieldViolation(
                        field=violation.field, description=violation.description
                    )
                    for violation in violations
                ]
            ),
        )
    if error.kind in _RETRIED:
        _add(
            details,
            error_details_pb2.RetryInfo(retry_delay=Duration(nanos=RETRY_DELAY_MS * 1_000_000)),
        )
    code: int = CODES[error.kind].value[0]
    return status_pb2.Status(code=code, message=str(error), details=details)


def refusal(error: LedgerError) -> common_pb2.Refusal:
    """Return the refusal of one item inside an answer that is itself a success."""
    code: int = CODES[error.kind].value[0]
    return common_pb2.Refusal(
        reason=error.reason,
        message=str(error),
        metadata=dict(error.facts()),
        status_code=code,
    )


def _add(details: list[any_pb2.Any], detail: object) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)  # type: ignore[arg-type]  # a message
    details.append(packed)

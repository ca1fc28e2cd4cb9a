"""Refusals on the wire: the one place where a kind becomes a gRPC code."""

from collections.abc import Sequence
from typing import Final

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc import error_details_pb2, status_pb2

from ledger_proto.v1 import common_pb2
from ledger_server.domain.errors import Kind, LedgerError, Violation

#: `domain` of every ErrorInfo: the package of the contract.
ERROR_DOMAIN: Final = "ledger.v1"
#: Cut texts to keep a status within the trailers: see `status`.
MESSAGE_BYTES_MAX: Final = 384
#: The longest code, 255 characters of four bytes, stays whole.
FACT_BYTES_MAX: Final = 1_024
STATUS_BYTES_MAX: Final = 4_400
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
    """Return the status of a call that `error` refuses: ErrorInfo, and what else applies.

    A status travels in the trailers, of which peers take 8 KiB and then begin to drop calls at
    random: gRPC sends the message twice, percent-encoded and in the status, and the status as
    base64. So texts are cut, and violations are left out, where they would pass that together.
    """
    code: int = CODES[error.kind].value[0]
    answer = status_pb2.Status(code=code, message=_cut(str(error), MESSAGE_BYTES_MAX))
    facts = {name: _cut(text, FACT_BYTES_MAX) for name, text in error.facts().items()}
    answer.details.add().Pack(
        error_details_pb2.ErrorInfo(reason=error.reason, domain=ERROR_DOMAIN, metadata=facts)
    )
    if error.kind in _RETRIED:
        answer.details.add().Pack(
            error_details_pb2.RetryInfo(retry_delay=Duration(nanos=RETRY_DELAY_MS * 1_000_000))
        )
    bad_request = _bad_request(error.violations_found(), STATUS_BYTES_MAX - answer.ByteSize())
    if bad_request.field_violations:
        answer.details.add().Pack(bad_request)
    return answer


def refusal(error: LedgerError) -> common_pb2.Refusal:
    """Return the refusal of one item inside an answer that is itself a success."""
    code: int = CODES[error.kind].value[0]
    return common_pb2.Refusal(
        reason=error.reason,
        message=str(error),
        metadata=dict(error.facts()),
        status_code=code,
    )


def _bad_request(violations: Sequence[Violation], bytes_max: int) -> error_details_pb2.BadRequest:
    bad_request = error_details_pb2.BadRequest()
    for violation in violations:
        bad_request.field_violations.add(field=violation.field, description=violation.description)
        if bad_request.ByteSize() > bytes_max:
            bad_request.field_violations.pop()
            break
    return bad_request


def _cut(text: str, bytes_max: int) -> str:
    """Return `text`, or as much of it as fits, with an ellipsis."""
    encoded = text.encode("utf-8", errors="replace")
    if len(encoded) <= bytes_max:
        return text
    return encoded[: bytes_max - len("…".encode())].decode("utf-8", errors="ignore") + "…"

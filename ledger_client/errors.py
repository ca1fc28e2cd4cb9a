"""What can go wrong in a call, by what the caller can do about it."""

import dataclasses
from collections.abc import Mapping
from typing import Final, Self, cast

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import DecodeError
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from ledger_client.models import Refusal

#: The `ErrorInfo.domain` of this API.
DOMAIN: Final = "ledger.v1"


@dataclasses.dataclass(frozen=True, slots=True)
class FieldViolation:
    """One field of a request that is wrong."""

    #: Its place in the request, such as `entries[1].units`.
    field: str
    #: What is wrong with it.
    description: str


class LedgerError(Exception):
    """A call failed. The subclasses tell what the caller can do."""

    #: Stable name of the rule, such as UNBALANCED; the status' name if the server gave none.
    reason: str
    #: One sentence for people; do not parse it.
    message: str
    #: The variable facts of the message, by name.
    facts: Mapping[str, str]
    #: The gRPC status of the call.
    status: grpc.StatusCode
    #: The fields that are wrong, if the server named any.
    violations: tuple[FieldViolation, ...]
    #: How long the server asks to wait before a repetition, if it does.
    retry_after_seconds: float | None
    #: The key that the call went out with (`transaction_id` or `request_id`), empty for a read.
    #: The same call with the same key cannot happen twice.
    idempotency_key: str

    def __init__(
        self,
        reason: str,
        message: str,
        facts: Mapping[str, str] | None = None,
        status: grpc.StatusCode = grpc.StatusCode.UNKNOWN,
        *,
        violations: tuple[FieldViolation, ...] = (),
        retry_after_seconds: float | None = None,
        idempotency_key: str = "",
    ) -> None:
        """Keep what the server said."""
        super().__init__(reason, message)
        self.reason = reason
        self.message = message
        self.facts = dict(facts or {})
        self.status = status
        self.violations = violations
        self.retry_after_seconds = retry_after_seconds
        self.idempotency_key = idempotency_key

    def with_key(self, idempotency_key: str) -> Self:
        """Return the same error, caused by this one, of a call that went out with another key."""
        error = type(self)(
            self.reason,
            self.message,
            self.facts,
            self.status,
            violations=self.violations,
            retry_after_seconds=self.retry_after_seconds,
            idempotency_key=idempotency_key,
        )
        error.__cause__ = self
        return error

    def __str__(self) -> str:
        """State the reason, the message and each field that is wrong."""
        lines = [f"{self.reason}: {self.message}"]
        lines += [f"{wrong.field}: {wrong.description}" for wrong in self.violations]
        return "\n  ".join(lines)


class InvalidRequestError(LedgerError):
    """The request is wrong in itself; it will be wrong again."""


class NotFoundError(LedgerError):
    """What the request names is not there."""


class ConflictError(LedgerError):
    """Something else is there already, or was faster."""


class RefusedError(LedgerError):
    """The books do not allow it now; they may later."""


class OverloadedError(LedgerError):
    """Too much at once: send less, or later."""


class UnavailableError(LedgerError):
    """No answer came. A mutation may have happened: repeat it with the same id."""


class ServerError(LedgerError):
    """The server failed, or does not know the call."""


_CLASSES: Final[Mapping[grpc.StatusCode, type[LedgerError]]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequestError,
    grpc.StatusCode.OUT_OF_RANGE: InvalidRequestError,
    grpc.StatusCode.NOT_FOUND: NotFoundError,
    grpc.StatusCode.ALREADY_EXISTS: ConflictError,
    grpc.StatusCode.ABORTED: ConflictError,
    grpc.StatusCode.FAILED_PRECONDITION: RefusedError,
    grpc.StatusCode.RESOURCE_EXHAUSTED: OverloadedError,
    grpc.StatusCode.UNAVAILABLE: UnavailableError,
    grpc.StatusCode.DEADLINE_EXCEEDED: UnavailableError,
}


def from_call(
    error: grpc.aio.AioRpcError, *, idempotency_key: str = "", domain: str = DOMAIN
) -> LedgerError:
    """Return the error of a failed call, with what the server attached to it.

    Args:
        error: as gRPC raised it.
        idempotency_key: that the call went out with.
        domain: of the API that was called; reasons of others are not known.
    """
    details = _details(error)
    info = error_details_pb2.ErrorInfo()
    bad_request = error_details_pb2.BadRequest()
    retry = error_details_pb2.RetryInfo()
    retry_after_seconds = None
    for detail in details:
        detail.Unpack(info)
        detail.Unpack(bad_request)
        if detail.Unpack(retry):
            retry_after_seconds = retry.retry_delay.ToTimedelta().total_seconds()
    return _CLASSES.get(error.code(), ServerError)(
        info.reason if info.domain == domain else error.code().name,
        error.details() or "the server gave no message",
        dict(info.metadata),
        error.code(),
        violations=tuple(
            FieldViolation(wrong.field, wrong.description) for wrong in bad_request.field_violations
        ),
        retry_after_seconds=retry_after_seconds,
        idempotency_key=idempotency_key,
    )


def from_refusal(refusal: Refusal, *, idempotency_key: str = "") -> LedgerError:
    """Return the error that a call refused for this reason alone would have raised."""
    return _CLASSES.get(refusal.status, ServerError)(
        refusal.reason,
        refusal.message,
        refusal.facts,
        refusal.status,
        violations=_violations(refusal.facts),
        idempotency_key=idempotency_key,
    )


def _violations(facts: Mapping[str, str]) -> tuple[FieldViolation, ...]:
    """Return the field that the facts of a refusal name, as the call alone would have."""
    if "problem" not in facts:
        return ()
    if "field" in facts:
        return (FieldViolation(facts["field"], facts["problem"]),)
    if "param" in facts:
        return (FieldViolation(f"params.{facts['param']}", facts["problem"]),)
    return ()


def _details(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    """Return the details that a server packed beside the status, none if they cannot be read."""
    try:
        status = rpc_status.from_call(cast("grpc.Call", error))
    except (ValueError, DecodeError):  # of another status, or not a status: some proxy's
        return []
    return list(status.details) if status else []

"""Refusals on the wire stay within what the trailers of a call can carry."""

import pytest
from google.rpc import error_details_pb2, status_pb2

from ledger_server.api import errors
from ledger_server.domain.errors import (
    AccountNotFoundError,
    AccountSetCycleError,
    ContentionError,
    FieldInvalidError,
    LedgerError,
    ParamInvalidError,
    TemplateInvalidError,
    Violation,
)

LONGEST_CODE = "💶" * 255


def details(status: status_pb2.Status) -> dict[str, bytes]:
    return {detail.TypeName(): detail.value for detail in status.details}


def test_says_what_it_knows() -> None:
    status = errors.status(FieldInvalidError("name", "longer than 255 characters"))
    found = details(status)
    info = error_details_pb2.ErrorInfo.FromString(found.pop("google.rpc.ErrorInfo"))
    assert (info.reason, info.domain) == ("FIELD_INVALID", "ledger.v1")
    assert dict(info.metadata) == {"field": "name", "problem": "longer than 255 characters"}
    bad_request = error_details_pb2.BadRequest.FromString(found.pop("google.rpc.BadRequest"))
    (violation,) = bad_request.field_violations
    assert (violation.field, violation.description) == ("name", "longer than 255 characters")
    assert not found
    assert (status.code, status.message) == (3, "name: longer than 255 characters")


def test_asks_for_patience_only_where_it_helps() -> None:
    assert "google.rpc.RetryInfo" in details(errors.status(ContentionError(5)))
    assert "google.rpc.RetryInfo" not in details(errors.status(AccountNotFoundError("a")))


@pytest.mark.parametrize(
    "error",
    [
        AccountSetCycleError(LONGEST_CODE, LONGEST_CODE),
        ParamInvalidError("x" * 1_000_000, "unknown"),
        ParamInvalidError("ü" * 1_000, "💶" * 1_000),
        FieldInvalidError("💶" * 2_000, "💶" * 2_000),
        TemplateInvalidError("T", tuple(Violation(f"entries[{i}]", "💶" * 50) for i in range(99))),
    ],
)
def test_fits_the_trailers(error: LedgerError) -> None:
    status = errors.status(error)
    assert status.ByteSize() <= errors.STATUS_BYTES_MAX + 64
    percent_encoded = 3 * len(status.message.encode())
    base64 = status.ByteSize() * 4 / 3
    assert percent_encoded + base64 < 8 * 1024 - 512, "512 for all other trailers"


def test_whole_codes_and_many_mistakes_get_through() -> None:
    found = details(errors.status(AccountSetCycleError(LONGEST_CODE, LONGEST_CODE)))
    info = error_details_pb2.ErrorInfo.FromString(found["google.rpc.ErrorInfo"])
    assert dict(info.metadata) == {"account_set": LONGEST_CODE, "member": LONGEST_CODE}
    mistakes = tuple(Violation(f"entries[{i}].units", f"unknown param p{i}") for i in range(60))
    found = details(errors.status(TemplateInvalidError("T", mistakes)))
    bad_request = error_details_pb2.BadRequest.FromString(found["google.rpc.BadRequest"])
    assert len(bad_request.field_violations) == 60

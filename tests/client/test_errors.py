"""Errors: the class by what can be done, the facts as the server gave them."""

import grpc
import pytest
from grpc import aio

from ledger_client import (
    ConflictError,
    FieldViolation,
    InvalidRequestError,
    LedgerClient,
    LedgerError,
    NotFoundError,
    OverloadedError,
    Refusal,
    RefusedError,
    ServerError,
    UnavailableError,
    errors,
)
from tests.client.fake_ledger import Failure, FakeLedger

Code = grpc.StatusCode


@pytest.mark.parametrize(
    ("status", "error_class"),
    [
        (Code.INVALID_ARGUMENT, InvalidRequestError),
        (Code.OUT_OF_RANGE, InvalidRequestError),
        (Code.NOT_FOUND, NotFoundError),
        (Code.ALREADY_EXISTS, ConflictError),
        (Code.ABORTED, ConflictError),
        (Code.FAILED_PRECONDITION, RefusedError),
        (Code.RESOURCE_EXHAUSTED, OverloadedError),
        (Code.UNAVAILABLE, UnavailableError),
        (Code.DEADLINE_EXCEEDED, UnavailableError),
        (Code.INTERNAL, ServerError),
        (Code.UNIMPLEMENTED, ServerError),
        (Code.DATA_LOSS, ServerError),
        (Code.PERMISSION_DENIED, ServerError),
    ],
)
async def test_class_by_status(
    fake: FakeLedger, client: LedgerClient, status: Code, error_class: type[LedgerError]
) -> None:
    fake.answer("GetJournal", Failure(status=status, reason="WHY", facts={"a": "b"}))
    with pytest.raises(LedgerError) as caught:
        await client.get_journal("MAIN")

    assert type(caught.value) is error_class
    assert (caught.value.reason, caught.value.message) == ("WHY", "no")
    assert (caught.value.facts, caught.value.status) == ({"a": "b"}, status)


async def test_violations_and_text(fake: FakeLedger, client: LedgerClient) -> None:
    violations = (("entries[0].units", "unknown param"), ("code", "empty"))
    fake.answer(
        "GetJournal",
        Failure(status=Code.INVALID_ARGUMENT, reason="TEMPLATE_INVALID", violations=violations),
    )
    with pytest.raises(InvalidRequestError) as caught:
        await client.get_journal("MAIN")

    assert caught.value.violations == (
        FieldViolation("entries[0].units", "unknown param"),
        FieldViolation("code", "empty"),
    )
    assert str(caught.value) == (
        "TEMPLATE_INVALID: no\n  entries[0].units: unknown param\n  code: empty"
    )


async def test_without_details_the_status_is_the_reason(
    fake: FakeLedger, client: LedgerClient
) -> None:
    fake.answer("GetJournal", Failure(status=Code.INTERNAL, message=""))
    with pytest.raises(ServerError, match="INTERNAL: the server gave no message"):
        await client.get_journal("MAIN")


async def test_a_reason_of_another_domain_is_not_ours(
    fake: FakeLedger, client: LedgerClient
) -> None:
    fake.answer("GetJournal", Failure(status=Code.NOT_FOUND, reason="X", domain="googleapis.com"))
    with pytest.raises(NotFoundError) as caught:
        await client.get_journal("MAIN")
    assert caught.value.reason == "NOT_FOUND"


@pytest.mark.parametrize("details", [b"\xff\xff", b"\x08\x03"], ids=["garbage", "other status"])
def test_details_that_cannot_be_read_are_left_out(details: bytes) -> None:
    failure = aio.AioRpcError(
        Code.NOT_FOUND,
        aio.Metadata(),
        aio.Metadata(("grpc-status-details-bin", details)),
        details="gone",
    )
    error = errors.from_call(failure)
    assert isinstance(error, NotFoundError)
    assert (error.reason, error.message, error.facts) == ("NOT_FOUND", "gone", {})


def test_a_refusal_becomes_the_error_that_it_would_have_been() -> None:
    refusal = Refusal(
        reason="ACCOUNT_NOT_ACTIVE",
        message="locked",
        facts={"account": "a"},
        status=Code.FAILED_PRECONDITION,
    )
    error = errors.from_refusal(refusal)
    assert isinstance(error, RefusedError)
    assert (error.reason, error.message, error.facts) == (
        "ACCOUNT_NOT_ACTIVE",
        "locked",
        {"account": "a"},
    )

"""Repetition: what is repeated, how often, how long between, and never past the deadline."""

import asyncio
import dataclasses
import time
from typing import Any

import grpc
import pytest
from grpc import aio

from ledger_client import (
    NO_RETRY,
    ConflictError,
    LedgerClient,
    LedgerError,
    OverloadedError,
    RetryPolicy,
    ServerError,
    UnavailableError,
    new_id,
)
from ledger_proto.v1 import journals_pb2, transactions_pb2
from tests.client.fake_ledger import FAST_RETRY, Failure, FakeLedger, Silence

Code = grpc.StatusCode
JOURNAL = journals_pb2.CreateJournalResponse(journal=journals_pb2.Journal(id=str(new_id())))


def error(status: Code, reason: str = "", retry_after_seconds: float | None = None) -> LedgerError:
    return LedgerError(reason, "", {}, status, retry_after_seconds=retry_after_seconds)


@pytest.mark.parametrize(
    ("failure", "repeatable", "is_repeated"),
    [
        (error(Code.UNAVAILABLE), True, True),
        (error(Code.DEADLINE_EXCEEDED), True, True),
        (error(Code.UNKNOWN), True, True),
        (error(Code.UNAVAILABLE), False, False),
        (error(Code.DEADLINE_EXCEEDED), False, False),
        (error(Code.UNKNOWN), False, False),
        (error(Code.ABORTED, "CONTENTION"), True, True),
        (error(Code.ABORTED, "CONTENTION"), False, True),
        (error(Code.ABORTED, "OTHER"), True, False),
        (error(Code.RESOURCE_EXHAUSTED, retry_after_seconds=0.2), True, True),
        (error(Code.RESOURCE_EXHAUSTED), True, False),
        (error(Code.INVALID_ARGUMENT), True, False),
        (error(Code.NOT_FOUND), True, False),
        (error(Code.ALREADY_EXISTS), True, False),
        (error(Code.FAILED_PRECONDITION), True, False),
        (error(Code.INTERNAL), True, False),
        (error(Code.DATA_LOSS), True, False),
        (error(Code.UNIMPLEMENTED), True, False),
        (error(Code.CANCELLED), True, False),
    ],
)
def test_what_is_repeated(failure: LedgerError, repeatable: bool, is_repeated: bool) -> None:
    wait = RetryPolicy().wait_seconds(failure, attempt=1, repeatable=repeatable)
    assert (wait is not None) == is_repeated


def test_waits_grow_to_their_bound_and_end() -> None:
    policy = RetryPolicy(attempts=6, backoff_seconds=0.1, backoff_seconds_max=0.5)
    waits = [
        policy.wait_seconds(
            error(Code.UNAVAILABLE), attempt=attempt, repeatable=True, jitter=lambda: 1.0
        )
        for attempt in range(1, 7)
    ]
    assert waits == [0.1, 0.2, 0.4, 0.5, 0.5, None]


def test_jitter_halves_at_most() -> None:
    policy = RetryPolicy(backoff_seconds=0.1)
    for drawn, expected in ((0.0, 0.05), (0.5, 0.075), (1.0, 0.1)):
        wait = policy.wait_seconds(
            error(Code.UNAVAILABLE),
            attempt=1,
            repeatable=True,
            jitter=lambda: drawn,  # noqa: B023  # called at once
        )
        assert wait == pytest.approx(expected)


def test_waits_at_least_as_long_as_the_server_asks() -> None:
    asked = error(Code.RESOURCE_EXHAUSTED, retry_after_seconds=3.0)
    assert RetryPolicy().wait_seconds(asked, attempt=1, repeatable=True) == 3.0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attempts": 0}, "attempts must be at least 1"),
        ({"backoff_seconds": -1.0}, "backoff_seconds must lie between"),
        ({"backoff_seconds": 9.0}, "backoff_seconds must lie between"),
        ({"attempt_timeout_seconds": 0.0}, "attempt_timeout_seconds must be above 0"),
    ],
)
def test_refuses_a_policy_that_cannot_work(changes: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        dataclasses.replace(RetryPolicy(), **changes)  # type: ignore[arg-type]  # by name


async def test_repeats_the_same_bytes_until_it_works(
    fake: FakeLedger, client: LedgerClient
) -> None:
    lost = Failure(status=Code.UNAVAILABLE)
    contended = Failure(status=Code.ABORTED, reason="CONTENTION", retry_seconds=0.001)
    fake.answer("CreateJournal", lost, contended, JOURNAL)

    await client.create_journal("MAIN")

    requests = fake.requests("CreateJournal")
    assert len(requests) == 3
    assert len({request.SerializeToString(deterministic=True) for request in requests}) == 1
    assert requests[0].request_id


async def test_gives_up_after_the_attempts(fake: FakeLedger, client: LedgerClient) -> None:
    fake.answer("CreateJournal", Failure(status=Code.UNAVAILABLE, reason="STORAGE_UNAVAILABLE"))
    with pytest.raises(UnavailableError) as caught:
        await client.create_journal("MAIN")

    requests = fake.requests("CreateJournal")
    assert len(requests) == FAST_RETRY.attempts
    assert caught.value.reason == "STORAGE_UNAVAILABLE"
    assert caught.value.idempotency_key == requests[0].request_id


async def test_a_mutation_without_a_key_is_sent_once(
    fake: FakeLedger, client: LedgerClient
) -> None:
    fake.answer("CreateJournal", Failure(status=Code.UNAVAILABLE))
    with pytest.raises(UnavailableError):
        await client.create_journal("MAIN", request_id="")
    assert len(fake.requests("CreateJournal")) == 1


@pytest.mark.parametrize(
    ("failure", "error_class"),
    [
        (Failure(status=Code.INTERNAL), ServerError),
        (Failure(status=Code.ABORTED, reason="ETAG"), ConflictError),
        (Failure(status=Code.RESOURCE_EXHAUSTED), OverloadedError),
    ],
)
async def test_sends_once_what_will_not_get_better(
    fake: FakeLedger, client: LedgerClient, failure: Failure, error_class: type[LedgerError]
) -> None:
    fake.answer("CreateJournal", failure)
    with pytest.raises(error_class):
        await client.create_journal("MAIN")
    assert len(fake.requests("CreateJournal")) == 1


async def test_the_deadline_holds_over_all_attempts(fake: FakeLedger) -> None:
    fake.answer("GetJournal", Failure(status=Code.UNAVAILABLE))
    policy = RetryPolicy(attempts=1_000, backoff_seconds=0.05, backoff_seconds_max=0.05)
    start = time.monotonic()
    async with LedgerClient.connect(fake.address, timeout_seconds=0.4, retry=policy) as ledger:
        with pytest.raises(UnavailableError):
            await ledger.get_journal("MAIN")
    assert 0.2 < time.monotonic() - start < 0.8
    assert 3 < len(fake.calls) < 20


async def test_a_wait_past_the_deadline_is_not_begun(fake: FakeLedger) -> None:
    fake.answer("GetJournal", Failure(status=Code.RESOURCE_EXHAUSTED, retry_seconds=0.9))
    start = time.monotonic()
    async with LedgerClient.connect(fake.address, timeout_seconds=0.5) as ledger:
        with pytest.raises(OverloadedError) as caught:
            await ledger.get_journal("MAIN")
    assert time.monotonic() - start < 0.4
    assert caught.value.retry_after_seconds == pytest.approx(0.9)


async def test_a_server_that_says_nothing(fake: FakeLedger) -> None:
    fake.answer("GetJournal", Silence(5.0))
    start = time.monotonic()
    async with LedgerClient.connect(fake.address, timeout_seconds=0.3) as ledger:
        with pytest.raises(UnavailableError) as caught:
            await ledger.get_journal("MAIN")
    assert time.monotonic() - start < 1.0
    assert caught.value.status is Code.DEADLINE_EXCEEDED


async def test_a_lost_answer_is_asked_for_again(fake: FakeLedger) -> None:
    """An attempt has a bound of its own, so there is time for another with the same id."""
    posted = transactions_pb2.Transaction(
        id=str(new_id()),
        effective_date="2026-01-31",
        kind=transactions_pb2.TRANSACTION_KIND_POSTING,
    )
    fake.answer(
        "PostTransaction",
        Silence(5.0),
        transactions_pb2.PostTransactionResponse(transaction=posted, replayed=True),
    )
    policy = dataclasses.replace(FAST_RETRY, attempt_timeout_seconds=0.2)
    async with LedgerClient.connect(fake.address, timeout_seconds=5, retry=policy) as ledger:
        result = await ledger.post("MAIN", "T", {})

    first, second = fake.requests("PostTransaction")
    assert first == second
    assert result.replayed


async def test_nobody_listens() -> None:
    async with LedgerClient.connect("127.0.0.1:1", timeout_seconds=2, retry=NO_RETRY) as ledger:
        with pytest.raises(UnavailableError) as caught:
            await ledger.get_journal("MAIN")
    assert caught.value.status is Code.UNAVAILABLE


async def test_a_cancellation_that_grpc_loses_ends_the_call() -> None:
    """A call that fails as it is cancelled raises its failure; it is not repeated for that."""
    calls, is_under_way = 0, asyncio.Event()

    async def fails_as_it_is_cancelled(_request: Any, **_options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            return None
        is_under_way.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise aio.AioRpcError(Code.UNAVAILABLE, aio.Metadata(), aio.Metadata()) from None

    method: Any = fails_as_it_is_cancelled
    async with LedgerClient.connect("127.0.0.1:1", retry=FAST_RETRY) as client:
        call = asyncio.create_task(client._call(method, None))
        await is_under_way.wait()
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    assert calls == 1

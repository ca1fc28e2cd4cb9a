"""Calls are made until each has ended, whatever the callee says on the way."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from typing import Any

import grpc

from ledger_client.banking.foundation import dispatcher as dispatching
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.dispatcher import Dispatcher
from ledger_client.banking.foundation.endings import Endings
from ledger_client.errors import ConflictError, LedgerError
from ledger_client.models import Posting, Refusal
from tests.banking.bank import eventually
from tests.banking.foundation.probe import Probe, probe_on


class Ledger:
    """Answers postings with what a test has put in line; then refuses for good."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)

    async def post_many(
        self, _tenant: str, postings: Sequence[Posting], *, atomic: bool
    ) -> Sequence[Refusal]:
        assert not atomic
        answer = self.answers.pop(0) if self.answers else _refusal("UNBALANCED", "INVALID_ARGUMENT")
        if isinstance(answer, LedgerError):
            raise answer
        return [answer] * len(postings)


def _refusal(reason: str, status: str) -> Refusal:
    return Refusal(reason=reason, message=reason, facts={}, status=grpc.StatusCode[status])


@contextlib.asynccontextmanager
async def _running(probe: Probe, ledger: Any, make_own: Any) -> AsyncIterator[Dispatcher]:
    dispatcher = Dispatcher(
        probe.database,
        ledger,
        Endings(probe.database),
        make_own=make_own,
        on_outcome=probe.on_outcome,
        unit_of=probe.own_work.for_call,
    )
    work = asyncio.create_task(dispatcher.run())
    try:
        yield dispatcher
        assert not work.done(), "it works to the end"
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def test_what_is_no_outcome_of_a_posting_makes_it_come_again(
    bank_dsn: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(dispatching, "BACKOFF_SECONDS", 0.01)
    monkeypatch.setattr(dispatching, "RECOVERY_SECONDS", 0.02)
    ledger = Ledger(
        _refusal("CONTENTION", "ABORTED"),
        ConflictError("CONTENTION", "the batch was in others' way", status=grpc.StatusCode.ABORTED),
        LedgerError("NOBODY_KNOWS", "another version's", status=grpc.StatusCode.UNKNOWN),
    )
    async with probe_on(bank_dsn) as probe, _running(probe, ledger, None) as dispatcher:
        calls = await probe.decide("ledger.post", 2)
        dispatcher.take(calls)

        async def refused() -> bool:
            return await probe.states(calls) == {"refused"}

        await eventually(refused)
        assert not ledger.answers


async def test_a_call_that_waited_here_too_long_is_not_made_for_nothing(
    bank_dsn: str, monkeypatch: Any
) -> None:
    """With more calls than can be made within a lease, each that is made must still count."""
    made = []

    async def make_own(_tenant: str, call: Call) -> Outcome:
        await asyncio.sleep(0.02)
        made.append(call.id)
        return Outcome(kind=OutcomeKind.DONE)

    monkeypatch.setattr(dispatching, "CALLS_MAX", 1)
    monkeypatch.setattr(dispatching, "CALL_LEASE_SECONDS", 0.4)
    monkeypatch.setattr(dispatching, "FRESH_SECONDS", 0.2)
    monkeypatch.setattr(dispatching, "WAITING_MAX", 40)
    monkeypatch.setattr(dispatching, "RECOVERY_SECONDS", 0.02)
    async with probe_on(bank_dsn) as probe, _running(probe, Ledger(), make_own) as dispatcher:
        calls = await probe.decide("probe.own", 60)
        async with probe.database.transaction() as connection:
            await connection.execute("UPDATE calls SET due_at = now()")

        async def done() -> bool:
            waiting = dispatcher._others.qsize()
            assert waiting <= dispatching.WAITING_MAX
            return await probe.states(calls) == {"done"}

        await eventually(done)
        assert len(made) <= 1.5 * len(calls)

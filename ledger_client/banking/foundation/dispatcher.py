"""Makes the calls that units decided on, until each has ended.

A call is in the hands of whoever stored or took it, for `CALL_LEASE_SECONDS`; after that anybody
takes it, so what a process that died left behind is carried out by another. It can be made twice,
and happens once: it has an id that the callee knows it by.

What moved money ends when the journal tells (`journal_follower`), never by the answer: an answer
can be lost. A refusal is in no journal, so it ends by the answer, and only while the call is still
in the hands of who asked: another's attempt may succeed meanwhile. So an attempt is begun early in
a lease or not at all: begun late, it would end after it, and with more calls than can be made in
time every one would.
"""

import asyncio
import dataclasses
import json
import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from ledger_client.banking.foundation import ledger_calls
from ledger_client.banking.foundation.calls import Call, Outcome, OutcomeKind
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.database import CONTENTION, ModuleDatabase
from ledger_client.banking.foundation.endings import Endings
from ledger_client.banking.foundation.errors import ConcurrentChangeError, UnavailableError
from ledger_client.banking.foundation.store import CALL_LEASE_SECONDS, as_json
from ledger_client.banking.foundation.taken import Taken, taken_of_row
from ledger_client.banking.foundation.unit import Unit, Work
from ledger_client.client import LedgerClient

_log: Final = logging.getLogger(__name__)

#: Postings of one call to the ledger.
BATCH_MAX: Final = 500
#: Up to so many callers each posting goes at once; with more they gather for a moment.
FEW: Final = 4
GATHER_SECONDS: Final = 0.015
#: Other calls at once.
CALLS_MAX: Final = 32
#: How late in its lease an attempt at a call is still begun.
FRESH_SECONDS: Final = 8.0
#: Calls that wait here, above which no more are taken from what is due.
WAITING_MAX: Final = 500
#: Between looks for calls that nobody has in his hands.
RECOVERY_SECONDS: Final = 0.5
#: A call that failed in passing comes again after this, twice as long each time.
BACKOFF_SECONDS: Final = 0.2
BACKOFF_SECONDS_MAX: Final = 10.0
#: Conflicts with others over one outcome before it is left for later.
CONFLICTS_MAX: Final = 5

_TAKE: Final = """
UPDATE calls SET attempts = attempts + 1,
                 due_at = clock_timestamp() + $1 * interval '1 second'
 WHERE id IN (SELECT id FROM calls WHERE state = 'pending' AND due_at <= clock_timestamp()
               ORDER BY due_at LIMIT $2 FOR UPDATE SKIP LOCKED)
RETURNING *"""
_END: Final = """
UPDATE calls SET state = $3, outcome = $4
 WHERE id = $1 AND attempts = $2 AND state = 'pending' AND due_at > clock_timestamp()
RETURNING true"""
_PASSED: Final = """
SELECT EXISTS (SELECT FROM ledger_checkpoints WHERE journal_code = $1 AND position >= $2)"""
_POSTPONE: Final = """
UPDATE calls SET due_at = clock_timestamp() + $3 * interval '1 second'
 WHERE id = $1 AND attempts = $2 AND state = 'pending'"""


class Dispatcher:
    """Makes the calls of one module."""

    def __init__(
        self,
        database: ModuleDatabase,
        ledger: LedgerClient,
        endings: Endings,
        *,
        make_own: Callable[[str, Call], Any],
        on_outcome: Callable[[Unit, Call, Outcome], Any],
        unit_of: Callable[[Any, Cause, Work], Any],
    ) -> None:
        """Make nothing before `run`.

        Args:
            database: of the module.
            ledger: a client that repeats nothing by itself, with a timeout well below the lease.
            endings: is told what ended.
            make_own: makes a call of the module's own kinds.
            on_outcome: the module's.
            unit_of: makes the unit in which the module is told.
        """
        self._database = database
        self._ledger = ledger
        self._endings = endings
        self._make_own = make_own
        self._on_outcome = on_outcome
        self._unit_of = unit_of
        #: With the time until which an attempt may begin.
        self._postings: asyncio.Queue[tuple[float, Taken]] = asyncio.Queue()
        self._others: asyncio.Queue[tuple[float, Taken]] = asyncio.Queue()

    def take(self, calls: Sequence[Taken]) -> None:
        """Take calls in hand that were stored by a transaction that is committed."""
        begin_until = time.monotonic() + FRESH_SECONDS
        for each in calls:
            is_posting = each.call.kind == ledger_calls.POST
            queue = self._postings if is_posting else self._others
            queue.put_nowait((begin_until, each))

    async def run(self) -> None:
        """Make calls until cancelled."""
        async with asyncio.TaskGroup() as group:
            # One at a time: while it is under way the next batch gathers.
            group.create_task(self._post_batches())
            for _ in range(CALLS_MAX):
                group.create_task(self._make_others())
            group.create_task(self._recover())

    async def _recover(self) -> None:
        while True:
            room = WAITING_MAX - self._postings.qsize() - self._others.qsize()
            try:
                async with self._database.transaction() as connection:
                    rows = await connection.fetch(_TAKE, CALL_LEASE_SECONDS, max(room, 0))
            except (UnavailableError, *CONTENTION) as error:
                _log.info("not looked for calls that are due: %s", error)
            else:
                self.take([taken_of_row(row) for row in rows])
            await asyncio.sleep(RECOVERY_SECONDS)

    async def _post_batches(self) -> None:
        while True:
            waiting = [await self._postings.get()]
            if self._endings.waiting > FEW:
                # Many call at once: what comes in this while goes along, for the price of one.
                await asyncio.sleep(GATHER_SECONDS)
            while len(waiting) < BATCH_MAX and not self._postings.empty():
                waiting.append(self._postings.get_nowait())
            batch = [each for until, each in waiting if time.monotonic() < until]
            for tenant in sorted({each.tenant for each in batch}):
                of_tenant = [each for each in batch if each.tenant == tenant]
                try:
                    calls = [each.call for each in of_tenant]
                    outcomes = await ledger_calls.post_all(self._ledger, tenant, calls)
                except Exception as error:  # noqa: BLE001  # whatever it is, they must be posted
                    await self._postpone(of_tenant, error)
                    continue
                for each, outcome in zip(of_tenant, outcomes, strict=True):
                    if isinstance(outcome, Exception):
                        await self._postpone([each], outcome)
                    else:
                        await self._end(each, outcome or await self._passed_over(each))

    async def _make_others(self) -> None:
        while True:
            until, taken = await self._others.get()
            if time.monotonic() >= until:
                continue
            try:
                if taken.call.kind in ledger_calls.KINDS:
                    outcome = await ledger_calls.make(self._ledger, taken.tenant, taken.call)
                else:
                    outcome = await self._make_own(taken.tenant, taken.call)
            except Exception as error:  # noqa: BLE001  # whatever it is, the call must be made
                await self._postpone([taken], error)
            else:
                await self._end(taken, outcome or await self._passed_over(taken))

    async def _passed_over(self, taken: Taken) -> Outcome | None:
        """Return how a call ended that the journal told of while the module could not be told.

        What was set aside then is told here, once it can be. What the journal is still to tell is
        left to it.
        """
        if taken.attempts == 1:
            return None
        try:
            transaction = await self._ledger.get_transaction(taken.tenant, taken.call.id)
            rows = await self._database.fetch(_PASSED, taken.tenant, transaction.sequence)
        except Exception as error:  # noqa: BLE001  # the journal may tell all the same
            _log.warning("not looked for what became of %s: %s", taken.call.id, error)
            return None
        if not rows[0]["exists"]:
            return None
        return Outcome(kind=OutcomeKind.DONE, sequence=transaction.sequence)

    async def _end(self, taken: Taken, outcome: Outcome | None) -> None:
        """Tell the module how a call ended, in the transaction that notes it; if it has ended."""
        if outcome is None:
            return
        for _ in range(CONFLICTS_MAX):
            try:
                if not await self._told(taken, outcome):
                    return
            except (ConcurrentChangeError, *CONTENTION):
                continue
            except Exception as error:  # noqa: BLE001  # a bug of the module; it stays pending
                await self._postpone([taken], error)
                return
            self._endings.ended([(taken.call.id, None)])
            return
        await self._postpone([taken], TimeoutError("others changed the entity again and again"))

    async def _told(self, taken: Taken, outcome: Outcome) -> bool:
        async with self._database.transaction() as connection:
            state = "done" if outcome.kind is OutcomeKind.DONE else "refused"
            is_ours = await connection.fetchval(
                _END, taken.call.id, taken.attempts, state, outcome_as_json(outcome)
            )
            if not is_ours:
                return False
            cause = taken.cause
            if outcome.sequence is not None:
                place = f"ledger:{taken.tenant}:{outcome.sequence}"
                cause = dataclasses.replace(cause, causation_id=place)
            unit = await self._unit_of(connection, cause, Work())
            await self._on_outcome(unit, taken.call, outcome)
            calls = await unit.keep()
        self.take([Taken(call=call, cause=cause, attempts=1) for call in calls])
        return True

    async def _postpone(self, several: Sequence[Taken], error: Exception) -> None:
        """Leave calls for later; whoever comes first then takes them."""
        for taken in several:
            level = logging.WARNING if taken.attempts < 5 else logging.ERROR
            _log.log(
                level,
                "%s %s of %s, attempt %d: %s: %s",
                taken.call.kind,
                taken.call.id,
                taken.tenant,
                taken.attempts,
                type(error).__name__,
                error,
            )
            wait = min(BACKOFF_SECONDS * 2.0 ** min(taken.attempts, 8), BACKOFF_SECONDS_MAX)
            try:
                async with self._database.transaction() as connection:
                    await connection.execute(_POSTPONE, taken.call.id, taken.attempts, wait)
            except (UnavailableError, *CONTENTION) as also:
                _log.info("a call was not postponed, its lease runs out: %s", also)


def outcome_as_json(outcome: Outcome) -> str:
    """Return an outcome as it is kept with its call."""
    return as_json(
        {
            "sequence": outcome.sequence,
            "reason": outcome.reason,
            "message": outcome.message,
            "facts": dict(outcome.facts),
            "answer": json.loads(as_json(outcome.answer)),
        }
    )

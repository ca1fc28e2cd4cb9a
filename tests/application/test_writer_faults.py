"""Faults at every step of a batch, on two servers: memory never parts from the books."""

import asyncio
import collections
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from typing import Any

import grpc
import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import journal_writer, known_balances, waiting
from ledger_server.store import journals, postings
from ledger_server.store.database import ConnectionLostError, ConstraintError, RetryError
from tests.api.calls import CREDIT, reason
from tests.ledger import ATOMIC, INDEPENDENT, changed, serving, transfer
from tests.model_rules.rules import (
    WHOLE,
    RulesLedger,
    check_rules,
    events,
    new_id,
    prefixes,
)

NAMES = [f"account-{number}" for number in range(12)]
#: Callers of each server, and what each of them asks for.
CALLERS = 6
CALLS = 12

#: What may be answered of them; the caller asks again.
_FAULTS = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.INTERNAL,
    grpc.StatusCode.DATA_LOSS,
}

Run = Callable[..., Awaitable[Any]]
Ledgers = tuple[RulesLedger, RulesLedger]


class Faults:
    """Makes the steps of batches slow, and fail now and then."""

    def __init__(self, seed: int) -> None:
        self.chooser = random.Random(seed)
        self.seen: set[str] = set()
        #: How often each could have struck.
        self._chances: collections.Counter[str] = collections.Counter()
        #: The journal is set up without faults.
        self.strike = False

    def around(self, run: Run, *, writes: bool = False) -> Run:
        """Return `run` with faults before it and, where it `writes`, after."""

        async def faulty(*arguments: Any, **fields: Any) -> Any:
            await asyncio.sleep(self.chooser.choice([0, 0, 0.001, 0.02]))
            if writes and self._strikes("overtaken", 0.05):
                return None
            self._fail("before")
            answer = await run(*arguments, **fields)
            if writes:
                # On a connection without BEGIN it is in the books by now.
                self._fail("after")
            return answer

        return faulty

    def strike_at(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Strike wherever a batch meets the database, with little room for anything."""
        monkeypatch.setattr(waiting, "AHEAD_TRANSACTIONS_MIN", 3)
        monkeypatch.setattr(waiting, "BATCH_TRANSACTIONS_MAX", 40)
        monkeypatch.setattr(journal_writer, "_RECONNECT_PAUSE_SECONDS", 0.001)
        for module, name in (
            (postings, "find_known_in_tx"),
            (postings, "read_balances_at_head_in_tx"),
            (journals, "lock_head_in_tx"),
        ):
            monkeypatch.setattr(module, name, self.around(getattr(module, name)))
        write = self.around(postings.write_batch_in_tx, writes=True)
        monkeypatch.setattr(postings, "write_batch_in_tx", write)

    def _strikes(self, name: str, chance: float) -> bool:
        if not self.strike:
            return False
        self._chances[name] += 1
        # By chance, but for the first time not later than chance has it on average.
        is_overdue = name not in self.seen and self._chances[name] * chance >= 1
        if self.chooser.random() >= chance and not is_overdue:
            return False
        self.seen.add(name)
        return True

    def _fail(self, place: str) -> None:
        if self._strikes(f"lost {place}", 0.04):
            raise ConnectionLostError
        if self._strikes(f"retry {place}", 0.02):
            raise RetryError
        if place == "before" and self._strikes("refused", 0.02):
            raise ConstraintError("a guard")
        if self._strikes(f"bug {place}", 0.02):
            raise ValueError(place)


@pytest.fixture
async def ledgers(database_dsn: str) -> AsyncIterator[Ledgers]:
    """One journal as two servers serve it."""
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        mine, its = RulesLedger(one.channel), RulesLedger(other.channel)
        await mine.open(*NAMES)
        yield mine, its


async def _insist(
    ledger: RulesLedger, asked: list[pb.TransactionRequest], mode: int
) -> list[pb.Transaction]:
    """Ask until there is an answer to all of it."""
    while True:
        try:
            results = await ledger.post_all(asked, mode)
        except grpc.aio.AioRpcError as error:
            if error.code() not in _FAULTS:
                raise
            continue
        refusals = {one.refusal.reason for one in results if one.HasField("refusal")}
        if not refusals:
            return [one.transaction for one in results]
        assert refusals <= {"STORAGE_UNAVAILABLE"}, refusals


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch, seed: int) -> Faults:
    """Faults in both servers, and little room for balances."""
    monkeypatch.setattr(known_balances, "BALANCES_MAX", 8)
    made = Faults(seed)
    made.strike_at(monkeypatch)
    return made


@pytest.mark.parametrize("seed", range(4))
async def test_books_stand_whatever_fails(
    ledgers: Ledgers, database_dsn: str, faults: Faults, seed: int
) -> None:
    chooser = random.Random(seed)
    asked_before: list[pb.TransactionRequest] = []
    answered: dict[str, pb.Transaction] = {}
    faults.strike = True

    def request() -> pb.TransactionRequest:
        if asked_before and chooser.random() < 0.2:
            # Of another call, perhaps under way on the other server.
            return changed(chooser.choice(asked_before))
        made = transfer(*chooser.sample(NAMES, 2))
        if chooser.random() < 0.3:
            made.external_id = made.transaction_id
        asked_before.append(made)
        return made

    async def call(caller: int) -> None:
        # The second server pauses, or both would always know of each other.
        for number in range(CALLS):
            ledger = ledgers[0] if caller < CALLERS or number % 4 else ledgers[1]
            asked = [request() for _ in range(chooser.choice([1, 1, 2, 10, 25]))]
            for one in await _insist(ledger, asked, chooser.choice([ATOMIC, INDEPENDENT])):
                assert answered.setdefault(one.id, one) == one

    async with asyncio.timeout(120):
        await asyncio.gather(*(call(caller) for caller in range(2 * CALLERS)))
    assert len(answered) == len(asked_before)
    assert {"overtaken", "lost after", "bug before"} <= faults.seen
    _check_versions(answered.values())
    await check_rules(database_dsn, "main")


async def _ask(run: Run) -> str:
    """Ask until there is an answer; return the reason of a refusal, empty for none."""
    while True:
        asking = asyncio.ensure_future(run())
        await asyncio.wait([asking])
        error = asking.exception()
        if error is None:
            return ""
        if not isinstance(error, grpc.aio.AioRpcError) or error.code() not in _FAULTS:
            return await reason(asking)


@pytest.mark.parametrize("seed", range(4))
async def test_rules_hold_whatever_fails(
    ledgers: Ledgers, database_dsn: str, faults: Faults, seed: int
) -> None:
    """Holds that end once, an overdraft and a set's that are never passed, days counted right."""
    chooser = random.Random(seed)
    customers = ["ann", "bob", "cid"]
    await ledgers[0].open_credit(*customers)
    for number, name in enumerate(customers):
        await ledgers[0].post(transfer(NAMES[number], name, "20.00"))
    await ledgers[0].make_set("family", *customers)
    await ledgers[0].standing("FAMILY", "30")
    await ledgers[0].standing("NO_OVERDRAFT")
    await ledgers[0].velocity("OUT", "60")
    await ledgers[0].attach("FAMILY", account_set="family", scope=WHOLE)
    for name in customers:
        await ledgers[0].attach("NO_OVERDRAFT", account=name)
    found: set[str] = set()
    faults.strike = True

    async def call(caller: int) -> None:
        placed: list[str] = []
        for _ in range(CALLS):
            ledger, name = chooser.choice(ledgers), chooser.choice(customers)
            asked = transfer(name, chooser.choice(NAMES), f"{chooser.randint(1, 900) / 100:.2f}")
            choice = chooser.random()
            if choice < 0.3:
                found.add(await _ask(partial(ledger.post, asked)))
            elif choice < 0.6:
                placed.append(asked.transaction_id)
                found.add(await _ask(partial(ledger.place, asked)))
            elif placed:
                hold_id, capture_id = placed.pop(), new_id()
                # Both servers get it at once; whoever is second answers what the first did.
                captures = [
                    partial(one.capture, hold_id, capture_id=capture_id)
                    for one in (ledger, ledgers[0], ledgers[1])
                ]
                answers = await asyncio.gather(*map(_ask, captures))
                assert len(set(answers)) == 1, answers
                found.update(answers)
            elif caller == 0:
                await _ask(partial(ledgers[0].attach, "OUT", account=name))

    async with asyncio.timeout(120):
        await asyncio.gather(*(call(caller) for caller in range(2 * CALLERS)))
    assert {"", "LIMIT_EXCEEDED"} <= found <= {"", "LIMIT_EXCEEDED", "HOLD_NOT_FOUND"}, found
    for step, standing in enumerate(prefixes(await events(database_dsn, "main"))):
        available = [standing.available(name, CREDIT) for name in customers]
        assert min(available) >= 0, step
        assert step < len(customers) or sum(available) >= 30, step
    await check_rules(database_dsn, "main")


def _check_versions(posted: Any) -> None:
    """Each answer carries the balances that its place in the journal makes of them."""
    versions: dict[str, int] = {}
    for one in sorted(posted, key=lambda one: one.sequence):
        for entry in one.entries:
            versions[entry.account_code] = versions.get(entry.account_code, 0) + 1
            assert entry.balance_after.version == versions[entry.account_code], one

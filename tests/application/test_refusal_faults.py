"""Refusals under limits that are remembered, while anything fails: what a refused batch had done to
the balances is taken back, and nothing passes a limit."""

import asyncio
import random
from functools import partial
from typing import Any

import pytest

from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.application import batch, journal_writer, look_ups
from ledger_server.application.batch import UnprovenRefusalError
from tests.api.calls import CREDIT
from tests.application.test_writer_faults import Faults, _ask
from tests.ledger import ATOMIC, INDEPENDENT, changed, serving, transfer
from tests.model_rules.rules import RulesLedger, check_rules, events, prefixes

CUSTOMERS = ["ann", "bob", "cid"]
OTHERS = ["cash", "income", "till"]
CALLERS = 10
CALLS = 12


class Caller:
    """Posts, places holds, and asks for more than there is."""

    def __init__(self, ledgers: list[RulesLedger], chooser: random.Random) -> None:
        self._ledgers = ledgers
        self._chooser = chooser
        self._asked: list[pb.TransactionRequest] = []

    def _request(self) -> pb.TransactionRequest:
        chooser = self._chooser
        if self._asked and chooser.random() < 0.05:
            return changed(chooser.choice(self._asked))  # the same again
        names = [chooser.choice(CUSTOMERS), chooser.choice(OTHERS)]
        chooser.shuffle(names)
        debit, credit = names
        asked = transfer(debit, credit, f"{chooser.randint(1, 500) / 100:.2f}")
        if chooser.random() < 0.15:
            asked.external_id = f"order {chooser.randrange(15)}"
        self._asked.append(asked)
        return asked

    async def work(self) -> None:
        for _ in range(CALLS):
            # Mostly the first: two that take turns remember nothing.
            ledger = self._ledgers[self._chooser.random() < 0.02]
            if self._chooser.random() < 0.2:
                await _ask(partial(ledger.place, self._request()))
                continue
            size = self._chooser.choice([1, 2, 10, 25])
            mode = self._chooser.choice([ATOMIC, INDEPENDENT, INDEPENDENT])
            asked = [self._request() for _ in range(size)]
            await _ask(partial(self._post_all, ledger, asked, mode))

    @staticmethod
    async def _post_all(ledger: RulesLedger, asked: list[pb.TransactionRequest], mode: int) -> None:
        results = await ledger.post_all(asked, mode)
        while any(one.refusal.reason == "STORAGE_UNAVAILABLE" for one in results):
            results = await ledger.post_all(asked, mode)


@pytest.mark.parametrize("seed", range(3))
async def test_refusals_leave_no_trace_whatever_fails(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    monkeypatch.setattr(look_ups, "AFTER_UNPROVEN", 2)
    monkeypatch.setattr(look_ups, "AFTER_REFUSAL", 1)
    monkeypatch.setattr(batch, "_ENCODED_TOGETHER", 2)
    faults = Faults(seed)
    faults.strike_at(monkeypatch)
    decide, refused = batch.decide_remembered, list[bool]()

    async def noted(*arguments: Any) -> Any:
        try:
            return await decide(*arguments)
        except UnprovenRefusalError:
            refused.append(True)
            raise

    monkeypatch.setattr(journal_writer, "decide_remembered", noted)
    async with serving(database_dsn) as one, serving(database_dsn) as other:
        ledgers = [RulesLedger(one.channel), RulesLedger(other.channel)]
        ledger = ledgers[0]
        await ledger.open(*OTHERS)
        await ledger.open_credit(*CUSTOMERS)
        await ledger.standing("MIN")
        for name in CUSTOMERS:
            await ledger.post(transfer("cash", name, "20.00"))
            await ledger.attach("MIN", account=name)
        faults.strike = True
        caller = Caller(ledgers, random.Random(seed))
        async with asyncio.timeout(90):
            await asyncio.gather(*(caller.work() for _ in range(CALLERS)))
        faults.strike = False
        assert refused, "nothing was refused on what is remembered"
        for standing in prefixes(await events(database_dsn, "main")):
            assert min(standing.available(name, CREDIT) for name in CUSTOMERS) >= 0
        await check_rules(database_dsn, "main")

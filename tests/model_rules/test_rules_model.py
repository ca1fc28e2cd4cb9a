"""The server held against the model, step by step: each answer and each reason.

Requests come in and out of order, again, and with wrong ids, to two servers in turn. A failure
prints its seed; `LEDGER_RULES_SEED` runs that one alone.
"""

import dataclasses
import os
import random
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import asyncpg
import grpc
import pytest
import pytest_asyncio

from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import refused
from tests.databases import database_of
from tests.ledger import ATOMIC, INDEPENDENT, Serving, serving, transfer
from tests.model_rules import model
from tests.model_rules.model import Asked, Model, Refusal, Rule
from tests.model_rules.rules import LIFE, NET, WHOLE, RulesLedger, check_rules, new_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

FAR = datetime(2999, 1, 1, tzinfo=UTC)
PAST = datetime(2001, 1, 1, tzinfo=UTC)
#: What of a refusal's facts the model predicts.
ABOUT = {
    "TRANSACTION_ID_REUSED": "field",
    "HOLD_NOT_OPEN": "status",
    "CAPTURE_EXCEEDS": "account",
    "REVERSAL_EXCEEDS": "account",
    "NOT_REVERSIBLE": "kind_of",
    "ACCOUNT_NOT_ACTIVE": "account",
    "LIMIT_EXCEEDED": "limit",
}
#: One balance's worth of it a step: layers, what is held, and holds against each other.
STEP_QUERY = """
SELECT accounts.code, currency, settled_debit - settled_credit AS settled,
       pending_debit - pending_credit AS pending, encumbrance_debit, held_debit, held_credit,
       (SELECT coalesce(sum(placed - captured - released) FILTER (WHERE direction = 1), 0)
          FROM hold_entries AS h WHERE h.journal_id = b.journal_id
           AND h.account_id = b.account_id AND h.currency = b.currency) AS open_debit,
       (SELECT coalesce(sum(placed - captured - released) FILTER (WHERE direction = 2), 0)
          FROM hold_entries AS h WHERE h.journal_id = b.journal_id
           AND h.account_id = b.account_id AND h.currency = b.currency) AS open_credit
  FROM balances AS b JOIN journals ON journals.id = b.journal_id
  JOIN accounts ON accounts.journal_id = b.journal_id AND accounts.id = account_id
 WHERE journals.code = $1
"""


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(dsn: str) -> AsyncIterator[tuple[Serving, Serving]]:
    async with serving(dsn) as one, serving(dsn) as other:
        await one.app.sweeper.close()
        await other.app.sweeper.close()
        yield one, other


@pytest.mark.parametrize("run", range(8))
async def test_the_rules_hold(servers: tuple[Serving, Serving], dsn: str, run: int) -> None:
    del run
    await campaign(servers, dsn, steps=90)


@pytest.mark.nightly
@pytest.mark.timeout(7_200)
async def test_the_rules_hold_for_long(servers: tuple[Serving, Serving], dsn: str) -> None:
    for _ in range(200):
        await campaign(servers, dsn, steps=100)


async def campaign(servers: tuple[Serving, Serving], dsn: str, steps: int) -> None:
    seed = int(os.environ.get("LEDGER_RULES_SEED") or random.randrange(10**9))
    sys.stdout.write(f"LEDGER_RULES_SEED={seed}\n")
    connection = await asyncpg.connect(dsn)
    try:
        run = Run(servers, connection, random.Random(seed))
        await run.open()
        for _ in range(steps):
            await run.step()
            await run.check()
        await check_rules(dsn, run.journal)
    finally:
        await connection.close()


class Run:
    """One journal, and the model of it."""

    def __init__(
        self, servers: tuple[Serving, Serving], connection: Any, chance: random.Random
    ) -> None:
        self.journal = new_id()[:13]
        self.chance = chance
        self._servers = servers
        self._ledgers = [RulesLedger(one.channel, self.journal) for one in servers]
        self._connection = connection
        self._available: dict[str, Decimal] = {}
        self.model = Model(
            today=datetime.now(UTC).date().isoformat(),
            rules={
                "A_NET": Rule(Decimal(60), "NET"),
                "B_GROSS": Rule(Decimal(150), "GROSS"),
                "C_ANN": Rule(Decimal(0)),
                "D_FAMILY": Rule(Decimal(-20)),
            },
        )

    @property
    def ledger(self) -> RulesLedger:
        return self._ledgers[int(self.chance.random() < 0.5)]

    async def open(self) -> None:
        await self.ledger.open("cash")
        await self.ledger.open_credit("ann", "bob")
        await self.ledger.make_set("inner", "bob")
        await self.ledger.make_set("family", "ann", sets=("inner",))
        await self.ledger.velocity("A_NET", "60", measure=NET, window=LIFE)
        await self.ledger.velocity("B_GROSS", "150", window=LIFE)
        await self.ledger.standing("C_ANN")
        await self.ledger.standing("D_FAMILY", "-20")

    async def step(self) -> None:
        """Do one thing, mostly one that a caller would."""
        kinds = ["ask"] * 16 + ["batch"] * 3 + ["limit", "bound", "days", "lock", "due", "sweep"]
        match self.chance.choice(kinds):
            case "ask":
                await self._ask()
            case "batch":
                await self._batch()
            case "limit":
                await self._limit()
            case "bound":
                code = self.chance.choice(list(self.model.rules))
                bound = Decimal(self.chance.randint(0, 150))
                self.model.rules[code].bound = bound
                await self.ledger.bound(code, str(bound))
            case "days":
                await self._days()
            case "lock":
                await self._lock()
            case "due":
                await self._due()
            case "sweep":
                server = self.chance.choice(self._servers)
                await server.app.sweeper.sweep()
                self.model.sweep()

    def _asked(self, kinds: tuple[str, ...]) -> Asked:
        """Make up a request: new, again, or again with a change."""
        chance, books = self.chance, self.model.books
        if books and chance.random() < 0.2:
            again = chance.choice(list(books.values())).asked
            if again.kind in kinds:
                return again if chance.random() < 0.4 else self._changed(again, kinds)
        kind = chance.choice(kinds)
        debit, credit = chance.choice([("cash", "ann"), ("cash", "bob"), ("ann", "bob")])
        if chance.random() < 0.5:
            debit, credit = credit, debit
        of = ""
        if kind in {"CAPTURE", "RELEASE", "REVERSAL"}:
            wanted = [
                one.asked.id
                for one in books.values()
                if (one.asked.kind == "HOLD") == (kind != "REVERSAL")
            ]
            known = wanted if wanted and chance.random() < 0.9 else [*books, new_id()]
            of = chance.choice(known[-6:])
        amount: Decimal | None = Decimal(chance.randint(1, 6000)) / 100
        if kind == "RELEASE" or (of and chance.random() < 0.4):
            amount = None
        return Asked(
            id=chance.choice(list(books)) if books and chance.random() < 0.03 else new_id(),
            kind=kind,
            debit="" if of else debit,
            credit="" if of else credit,
            currency="" if of else chance.choice(["USD", "USD", "USD", "EUR"]),
            amount=amount,
            of=of,
            day=self._day(kind),
            external_id=chance.choice(["", "", "", f"x{chance.randint(1, 9)}"])
            if kind != "RELEASE"
            else "",
            final=kind == "CAPTURE" and chance.random() < 0.3,
            force=kind == "REVERSAL" and chance.random() < 0.3,
            behind=chance.random() < 0.2,
            expire=chance.choice(["none", "far", "far", "past"]) if kind == "HOLD" else "none",
        )

    def _day(self, kind: str) -> str:
        days = ["", "", "2026-01-15", "2026-02-15", "2026-03-15", "2030-01-01"]
        return str(self.chance.choice(days[2:] if kind == "REVERSAL" else days))

    def _changed(self, again: Asked, kinds: tuple[str, ...]) -> Asked:
        change: dict[str, Any] = self.chance.choice(
            [
                {"day": "2027-01-01"},
                {"description": "other"},
                {"amount": (again.amount or Decimal(0)) + 1} if again.kind != "RELEASE" else {},
                {"expire": "far" if again.expire == "none" else "none"}
                if again.kind == "HOLD"
                else {},
                {"final": not again.final} if again.kind == "CAPTURE" else {},
                {"kind": "HOLD"} if again.kind == "POSTING" and "HOLD" in kinds else {},
            ]
        )
        return dataclasses.replace(again, **change)

    async def _ask(self) -> None:
        asked = self._asked(
            ("POSTING", "POSTING", "HOLD", "HOLD", "CAPTURE", "RELEASE", "REVERSAL")
        )
        expected = self.model.ask(asked)
        try:
            answer = await self._call(asked)
        except grpc.aio.AioRpcError as error:
            found = await refused(_raising(error))
            assert isinstance(expected, Refusal), (asked, expected, found)
            self._compare(asked, expected, found.reason, found.facts)
        else:
            assert answer.replayed == expected, (asked, expected)

    def _compare(self, asked: Asked, expected: Refusal, reason: str, facts: Any) -> None:
        about = facts[ABOUT[reason]] if reason in ABOUT else ""
        first = expected.about.split(",")
        assert reason == expected.reason, (asked, expected, facts)
        assert about in first or not expected.about, (asked, expected, facts)
        if reason == "LIMIT_EXCEEDED":
            rules = self.model.rules
            assert bool(rules[about].measure) == bool(rules[first[0]].measure), (asked, expected)

    async def _call(self, asked: Asked) -> Any:
        ledger = self.ledger
        fields: dict[str, Any] = {
            "effective_date": asked.day,
            "description": asked.description,
            "behind_soft_lock": asked.behind,
        }
        params = {} if asked.amount is None else {"amount": str(asked.amount)}
        if asked.kind == "RELEASE":
            return await ledger.release(asked.of, release_id=asked.id, **fields)
        fields["external_id"] = asked.external_id
        if asked.kind == "CAPTURE":
            return await ledger.capture(
                asked.of, params, capture_id=asked.id, final=asked.final, **fields
            )
        if asked.kind == "REVERSAL":
            return await ledger.reverse(
                asked.of, params, transaction_id=asked.id, force=asked.force, **fields
            )
        if asked.kind == "HOLD":
            expire = {"none": None, "far": FAR, "past": PAST}[asked.expire]
            return await ledger.place(message(asked), expire)
        return await ledger.post(message(asked))

    async def _batch(self) -> None:
        """Post several at once; all or nothing, or each by itself."""
        many = [self._asked(("POSTING",)) for _ in range(self.chance.randint(2, 5))]
        if self.chance.random() < 0.5:
            expected = self.model.ask_all(many)
            try:
                results = await self.ledger.post_all([message(one) for one in many], ATOMIC)
            except grpc.aio.AioRpcError as error:
                found = await refused(_raising(error))
                assert isinstance(expected, tuple), (many, expected, found)
                assert found.facts["index"] == str(expected[0])
                self._compare(many[expected[0]], expected[1], found.reason, found.facts)
            else:
                assert [one.replayed for one in results] == expected
            return
        answers = [self.model.ask(one) for one in many]
        results = await self.ledger.post_all([message(one) for one in many], INDEPENDENT)
        for asked, answer, result in zip(many, answers, results, strict=True):
            if isinstance(answer, Refusal):
                self._compare(asked, answer, result.refusal.reason, result.refusal.metadata)
            else:
                assert result.replayed == answer
                assert not result.HasField("refusal"), (asked, result.refusal)

    async def _limit(self) -> None:
        code = self.chance.choice(list(self.model.rules))
        rule = self.model.rules[code]
        target: dict[str, Any] = {"account": "ann"}
        if code == "D_FAMILY":
            target = {"account_set": "family"}
        if rule.members:
            await self.ledger.detach(code, **target)
            rule.members = ()
            return
        rule.members = ("ann", "bob") if code == "D_FAMILY" else ("ann",)
        await self.ledger.attach(code, **target, **{"scope": WHOLE} if code == "D_FAMILY" else {})

    async def _days(self) -> None:
        stands = self.model
        if stands.locked and self.chance.random() < 0.6:
            soft = not stands.closed
            await self.ledger.reopen_days(soft=soft)
            stands.closed = stands.locked = ""
            return
        day = self.chance.choice(["2026-01-31", "2026-02-28", "2026-12-31"])
        soft = self.chance.random() < 0.5
        if day > (stands.locked if soft else stands.closed):
            await self.ledger.close_days(day, soft=soft)
            stands.closed = stands.closed if soft else day
            stands.locked = max(stands.locked, day)

    async def _lock(self) -> None:
        account = self.chance.choice(["ann", "bob"])
        if account in self.model.locks:
            del self.model.locks[account]
            await self.ledger.unlock(account)
        else:
            allow = self.chance.random() < 0.5
            self.model.locks[account] = allow
            await self.ledger.lock_for(account, allow_hold_ends=allow)

    async def _due(self) -> None:
        """Have the time of some holds come, as if it had passed."""
        for one in self.model.books.values():
            if one.asked.expire == "far" and one.status == "OPEN" and self.chance.random() < 0.5:
                one.is_due = True
                await self._connection.execute(
                    "UPDATE holds SET expire_at = $2 WHERE id = $1 AND status = 1",
                    uuid.UUID(one.asked.id),
                    datetime.now(UTC) - timedelta(microseconds=1),
                )

    async def check(self) -> None:
        """Hold the balances against the model, and against each other."""
        books = self.model.books
        found = await self._connection.fetch(STEP_QUERY, self.journal)
        for layer in ("settled", "pending", "encumbrance_debit"):
            for currency in ("USD", "EUR"):
                assert sum(row[layer] for row in found if row["currency"] == currency) == 0
        standing: dict[str, Decimal] = {}
        for row in found:
            code, currency = row["code"], row["currency"]
            assert (row["held_debit"], row["held_credit"]) == (
                row["open_debit"],
                row["open_credit"],
            )
            assert row["pending"] == row["held_debit"] - row["held_credit"]
            assert row["settled"] == model.settled(code, currency, books), code
            assert row["held_debit"] == model.held(code, "DEBIT", currency, books), code
            assert row["held_credit"] == model.held(code, "CREDIT", currency, books), code
            if currency == "USD" and code != "cash":
                standing[code] = -row["settled"] - row["held_debit"]
        for code, members in (("C_ANN", ("ann",)), ("D_FAMILY", ("ann", "bob"))):
            rule = self.model.rules[code]
            now = sum((standing.get(one, Decimal(0)) for one in members), Decimal(0))
            assert now == model.use(Rule(rule.bound, "", members), books)
        for code in ("A_NET", "B_GROSS"):
            rule = self.model.rules[code]
            if rule.members and self.chance.random() < 0.3:
                used = Decimal((await self.ledger.used("ann"))[code])
                assert used == model.use(rule, books), code


def message(asked: Asked) -> pb.TransactionRequest:
    made = transfer(
        asked.debit,
        asked.credit,
        str(asked.amount),
        transaction_id=asked.id,
        effective_date=asked.day,
        description=asked.description,
        external_id=asked.external_id,
        behind_soft_lock=asked.behind,
    )
    made.params["currency"] = asked.currency
    return made


async def _raising(error: Exception) -> None:
    raise error

"""Random histories against the model: every answer, and then everything that can be read.

A history is a seed. `LEDGER_MODEL_SEED=n pytest tests/model -k one_history` plays one again.
"""

import dataclasses
import os
import random
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from ledger_proto.v1 import balances_pb2, common_pb2, journals_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.api.calls import refused
from tests.databases import database_of
from tests.ledger import (
    ATOMIC,
    INDEPENDENT,
    PostingLedger,
    check_books,
    serving,
)
from tests.model.comparing import (
    CURRENCIES,
    columns_of,
    compare_posted,
    compare_refusal,
    message_of,
    template_of,
)
from tests.model.model import LAYERS, ZERO, Asked, Leg, Model, Refusal, columns

ACCOUNTS = ["cash", "loan", "fees", "équité", "tax"]
DAYS = ["1999-12-31", "2026-01-01", "2026-01-31", "2026-02-28", "2031-07-01"]

CHOSEN = os.environ.get("LEDGER_MODEL_SEED")
SEEDS = [int(CHOSEN)] if CHOSEN else [1, 2, 3, 4, 5, 6]
STEPS = 120


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest.mark.parametrize("seed", SEEDS)
async def test_one_history(dsn: str, seed: int) -> None:
    await _play(dsn, seed, STEPS)


@pytest.mark.nightly
@pytest.mark.timeout(3_600)
async def test_many_histories(dsn: str) -> None:
    for _ in range(60):
        await _play(dsn, random.randrange(10**9), 250)


async def _play(dsn: str, seed: int, steps: int) -> None:
    async with serving(dsn) as one, serving(dsn) as other:
        code = f"model-{seed}-{uuid.uuid4().hex[:6]}"
        history = History([one.ledger.of(code), other.ledger.of(code)], seed)
        try:
            await history.open()
            for _ in range(steps):
                await history.step()
            await history.compare_everything(dsn)
        except Exception as error:
            # Not in the assertion itself: an error of the server must name the seed as well.
            error.add_note(f"LEDGER_MODEL_SEED={seed}, step {history.steps}: {history.last}")
            raise


class History:
    """One random history: what is done to the ledger is done to the model, and compared."""

    def __init__(self, ledgers: list[PostingLedger], seed: int) -> None:
        self.ledgers = ledgers
        self.choose = random.Random(seed)
        self.model = Model(
            exponents=dict(CURRENCIES),
            status=dict.fromkeys(ACCOUNTS, "ACTIVE"),
            versions={"A": 1, "B": 1},
            today=datetime.now(UTC).date().isoformat(),
        )
        self.asked: list[Asked] = []
        self.steps = 0
        self.last = ""

    @property
    def ledger(self) -> PostingLedger:
        """One of the servers, whichever: it must make no difference."""
        return self.choose.choice(self.ledgers)

    async def open(self) -> None:
        ledger = self.ledgers[0]
        await ledger.open(*ACCOUNTS)
        await ledger.journals.RegisterCurrency(
            journals_pb2.RegisterCurrencyRequest(
                journal=ledger.journal, currency=journals_pb2.Currency(code="GOLD", exponent=4)
            )
        )
        for code in "AB":
            await ledger.create_template(template_of(code, 1))
        # journal, accounts, LINES, TRANSFER, currency, A, B
        self.model.types = [10, *[12] * len(ACCOUNTS), 20, 20, 11, 20, 20]

    async def step(self) -> None:
        self.steps += 1
        chance = self.choose.random()
        if chance < 0.45:
            await self.post_one(self.request())
        elif chance < 0.85:
            many = [self.request() for _ in range(self.choose.randint(1, 7))]
            if self.choose.random() < 0.4:
                # A duplicate inside the batch, equal or changed.
                again = self.choose.choice(many)
                many.insert(
                    self.choose.randint(0, len(many)),
                    again if self.choose.random() < 0.5 else self.other(again),
                )
            await self.post_many(many, ATOMIC if self.choose.random() < 0.5 else INDEPENDENT)
        elif chance < 0.95:
            await self.lock_or_unlock()
        else:
            code = self.choose.choice("AB")
            self.model.versions[code] += 1
            self.model.types.append(20)
            await self.ledger.create_template(template_of(code, self.model.versions[code]))
        if self.steps % 15 == 0:
            await self.compare_balances()
            await self.compare_trial_balance()

    def request(self) -> Asked:
        """Return a request: mostly a new one, sometimes one that was made before."""
        chance = self.choose.random()
        if self.asked and chance < 0.12:
            return self.choose.choice(self.asked)
        if self.asked and chance < 0.25:
            return self.other(self.choose.choice(self.asked))
        new = self.new_request()
        self.asked.append(new)
        return new

    def new_request(self) -> Asked:
        choose = self.choose
        given: dict[str, Any] = {}
        if choose.random() < 0.7:
            given["effective_date"] = choose.choice(DAYS)
        if choose.random() < 0.3:
            given["description"] = choose.choice(["rent", "Gehälter"])
        if choose.random() < 0.4:
            # Of few: now and then one belongs to somebody else.
            given["external_id"] = f"x{choose.randrange(40)}"
        if choose.random() < 0.3:
            given["correlation_id"] = f"c{choose.randrange(4)}"
        if choose.random() < 0.3:
            given["metadata"] = (("k", choose.choice("ab")),)
        if choose.random() < 0.2:
            given["template_version"] = choose.randint(1, 2)
        if choose.random() < 0.3:
            given["factor"] = choose.choice(["1", "1.00", "2", "0.5"])
        if choose.random() < 0.02:
            given["template_code"] = "NONE"
        elif choose.random() < 0.3:
            given["template_code"] = "B"
        return Asked(
            id=str(uuid.UUID(int=choose.getrandbits(128))), legs=tuple(self.legs()), **given
        )

    def legs(self) -> list[Leg]:
        """Return 2 to 6 legs: mostly good, now and then wrong in one way."""
        choose = self.choose
        legs: list[Leg] = []
        for _ in range(choose.randint(1, 3)):
            layer = choose.choice(["SETTLED", "SETTLED", *LAYERS])
            currency = choose.choice(list(CURRENCIES))
            # Even in the last decimal, so that a factor of a half is not always one too many.
            amount = str(Decimal(2 * choose.randint(1, 5_000)).scaleb(-CURRENCIES[currency]))
            amount = format(Decimal(amount), "f")
            legs += [
                (side, choose.choice(ACCOUNTS), layer, amount, currency)
                for side in ("DEBIT", "CREDIT")
            ]
        choose.shuffle(legs)
        wrong = choose.random()
        place = choose.randrange(len(legs))
        side, account, layer, amount, currency = legs[place]
        if wrong < 0.04:
            legs[place] = (side, account, layer, str(Decimal(amount) * 2), currency)
        elif wrong < 0.07:
            legs[place] = (side, "nobody", layer, amount, currency)
        elif wrong < 0.10:
            legs[place] = (side, account, layer, amount, "XXL")
        elif wrong < 0.13:
            too_fine = format(Decimal(1).scaleb(-CURRENCIES[currency] - 1), "f")
            legs[place] = (side, account, layer, too_fine, currency)
        elif wrong < 0.15:
            legs[place] = (side, account, layer, "0", currency)
        elif wrong < 0.17:
            other = choose.choice([name for name in LAYERS if name != layer])
            legs[place] = (side, account, other, amount, currency)
        return legs

    def other(self, asked: Asked) -> Asked:
        """Return the same id with one field changed, sometimes only in its words."""
        field = self.choose.choice(
            [
                "template_code",
                "template_version",
                "effective_date",
                "description",
                "external_id",
                "correlation_id",
                "metadata",
                "factor",
                "legs",
            ]
        )
        value: Any = {
            "template_code": "B" if asked.template_code == "A" else "A",
            "template_version": 0 if asked.template_version else 1,
            "effective_date": "" if asked.effective_date else DAYS[0],
            "description": "" if asked.description else "new",
            "external_id": f"x{self.choose.randrange(40)}",
            "correlation_id": asked.correlation_id + "+",
            "metadata": () if asked.metadata else (("k", "a"),),
            "factor": {None: "1.000", "2": "3"}.get(asked.factor),
            "legs": asked.legs[::-1],
        }[field]
        return dataclasses.replace(asked, **{field: value})

    async def post_one(self, asked: Asked) -> None:
        self.last = repr(asked)
        expected = self.model.post(asked)
        ledger = self.ledger
        if isinstance(expected, Refusal):
            answer = await refused(ledger.post(message_of(asked)))
            compare_refusal(expected, answer.reason, answer.facts)
        else:
            if self.choose.random() < 0.2:
                valid = await ledger.post(message_of(asked), validate_only=True)
                assert not valid.HasField("refusal")
                assert valid.replayed == expected[1]
            posted = await ledger.post(message_of(asked))
            compare_posted(expected, posted.transaction, replayed=posted.replayed)

    async def post_many(self, many: list[Asked], mode: int) -> None:
        self.last = repr((mode, many))
        messages = [message_of(asked) for asked in many]
        if mode == ATOMIC:
            expected = self.model.post_atomic(many)
            if isinstance(expected, Refusal):
                answer = await refused(self.ledger.post_all(messages, mode))
                compare_refusal(expected, answer.reason, answer.facts)
                return
            results = await self.ledger.post_all(messages, mode)
            for one, result in zip(expected, results, strict=True):
                compare_posted(one, result.transaction, replayed=result.replayed)
            return
        results = await self.ledger.post_all(messages, mode)
        for asked, result in zip(many, results, strict=True):
            answered = self.model.post(asked)
            if isinstance(answered, Refusal):
                compare_refusal(answered, result.refusal.reason, dict(result.refusal.metadata))
            else:
                compare_posted(answered, result.transaction, replayed=result.replayed)

    async def lock_or_unlock(self) -> None:
        account = self.choose.choice(ACCOUNTS)
        is_locked = self.model.status[account] == "LOCKED"
        # Unlocked sooner than locked, or nothing could be posted for most of the time.
        lock = self.choose.random() < 0.25
        if lock != is_locked:
            self.model.types.append(14 if lock else 15)
            self.model.status[account] = "LOCKED" if lock else "ACTIVE"
        await (self.ledger.lock(account) if lock else self.ledger.unlock(account))

    async def compare_balances(self) -> None:
        """Compare all balances, now and as of a day."""
        for as_of in ("", self.choose.choice(DAYS)):
            answer = await self.ledger.balances.ListBalances(
                balances_pb2.ListBalancesRequest(
                    journal=self.ledger.journal, as_of=as_of, page_size=1_000
                )
            )
            expected: dict[tuple[str, str], list[Decimal]] = {}
            for place, layer in enumerate(LAYERS):
                for key, sums in self.model.sums(layer, last=as_of or "9999-99").items():
                    row = expected.setdefault(key, [ZERO] * 7)
                    row[2 * place : 2 * place + 2] = sums[:2]
                    row[6] += sums[2] if not as_of else 0
            found = {
                (one.account_code, one.currency): [
                    *(
                        Decimal(text)
                        for sums in (one.settled, one.pending, one.encumbrance)
                        for text in (sums.debit, sums.credit)
                    ),
                    Decimal(one.version),
                ]
                for one in answer.balances
            }
            assert found == expected, as_of
            assert [(one.account_code, one.currency) for one in answer.balances] == sorted(expected)
            assert answer.sequence == len(self.model.types)

    async def compare_trial_balance(self) -> None:
        """Compare a trial balance with a random period, layer and position."""
        head = len(self.model.types)
        days = sorted(self.choose.choices(DAYS, k=2))
        first, last = self.choose.choice([("", ""), ("", days[1]), (days[0], ""), tuple(days)])
        layer = self.choose.choice(LAYERS)
        position = self.choose.choice([0, head, self.choose.randint(1, head)])
        self.last = f"trial balance {first}..{last} {layer} known at {position}"
        report = await self.ledger.trial_balance(
            from_date=first,
            as_of=last,
            layer=common_pb2.Layer.Value(f"LAYER_{layer}"),
            as_known_at=position,
        )
        known_at = position or head
        end = last or "9999-99"
        # A character less than the first day: everything before it, nothing of it.
        opening = self.model.sums(layer, last=first[:-1] + " ", known_at=known_at) if first else {}
        movement = self.model.sums(layer, first=first or "0", last=end, known_at=known_at)
        nothing = [ZERO] * 3
        expected = {
            key: columns(opening.get(key, nothing), movement.get(key, nothing))
            for key in opening.keys() | movement.keys()
        }
        expected = {key: row for key, row in expected.items() if any(row)}
        found = {(row.code, row.currency): columns_of(row.columns) for row in report.rows}
        assert found == expected
        assert report.sequence == (position or head)
        for total in report.totals:
            assert total.balanced
            rows = [row for key, row in expected.items() if key[1] == total.currency]
            assert columns_of(total.columns) == tuple(map(sum, zip(*rows, strict=True))) or (
                not rows and not any(columns_of(total.columns))
            )

    async def compare_everything(self, dsn: str) -> None:
        await self.compare_balances()
        for _ in range(12):
            await self.compare_trial_balance()
        ledger = self.ledger
        for account in ("", *ACCOUNTS):
            listed = await ledger.list(account=account, page_size=1_000)
            expected = sorted(
                (
                    (one.effective, one.sequence)
                    for one in self.model.posted.values()
                    if not account or any(leg[1] == account for leg in one.asked.legs)
                ),
            )
            assert [(one.effective_date, one.sequence) for one in listed.transactions] == expected
        for one in self.model.posted.values():
            answer = await ledger.transactions.GetTransaction(
                pb.GetTransactionRequest(journal=ledger.journal, transaction_id=one.asked.id)
            )
            compare_posted((one, False), answer.transaction, replayed=False)
        connection = await asyncpg.connect(dsn)
        try:
            rows = await connection.fetch(
                "SELECT sequence, type FROM events JOIN journals ON id = journal_id"
                " WHERE code = $1 ORDER BY sequence",
                ledger.journal,
            )
        finally:
            await connection.close()
        assert [tuple(row) for row in rows] == list(enumerate(self.model.types, 1))
        await check_books(dsn, ledger.journal)
        assert self.model.posted, "a history in which nothing was posted shows nothing"

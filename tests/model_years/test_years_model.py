"""Random histories of postings, closes, reopenings and closed days, on two servers."""

import datetime as dt
import os
import random
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal

import pytest
import pytest_asyncio

from ledger_proto.v1 import periods_pb2
from tests.api.calls import reason
from tests.databases import database_of
from tests.fiscal_ledger import FiscalLedger
from tests.ledger import Serving, check_books, serving
from tests.model_years.years_model import YearsModel

pytestmark = pytest.mark.asyncio(loop_scope="module")

STEPS = 45
CHOSEN = os.environ.get("LEDGER_YEARS_SEED")
#: None draws one when the test runs: workers must collect the same tests.
SEEDS = [int(CHOSEN)] if CHOSEN else [1, 2, None]
ACCOUNTS = ("cash", "sales", "fees", "rent", "wages", "retained")


class History:
    """One history, told to the ledger and to the model alike."""

    def __init__(self, ledgers: list[FiscalLedger], model: YearsModel, seed: int) -> None:
        self._ledgers = ledgers
        self._model = model
        self._random = random.Random(seed)
        self.done: list[str] = []

    async def step(self) -> None:
        """Do something and hold its outcome against the model's."""
        kinds = (self._post, self._close, self._reopen, self._close_days, self._open_days)
        kind = self._random.choices(kinds, weights=(10, 5, 3, 1, 1))[0]
        await kind(self._random.choice(self._ledgers))

    async def compare(self) -> None:
        """Hold the books at the end of each year, and what is left to close, against the model."""
        ledger = self._random.choice(self._ledgers)
        for code, year in self._model.years.items():
            assert await ledger.nets(year.last_day.isoformat()) == self._model.nets(year.last_day)
            checklist = (await ledger.get(code)).checklist
            left = self._model.profits(year.last_day)
            incomes = {one.currency: Decimal(one.net_income) for one in checklist.unclosed}
            assert incomes == {
                currency: -sum(net for (_, other), net in left.items() if other == currency)
                for _, currency in left
            }

    async def _post(self, ledger: FiscalLedger) -> None:
        debit, credit = self._random.sample(ACCOUNTS, 2)
        currency = self._random.choice(["USD", "JPY"])
        amount = Decimal(self._random.randint(1, 9))
        day = dt.date(self._random.choice([2024, 2025, 2026]), self._random.randint(1, 12), 15)
        expected = self._model.post(debit, credit, amount, currency, day)
        self.done.append(f"post {debit} {credit} {amount} {currency} {day}: {expected}")
        call = ledger.post(debit, credit, f"{amount} {currency}", day.isoformat())
        if expected:
            assert await reason(call) == expected
        else:
            await call

    async def _close(self, ledger: FiscalLedger) -> None:
        code = self._random.choice(list(self._model.years))
        expected = self._model.close(code)
        self.done.append(f"close {code}: {expected}")
        if isinstance(expected, str):
            assert await reason(ledger.close(code)) == expected
            assert await reason(ledger.preview(code)) == expected
            return
        preview = await ledger.preview(code)
        done = await ledger.close(code)
        assert done.amounts == preview.amounts
        assert {one.currency: Decimal(one.net_income) for one in done.amounts} == expected

    async def _reopen(self, ledger: FiscalLedger) -> None:
        code = self._random.choice(list(self._model.years))
        expected = self._model.reopen(code)
        self.done.append(f"reopen {code}: {expected}")
        if expected:
            assert await reason(ledger.reopen(code)) == expected
        else:
            await ledger.reopen(code)

    async def _close_days(self, ledger: FiscalLedger) -> None:
        through = dt.date(self._random.choice([2024, 2025]), self._random.choice([6, 12]), 30)
        if through.month == 12:
            through = through.replace(day=31)
        if self._model.closed_through is None or through > self._model.closed_through:
            self.done.append(f"close days {through}")
            self._model.closed_through = through
            await ledger.close_days(through.isoformat())

    async def _open_days(self, ledger: FiscalLedger) -> None:
        if self._model.closed_through is not None:
            self.done.append("open all days")
            self._model.closed_through = None
            request = periods_pb2.ReopenPeriodRequest(journal=ledger.journal, reason="late")
            await ledger.posting.periods.ReopenPeriod(request)


@pytest.fixture(scope="module")
def dsn(postgres_dsn: str, template_database: str) -> Iterator[str]:
    with database_of(postgres_dsn, template_database) as made:
        yield made


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def servers(dsn: str) -> AsyncIterator[tuple[Serving, Serving]]:
    async with serving(dsn) as one, serving(dsn) as other:
        yield one, other


@pytest.mark.parametrize("seed", SEEDS)
async def test_the_books_are_those_of_the_model(
    servers: tuple[Serving, Serving], dsn: str, seed: int | None
) -> None:
    seed = random.randrange(10**9) if seed is None else seed
    sys.stdout.write(f"LEDGER_YEARS_SEED={seed}\n")
    both = [FiscalLedger(one.ledger.of(f"years-{seed}")) for one in servers]
    await both[0].begin()
    model = YearsModel(2024, 3)
    await both[0].open_years(*model.years)
    history = History(both, model, seed)
    try:
        for _ in range(STEPS):
            await history.step()
            await history.compare()
    except AssertionError as error:
        error.add_note(f"LEDGER_YEARS_SEED={seed}: " + "; ".join(history.done))
        raise
    await check_books(dsn, both[0].journal)

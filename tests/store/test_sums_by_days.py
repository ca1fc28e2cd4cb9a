"""Whatever end sums up to a day are taken from, they are those of the entries until then."""

import itertools
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

import pytest

from ledger_server.domain.balance import Balance
from ledger_server.domain.primitives import AccountId, Direction, JournalId, Layer
from ledger_server.domain.report.periods import Cut, Period, Sums, SumsByKey
from ledger_server.store import balances, reports, statements
from ledger_server.store.database import Database, Tx
from tests.books import Books, new_journal
from tests.ledger import INDEPENDENT, lines, serving

ACCOUNTS = ("a", "b", "c", "d")
CURRENCIES = ("EUR", "USD")
LAYERS = tuple(Layer)
#: All postings lie within; reports also ask before and after.
FIRST, DAYS = date(2025, 12, 20), 40
ASKED = [date.min, *(FIRST + timedelta(days=n) for n in range(-2, DAYS + 3)), date.max]

#: account, currency, layer, direction, day, units
Entry = tuple[str, str, Layer, Direction, date, Decimal]


def _sums(
    entries: Sequence[Entry], layer: Layer, period: Period
) -> dict[tuple[str, str], list[Decimal]]:
    """Return opening and movement, debit and credit each, by account and currency."""
    sums: dict[tuple[str, str], list[Decimal]] = defaultdict(lambda: [Decimal(0)] * 4)
    first, last = period.bounds()
    for account, currency, of, direction, day, units in entries:
        if of is layer and day <= last:
            place = (0 if day < first else 2) + (direction is Direction.CREDIT)
            sums[account, currency][place] += units
    return sums


def _posting(choose: random.Random) -> tuple[list[str], list[Entry], date]:
    day = FIRST + timedelta(days=choose.randrange(DAYS))
    legs, entries = [], []
    for _ in range(choose.randint(1, 2)):
        layer = choose.choice([Layer.SETTLED, *LAYERS])
        currency = choose.choice(CURRENCIES)
        units = Decimal(choose.randint(1, 999)) / 100
        pair = zip(choose.sample(ACCOUNTS, 2), (Direction.DEBIT, Direction.CREDIT), strict=True)
        for account, direction in pair:
            legs.append(f"{direction.name} {account} {units} {currency} {layer.name}")
            entries.append((account, currency, layer, direction, day, units))
    return legs, entries, day


@pytest.mark.parametrize("seed", range(3))
async def test_all_readers_say_what_the_entries_come_to(database_dsn: str, seed: int) -> None:
    choose = random.Random(seed)
    entries = await _post(database_dsn, choose)
    books = await Books.open(database_dsn)
    rows = await books.connection.fetch("SELECT id, code FROM accounts")
    await books.close()
    database = await Database.connect(database_dsn)
    try:
        async with database.snapshot() as tx:
            readers = _Readers(
                tx, JournalId(books.journal_id), {row["id"]: row["code"] for row in rows}, entries
            )
            for layer in LAYERS:
                for day in ASKED:
                    await readers.check_report(layer, None, [Period(None, day)])
                for _ in range(40):
                    currency = choose.choice([None, "USD"])
                    periods = [_period(choose) for _ in range(choose.randint(1, 3))]
                    await readers.check_report(layer, currency, periods)
                    await readers.check_statement(layer, currency, _period(choose))
            for day in ASKED:
                await readers.check_balances(day)
    finally:
        await database.close()


class _Readers:
    """All that sums up days, held against the entries."""

    def __init__(
        self, tx: Tx, journal_id: JournalId, codes: dict[AccountId, str], entries: Sequence[Entry]
    ) -> None:
        self._tx = tx
        self._journal_id = journal_id
        self._codes = codes
        self._entries = entries

    async def check_report(
        self, layer: Layer, currency: str | None, periods: Sequence[Period]
    ) -> None:
        scope = reports.Scope(layer=layer, currency=currency)
        columns = await reports.sums_in_tx(self._tx, self._journal_id, scope, Cut(periods))
        for column, period in zip(columns, periods, strict=True):
            self._check(column, scope, period)

    async def check_statement(self, layer: Layer, currency: str | None, period: Period) -> None:
        scope = reports.Scope(layer=layer, currency=currency)
        first, last = period.bounds()
        of = statements.Range(scope=scope, first=first, last=last, sequence=2**62, is_head=True)
        found = await statements.sums_in_tx(self._tx, self._journal_id, list(self._codes), of)
        self._check(found, scope, period)

    async def check_balances(self, day: date) -> None:
        keys = list(itertools.product(ACCOUNTS, CURRENCIES))
        named, _ = await balances.find_in_tx(self._tx, self._journal_id, keys, day)
        listed = await balances.list_in_tx(
            self._tx, self._journal_id, account_id=None, as_of=day, after=("", ""), limit=100
        )
        sums = [_sums(self._entries, layer, Period(None, day)) for layer in LAYERS]
        expected = [(*key, [x for of in sums for x in of[key][2:]]) for key in keys]
        assert [_gross(one) for one in named] == expected, day
        assert [_gross(one) for one in listed] == [one for one in expected if any(one[2])], day

    def _check(self, found: SumsByKey, scope: reports.Scope, period: Period) -> None:
        named = {(self._codes[key[0]], key[1]): list(one) for key, one in found.items()}
        entries = [one for one in self._entries if scope.currency in (None, one[1])]
        assert named == _sums(entries, scope.layer, period), (scope, period)


async def _post(dsn: str, choose: random.Random) -> list[Entry]:
    entries: list[Entry] = []
    async with serving(dsn) as running:
        await running.ledger.open(*ACCOUNTS)
        for _ in range(12):
            asked = []
            for _ in range(choose.randint(1, 8)):
                legs, made, day = _posting(choose)
                asked.append(lines(*legs, effective_date=day.isoformat()))
                entries += made
            for one in await running.ledger.post_all(asked, INDEPENDENT):
                assert one.HasField("transaction"), one
    return entries


def _period(choose: random.Random) -> Period:
    first, last = sorted(choose.choices(ASKED, k=2))
    return Period(choose.choice([None, first]), last)


def _gross(one: Balance | balances.Missing) -> tuple[str, str, list[Decimal]]:
    assert isinstance(one, Balance)
    settled = [one.settled_debit, one.settled_credit]
    pending = [one.pending_debit, one.pending_credit]
    encumbrance = [one.encumbrance_debit, one.encumbrance_credit]
    return one.account_code, one.currency, [*settled, *pending, *encumbrance]


async def _year_of_days(database_dsn: str) -> Books:
    """Return a journal of 100 accounts, each with a debit and a credit of 1 a day for a year."""
    books = await new_journal(database_dsn)
    await books.connection.execute(
        "INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata,"
        " created_at) SELECT $1, md5(n::text)::uuid, 'k' || n, '', 1, 1, '{}', now()"
        " FROM generate_series(1, 100) AS n",
        books.journal_id,
    )
    await books.connection.execute(
        "INSERT INTO balances (journal_id, account_id, currency, version, settled_debit,"
        " settled_credit, last_day, debit_before, credit_before)"
        " SELECT $1, id, 'USD', 700, 366, 366, '2026-01-01', 365, 365 FROM accounts"
        " WHERE code LIKE 'k%'",
        books.journal_id,
    )
    await books.connection.execute(
        "INSERT INTO earlier_days (journal_id, account_id, currency, layer, day, debit, credit)"
        " SELECT $1, id, 'USD', 1, DATE '2025-01-01' + n, 1, 1"
        " FROM accounts, generate_series(0, 364) AS n WHERE code LIKE 'k%'",
        books.journal_id,
    )
    # One far from all others does not count.
    await books.connection.execute(
        "INSERT INTO earlier_days (journal_id, account_id, currency, layer, day, debit, credit)"
        " SELECT $1, id, 'USD', 3, '2199-12-31', 1, 0 FROM accounts WHERE code = 'k1'",
        books.journal_id,
    )
    await books.connection.execute("ANALYZE")
    return books


async def test_a_report_reads_the_days_on_its_own_side(database_dsn: str) -> None:
    """A year of days: reports of its end read few of the earlier ones, and those of its begin."""
    books = await _year_of_days(database_dsn)
    database = await Database.connect(database_dsn)
    scope = reports.Scope(layer=Layer.SETTLED, currency=None)
    try:
        for periods, days_read, units in (
            ([Period(None, date.max)], 0, 366),
            ([Period(None, date(2026, 1, 1))], 0, 366),
            ([Period(None, date(2025, 12, 21))], 10, 355),
            ([Period(None, date(2025, 1, 10))], 10, 10),
            ([Period(date(2025, 12, 22), None)], 20, 11),
        ):
            async with database.snapshot() as tx:
                before = await _days_read(tx)
                (column,) = await reports.sums_in_tx(
                    tx, JournalId(books.journal_id), scope, Cut(periods)
                )
                after = await _days_read(tx)
            assert len(column) == 100
            assert {sums.debit for sums in column.values()} == {units}, periods
            # A look at where the days lie takes a thousand from either end.
            assert after - before <= days_read * 100 + 2_020, periods
    finally:
        await database.close()
        await books.close()


async def test_a_statement_reads_the_days_after_its_ends(database_dsn: str) -> None:
    """One from the beginning of the books reads none of those within."""
    books = await _year_of_days(database_dsn)
    database = await Database.connect(database_dsn)
    account_id = await books.connection.fetchval("SELECT id FROM accounts WHERE code = 'k2'")
    scope = reports.Scope(layer=Layer.SETTLED, currency=None)
    try:
        for period, days_read, opening, movement in (
            (Period(None, None), 0, 0, 366),
            (Period(None, date(2025, 12, 21)), 11, 0, 355),
            (Period(date(2025, 12, 22), None), 10, 355, 11),
            (Period(date(2025, 12, 22), date(2025, 12, 23)), 10, 355, 2),
        ):
            first, last = period.bounds()
            of = statements.Range(scope=scope, first=first, last=last, sequence=2**62, is_head=True)
            async with database.look_up_snapshot() as tx:
                before = await _days_read(tx)
                found = await statements.sums_in_tx(
                    tx, JournalId(books.journal_id), [account_id], of
                )
                after = await _days_read(tx)
            (sums,) = found.values()
            expected = (opening, opening, movement, movement)
            assert sums == Sums(*map(Decimal, expected)), period
            assert after - before <= days_read, period
    finally:
        await database.close()
        await books.close()


async def _days_read(tx: Tx) -> int:
    """Return how many rows of days this session has read, whether of the table or of an index."""
    row = await tx.fetch_one(
        "SELECT sum(pg_stat_get_xact_tuples_returned(place))::bigint AS rows"
        " FROM (SELECT 'earlier_days'::regclass AS place UNION ALL"
        " SELECT indexrelid FROM pg_index WHERE indrelid = 'earlier_days'::regclass) AS places"
    )
    assert row is not None
    return int(row["rows"])

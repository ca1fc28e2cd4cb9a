"""Which limits bind an account, whatever the ways that lead to it."""

import dataclasses
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from ledger_server.domain.account import AccountCategory, NewAccountSet
from ledger_server.domain.limit import Attachment, Limit, Measure, Scope, Velocity, Window
from ledger_server.domain.primitives import Direction, JournalId
from ledger_server.store import account_sets, limits
from ledger_server.store.database import Database
from tests.books import Books, new_journal

ROLLING = Velocity(
    direction=Direction.DEBIT,
    measure=Measure.NET,
    window=Window.ROLLING,
    rolling_seconds=90,
    condition="params.units > decimal('1')",
)


@dataclasses.dataclass
class Chart:
    """A journal in which tests draw sets and limits."""

    books: Books
    database: Database

    @property
    def journal_id(self) -> JournalId:
        return JournalId(self.books.journal_id)

    async def set(self, code: str, accounts: list[UUID], sets: list[UUID] | None = None) -> UUID:
        async with self.database.transaction() as tx:
            made = await account_sets.insert_in_tx(
                tx,
                self.journal_id,
                uuid.uuid4(),
                NewAccountSet(
                    id=None,
                    code=code,
                    name=code,
                    category=AccountCategory.INHERITED,
                    normal_side=Direction.CREDIT,
                    metadata={},
                ),
            )
            await account_sets.add_accounts_in_tx(tx, self.journal_id, made.id, accounts)
            await account_sets.add_sets_in_tx(tx, self.journal_id, made.id, sets or [])
        return made.id

    async def limit(self, code: str, velocity: Velocity | None = None) -> Limit:
        limit = Limit(code=code, name=code, currency="USD", bound=Decimal(0), velocity=velocity)
        async with self.database.transaction() as tx:
            return await limits.insert_in_tx(tx, self.journal_id, limit)

    async def attach(self, limit: Limit, **target: Any) -> bool:
        async with self.database.transaction() as tx:
            attachment = Attachment(limit=limit, **target)
            return await limits.attach_in_tx(tx, self.journal_id, attachment)

    async def bound(self, *account_ids: UUID) -> dict[UUID, tuple[Attachment, ...]]:
        async with self.database.writer_transaction() as tx:
            before = self.database.statement_count
            found = await limits.attachments_in_tx(tx, self.journal_id, account_ids)
            assert self.database.statement_count == before + 1
        return found

    async def any(self) -> bool:
        async with self.database.transaction() as tx:
            return await limits.any_in_tx(tx, self.journal_id)


@pytest.fixture
async def chart(database_dsn: str) -> AsyncIterator[Chart]:
    books = await new_journal(database_dsn)
    database = await Database.connect(database_dsn)
    yield Chart(books, database)
    await database.close()
    await books.close()


async def test_nothing_binds_what_nothing_is_attached_to(chart: Chart) -> None:
    account = await chart.books.add_account("a")
    await chart.set("s", [account])
    limit = await chart.limit("L")
    assert await chart.bound(account) == {}
    assert await chart.bound() == {}
    assert not await chart.any()
    await chart.attach(limit, account_id=account)
    assert await chart.any()


async def test_what_is_stored_comes_back(chart: Chart) -> None:
    account = await chart.books.add_account("a")
    standing, rolling = await chart.limit("S"), await chart.limit("V", ROLLING)
    assert (standing.velocity, rolling.velocity) == (None, ROLLING)
    assert standing.created_at
    for limit in (rolling, standing):
        assert await chart.attach(limit, account_id=account)
        assert not await chart.attach(limit, account_id=account)
    assert await chart.bound(account) == {
        account: (
            Attachment(limit=standing, account_id=account),
            Attachment(limit=rolling, account_id=account),
        )
    }


async def test_through_sets_above_at_any_depth(chart: Chart) -> None:
    a, b, c = [await chart.books.add_account(code) for code in "abc"]
    low = await chart.set("low", [a])
    middle = await chart.set("middle", [b], [low])
    await chart.set("top", [c], [middle])
    limit = await chart.limit("L")
    await chart.attach(limit, set_id=middle)
    expected = (Attachment(limit=limit, set_id=middle, set_side=Direction.CREDIT),)
    assert await chart.bound(a, b, c, a) == {a: expected, b: expected}


async def test_an_account_reached_by_many_ways_is_bound_once(chart: Chart) -> None:
    """A diamond: top holds left and right, both hold the account."""
    account = await chart.books.add_account("a")
    left, right = await chart.set("left", [account]), await chart.set("right", [account])
    top = await chart.set("top", [account], [left, right])
    each, whole = await chart.limit("EACH"), await chart.limit("WHOLE")
    await chart.attach(each, set_id=top)
    await chart.attach(whole, set_id=top, scope=Scope.WHOLE_SET)
    found = (await chart.bound(account))[account]
    assert [(one.limit.code, one.set_id) for one in found] == [("EACH", top), ("WHOLE", top)]

    await chart.attach(each, set_id=right)
    await chart.attach(each, set_id=left)
    await chart.attach(whole, set_id=left, scope=Scope.WHOLE_SET)
    found = (await chart.bound(account))[account]
    assert [(one.limit.code, one.set_id) for one in found] == [
        ("EACH", left),
        *[("WHOLE", set_id) for set_id in sorted((left, top))],
    ], "by itself once, through the first set by code; as a whole once for each set"

    await chart.attach(each, account_id=account)
    found = (await chart.bound(account))[account]
    assert (found[0].account_id, found[0].set_id) == (account, None), "its own comes first"


async def test_another_scope_takes_the_place_of_the_first(chart: Chart) -> None:
    account = await chart.books.add_account("a")
    top = await chart.set("top", [account])
    limit = await chart.limit("L")
    for scope in (Scope.EACH_ACCOUNT, Scope.WHOLE_SET):
        assert await chart.attach(limit, set_id=top, scope=scope)
        assert not await chart.attach(limit, set_id=top, scope=scope)
        (found,) = (await chart.bound(account))[account]
        assert found.scope is scope
    async with chart.database.transaction() as tx:
        for bound_before in (Scope.WHOLE_SET, None):
            let_go = await limits.detach_in_tx(
                tx, chart.journal_id, "L", account_id=None, set_id=top
            )
            assert let_go is bound_before
    assert await chart.bound(account) == {}


async def test_velocity_limits_above_a_set(chart: Chart) -> None:
    low = await chart.set("low", [])
    middle = await chart.set("middle", [], [low])
    top = await chart.set("top", [], [middle])
    for code, set_id in (("V1", top), ("V2", middle), ("V3", low)):
        await chart.attach(await chart.limit(code, ROLLING), set_id=set_id)
    await chart.attach(await chart.limit("S"), set_id=top)
    async with chart.database.transaction() as tx:
        for set_id, codes in ((top, ["V1"]), (middle, ["V1", "V2"]), (low, ["V1", "V2", "V3"])):
            found = await limits.velocity_codes_of_set_in_tx(tx, chart.journal_id, set_id)
            assert found == codes


#: A row that no limit may be: kind, bound, direction, window, rolling_seconds, condition.
NO_LIMITS = [
    (2, "-1", 1, 1, None, ""),
    (1, "NaN", None, None, None, ""),
    (1, "Infinity", None, None, None, ""),
    (1, "0", 1, 1, None, ""),
    (1, "0", None, None, None, "true"),
    (2, "0", None, None, None, ""),
    (2, "0", 1, 4, None, ""),
    (2, "0", 1, 4, 0, ""),
    (2, "0", 1, 1, 90, ""),
]


@pytest.mark.parametrize("row", NO_LIMITS)
async def test_the_database_refuses_what_is_no_limit(chart: Chart, row: tuple[Any, ...]) -> None:
    kind, bound, direction, window, seconds, condition = row
    with pytest.raises(asyncpg.CheckViolationError):
        await chart.books.connection.execute(
            "INSERT INTO limits VALUES ($1, 'L', '', 'USD', $2, $3::text::numeric, $4::smallint,"
            " $4::smallint, $5::smallint, $6::integer, $7, now())",
            chart.journal_id,
            kind,
            bound,
            direction,
            window,
            seconds,
            condition,
        )

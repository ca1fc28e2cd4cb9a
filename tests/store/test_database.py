"""What the database's errors mean to those above."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, Literal

import pytest

from ledger_server.domain.errors import StorageUnavailableError
from ledger_server.store.database import ConnectionLostError, ConstraintError, Database, RetryError

#: From the sixth run on a session may take one plan for all.
RUNS: Final = 7


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.connect(database_dsn)
    yield opened
    await opened.close()


async def run(database: Database, *statements: str) -> None:
    """Run statements in one transaction."""
    async with database.transaction() as tx:
        for statement in statements:
            await tx.execute(statement)


async def fail_with(database: Database, state: str) -> None:
    await run(database, f"DO $$ BEGIN RAISE SQLSTATE '{state}'; END $$")


@pytest.mark.parametrize("state", ["40001", "40P01", "55P03"])
async def test_what_may_be_run_again(database: Database, state: str) -> None:
    with pytest.raises(RetryError):
        await fail_with(database, state)


@pytest.mark.parametrize("state", ["53100", "53200", "58030", "25006", "57014"])
async def test_what_cannot_be_served_now(database: Database, state: str) -> None:
    with pytest.raises(StorageUnavailableError) as refusal:
        await fail_with(database, state)
    assert not isinstance(refusal.value, ConnectionLostError)


@pytest.mark.parametrize("state", ["08006", "57P01", "57P02", "25P03"])
async def test_what_ends_a_connection(database: Database, state: str) -> None:
    with pytest.raises(ConnectionLostError):
        await fail_with(database, state)


async def test_a_statement_that_takes_too_long(database: Database) -> None:
    with pytest.raises(StorageUnavailableError):
        await run(database, "SET LOCAL statement_timeout = '20ms'", "SELECT pg_sleep(5)")


async def test_a_constraint_goes_by_its_name(database: Database) -> None:
    insert = "INSERT INTO currencies (journal_id, code, exponent) VALUES (1, 'usd', 2)"
    with pytest.raises(ConstraintError) as refusal:
        await run(database, insert)
    assert refusal.value.constraint == "currencies_code_check"


async def test_who_is_cancelled_ends_though_the_connection_is_lost(database: Database) -> None:
    """Told of the connection alone, who tries again until there is one would never end."""
    is_begun = asyncio.Event()

    async def ask() -> None:
        async with database.transaction() as tx:
            held: Any = tx
            is_begun.set()
            try:
                await asyncio.sleep(10)
            finally:
                held._connection._con.terminate()

    asking = asyncio.create_task(ask())
    await is_begun.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


@pytest.mark.parametrize(
    ("connection", "kept"), [("look_up_connection", True), ("reader_connection", False)]
)
async def test_whether_plans_are_kept(
    database: Database,
    connection: Literal["look_up_connection", "reader_connection"],
    *,
    kept: bool,
) -> None:
    async with getattr(database, connection)() as tx:
        for number in range(RUNS):
            await tx.fetch("SELECT code FROM accounts WHERE journal_id = $1", number)
        plans = await tx.fetch_one(
            "SELECT sum(generic_plans) AS kept, sum(custom_plans) AS made"
            "  FROM pg_prepared_statements WHERE statement LIKE 'SELECT code%'"
        )
    assert plans is not None
    assert (plans["kept"], plans["made"]) == ((RUNS, 0) if kept else (0, RUNS))

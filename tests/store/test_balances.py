"""Pages of balances cost what they show, not what the journal holds."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from ledger_server.store import balances
from tests.books import Books, new_journal

ACCOUNTS = 20_000
BALANCE = (
    *("account_id", "currency", "version", "last_day"),
    *("settled_debit", "settled_credit", "debit_before", "credit_before"),
)


@pytest.fixture
async def books(database_dsn: str) -> AsyncIterator[Books]:
    opened = await new_journal(database_dsn)
    for table, columns, values in (
        (
            "accounts",
            "id, code, name, normal_side, status, metadata, created_at",
            "md5(number::text)::uuid, 'k' || number, '', 1, 1, '{}', now()",
        ),
        (
            "balances",
            ", ".join(BALANCE),
            "md5(number::text)::uuid, 'USD', 1, '2026-02-28', 2, 2, 1, 1",
        ),
        (
            "earlier_days",
            "account_id, currency, layer, day, debit, credit",
            "md5(number::text)::uuid, 'USD', 1, '2026-01-31', 1, 1",
        ),
    ):
        await opened.connection.execute(
            f"INSERT INTO {table} (journal_id, {columns})"
            f" SELECT {opened.journal_id}, {values} FROM generate_series(1, {ACCOUNTS}) AS number"
        )
    yield opened
    await opened.close()


BY_ID = ("ARRAY[md5('7')::uuid]", "ARRAY[NULL]", "ARRAY['USD']")
BY_CODE = ("ARRAY[NULL]::uuid[]", "ARRAY['k7']", "ARRAY['USD']")


@pytest.mark.parametrize(
    ("query", "values", "analysed"),
    [
        ("list_balances", ("NULL", "'k5'", "'USD'", "101"), True),
        ("list_balances", ("md5('7')::uuid", "''", "''", "101"), True),
        ("list_balances_as_of", ("NULL", "'k5'", "'USD'", "101", "'2026-12-31'"), True),
        # Single balances are read all the time, also right after a large import.
        ("find_balances", BY_ID, True),
        ("find_balances", BY_ID, False),
        ("find_balances", BY_CODE, True),
        ("find_balances", BY_CODE, False),
        ("find_balances_as_of", (*BY_ID, "'2026-12-31'"), True),
        ("find_balances_as_of", (*BY_ID, "'2026-12-31'"), False),
        ("find_balances_as_of", (*BY_CODE, "'2026-12-31'"), True),
        ("find_balances_as_of", (*BY_CODE, "'2026-12-31'"), False),
    ],
)
async def test_reads_few_rows(
    books: Books, query: str, values: tuple[str, ...], *, analysed: bool
) -> None:
    if analysed:
        await books.connection.execute("ANALYZE")
    statement = balances._SQL[query].rstrip(";")
    for number, value in reversed(list(enumerate([str(books.journal_id), *values], 1))):
        statement = statement.replace(f"${number}", value)
    plan = await books.connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}")
    read = rows_read(json.loads(plan)[0]["Plan"])
    assert read < ACCOUNTS / 4, plan


def rows_read(node: dict[str, Any]) -> float:
    """The most rows that any node of a plan has read."""
    rows: float = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
    here = rows * float(node["Actual Loops"])
    return max([here, *(rows_read(child) for child in node.get("Plans", []))])

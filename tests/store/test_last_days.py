"""Books from before balances had a last day: each day comes to what it came to before."""

from pathlib import Path

import pytest

from ledger_server.store.migrations import FailedMigrationError, migrate, migrations_folder
from tests.databases import connected

_DAYS = "SELECT * FROM daily_sums ORDER BY account_id, currency, layer, day"
#: Two accounts, in two currencies, on several days and layers; the last has nothing on SETTLED.
_FILL = """
INSERT INTO journals (public_id, code, name, time_zone, created_at)
VALUES (gen_random_uuid(), 'main', '', 'UTC', now());
INSERT INTO currencies SELECT 1, code, 2 FROM unnest(ARRAY['USD', 'EUR']) AS code;
INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata, created_at)
SELECT 1, md5(n::text)::uuid, 'a' || n, '', 1, 1, '{}', now() FROM generate_series(1, 3) AS n;
INSERT INTO daily_sums
SELECT 1, md5(n::text)::uuid, currency, layer, DATE '2026-01-01' + day * n, day + n, layer + n / 4.0
  FROM generate_series(1, 3) AS n, unnest(ARRAY['USD', 'EUR']) AS currency,
       generate_series(1, 2) AS layer, generate_series(0, 3) AS day
 WHERE n < 3 OR layer = 2;
INSERT INTO balances (journal_id, account_id, currency, version, settled_debit, settled_credit,
                      pending_debit, pending_credit)
SELECT 1, account_id, currency, 1,
       coalesce(sum(debit) FILTER (WHERE layer = 1), 0),
       coalesce(sum(credit) FILTER (WHERE layer = 1), 0),
       sum(debit) FILTER (WHERE layer = 2), sum(credit) FILTER (WHERE layer = 2)
  FROM daily_sums GROUP BY account_id, currency;
"""


async def _filled(dsn: str, folder: Path) -> None:
    """Make the books in a database of before, by the migrations of then, put into `folder`."""
    for file in migrations_folder().iterdir():
        if "0001" <= file.name < "0011":
            (folder / file.name).write_bytes(file.read_bytes())
    await migrate(dsn, folder=folder)
    async with connected(dsn) as connection:
        await connection.execute(_FILL)


async def test_no_day_changes(empty_database_dsn: str, tmp_path: Path) -> None:
    await _filled(empty_database_dsn, tmp_path)
    async with connected(empty_database_dsn) as connection:
        before = await connection.fetch(_DAYS)
        await migrate(empty_database_dsn)
        assert await connection.fetch(_DAYS) == before
        last = await connection.fetch(
            "SELECT DISTINCT ON (account_id, currency) account_id, currency, day, debit"
            "  FROM daily_sums WHERE layer = 1 ORDER BY account_id, currency, day DESC"
        )
        kept = await connection.fetch(
            "SELECT account_id, currency, last_day, settled_debit - debit_before FROM balances"
            " WHERE last_day IS NOT NULL ORDER BY account_id, currency"
        )
        assert [tuple(row) for row in kept] == [tuple(row) for row in last]
        assert len(kept) == 4
        assert await connection.fetchval("SELECT count(*) FROM earlier_days") == len(before) - 4


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE balances SET settled_debit = settled_debit + 1 WHERE currency = 'EUR'",
        "DELETE FROM daily_sums WHERE day = '2026-01-04' AND layer = 1",
        "DELETE FROM balances WHERE settled_debit > 0 AND currency = 'EUR'",
    ],
)
async def test_books_that_contradict_themselves_are_left_as_they_are(
    empty_database_dsn: str, tmp_path: Path, damage: str
) -> None:
    await _filled(empty_database_dsn, tmp_path)
    async with connected(empty_database_dsn) as connection:
        await connection.execute(damage)
        before = await connection.fetch(_DAYS)
        with pytest.raises(FailedMigrationError, match="balances are not what their days come to"):
            await migrate(empty_database_dsn)
        assert await connection.fetch(_DAYS) == before

"""Holds and reversals are found by their keys, whatever PostgreSQL knew when it made the plans.

A plan of the writer's is kept for as long as its connection, or until the table is analysed. What
was made when the tables were empty must not read all holds once there are many.
"""

from typing import Final

import pytest

from ledger_server.proof.checkpointer import Checkpointer
from tests.databases import all_others_ended, connected
from tests.ledger import serving, transfer
from tests.model_rules.rules import RulesLedger

TABLES: Final = ("holds", "hold_entries", "reversals", "reversed_entries")
FILLED: Final = 20_000
#: From the sixth run on a session may take one plan for all.
RUNS: Final = 7
#: Rows of a table that the work may read: some for each key that it names.
ROWS_MAX: Final = 2_000

_FILL: Final = (
    """INSERT INTO holds (journal_id, id, sequence, status, placed_at)
       SELECT $1, md5(n::text)::uuid, -n, 1, now() FROM generate_series(1, $2) AS n""",
    """INSERT INTO hold_entries (journal_id, hold_id, position, account_id, currency, direction,
                                 sequence, placed)
       SELECT $1, md5(n::text)::uuid, direction - 1, accounts.id, 'USD', direction, -n, 1
         FROM generate_series(1, $2) AS n, generate_series(1, 2) AS direction, accounts
        WHERE accounts.code = 'cash'""",
    """INSERT INTO reversals (journal_id, id, transaction_id, sequence)
       SELECT $1, md5(n::text)::uuid, md5((-n)::text)::uuid, -n FROM generate_series(1, $2) AS n""",
    """INSERT INTO reversed_entries (journal_id, transaction_id, position, units, reversed)
       SELECT $1, md5((-n)::text)::uuid, 0, 1, 1 FROM generate_series(1, $2) AS n""",
)
_ROWS: Final = """
SELECT t.relname, seq_tup_read + (SELECT sum(idx_tup_read)::bigint FROM pg_stat_user_indexes AS i
                                   WHERE i.relid = t.relid) AS rows
  FROM pg_stat_user_tables AS t
 WHERE relname = ANY ($1)"""


async def work(ledger: RulesLedger) -> None:
    for _ in range(RUNS):
        captured, released, taken_back = (transfer("income", "cash", "9.00") for _ in range(3))
        for hold in (captured, released):
            await ledger.place(hold)
            await ledger.hold(hold.transaction_id)
        await ledger.capture(captured.transaction_id, {"amount": "2.00"})
        await ledger.capture(captured.transaction_id, final=True)
        await ledger.release(released.transaction_id)
        await ledger.post(taken_back)
        await ledger.reverse(taken_back.transaction_id)
        await ledger.get(taken_back.transaction_id)


@pytest.mark.parametrize("analysed_empty", [False, True])
async def test_keys_are_looked_up_by_plans_of_when_tables_were_empty(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch, *, analysed_empty: bool
) -> None:
    monkeypatch.setattr(Checkpointer, "start", lambda _self: None)
    async with connected(database_dsn) as connection:
        for table in (*TABLES, "transactions", "events"):
            # Autovacuum would have the plans made anew.
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
        if analysed_empty:
            await connection.execute("ANALYZE")
    async with serving(database_dsn) as running:
        await running.app.sweeper.close()
        ledger = RulesLedger(running.channel)
        await ledger.open("cash", "income")
        await work(ledger)
        async with connected(database_dsn) as connection:
            journal_id = await connection.fetchval("SELECT id FROM journals")
            for statement in _FILL:
                await connection.execute(statement, journal_id, FILLED)
        await work(ledger)
    async with connected(database_dsn) as connection:
        await all_others_ended(connection)
        for name, rows in await connection.fetch(_ROWS, list(TABLES)):
            assert rows < ROWS_MAX, f"{rows} rows of {name}"

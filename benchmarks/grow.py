"""Makes a journal large without posting: rows as postings leave them, by SQL alone.

Entries, transactions, events, balances, daily sums and the head all agree, so the books verify.
Only the events' contents are not of their transactions: each is a copy of one that was posted.
"""

from typing import Any, Final

import asyncpg

from benchmarks.workload import JOURNAL

#: Transactions a statement.
_CHUNK: Final = 100_000
#: Days over which effective dates are spread, all before the last one of every account.
_DAYS: Final = 365
#: What refuses or checks each row; the owner may put it aside.
_TRIGGERS: Final = ("events", "transactions", "entries")

_PREPARE: Final = """
CREATE TEMP TABLE numbered AS
SELECT row_number() OVER (ORDER BY balances.account_id) - 1 AS number, balances.account_id
  FROM balances JOIN journals ON journals.id = balances.journal_id
 WHERE journals.code = $1;
"""
_INDEX: Final = "CREATE UNIQUE INDEX ON numbered (number)"

#: $1 the journal's number, $2 the head before, $3 how many, $4 accounts. Two different accounts
#: for each, by two steps that have no common divisor with their number.
_ROWS: Final = f"""
CREATE TEMP TABLE made ON COMMIT DROP AS
SELECT $2 + n AS sequence, gen_random_uuid() AS id,
       DATE '2025-06-01' + (hashint8($2 + n) & 1023) % {_DAYS} AS effective,
       (1 + ($2 + n) * 7919 % 99999) / 100.0 AS units,
       ($2 + n) * 7919 % $4 AS debit, (($2 + n) * 7919 + 1 + ($2 + n) % ($4 - 1)) % $4 AS credit
  FROM generate_series(1, $3::int) AS n
"""
_EVENTS: Final = """
INSERT INTO events (journal_id, sequence, recorded_at, type, payload, personal)
SELECT $1, made.sequence, head.recorded_at, posted.type, posted.payload, posted.personal
  FROM made, journal_heads AS head,
       (SELECT type, payload, personal FROM events
         WHERE journal_id = $1 AND type = 21 ORDER BY sequence LIMIT 1) AS posted
 WHERE head.journal_id = $1
 ORDER BY made.sequence
"""
_TRANSACTIONS: Final = """
INSERT INTO transactions (journal_id, id, sequence, effective, external_id)
SELECT $1, id, sequence, effective, 'grown-' || sequence FROM made ORDER BY sequence
"""
_ENTRIES: Final = """
INSERT INTO entries (journal_id, sequence, position, layer, direction, effective, account_id,
                     units, currency)
SELECT $1, made.sequence, leg.direction - 1, 1, leg.direction, made.effective,
       numbered.account_id, round(made.units, 2), 'USD'
  FROM made
 CROSS JOIN LATERAL (VALUES (1, made.debit), (2, made.credit)) AS leg (direction, number)
  JOIN numbered ON numbered.number = leg.number
 ORDER BY made.sequence, leg.direction
"""
_BALANCES: Final = """
UPDATE balances
   SET settled_debit = settled_debit + new.debit, settled_credit = settled_credit + new.credit,
       debit_before = debit_before + new.debit, credit_before = credit_before + new.credit,
       version = version + new.entries
  FROM (SELECT account_id, coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS debit,
               coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS credit, count(*) AS entries
          FROM entries WHERE journal_id = $1 AND sequence > $2 GROUP BY account_id) AS new
 WHERE balances.journal_id = $1 AND balances.account_id = new.account_id
"""
_DAY_SUMS: Final = """
INSERT INTO earlier_days AS days (journal_id, account_id, currency, layer, day, debit, credit)
SELECT $1, account_id, currency, layer, effective,
       coalesce(sum(units) FILTER (WHERE direction = 1), 0),
       coalesce(sum(units) FILTER (WHERE direction = 2), 0)
  FROM entries WHERE journal_id = $1 AND sequence > $2
 GROUP BY account_id, currency, layer, effective
    ON CONFLICT (journal_id, account_id, currency, layer, day)
    DO UPDATE SET debit = days.debit + excluded.debit, credit = days.credit + excluded.credit
"""
_HEAD: Final = "UPDATE journal_heads SET sequence = sequence + $2 WHERE journal_id = $1"


async def grow(dsn: str, entries: int) -> None:
    """Add transactions until the journal has at least so many entries."""
    connection: Any = await asyncpg.connect(dsn)
    try:
        journal_id = await connection.fetchval("SELECT id FROM journals WHERE code = $1", JOURNAL)
        await connection.execute(_PREPARE.replace("$1", f"'{JOURNAL}'"))
        await connection.execute(_INDEX)
        accounts = await connection.fetchval("SELECT count(*) FROM numbered")
        there = await connection.fetchval("SELECT count(*) FROM entries")
        await _triggers(connection, "DISABLE")
        left = max(0, entries - there) // 2
        while left > 0:
            await _add(connection, journal_id, min(left, _CHUNK), accounts)
            left -= _CHUNK
        await _triggers(connection, "ENABLE")
        await connection.execute("VACUUM ANALYZE")
    finally:
        await connection.close()


async def _add(connection: Any, journal_id: int, count: int, accounts: int) -> None:
    async with connection.transaction():
        before = await connection.fetchval(
            "SELECT sequence FROM journal_heads WHERE journal_id = $1", journal_id
        )
        # A statement that makes a table takes no arguments.
        made = _ROWS.replace("$2", f"{before}::bigint").replace("$3", str(count))
        await connection.execute(made.replace("$4", str(accounts)))
        await connection.execute("ANALYZE made")
        for statement in (_EVENTS, _TRANSACTIONS, _ENTRIES):
            await connection.execute(statement, journal_id)
        for statement in (_BALANCES, _DAY_SUMS):
            await connection.execute(statement, journal_id, before)
        await connection.execute(_HEAD, journal_id, count)


async def _triggers(connection: Any, what: str) -> None:
    for table in _TRIGGERS:
        await connection.execute(f"ALTER TABLE {table} {what} TRIGGER USER")

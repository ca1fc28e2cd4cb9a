"""Is the ledger still right? A number without a verified ledger is not a number."""

from collections.abc import Sequence
from typing import Any, Final

import asyncpg
import grpc

from benchmarks.workload import JOURNAL
from ledger_proto.v1 import reports_pb2
from ledger_proto.v1.reports_pb2_grpc import ReportServiceStub

#: True for each rule that holds, whatever was posted.
_LEDGER: Final = """
WITH posted AS (SELECT count(*) AS transactions FROM transactions WHERE journal_id = $1),
     entered AS (
         SELECT count(*) AS entries, sum(CASE direction WHEN 1 THEN units ELSE -units END) AS net
           FROM entries WHERE journal_id = $1),
     held AS (
         SELECT sum(settled_debit + pending_debit) AS debits,
                sum(settled_credit + pending_credit) AS credits, sum(version) AS legs
           FROM balances WHERE journal_id = $1),
     days AS (
         SELECT count(*) FILTER (WHERE (kept.debits, kept.credits) IS DISTINCT FROM
                                       (posted_on.debits, posted_on.credits)) AS wrong
           FROM (SELECT day, sum(debit) AS debits, sum(credit) AS credits
                   FROM daily_sums WHERE journal_id = $1 GROUP BY day) AS kept
           FULL JOIN (SELECT effective AS day,
                             coalesce(sum(units) FILTER (WHERE direction = 1), 0) AS debits,
                             coalesce(sum(units) FILTER (WHERE direction = 2), 0) AS credits
                        FROM entries WHERE journal_id = $1 GROUP BY effective) AS posted_on
          USING (day)),
     stream AS (
         SELECT count(*) AS events, min(sequence) AS first, max(sequence) AS last
           FROM events WHERE journal_id = $1)
SELECT transactions,
       held.debits = held.credits AND entered.net = 0 AS debits_equal_credits,
       entries >= 2 * transactions AS entries_are_two_each_or_more,
       legs = entries AS balances_count_entries,
       days.wrong = 0 AS days_equal_entries,
       first = 1 AND last = events AND head.sequence = last AS sequence_is_gap_free
  FROM posted, entered, held, days, stream, journal_heads AS head
 WHERE head.journal_id = $1
"""

_JOURNAL_ID: Final = "SELECT id FROM journals WHERE code = $1"

_ACKNOWLEDGED: Final = """
SELECT count(*) FROM transactions WHERE journal_id = $1 AND id = ANY ($2::text[]::uuid[])
"""

_BASELINE: Final = """
SELECT (SELECT count(*) FROM transactions) AS transactions,
       (SELECT sum(balance) FROM accounts) = 0 AS balances_sum_to_zero,
       (SELECT count(*) FROM entries) = 2 * (SELECT count(*) FROM transactions)
       AS entries_are_two_each,
       (SELECT coalesce(sum(amount), 0) FROM entries) = 0 AS entries_sum_to_zero
"""


class BooksWrongError(Exception):
    """An invariant does not hold; what was measured counts for nothing."""


class LedgerVerifier:
    """Verifies the journal after each run, and remembers how much was posted."""

    def __init__(self, dsn: str, address: str) -> None:
        """Look at the tables by `dsn`, and at the reports of the server at `address`."""
        self._dsn = dsn
        self._address = address
        self._transactions: int | None = None

    def forget(self) -> None:
        """Take the number of transactions as it is found next: others have posted and verified."""
        self._transactions = None

    async def verify(self, acknowledged: Sequence[str] = ()) -> None:
        """Verify all that was ever posted, and that since the last time it grew by these.

        Raises:
            BooksWrongError: names what is wrong.
        """
        connection = await asyncpg.connect(self._dsn)
        try:
            journal_id = await connection.fetchval(_JOURNAL_ID, JOURNAL)
            row = await connection.fetchrow(_LEDGER, journal_id)
            assert row is not None, "the journal is there"
            there = await connection.fetchval(_ACKNOWLEDGED, journal_id, list(acknowledged))
        finally:
            await connection.close()
        _check_rules(row)
        if there != len(acknowledged) or len(set(acknowledged)) != there:
            raise BooksWrongError(f"{there} of {len(acknowledged)} acknowledged are in the books")
        before, self._transactions = self._transactions, row["transactions"]
        if before is not None and self._transactions != before + there:
            raise BooksWrongError(
                f"{there} were acknowledged, but the books went from {before} "
                f"to {self._transactions} transactions"
            )
        await self._verify_trial_balance()

    async def _verify_trial_balance(self) -> None:
        async with grpc.aio.insecure_channel(self._address) as channel:
            request = reports_pb2.GetTrialBalanceRequest(journal=JOURNAL, page_size=1)
            stub: Any = ReportServiceStub(channel)
            answer = await stub.GetTrialBalance(request, timeout=60)
        if not answer.totals or not all(total.balanced for total in answer.totals):
            raise BooksWrongError(f"the trial balance is not balanced: {answer.totals}")


async def verify_baseline(dsn: str, transactions: int) -> None:
    """Verify the tables of hand-written SQL after `transactions` in all.

    Raises:
        BooksWrongError: names what is wrong.
    """
    connection = await asyncpg.connect(dsn)
    try:
        row = await connection.fetchrow(_BASELINE)
        assert row is not None, "an aggregate gives a row"
    finally:
        await connection.close()
    _check_rules(row)
    if row["transactions"] != transactions:
        raise BooksWrongError(f"{row['transactions']} transactions instead of {transactions}")


def _check_rules(row: Any) -> None:
    broken = [name for name, holds in row.items() if holds is not True and name != "transactions"]
    if broken:
        raise BooksWrongError(f"does not hold: {', '.join(broken)}; {dict(row)}")

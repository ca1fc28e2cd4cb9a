"""No statement of the hot paths may read a table, or a journal, from one end to the other, whatever
PostgreSQL knows of the tables: on a fresh database, on one that grew under a running server, and
with 200,000 accounts before and after ANALYZE.

Counted are PostgreSQL's own scans and rows of each table while the real server does its work, so
the plans are those of its real connections, prepared statements and settings.
"""

from typing import Any, NamedTuple

import pytest

from ledger_proto.v1 import accounts_pb2, balances_pb2, reports_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from ledger_server.proof.checkpointer import Checkpointer
from tests.api.calls import DEBIT
from tests.databases import all_others_ended, connected
from tests.ledger import ATOMIC, PostingLedger, lines, serving, transfer

TABLES = ("balances", "earlier_days", "transactions", "entries", "accounts", "events")
ACCOUNTS = 200_000
#: Rows of one table that the work below may read: a few for each key it names, never all.
ROWS_MAX = 100_000
#: Runs of each statement: from the sixth on a server may take a generic plan.
RUNS = 7


class Reads(NamedTuple):
    """What was read of a table."""

    #: Sequential scans; each process of one that is shared counts.
    scans: int
    #: Rows that came of them, and by an index.
    scanned: int
    rows: int


async def _reads(dsn: str) -> dict[str, Reads]:
    """Return what was read of each table by sessions that have ended."""
    async with connected(dsn) as connection:
        await all_others_ended(connection)
        rows = await connection.fetch(
            "SELECT relname, seq_scan, seq_tup_read,"
            " (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes AS i WHERE i.relid = t.relid) AS"
            " rows FROM pg_stat_user_tables AS t WHERE relname = ANY ($1::text[])",
            list(TABLES),
        )
        return {
            row["relname"]: Reads(row["seq_scan"], row["seq_tup_read"], int(row["rows"]))
            for row in rows
        }


async def _work(ledger: PostingLedger, accounts: list[str]) -> None:
    """Do everything that a busy server does, a few times each."""
    journal = ledger.journal
    first, second = accounts[:2]
    known: list[pb.TransactionRequest] = []
    for number in range(RUNS):
        asked = transfer(first, second, external_id=f"{accounts[0]}-{number}", correlation_id="c")
        known.append(asked)
        await ledger.post(asked)
        await ledger.post(asked)
        await ledger.post(transfer(first, second), validate_only=True)
        await ledger.post_all(
            [transfer(accounts[n], accounts[n + 1]) for n in range(len(accounts) - 1)], ATOMIC
        )
        # Balances that are not there yet.
        currency = ("EUR", "CHF", "GBP", "SEK", "NOK", "DKK", "PLN")[number]
        await ledger.post(lines(f"DEBIT {first} 1 {currency}", f"CREDIT {second} 1 {currency}"))
        await ledger.transactions.GetTransaction(
            pb.GetTransactionRequest(journal=journal, transaction_id=asked.transaction_id)
        )
        for as_of in ("", "2999-01-01"):
            await ledger.balances.GetBalance(
                balances_pb2.GetBalanceRequest(
                    journal=journal, account=first, currency="USD", as_of=as_of
                )
            )
            await ledger.balances.BatchGetBalances(
                balances_pb2.BatchGetBalancesRequest(
                    journal=journal,
                    keys=[balances_pb2.BalanceKey(account=one, currency="USD") for one in accounts],
                    as_of=as_of,
                )
            )
            await ledger.balances.ListBalances(
                balances_pb2.ListBalancesRequest(
                    journal=journal, account=first, page_size=3, as_of=as_of
                )
            )
        for fields in (
            {"account": first},
            {"account": first, "newest_first": True},
            {"account": first, "from_date": "2026-01-01", "correlation_id": "c"},
            {"external_id": asked.external_id},
            {"correlation_id": "c"},
            {"newest_first": True},
        ):
            await ledger.list(page_size=3, **fields)
        await _read_statements(ledger, first)
        await ledger.accounts.GetAccount(
            accounts_pb2.GetAccountRequest(journal=journal, account=first)
        )
        await ledger.accounts.ListAccounts(
            accounts_pb2.ListAccountsRequest(journal=journal, code_prefix="acc", page_size=3)
        )


async def _read_statements(ledger: PostingLedger, account: str) -> None:
    """Read a statement to its end and the ledger's first pages, now and as known; the journal."""
    head = await ledger.head()
    for known_at in (0, head - 1):
        asked = reports_pb2.GetAccountStatementRequest(
            journal=ledger.journal, account=account, page_size=5, as_known_at=known_at
        )
        for _ in range(3):
            page = await ledger.reports.GetAccountStatement(asked)
            asked.page_token = page.next_page_token
            if not page.next_page_token:
                break
        ledger_page = reports_pb2.GetGeneralLedgerRequest(
            journal=ledger.journal, page_size=5, as_known_at=known_at
        )
        for _ in range(3):
            part = await ledger.reports.GetGeneralLedger(ledger_page)
            assert part.accounts
            ledger_page.page_token = part.next_page_token
    await ledger.reports.SearchJournal(
        reports_pb2.SearchJournalRequest(journal=ledger.journal, account=account, page_size=3)
    )


async def _work_on_new_accounts(ledger: PostingLedger, prefix: str, others: list[str]) -> None:
    names = [f"{prefix}-{number:03}" for number in range(30)]
    await ledger.accounts.BatchCreateAccounts(
        accounts_pb2.BatchCreateAccountsRequest(
            journal="main",
            accounts=[accounts_pb2.NewAccount(code=name, normal_side=DEBIT) for name in names],
        )
    )
    await _work(ledger, [*names, *others])


def _check(when: str, before: dict[str, Reads], after: dict[str, Reads]) -> None:
    for name in TABLES:
        scans, _, rows = (now - then for now, then in zip(after[name], before[name], strict=True))
        assert not scans, f"{when}: {scans} sequential scans of {name}"
        assert rows < ROWS_MAX, f"{when}: {rows} rows read of {name}"


async def test_no_statement_reads_a_whole_table(
    database_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    # What the tree reads in the background, the newest events, is most of the few that are here.
    monkeypatch.setattr(Checkpointer, "start", lambda _self: None)
    filled = [f"filled-{number:06}" for number in range(30)]
    async with connected(database_dsn) as connection:
        # Autovacuum would analyse.
        for table in TABLES:
            await connection.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)")
    before = await _reads(database_dsn)
    async with serving(database_dsn) as running:
        await running.ledger.open()
        await _work_on_new_accounts(running.ledger, "fresh", [])
    after = await _reads(database_dsn)
    _check("fresh", before, after)

    async with serving(database_dsn) as running:
        # Its plans are made while the tables are small, and kept while they grow.
        await _work_on_new_accounts(running.ledger, "small", [])
        async with connected(database_dsn) as connection:
            await _fill(connection)
        await _work_on_new_accounts(running.ledger, "grown", filled)
    before, after = after, await _reads(database_dsn)
    # The foreign keys of what was filled in have looked each account up.
    before["accounts"] = before["accounts"]._replace(rows=after["accounts"].rows)
    _check("grown", before, after)

    for when in ("unanalysed", "analysed"):
        if when == "analysed":
            async with connected(database_dsn) as connection:
                await connection.execute("ANALYZE")
        before = await _reads(database_dsn)
        async with serving(database_dsn) as running:
            await _work_on_new_accounts(running.ledger, when, filled)
        _check(when, before, await _reads(database_dsn))


async def test_reports_by_sums_read_the_days_and_not_the_entries(database_dsn: str) -> None:
    """Days and accounts once a report; of entries only those after its position."""
    calls = 0
    async with serving(database_dsn) as running:
        ledger = running.ledger
        await ledger.open("cash", "income")
        await ledger.post_all([transfer() for _ in range(3)], ATOMIC)
        async with connected(database_dsn) as connection:
            await _fill(connection)
            await connection.execute(_FILL_ENTRIES, ACCOUNTS)
            await connection.execute("ANALYZE")
    before = await _reads(database_dsn)
    async with serving(database_dsn) as running:
        ledger = running.ledger
        head = await ledger.head()
        for known_at in (0, head - 1):
            for without_closing in (False, True):
                fields: dict[str, Any] = {
                    "journal": "main",
                    "as_known_at": known_at,
                    "without_closing": without_closing,
                }
                await ledger.reports.GetTrialBalance(reports_pb2.GetTrialBalanceRequest(**fields))
                await ledger.reports.GetBalanceSheet(reports_pb2.GetBalanceSheetRequest(**fields))
                await ledger.reports.GetIncomeStatement(
                    reports_pb2.GetIncomeStatementRequest(from_date="2026-01-01", **fields)
                )
                calls += 3
    after = await _reads(database_dsn)
    for name in TABLES:
        scans, scanned, rows = (
            now - then for now, then in zip(after[name], before[name], strict=True)
        )
        if name in ("accounts", "balances", "earlier_days"):
            # By the table or by an index of the journal, and no more than once.
            assert (scanned + rows) / ACCOUNTS <= calls * 1.01, f"{name}: {scanned} and {rows} rows"
        # A handful of events fills one page, for which no index is asked.
        elif name != "events":
            assert not scans, f"{scans} sequential scans of {name}"
            assert rows < 1_000, f"{rows} rows read of {name}"


#: Long before all that the ledger wrote.
_FILL_ENTRIES = """
INSERT INTO entries (journal_id, sequence, position, layer, direction, effective, account_id, units,
                     currency)
SELECT journals.id, -1 - n / 2, n % 2, 1, 1 + n % 2, '2020-01-01', md5(n::text)::uuid, 1, 'USD'
  FROM journals, generate_series(0, $1 - 1) AS n"""


async def _fill(connection: Any) -> None:
    """Give the journal 200,000 accounts with a balance and a day each, past the ledger."""
    journal_id = await connection.fetchval("SELECT id FROM journals")
    async with connection.transaction():
        for insert in (
            """INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata,
               created_at) SELECT $1, md5(n::text)::uuid, 'filled-' || to_char(n, 'FM000000'), '',
               1, 1, '{}', now()""",
            """INSERT INTO balances (journal_id, account_id, currency, version)
               SELECT $1, md5(n::text)::uuid, 'USD', 1""",
            """INSERT INTO earlier_days (journal_id, account_id, currency, layer, day, debit,
               credit) SELECT $1, md5(n::text)::uuid, 'USD', 1, '2020-01-01', 0, 0""",
        ):
            await connection.execute(
                f"{insert} FROM generate_series(0, $2 - 1) AS n", journal_id, ACCOUNTS
            )

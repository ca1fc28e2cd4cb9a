"""What postings ask of accounts and sets."""

import uuid
from collections.abc import AsyncIterator

import pytest

from ledger_server.domain.account import AccountFacts, AccountStatus
from ledger_server.domain.primitives import Direction, JournalId
from ledger_server.store import account_sets, accounts
from ledger_server.store.database import Database
from tests.books import Books, new_journal


@pytest.fixture
async def books(database_dsn: str) -> AsyncIterator[Books]:
    opened = await new_journal(database_dsn)
    yield opened
    await opened.close()


@pytest.fixture
async def database(database_dsn: str) -> AsyncIterator[Database]:
    opened = await Database.connect(database_dsn)
    yield opened
    await opened.close()


async def test_facts_by_id_and_code(books: Books, database: Database, database_dsn: str) -> None:
    first, second = await books.add_account("a"), await books.add_account("b")
    other = await new_journal(database_dsn, "other")
    foreign = await other.add_account("c")
    await other.close()
    journal_id = JournalId(books.journal_id)
    async with database.writer_transaction() as tx:
        before = database.statement_count
        found = await accounts.facts_in_tx(
            tx, journal_id, [first, second, foreign, uuid.uuid4()], ["b", "c", "nobody"]
        )
        assert database.statement_count == before + 1
        assert sorted(found, key=lambda facts: facts.code) == [
            AccountFacts(first, "a", Direction.DEBIT, AccountStatus.ACTIVE, holds_may_end=True),
            AccountFacts(second, "b", Direction.DEBIT, AccountStatus.ACTIVE, holds_may_end=True),
        ]
        assert await accounts.facts_in_tx(tx, journal_id, [], []) == []
        references = ["a", str(first).upper(), str(second), "c", str(foreign)]
        by_reference = await accounts.facts_by_reference_in_tx(tx, journal_id, references)
    assert {reference: facts.code for reference, facts in by_reference.items()} == {
        "a": "a",
        str(first).upper(): "a",
        str(second): "b",
    }


async def test_facts_that_changed(books: Books, database: Database) -> None:
    ids = [await books.add_account(code) for code in ("a", "b", "c")]
    journal_id = JournalId(books.journal_id)
    async with database.transaction() as tx:
        assert await accounts.facts_changed_since_in_tx(tx, journal_id, 0) == []
        await accounts.set_status_in_tx(tx, journal_id, ids[0], AccountStatus.LOCKED, 5)
        await accounts.set_status_in_tx(tx, journal_id, ids[1], AccountStatus.CLOSED, 6)
        changed = await accounts.facts_changed_since_in_tx(tx, journal_id, 4)
        assert sorted((facts.code, facts.status) for facts in changed) == [
            ("a", AccountStatus.LOCKED),
            ("b", AccountStatus.CLOSED),
        ]
        (last,) = await accounts.facts_changed_since_in_tx(tx, journal_id, 5)
        assert last.id == ids[1]
        assert await accounts.facts_changed_since_in_tx(tx, journal_id, 6) == []


async def test_which_codes_name_sets(books: Books, database: Database) -> None:
    set_id = uuid.uuid4()
    await books.connection.execute(
        "INSERT INTO account_sets VALUES ($1, $2, 's', '', 0, 0, '{}', now())",
        books.journal_id,
        set_id,
    )
    asked = ["s", "x", str(set_id), str(set_id).upper(), str(uuid.uuid4())]
    async with database.writer_transaction() as tx:
        found = await account_sets.codes_of_sets_in_tx(tx, JournalId(books.journal_id), asked)
    assert found == {"s", str(set_id), str(set_id).upper()}


async def test_lookups_use_their_indexes_whatever_the_planner_believes(
    books: Books, database: Database
) -> None:
    """With 20,000 accounts that were never analysed, on a writer's connection and a reader's."""
    await books.connection.execute("ALTER TABLE accounts SET (autovacuum_enabled = off)")
    await books.connection.execute(
        "INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata,"
        " created_at) SELECT $1, gen_random_uuid(), 'k' || number, '', 1, 1, '{}', now()"
        " FROM generate_series(1, 20000) AS number",
        books.journal_id,
    )
    queries = {
        "account_facts": ["$1", "ARRAY[gen_random_uuid()]", "ARRAY['k1']"],
        "account_facts_changed": ["$1", "7"],
    }
    for transaction in (database.writer_transaction, database.transaction):
        async with transaction() as tx:
            for name, values in queries.items():
                query = accounts._SQL[name].rstrip(";")
                for number in range(len(values), 0, -1):
                    value = values[number - 1].replace("$1", str(books.journal_id))
                    query = query.replace(f"${number}", value)
                rows = await tx.fetch(f"EXPLAIN {query}")
                plan = "\n".join(row["QUERY PLAN"] for row in rows)
                assert "Seq Scan" not in plan, plan

"""What the database itself refuses, whoever asks: the runtime role, or the owner by hand."""

import contextlib
import hashlib
import uuid
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from ledger_server.store.pools import RUNTIME_ROLE
from tests.books import CREDIT, DEBIT, PENDING, SETTLED, Books, new_journal

#: A row of each table of facts, in the journal $1.
FACTS = {
    "events": "INSERT INTO events VALUES ($1, 1, now(), 10, '')",
    "transactions": "INSERT INTO transactions VALUES ($1, gen_random_uuid(), 1, '2026-01-31')",
    "entries": None,
    "tx_templates": "INSERT INTO tx_templates VALUES ($1, 'T', 1, '', now())",
    "currencies": None,
    "requests": "INSERT INTO requests VALUES ($1, 'r', '', '', now())",
    "closing_transactions": "INSERT INTO closing_transactions VALUES ($1, 1)",
}


@pytest.fixture
async def books(database_dsn: str) -> AsyncIterator[Books]:
    opened = await new_journal(database_dsn)
    await opened.add_account("a")
    await opened.add_account("b")
    yield opened
    await opened.close()


@contextlib.asynccontextmanager
async def runtime_role(books: Books) -> AsyncIterator[Any]:
    await books.connection.execute(f"SET ROLE {RUNTIME_ROLE}")
    yield books.connection
    await books.connection.execute("RESET ROLE")


async def constraint_of(books: Books, *entries: tuple[int, str, int, str, str]) -> str:
    """Insert the entries of one transaction and return the name of the guard that refuses."""
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.enter(*entries)
    assert refusal.value.constraint_name
    return str(refusal.value.constraint_name)


async def fill(books: Books) -> None:
    await books.post((SETTLED, "a", DEBIT, "1", "USD"), (SETTLED, "b", CREDIT, "1", "USD"))
    for statement in FACTS.values():
        if statement:
            await books.connection.execute(statement, books.journal_id)


async def test_facts_are_append_only_for_the_owner(books: Books) -> None:
    await fill(books)
    for fact in FACTS:
        for statement in (
            f"UPDATE {fact} SET journal_id = journal_id",
            f"DELETE FROM {fact}",
            f"TRUNCATE {fact} CASCADE",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await books.connection.execute(statement)
    await books.connection.execute("DELETE FROM account_set_accounts")


async def test_facts_are_append_only_for_the_runtime_role(books: Books) -> None:
    await fill(books)
    async with runtime_role(books) as connection:
        for fact in FACTS:
            assert await connection.fetchval(f"SELECT count(*) FROM {fact}") >= 1
            for statement in (
                f"UPDATE {fact} SET journal_id = journal_id",
                f"DELETE FROM {fact}",
                f"TRUNCATE {fact} CASCADE",
            ):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.execute(statement)


async def test_the_runtime_role_changes_only_what_may_change(books: Books) -> None:
    await fill(books)
    async with runtime_role(books) as connection:
        await connection.execute("UPDATE accounts SET name = 'x', metadata = '{}', status = 2")
        for statement in (
            "UPDATE accounts SET code = 'x'",
            "UPDATE accounts SET normal_side = 2",
            "UPDATE journals SET time_zone = 'UTC'",
            "UPDATE ledger_secrets SET value = ''",
            "DELETE FROM accounts",
            "DELETE FROM account_sets",
            "DELETE FROM balances",
            "DELETE FROM earlier_days",
            "DELETE FROM journal_heads",
            "DELETE FROM journals",
            "TRUNCATE balances",
            "DROP TABLE entries",
            "ALTER TABLE entries DISABLE TRIGGER ALL",
            "DROP TRIGGER entries_check ON entries",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute(statement)


PERSONAL = b"\x22\x10" + bytes(16) + b"Ada"
ERASED = b"\x2a\x20" + hashlib.sha256(PERSONAL).digest()


async def add_event(books: Books, sequence: int, personal: bytes | None) -> None:
    await books.connection.execute(
        "INSERT INTO events VALUES ($1, $2, now(), 12, 'open', $3)",
        books.journal_id,
        sequence,
        personal,
    )


async def test_a_personal_part_gives_way_to_its_digest_and_nothing_else(books: Books) -> None:
    """Even for the owner of the database; its way for servers is the function."""
    await add_event(books, 1, PERSONAL)
    await add_event(books, 2, None)
    await add_event(books, 3, ERASED)
    wrong = (
        ("personal = $2", b"\x2a\x20" + bytes(32)),
        ("personal = $2", PERSONAL + b"!"),
        ("personal = nullif($2::bytea, $2)", ERASED),
        ("payload = 'other', personal = $2", ERASED),
        ("sequence = sequence + 10, personal = $2", ERASED),
        ("recorded_at = now() - interval '1 s', personal = $2", ERASED),
        ("type = 13, personal = $2", ERASED),
        ("journal_id = journal_id + 1, personal = $2", ERASED),
    )
    for change, value in wrong:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await books.connection.execute(
                f"UPDATE events SET {change} WHERE journal_id = $1 AND sequence = 1",
                books.journal_id,
                value,
            )
    for sequence in (2, 3):
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await books.connection.execute(
                "UPDATE events SET personal = $2 WHERE journal_id = $1 AND sequence = $3",
                books.journal_id,
                ERASED,
                sequence,
            )
    async with runtime_role(books) as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
            await connection.execute("UPDATE events SET personal = $1", ERASED)
        erased = await connection.fetch(
            "SELECT erase_personal_parts($1, '{1, 2, 3, 4}')", books.journal_id
        )
        assert [row[0] for row in erased] == [1]
    rows = await books.connection.fetch("SELECT personal FROM events ORDER BY sequence")
    assert [row["personal"] for row in rows] == [ERASED, None, ERASED]


async def test_an_event_has_no_other_personal_part(books: Books) -> None:
    for wrong in (b"\x1a", b"text"):
        with pytest.raises(asyncpg.CheckViolationError):
            await add_event(books, 1, wrong)


async def test_a_kept_answer_only_loses_what_is_personal(books: Books) -> None:
    await books.connection.execute(
        "INSERT INTO requests VALUES ($1, 'r', 'all', 'long answer', now(), 'A', 'open')",
        books.journal_id,
    )
    async with runtime_role(books) as connection:
        for change in ("erased = true", "response = ''", "request_id = 's'"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
                await connection.execute(f"UPDATE requests SET {change}")
        with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
            await connection.execute(
                "SELECT erase_personal_answer($1, 'r', 'a longer answer')", books.journal_id
            )
        await connection.execute(
            "SELECT erase_personal_answer($1, 'r', 'answer')", books.journal_id
        )
    row = await books.connection.fetchrow("SELECT fingerprint, response, erased FROM requests")
    assert tuple(row) == (b"open", b"answer", True)


async def test_only_servers_may_erase(books: Books) -> None:
    for function in (
        "erase_personal_parts(integer, bigint[])",
        "erase_personal_answer(integer, text, bytea)",
    ):
        for role, may in ((RUNTIME_ROLE, True), ("pg_monitor", False)):
            allowed = "SELECT has_function_privilege($1, $2, 'EXECUTE')"
            assert await books.connection.fetchval(allowed, role, function) is may


async def test_the_functions_see_no_tables_of_their_caller(books: Books) -> None:
    """A table of the same name in a caller's own schema is not what they work on."""
    await add_event(books, 1, PERSONAL)
    await books.connection.execute(
        "CREATE TEMP TABLE events (journal_id int, sequence bigint, personal bytea)"
    )
    await books.connection.execute("INSERT INTO events VALUES (1, 1, $1)", PERSONAL)
    await books.connection.fetch("SELECT erase_personal_parts($1, '{1}')", books.journal_id)
    assert await books.connection.fetchval("SELECT personal FROM pg_temp.events") == PERSONAL
    assert await books.connection.fetchval("SELECT personal FROM public.events") == ERASED


async def test_unbalanced_entries_are_refused(books: Books) -> None:
    for entries in (
        [(SETTLED, "a", DEBIT, "1", "USD")],
        [(SETTLED, "a", DEBIT, "1", "USD"), (SETTLED, "b", CREDIT, "1.01", "USD")],
        [(SETTLED, "a", DEBIT, "1", "USD"), (SETTLED, "b", DEBIT, "1", "USD")],
        [(SETTLED, "a", DEBIT, "1", "USD"), (PENDING, "b", CREDIT, "1", "USD")],
        [(SETTLED, "a", DEBIT, "1", "USD"), (SETTLED, "b", CREDIT, "1", "BTC")],
    ):
        assert await constraint_of(books, *entries) == "entries_balance"
    assert await books.connection.fetchval("SELECT count(*) FROM entries") == 0


async def test_transactions_do_not_balance_each_other(books: Books) -> None:
    """One statement inserts two, of which one has the debit and the other the credit."""
    with pytest.raises(asyncpg.CheckViolationError, match=r"debits . <> credits ."):
        await books.connection.execute(
            "INSERT INTO entries SELECT $1, direction, 0, 1, direction, '2026-01-31',"
            " (SELECT id FROM accounts LIMIT 1), 1, 'USD' FROM (VALUES (1), (2)) AS v (direction)",
            books.journal_id,
        )


async def test_balanced_entries_are_taken_also_from_the_runtime_role(books: Books) -> None:
    async with runtime_role(books):
        await books.enter(
            (SETTLED, "a", DEBIT, "1.50", "USD"),
            (SETTLED, "b", CREDIT, "1.00", "USD"),
            (SETTLED, "b", CREDIT, "0.50", "USD"),
            (PENDING, "a", CREDIT, "0.00000001", "BTC"),
            (PENDING, "b", DEBIT, "0.00000001", "BTC"),
        )
        with pytest.raises(asyncpg.CheckViolationError):
            await books.enter((SETTLED, "a", DEBIT, "1", "USD"))


async def test_units_are_finite_and_above_zero(books: Books) -> None:
    for units in ("NaN", "Infinity", "-Infinity", "0", "-1", "1e38"):
        guard = await constraint_of(
            books, (SETTLED, "a", DEBIT, units, "USD"), (SETTLED, "b", CREDIT, units, "USD")
        )
        assert guard == "entries_units_check", units
    await books.enter(
        (SETTLED, "a", DEBIT, "9" * 38, "JPY"), (SETTLED, "b", CREDIT, "9" * 38, "JPY")
    )


async def test_units_have_no_more_decimals_than_their_currency(books: Books) -> None:
    for units, currency in (("0.001", "USD"), ("0.000000001", "BTC"), ("0.5", "JPY")):
        guard = await constraint_of(
            books, (SETTLED, "a", DEBIT, units, currency), (SETTLED, "b", CREDIT, units, currency)
        )
        assert guard == "entries_scale", currency
    await books.enter((SETTLED, "a", DEBIT, "1.000", "USD"), (SETTLED, "b", CREDIT, "1.0", "USD"))


async def test_a_currency_must_be_registered(books: Books) -> None:
    guard = await constraint_of(
        books, (SETTLED, "a", DEBIT, "1", "EUR"), (SETTLED, "b", CREDIT, "1", "EUR")
    )
    assert guard == "entries_scale"
    other = await books.connection.fetchval(
        "INSERT INTO journals (public_id, code, name, time_zone, created_at)"
        " VALUES (gen_random_uuid(), 'other', '', 'UTC', now()) RETURNING id"
    )
    await books.connection.execute("INSERT INTO currencies VALUES ($1, 'EUR', 2)", other)
    guard = await constraint_of(
        books, (SETTLED, "a", DEBIT, "1", "EUR"), (SETTLED, "b", CREDIT, "1", "EUR")
    )
    assert guard == "entries_scale", "another journal's currency does not count"


async def test_balances_are_numbers_not_below_zero(books: Books) -> None:
    await fill(books)
    for table, column in (
        *(("balances", f"{layer}_{side}") for layer in ("settled", "pending", "encumbrance", "held")
          for side in ("debit", "credit")),
        ("earlier_days", "debit"),
        ("earlier_days", "credit"),
    ):  # fmt: skip
        for value in (Decimal("NaN"), Decimal("Infinity"), Decimal(-1), Decimal("1e60")):
            with pytest.raises(asyncpg.CheckViolationError):
                await books.connection.execute(f"UPDATE {table} SET {column} = $1", value)


async def add_sets(books: Books, *codes: str) -> list[uuid.UUID]:
    ids = [uuid.uuid4() for _ in codes]
    await books.connection.executemany(
        "INSERT INTO account_sets VALUES ($1, $2, $3, '', 0, 0, '{}', now())",
        [(books.journal_id, set_id, code) for set_id, code in zip(ids, codes, strict=True)],
    )
    return ids


async def test_a_set_cannot_come_to_contain_itself(books: Books) -> None:
    top, middle, bottom = await add_sets(books, "top", "middle", "bottom")
    insert = "INSERT INTO account_set_sets VALUES ($1, $2, $3)"
    await books.connection.execute(insert, books.journal_id, top, middle)
    await books.connection.execute(insert, books.journal_id, middle, bottom)
    await books.connection.execute(insert, books.journal_id, top, bottom)
    async with runtime_role(books):
        for container, member in ((top, top), (middle, top), (bottom, top), (bottom, middle)):
            with pytest.raises(asyncpg.CheckViolationError) as refusal:
                await books.connection.execute(insert, books.journal_id, container, member)
            assert refusal.value.constraint_name == "account_set_cycle"


async def test_a_cycle_within_one_statement_is_seen(books: Books) -> None:
    one, two = await add_sets(books, "one", "two")
    with pytest.raises(asyncpg.CheckViolationError) as refusal:
        await books.connection.execute(
            "INSERT INTO account_set_sets VALUES ($1, $2, $3), ($1, $3, $2)",
            books.journal_id,
            one,
            two,
        )
    assert refusal.value.constraint_name == "account_set_cycle"


async def test_nothing_crosses_journals(books: Books, database_dsn: str) -> None:
    other = await new_journal(database_dsn, "other")
    (foreign_set,) = await add_sets(other, "s")
    foreign_account = await other.add_account("a")
    await other.close()
    (own_set,) = await add_sets(books, "s")
    for statement, values in (
        ("INSERT INTO account_set_sets VALUES ($1, $2, $3)", (own_set, foreign_set)),
        ("INSERT INTO account_set_accounts VALUES ($1, $2, $3)", (own_set, foreign_account)),
        ("INSERT INTO balances VALUES ($1, $2, $3)", (foreign_account, "USD")),
    ):
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await books.connection.execute(statement, books.journal_id, *values)

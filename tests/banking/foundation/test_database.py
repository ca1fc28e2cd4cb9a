"""A module's schema is its own, and what is recorded in it stays."""

import asyncio
from typing import Any

import asyncpg
import pytest

from ledger_client.banking.foundation import database
from ledger_client.banking.host import Bank
from tests.banking.bank import START, bank_in_process, eventually
from tests.banking.foundation.probe import probe_on


async def test_no_module_reads_what_is_anothers(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time", "governance") as bank:
        await _own_schema_alone(bank.bank)

        connection = await asyncpg.connect(bank_dsn)
        try:
            await connection.execute("GRANT bank_reader TO CURRENT_USER")
            await connection.execute("SET ROLE bank_reader")
            await connection.fetch("SELECT * FROM bank_time.domain_events")
            for table in ("outbox", "stored_events", "audit_entries"):
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await connection.fetch(f"SELECT * FROM bank_time.{table}")
        finally:
            await connection.close()


async def _own_schema_alone(bank: Bank) -> None:
    async with bank.runners["governance"].database.transaction() as connection:
        assert await connection.fetchval("SELECT current_user") == "bank_governance"
        await connection.fetch("SELECT * FROM stored_events")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with bank.runners["governance"].database.transaction() as connection:
            await connection.fetch("SELECT * FROM bank_time.stored_events")


async def test_who_is_cancelled_ends_though_nobody_answers(
    ledger_dsn: str, bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "ACQUIRE_SECONDS", 1.0)
    monkeypatch.setattr(database, "STATEMENT_SECONDS", 2.0)
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        own = bank.bank.runners["time"].database
        is_asked = asyncio.Event()

        async def ask() -> None:
            async with own.transaction() as connection:
                asked: Any = connection
                asked._con._transport.pause_reading()
                is_asked.set()
                await connection.fetchval("SELECT 1")

        asking = asyncio.create_task(ask())
        await is_asked.wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking


@pytest.mark.parametrize(
    ("table", "column"),
    [("audit_entries", "subject"), ("stored_events", "trace_id"), ("outbox", "event_type")],
)
async def test_facts_stay(ledger_dsn: str, bank_dsn: str, table: str, column: str) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time", start=START.replace(hour=23)) as bank:
        bank.clock.set(START.replace(month=2, day=2))

        async def ended() -> bool:
            return bool(await bank.events("time"))

        await eventually(ended)
        database = bank.bank.runners["time"].database
        for statement in (
            f"DELETE FROM {table}",
            f"UPDATE {table} SET {column} = ''",
            f"TRUNCATE {table} CASCADE",
        ):
            with pytest.raises(asyncpg.RaiseError, match=f"{table} is a record of facts"):
                async with database.transaction() as connection:
                    await connection.execute(statement)


async def test_every_stored_event_names_its_audit_entry(ledger_dsn: str, bank_dsn: str) -> None:
    async with (
        bank_in_process(ledger_dsn, bank_dsn, "time") as bank,
        bank.bank.runners["time"].database.transaction() as connection,
    ):
        rows = await connection.fetch(
            "SELECT body->>'type' AS type, subject, action, authorized FROM stored_events"
            " JOIN audit_entries ON audit_entries.id = audit_entry_id"
        )
        assert {(row["type"], row["subject"]) for row in rows} >= {("opened", "system:time")}
        assert all(row["authorized"] for row in rows)


async def test_who_was_stopped_in_a_transaction_holds_up_nobody(
    bank_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also with a connection of its own, as that which holds the checkpoint."""
    monkeypatch.setattr(database, "IDLE_SECONDS", 0.2)
    async with probe_on(bank_dsn) as probe:
        stopped, other = [await asyncpg.connect(bank_dsn) for _ in range(2)]
        for connection in (stopped, other):
            await probe.database.become(connection)
        await stopped.execute("INSERT INTO followed VALUES ('m', 't', 0)")
        await stopped.execute("BEGIN; SELECT * FROM followed FOR UPDATE")
        assert await other.fetchval("SELECT position FROM followed FOR UPDATE", timeout=5) == 0
        await other.close()
        stopped.terminate()

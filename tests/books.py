"""Books written past the ledger, by hand: for tests of readers and of the database's guards."""

import itertools
import uuid
from datetime import date
from decimal import Decimal
from typing import Any, Self

import asyncpg

SETTLED, PENDING, ENCUMBRANCE = 1, 2, 3
DEBIT, CREDIT = 1, 2


class Books:
    """A journal as its tables have it. Writes as the owner of the database."""

    def __init__(self, connection: Any, journal_id: int) -> None:
        self.connection = connection
        self.journal_id = journal_id
        self._sequences = itertools.count(1_000_000)

    @classmethod
    async def open(cls, dsn: str, code: str = "main") -> Self:
        connection = await asyncpg.connect(dsn)
        return cls(
            connection,
            await connection.fetchval("SELECT id FROM journals WHERE code = $1", code),
        )

    async def close(self) -> None:
        await self.connection.close()

    async def enter(self, *entries: tuple[int, str, int, str, str], day: str = "2026-01-31") -> int:
        """Insert the entries (layer, account code, direction, units, currency) of a transaction."""
        sequence = next(self._sequences)
        await self.connection.execute(
            "INSERT INTO entries SELECT $1, $2, row_number() OVER () - 1, layer, direction, $3,"
            " accounts.id, units, currency"
            " FROM unnest($4::int[], $5::text[], $6::int[], $7::numeric[], $8::text[])"
            " AS entry (layer, code, direction, units, currency)"
            " JOIN accounts ON accounts.journal_id = $1 AND accounts.code = entry.code",
            self.journal_id,
            sequence,
            date.fromisoformat(day),
            [entry[0] for entry in entries],
            [entry[1] for entry in entries],
            [entry[2] for entry in entries],
            [Decimal(entry[3]) for entry in entries],
            [entry[4] for entry in entries],
        )
        return sequence

    async def post(self, *entries: tuple[int, str, int, str, str], day: str = "2026-01-31") -> None:
        """Insert entries and bring balances and daily sums up to them."""
        sequence = await self.enter(*entries, day=day)
        await self.connection.execute(
            "INSERT INTO earlier_days SELECT journal_id, account_id, currency, layer, effective,"
            " coalesce(sum(units) FILTER (WHERE direction = 1), 0),"
            " coalesce(sum(units) FILTER (WHERE direction = 2), 0)"
            " FROM entries WHERE journal_id = $1 AND sequence = $2 GROUP BY 1, 2, 3, 4, 5"
            " ON CONFLICT (journal_id, account_id, currency, layer, day) DO UPDATE"
            " SET debit = earlier_days.debit + excluded.debit,"
            " credit = earlier_days.credit + excluded.credit",
            self.journal_id,
            sequence,
        )
        columns = [
            f"coalesce(sum(units) FILTER (WHERE layer = {layer} AND direction = {direction}), 0)"
            for layer in (SETTLED, PENDING, ENCUMBRANCE)
            for direction in (DEBIT, CREDIT)
        ]
        await self.connection.execute(
            "INSERT INTO balances (journal_id, account_id, currency, version, settled_debit,"
            " settled_credit, pending_debit, pending_credit, encumbrance_debit,"
            " encumbrance_credit)"
            f" SELECT $1, account_id, currency, count(*), {', '.join(columns)}"
            " FROM entries WHERE journal_id = $1 AND sequence >= 1000000"
            " GROUP BY account_id, currency"
            " ON CONFLICT (journal_id, account_id, currency) DO UPDATE"
            " SET version = excluded.version, settled_debit = excluded.settled_debit,"
            " settled_credit = excluded.settled_credit, pending_debit = excluded.pending_debit,"
            " pending_credit = excluded.pending_credit,"
            " encumbrance_debit = excluded.encumbrance_debit,"
            " encumbrance_credit = excluded.encumbrance_credit",
            self.journal_id,
        )

    async def hold(self, account: str, currency: str, debit: str, credit: str) -> None:
        """Say what open holds have left on an account's balance."""
        await self.connection.execute(
            "UPDATE balances SET held_debit = $4, held_credit = $5 FROM accounts"
            " WHERE balances.journal_id = $1 AND accounts.journal_id = $1"
            " AND balances.account_id = accounts.id AND accounts.code = $2 AND currency = $3",
            self.journal_id,
            account,
            currency,
            Decimal(debit),
            Decimal(credit),
        )

    async def add_account(self, code: str) -> uuid.UUID:
        """Insert a debit-normal account."""
        account_id = uuid.uuid4()
        await self.connection.execute(
            "INSERT INTO accounts (journal_id, id, code, name, normal_side, status, metadata,"
            " created_at) VALUES ($1, $2, $3, $3, 1, 1, '{}', clock_timestamp())",
            self.journal_id,
            account_id,
            code,
        )
        return account_id


async def new_journal(dsn: str, code: str = "main") -> Books:
    """Insert a journal with the currencies USD, BTC and JPY."""
    connection = await asyncpg.connect(dsn)
    journal_id = await connection.fetchval(
        "INSERT INTO journals (public_id, code, name, time_zone, created_at)"
        " VALUES (gen_random_uuid(), $1, $1, 'UTC', clock_timestamp()) RETURNING id",
        code,
    )
    await connection.execute(
        "INSERT INTO journal_heads VALUES ($1, 0, clock_timestamp(), 1)", journal_id
    )
    await connection.execute(
        "INSERT INTO currencies VALUES ($1, 'USD', 2), ($1, 'BTC', 8), ($1, 'JPY', 0)", journal_id
    )
    return Books(connection, journal_id)

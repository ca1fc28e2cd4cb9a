"""What velocity limits have counted. Written under the journal's head; see `limit_book`."""

import dataclasses
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.domain.limit_check import Movement
from ledger_server.domain.primitives import AccountId, Direction, JournalId, Layer
from ledger_server.domain.transaction import BalanceKey
from ledger_server.store.database import Tx
from ledger_server.store.queries import load

_SQL = load("limit_movements")

#: Before everything: where a window without a beginning begins.
BEGINNING: Final = datetime(1, 1, 1, tzinfo=UTC)

#: A limit and an account that it binds.
Key = tuple[str, AccountId]


@dataclasses.dataclass(frozen=True, slots=True)
class PastEntry:
    """An entry that a velocity limit may count, from before it was counting."""

    sequence: int
    recorded_at: datetime
    direction: Direction
    layer: Layer
    #: As posted; what a limit's condition sees.
    posted: Decimal
    #: What counts: of a hold, less what was given back; of one that brings in, what came.
    units: Decimal
    #: The stored event, for the limit's condition; empty if it was not asked for.
    payload: bytes


async def started_in_tx(tx: Tx, journal_id: JournalId, keys: Sequence[Key]) -> set[Key]:
    """Return for which of `keys` the past has been counted."""
    rows = await tx.fetch(_SQL["started"], journal_id, *_columns(keys))
    return {(row["limit_code"], row["account_id"]) for row in rows}


async def insert_starts_in_tx(tx: Tx, journal_id: JournalId, keys: Sequence[Key]) -> None:
    """Note that the past of `keys` has been counted."""
    await tx.execute(_SQL["insert_starts"], journal_id, *_columns(keys))


async def past_in_tx(
    tx: Tx,
    journal_id: JournalId,
    key: BalanceKey,
    direction: Direction,
    since: datetime,
    *,
    with_payload: bool,
) -> list[PastEntry]:
    """Return what an account moved in a currency since a moment, oldest first.

    `direction` is the side that the limit counts. Payloads are large and only for conditions.
    """
    rows = await tx.fetch(_SQL["past"], journal_id, *key, since, direction, with_payload)
    return [
        PastEntry(
            row["sequence"],
            row["recorded_at"],
            Direction(row["direction"]),
            Layer(row["layer"]),
            row["posted"],
            row["units"],
            row["payload"],
        )
        for row in rows
    ]


async def moved_in_tx(
    tx: Tx, journal_id: JournalId, windows: Sequence[tuple[Key, datetime | None]]
) -> dict[Key, Decimal]:
    """Return what was counted since the beginning of each window."""
    rows = await tx.fetch(
        _SQL["moved"],
        journal_id,
        *_columns([key for key, _ in windows]),
        [since or BEGINNING for _, since in windows],
    )
    return {(row["limit_code"], row["account_id"]): row["used"] for row in rows}


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, movements: Sequence[tuple[Movement, int, datetime]]
) -> None:
    """Write movements, each with the sequence and time of its posting."""
    await tx.execute(
        _SQL["insert_movements"],
        journal_id,
        [movement.limit_code for movement, _, _ in movements],
        [movement.account_id for movement, _, _ in movements],
        [movement.counted_at or recorded_at for movement, _, recorded_at in movements],
        [sequence for _, sequence, _ in movements],
        [movement.units for movement, _, _ in movements],
    )


async def forget_in_tx(tx: Tx, journal_id: JournalId, limit_code: str | None) -> None:
    """Have the past counted anew: of one limit, or for None of all."""
    await tx.execute(_SQL["forget_movements"], journal_id, limit_code)
    await tx.execute(_SQL["forget_starts"], journal_id, limit_code)


def _columns(keys: Sequence[Key]) -> tuple[list[str], list[UUID]]:
    return [code for code, _ in keys], [account_id for _, account_id in keys]

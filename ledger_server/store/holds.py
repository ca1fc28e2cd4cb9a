"""Holds: found, written and listed."""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import datetime
from uuid import UUID

from ledger_server.domain.books import Posting
from ledger_server.domain.hold import Hold, HoldLeg, HoldStatus
from ledger_server.domain.primitives import AccountId, Direction, JournalId
from ledger_server.domain.transaction import BalanceKey
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("holds")


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which holds to list; all that is given must hold."""

    account_id: AccountId | None = None
    status: HoldStatus | None = None
    expire_before: datetime | None = None


async def find_in_tx(tx: Tx, journal_id: JournalId, ids: Sequence[UUID]) -> dict[UUID, Hold]:
    """Return holds by id, in the order in which they were placed."""
    rows = await tx.fetch(_SQL["find_holds"], journal_id, ids)
    grouped: dict[UUID, list[Row]] = {}
    for row in rows:
        grouped.setdefault(row["id"], []).append(row)
    return {hold_id: _hold(of_one) for hold_id, of_one in grouped.items()}


async def list_in_tx(
    tx: Tx, journal_id: JournalId, wanted: Filter, after_sequence: int, limit: int
) -> list[UUID]:
    """Return the ids of up to `limit` holds placed after a sequence, in order."""
    name = "list_holds_of_account" if wanted.account_id else "list_holds"
    rows = await tx.fetch(
        _SQL[name],
        journal_id,
        after_sequence,
        wanted.status,
        wanted.expire_before,
        limit,
        *([wanted.account_id] if wanted.account_id else []),
    )
    return [row["id"] for row in rows]


async def expired_in_tx(tx: Tx, limit: int) -> list[tuple[str, UUID]]:
    """Return up to `limit` open holds of each journal whose time has passed, with its id."""
    rows = await tx.fetch(_SQL["expired_holds"], limit)
    return [(str(row["public_id"]), row["id"]) for row in rows]


async def write_in_tx(
    tx: Tx, journal_id: JournalId, postings: Iterable[Posting], base: int, recorded_at: datetime
) -> None:
    """Write what the postings of a batch, at the sequences from `base` + 1 on, do to holds.

    A hold that the batch touches more than once is written as the last posting leaves it.
    """
    placed: list[tuple[Hold, int]] = []
    changed: dict[UUID, Hold] = {}
    for sequence, posting in enumerate(postings, base + 1):
        if posting.hold_step is None:
            continue
        if posting.hold_before is None:
            placed.append((posting.hold_step.hold, sequence))
        else:
            changed[posting.hold_step.hold.id] = posting.hold_step.hold
    if placed:
        await _insert_in_tx(tx, journal_id, placed, recorded_at)
    if changed:
        await _update_in_tx(tx, journal_id, list(changed.values()))


async def _insert_in_tx(
    tx: Tx, journal_id: JournalId, placed: Sequence[tuple[Hold, int]], recorded_at: datetime
) -> None:
    await tx.execute(
        _SQL["insert_holds"],
        journal_id,
        recorded_at,
        [hold.id for hold, _ in placed],
        [sequence for _, sequence in placed],
        [hold.expire_at for hold, _ in placed],
    )
    rows = [
        (
            hold.id,
            sequence,
            position,
            leg.key.account_id,
            leg.key.currency,
            leg.direction,
            leg.placed,
        )
        for hold, sequence in placed
        for position, leg in enumerate(hold.legs)
    ]
    await tx.execute(_SQL["insert_hold_entries"], journal_id, *zip(*rows, strict=True))


async def _update_in_tx(tx: Tx, journal_id: JournalId, changed: Sequence[Hold]) -> None:
    rows = [
        (hold.id, position, leg.captured, leg.released)
        for hold in changed
        for position, leg in enumerate(hold.legs)
    ]
    await tx.execute(_SQL["update_hold_entries"], journal_id, *zip(*rows, strict=True))
    ended = [hold for hold in changed if hold.status is not HoldStatus.OPEN]
    if ended:
        await tx.execute(
            _SQL["update_holds"],
            journal_id,
            [hold.id for hold in ended],
            [hold.status for hold in ended],
        )


def _hold(rows: Sequence[Row]) -> Hold:
    first = rows[0]
    return Hold(
        id=first["id"],
        status=HoldStatus(first["status"]),
        expire_at=first["expire_at"],
        placed_at=first["placed_at"],
        legs=tuple(
            HoldLeg(
                BalanceKey(row["account_id"], row["currency"]),
                row["code"],
                Direction(row["direction"]),
                row["placed"],
                row["captured"],
                row["released"],
            )
            for row in rows
        ),
    )

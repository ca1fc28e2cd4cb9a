"""Holds: found, written and listed."""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from ledger_server.domain.books import Posting
from ledger_server.domain.hold import Hold, HoldLeg, HoldStatus
from ledger_server.domain.primitives import AccountId, Direction, JournalId
from ledger_server.domain.transaction import ENTRIES_MAX, BalanceKey
from ledger_server.store.array_text import NULL, amount_array, plain_array, text_array
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
    # Each once: a batch may name one hold many times, and a row would come for each.
    rows = await tx.fetch(_SQL["find_holds"], journal_id, list(set(ids)), ENTRIES_MAX)
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


def hold_columns(postings: Sequence[Posting]) -> tuple[str, ...]:
    """Return what the postings of a batch do to holds, as arrays for `write_rules`.

    A hold that the batch touches more than once is written as the last posting leaves it.
    """
    ordinals: dict[UUID, str] = {}
    after: dict[UUID, Hold] = {}
    for ordinal, posting in enumerate(postings, 1):
        if posting.hold_step is None:
            continue
        hold = posting.hold_step.hold
        after[hold.id] = hold
        if posting.hold_before is None:
            ordinals[hold.id] = str(ordinal)
    written = [
        hold for hold in after.values() if hold.id in ordinals or hold.status is not HoldStatus.OPEN
    ]
    rows = [
        (hold, str(index), leg) for hold in after.values() for index, leg in enumerate(hold.legs)
    ]
    legs = [leg for *_, leg in rows]
    return (
        *_place_columns(written, ordinals),
        plain_array([str(hold.status.value) for hold in written]),
        text_array([_moment(hold.expire_at) for hold in written]),
        text_array([_moment(hold.placed_at) for hold in written]),
        *_place_columns([hold for hold, *_ in rows], ordinals),
        plain_array([position for _, position, _ in rows]),
        plain_array([str(leg.key.account_id) for leg in legs]),
        text_array([leg.key.currency for leg in legs]),
        plain_array([str(leg.direction.value) for leg in legs]),
        amount_array([leg.placed for leg in legs]),
        amount_array([leg.captured for leg in legs]),
        amount_array([leg.released for leg in legs]),
    )


def _place_columns(of: Sequence[Hold], ordinals: Mapping[UUID, str]) -> tuple[str, ...]:
    """Return ids, the sequences of those that were there, the ordinals of those placed now."""
    return (
        plain_array([str(hold.id) for hold in of]),
        plain_array([NULL if hold.sequence is None else str(hold.sequence) for hold in of]),
        plain_array([ordinals.get(hold.id, NULL) for hold in of]),
    )


def _moment(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat()


def _hold(rows: Sequence[Row]) -> Hold:
    first = rows[0]
    return Hold(
        id=first["id"],
        status=HoldStatus(first["status"]),
        expire_at=first["expire_at"],
        placed_at=first["placed_at"],
        sequence=first["sequence"],
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

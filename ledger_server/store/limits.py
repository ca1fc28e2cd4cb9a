"""Limits and what they bind."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.domain.limit import Attachment, Limit, Measure, Scope, Velocity, Window
from ledger_server.domain.primitives import AccountId, Direction, JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("limits")

_STANDING, _VELOCITY = 1, 2

#: Sorts before every attachment: accounts are of kind 0, and the nil id is nobody's.
FIRST_ATTACHMENT: Final = (-1, UUID(int=0))


async def attachments_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Sequence[UUID]
) -> dict[UUID, tuple[Attachment, ...]]:
    """Return every limit that binds each account, by itself or through any set above it.

    By limit code; an account that no limit binds is left out. A limit that binds each account by
    itself is listed once, however many ways it comes; one on the whole of sets once a set.
    """
    rows = await tx.fetch(_SQL["attachments"], journal_id, account_ids)
    return {
        account_id: tuple(_binding(row) for row in bound)
        for account_id, bound in itertools.groupby(rows, lambda row: row["account_id"])
    }


async def any_in_tx(tx: Tx, journal_id: JournalId) -> bool:
    """Tell whether any limit of the journal is attached to anything."""
    row = await tx.fetch_one(_SQL["any_attachment"], journal_id)
    assert row is not None, "a question of EXISTS gives its row"
    return bool(row["found"])


async def find_in_tx(tx: Tx, journal_id: JournalId, code: str) -> Limit | None:
    """Return the limit with this code."""
    row = await tx.fetch_one(_SQL["find_limit"], journal_id, code)
    return _limit(row) if row else None


async def list_in_tx(tx: Tx, journal_id: JournalId, after_code: str, limit: int) -> list[Limit]:
    """Return up to `limit` limits whose code is above `after_code`, by code."""
    rows = await tx.fetch(_SQL["list_limits"], journal_id, after_code, limit)
    return [_limit(row) for row in rows]


async def insert_in_tx(tx: Tx, journal_id: JournalId, limit: Limit) -> Limit:
    """Create a limit that binds nothing.

    Raises:
        ConstraintError: `limits_pkey` if the code is taken.
    """
    velocity = limit.velocity
    row = await tx.fetch_one(
        _SQL["insert_limit"],
        journal_id,
        limit.code,
        limit.name,
        limit.currency,
        _VELOCITY if velocity else _STANDING,
        limit.bound,
        velocity.direction if velocity else None,
        velocity.measure if velocity else None,
        velocity.window if velocity else None,
        velocity.rolling_seconds if velocity else None,
        velocity.condition if velocity else "",
    )
    assert row is not None, "INSERT ... RETURNING gives its row"
    return _limit(row)


async def update_in_tx(
    tx: Tx, journal_id: JournalId, code: str, *, name: str, bound: Decimal
) -> Limit:
    """Give a limit that is there another name and bound."""
    row = await tx.fetch_one(_SQL["update_limit"], journal_id, code, name, bound)
    assert row is not None, f"limit {code} was read under the head"
    return _limit(row)


async def attach_in_tx(tx: Tx, journal_id: JournalId, attachment: Attachment) -> bool:
    """Have a limit bind an account or set and tell whether that changes anything."""
    code = attachment.limit.code
    if attachment.set_id is None:
        query = _SQL["attach_account"]
        rows = await tx.fetch(query, journal_id, code, attachment.account_id)
    else:
        query = _SQL["attach_set"]
        rows = await tx.fetch(query, journal_id, code, attachment.set_id, attachment.scope)
    return bool(rows)


async def detach_in_tx(
    tx: Tx,
    journal_id: JournalId,
    code: str,
    *,
    account_id: AccountId | None,
    set_id: UUID | None,
) -> Scope | None:
    """Have a limit let go of an account or set and return how it bound it, None if it did not."""
    if set_id is None:
        row = await tx.fetch_one(_SQL["detach_account"], journal_id, code, account_id)
    else:
        row = await tx.fetch_one(_SQL["detach_set"], journal_id, code, set_id)
    return Scope(row["scope"]) if row else None


async def list_attached_in_tx(
    tx: Tx, journal_id: JournalId, limit: Limit, after: tuple[int, UUID], count_max: int
) -> list[Attachment]:
    """Return up to `count_max` attachments of a limit after (kind, id).

    Accounts (kind 0) come before sets (1), each by id. `set_side` is not looked up.
    """
    rows = await tx.fetch(_SQL["attached_to"], journal_id, limit.code, *after, count_max)
    return [
        Attachment(
            limit=limit,
            account_id=None if row["kind"] else row["id"],
            set_id=row["id"] if row["kind"] else None,
            scope=Scope(row["scope"]),
        )
        for row in rows
    ]


async def velocity_codes_of_set_in_tx(tx: Tx, journal_id: JournalId, set_id: UUID) -> list[str]:
    """Return the velocity limits that bind the accounts of a set through it or a set above it."""
    rows = await tx.fetch(_SQL["velocity_limits_of_set"], journal_id, set_id)
    return [row["code"] for row in rows]


async def present_in_tx(tx: Tx, journal_id: JournalId) -> datetime:
    """Return the time that an event recorded now would get, from which windows are counted."""
    row = await tx.fetch_one(_SQL["present"], journal_id)
    assert row is not None, f"journal {journal_id} has no head"
    present: datetime = row["present"]
    return present


def _binding(row: Row) -> Attachment:
    attachment = Attachment(
        limit=_limit(row),
        account_id=None if row["set_id"] else row["account_id"],
        set_id=row["set_id"],
        scope=Scope(row["scope"]),
        set_side=Direction(row["set_side"] or Direction.DEBIT),
    )
    assert attachment.scope is Scope.EACH_ACCOUNT or row["set_side"], "a whole set needs a side"
    return attachment


def _limit(row: Row) -> Limit:
    velocity = None
    if row["direction"] is not None:
        velocity = Velocity(
            direction=Direction(row["direction"]),
            measure=Measure(row["measure"]),
            window=Window(row["time_window"]),
            rolling_seconds=row["rolling_seconds"],
            condition=row["condition"],
        )
    return Limit(
        code=row["code"],
        name=row["name"],
        currency=row["currency"],
        bound=row["bound"],
        velocity=velocity,
        created_at=row["created_at"],
    )

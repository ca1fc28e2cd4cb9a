"""Holds: money promised, and what became of it."""

import dataclasses
import datetime as dt
from decimal import Decimal
from uuid import UUID

from ledger_client.models.transactions import Transaction
from ledger_client.models.words import Direction, HoldStatus


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldEntry:
    """One entry of a hold, in whole currency units: placed = captured + released + left."""

    #: Id of the account.
    account_id: UUID
    #: Code of the account.
    account_code: str
    #: Which side.
    direction: Direction
    #: Code of the currency.
    currency: str
    #: As placed.
    placed: Decimal
    #: Taken by captures.
    captured: Decimal
    #: Given back, also by expiry.
    released: Decimal
    #: What can still be captured.
    left: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Money promised, as it stood when it was read."""

    #: The caller's; also the id of the transaction that placed it.
    id: UUID
    #: Whether and how it has ended.
    status: HoldStatus
    #: When what is left is given back by itself; None for never.
    expire_time: dt.datetime | None
    #: In the order of the template.
    entries: tuple[HoldEntry, ...]
    #: The transaction that placed it.
    transaction: Transaction


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldResult:
    """What came of placing a hold."""

    #: As it stands.
    hold: Hold
    #: True if it was placed by an earlier, equal request.
    replayed: bool

"""What statements are made from: sums of accounts, their entries in order, their holds."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from ledger_proto.v1 import transactions_pb2
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, JournalId, Layer
from ledger_server.domain.report.account_statement import Movement, Place
from ledger_server.domain.report.periods import NOTHING, Sums, SumsByKey, taken_off
from ledger_server.domain.transaction import Kind
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load
from ledger_server.store.reports import Scope
from ledger_server.store.transaction_codec import read_transaction

_SQL = load("statements")

#: What takes from a hold.
_TAKES_FROM_HOLD = {Kind.CAPTURE, Kind.RELEASE, Kind.EXPIRY}


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Range:
    """Which entries a statement is about."""

    scope: Scope
    first: date
    last: date
    #: Entries after this sequence do not count.
    sequence: int
    #: Whether there are any.
    is_head: bool


@dataclasses.dataclass(frozen=True, slots=True)
class EntryFound:
    """An entry with its transaction."""

    movement: Movement
    transaction: transactions_pb2.Transaction


class LedgerAccount(NamedTuple):
    """An account as the general ledger shows it."""

    id: AccountId
    code: str
    name: str
    normal_side: Direction


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldLeft:
    """What is left of a hold on one account, currency and side."""

    hold_id: UUID
    account_id: AccountId
    currency: str
    direction: Direction
    units: Decimal
    placed_at: datetime
    expire_at: datetime | None
    sequence: int


_HoldKey = tuple[UUID, AccountId, str, Direction]


async def sums_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Sequence[AccountId], of: Range
) -> SumsByKey:
    """Return the sums of each account and currency before the range and within it."""
    arguments = (account_ids, of.scope.layer, of.scope.currency, of.first, of.last)
    sums = _sums(await tx.fetch(_SQL["statement_sums"], journal_id, *arguments))
    if of.is_head:
        return taken_off(sums)
    query = _SQL["statement_sums_later"]
    return taken_off(sums, _sums(await tx.fetch(query, journal_id, *arguments, of.sequence)))


async def net_debits_at_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Sequence[AccountId], of: Range, place: Place
) -> dict[tuple[AccountId, str], Decimal]:
    """Return the net debit of each account and currency right after the entry at `place`."""
    until = dataclasses.replace(of, first=place.effective, last=place.effective)
    before = await sums_in_tx(tx, journal_id, account_ids, until)
    nets = {key: sums.opening() for key, sums in before.items()}
    rows = await tx.fetch(
        _SQL["statement_day"],
        journal_id,
        account_ids,
        of.scope.layer,
        of.scope.currency,
        *place,
        of.sequence,
    )
    for key, sums in _sums(rows).items():
        nets[key] = EXACT.add(nets.get(key, ZERO), sums.movement())
    return nets


async def entries_in_tx(
    tx: Tx,
    journal_id: JournalId,
    account_ids: Sequence[AccountId],
    of: Range,
    *,
    after: Place,
    limit: int,
) -> list[EntryFound]:
    """Return up to `limit` entries of the accounts beyond a place, in the order of days."""
    rows = await tx.fetch(
        _SQL["statement_entries"],
        journal_id,
        account_ids,
        of.scope.layer,
        of.scope.currency,
        of.first,
        of.last,
        *after,
        of.sequence,
        limit,
    )
    return [_entry(row) for row in rows]


async def ledger_entries_in_tx(
    tx: Tx,
    journal_id: JournalId,
    after: Mapping[AccountId, Place],
    of: Range,
    limit: int,
) -> list[EntryFound]:
    """Return up to `limit` entries, account after account, of each those beyond its place."""
    rows = await tx.fetch(
        _SQL["general_ledger_entries"],
        journal_id,
        list(after),
        of.scope.layer,
        of.scope.currency,
        of.first,
        of.last,
        [place.effective for place in after.values()],
        [place.sequence for place in after.values()],
        [place.position for place in after.values()],
        of.sequence,
        limit,
    )
    return [_entry(row) for row in rows]


async def accounts_in_tx(
    tx: Tx, journal_id: JournalId, code: str, *, include_first: bool, limit: int
) -> list[LedgerAccount]:
    """Return up to `limit` accounts above `code`, and if asked for that of `code` too, by code."""
    rows = await tx.fetch(_SQL["ledger_accounts"], journal_id, code, include_first, limit)
    return [
        LedgerAccount(row["id"], row["code"], row["name"], Direction(row["normal_side"]))
        for row in rows
    ]


async def codes_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Sequence[AccountId]
) -> dict[AccountId, str]:
    """Return the codes of accounts."""
    rows = await tx.fetch(_SQL["statement_account_codes"], journal_id, account_ids)
    return {row["id"]: row["code"] for row in rows}


async def holds_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Sequence[AccountId], of: Range, limit: int
) -> list[HoldLeft]:
    """Return what was left of up to `limit` holds at the position, the oldest first.

    What has been taken from them since is added back, so the cost is in what came since.
    """
    taken: defaultdict[_HoldKey, Decimal] = defaultdict(Decimal)
    if not of.is_head:
        for row in await tx.fetch(_SQL["pending_after"], journal_id, account_ids, of.sequence):
            _add_taken(taken, row)
    rows = await tx.fetch(
        _SQL["statement_holds"],
        journal_id,
        account_ids,
        of.sequence,
        list({hold_id for hold_id, *_ in taken}),
        of.scope.currency,
        limit,
    )
    found = []
    for row in rows:
        direction = Direction(row["direction"])
        key = (row["id"], row["account_id"], row["currency"], direction)
        units = EXACT.add(row["units_left"], taken.get(key, ZERO))
        if units:
            found.append(
                HoldLeft(
                    hold_id=row["id"],
                    account_id=row["account_id"],
                    currency=row["currency"],
                    direction=direction,
                    units=units,
                    placed_at=row["placed_at"],
                    expire_at=row["expire_at"],
                    sequence=row["sequence"],
                )
            )
    return found


def _add_taken(taken: defaultdict[_HoldKey, Decimal], row: Row) -> None:
    """Add what a transaction took from a hold: its PENDING entries are on the other side."""
    transaction = read_transaction(row["payload"], row["sequence"], row["recorded_at"])
    if Kind(transaction.kind) not in _TAKES_FROM_HOLD:
        return
    for entry in transaction.entries:
        if Layer(entry.layer) is Layer.PENDING:
            side = Direction(entry.direction).opposite
            key = (UUID(transaction.hold_id), UUID(entry.account_id), entry.currency, side)
            taken[key] = EXACT.add(taken[key], Decimal(entry.units))


def _sums(rows: Sequence[Row]) -> SumsByKey:
    sums: SumsByKey = {}
    for row in rows:
        one = Sums(row["opening_debit"], row["opening_credit"], row["debit"], row["credit"])
        key = (row["account_id"], row["currency"])
        sums[key] = sums.get(key, NOTHING) + one
    return sums


def _entry(row: Row) -> EntryFound:
    return EntryFound(
        Movement(
            place=Place(row["effective"], row["sequence"], row["position"]),
            account_id=row["account_id"],
            direction=Direction(row["direction"]),
            units=row["units"],
            currency=row["currency"],
        ),
        read_transaction(row["payload"], row["sequence"], row["recorded_at"]),
    )

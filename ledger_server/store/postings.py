"""Postings: reading what a batch touches, finding what is known, writing what was decided."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Self
from uuid import UUID, uuid4

from ledger_server.domain.books import BalanceState, Posting, Sides
from ledger_server.domain.day_sums import DayChanges
from ledger_server.domain.primitives import ZERO, JournalId, Layer
from ledger_server.domain.replay import Recorded
from ledger_server.domain.transaction import ENTRIES_MAX, BalanceKey
from ledger_server.store.array_text import (
    NULL,
    alike,
    amount_array,
    date_text,
    plain_array,
    text_array,
)
from ledger_server.store.codec import StoredEvent
from ledger_server.store.database import Row, Tx
from ledger_server.store.holds import hold_columns
from ledger_server.store.queries import load
from ledger_server.store.reversals import reversal_columns
from ledger_server.store.transaction_codec import recorded

_SQL = load("postings")
#: What writes a batch, one with other days than the last ones of its balances, and one with holds
#: or reversals.
WRITE: Final = "\n".join((_SQL["write_batch"], _SQL["written"]))
WRITE_WITH_DAYS: Final = "\n".join((_SQL["write_batch"], _SQL["write_days"], _SQL["written"]))
WRITE_WITH_RULES: Final = "\n".join(
    (_SQL["write_batch"], _SQL["write_days"], _SQL["write_rules"], _SQL["written"])
)

#: In the order of `BalanceState.sums`.
_SUM_COLUMNS: Final = (
    "settled_debit",
    "settled_credit",
    "pending_debit",
    "pending_credit",
    "encumbrance_debit",
    "encumbrance_credit",
    "held_debit",
    "held_credit",
)


#: The positions of entries as text, and the numbers of layers and directions. What captures a hold
#: has two entries for each of its legs.
_POSITIONS: Final = [str(position) for position in range(2 * ENTRIES_MAX)]
_NUMBERS: Final = ("0", "1", "2", "3")
#: Of a batch in which every balance keeps its last day and the sums before it.
_UNMOVED: Final = (plain_array([NULL]),) * 3


@dataclasses.dataclass(frozen=True, slots=True)
class Known:
    """What the books say about the ids that a batch names."""

    head_sequence: int
    config_version: int
    #: When the books were looked at, by the database's clock.
    now: datetime
    by_id: dict[UUID, Recorded]
    by_external_id: dict[str, UUID]

    @classmethod
    def nothing(cls, head_sequence: int, config_version: int, now: datetime) -> Self:
        """Return that none of the ids is recorded, which `write_batch_in_tx` will prove."""
        return cls(head_sequence, config_version, now, {}, {})


@dataclasses.dataclass(frozen=True, slots=True)
class EncodedBatch:
    """A batch as the columns of its tables."""

    #: What the journal's head is told who wrote it last.
    id: UUID
    #: Its postings.
    count: int
    columns: tuple[Sequence[object], ...]
    #: The statement that writes them, one of three.
    statement: str
    #: Of days, holds and reversals, as far as the statement has them.
    more_columns: tuple[str, ...]


async def read_balances_in_tx(
    tx: Tx, journal_id: JournalId, keys: Iterable[BalanceKey]
) -> dict[BalanceKey, BalanceState]:
    """Return the balances that are there."""
    _, states = await read_balances_at_head_in_tx(tx, journal_id, keys)
    return states


async def read_balances_at_head_in_tx(
    tx: Tx, journal_id: JournalId, keys: Iterable[BalanceKey]
) -> tuple[Known, dict[BalanceKey, BalanceState]]:
    """Return the balances that are there, and where the journal stands, at one moment.

    What is known of ids is nothing: they are not asked for.
    """
    rows = await tx.fetch(_SQL["read_balances"], journal_id, *_columns(keys))
    assert rows, f"journal {journal_id} has no head"
    head = rows[0]
    return (
        Known.nothing(head["head_sequence"], head["config_version"], head["now"]),
        _states([row for row in rows if row["account_id"] is not None]),
    )


async def find_known_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID], external_ids: Sequence[str]
) -> Known:
    """Return what is recorded under these ids, and where the journal stands, at one moment."""
    rows = await tx.fetch(
        _SQL["find_known"], journal_id, plain_array(map(str, ids)), text_array(external_ids)
    )
    assert rows, f"journal {journal_id} has no head"
    by_id: dict[UUID, Recorded] = {}
    by_external_id: dict[str, UUID] = {}
    for row in rows:
        if row["payload"] is not None:
            by_id[row["id"]] = recorded(row["payload"], row["sequence"], row["recorded_at"])
        elif row["id"] is not None:
            by_external_id[row["external_id"]] = row["id"]
    first = rows[0]
    return Known(
        first["head_sequence"], first["config_version"], first["now"], by_id, by_external_id
    )


def encode_batch(
    postings: Sequence[Posting],
    events: Sequence[StoredEvent],
    changes: DayChanges,
) -> EncodedBatch:
    """Return postings and what they make of balances and days, ready to be written."""
    statement, more_columns = _more_columns(postings, changes)
    return EncodedBatch(
        uuid4(),
        len(postings),
        (
            plain_array(alike([str(event.type) for event in events])),
            [event.payload for event in events],
            *_transaction_columns(postings),
            *_entry_columns(postings),
            *_balance_columns(changes.balances),
            *_last_day_columns(changes),
            [event.personal for event in events],
        ),
        statement,
        more_columns,
    )


async def write_batch_in_tx(
    tx: Tx,
    journal_id: JournalId,
    batch: EncodedBatch,
    *,
    head_sequence: int,
    config_version: int,
    after: UUID | None,
    deadline: datetime | None,
) -> datetime | None:
    """Write a batch at the sequences from `head_sequence` + 1 on; return when it was recorded.

    Waits for whoever has the head, and so for the batch `after` which it comes, if one is given.

    Returns:
        None if the journal is not at `head_sequence` and `config_version`, or was brought there by
        another batch than `after`, an id of the batch is in the books, or the deadline has passed;
        then nothing was written.

    Raises:
        ConstraintError: another server recorded one of the ids meanwhile, or a guard refused.
    """
    row = await tx.fetch_one(
        batch.statement,
        journal_id,
        batch.count,
        config_version,
        deadline,
        *batch.columns,
        head_sequence,
        batch.id,
        after,
        *batch.more_columns,
    )
    if row is None:
        return None
    tx.appended(journal_id, head_sequence + batch.count)
    recorded_at: datetime = row["recorded_at"]
    return recorded_at


def _columns(keys: Iterable[BalanceKey]) -> tuple[list[UUID], list[str]]:
    rows = list(keys)
    return [key.account_id for key in rows], [key.currency for key in rows]


def _states(rows: Sequence[Row]) -> dict[BalanceKey, BalanceState]:
    return {
        BalanceKey(row["account_id"], row["currency"]): BalanceState(
            [_shared(row[column]) for column in _SUM_COLUMNS],
            row["version"],
            *_last_day(row),
        )
        for row in rows
    }


def _last_day(row: Row) -> tuple[date | None, Sides]:
    """Return the last day of a balance and the sums before it."""
    if row["last_day"] is None:
        return None, (ZERO, ZERO)
    return row["last_day"], (row["debit_before"], row["credit_before"])


def _shared(amount: Decimal) -> Decimal:
    """Return an amount, the one zero for all that are written as it: most sums are never used."""
    return ZERO if not amount and str(amount) == "0" else amount


def _transaction_columns(postings: Sequence[Posting]) -> tuple[str, ...]:
    drafts = [posting.draft for posting in postings]
    return (
        plain_array([str(draft.command.transaction_id) for draft in drafts]),
        plain_array(alike([date_text(draft.effective) for draft in drafts])),
        text_array([draft.external_id or None for draft in drafts]),
        text_array([draft.correlation_id or None for draft in drafts]),
    )


def _more_columns(postings: Sequence[Posting], changes: DayChanges) -> tuple[str, tuple[str, ...]]:
    """Return the statement for a batch, and what it takes beside the columns of any batch."""
    if any(one.hold_step is not None or one.reversal_step is not None for one in postings):
        return WRITE_WITH_RULES, (
            *_day_columns(changes.earlier),
            *hold_columns(postings),
            *reversal_columns(postings),
        )
    if changes.earlier:
        return WRITE_WITH_DAYS, _day_columns(changes.earlier)
    return WRITE, ()


def _entry_columns(postings: Sequence[Posting]) -> tuple[str, ...]:
    rows = [
        (
            ordinal,
            position,
            _NUMBERS[entry.layer],
            _NUMBERS[entry.direction],
            effective,
            str(entry.key.account_id),
            entry.units,
            entry.key.currency,
        )
        for ordinal, effective, posting in (
            (str(ordinal), date_text(posting.draft.effective), posting)
            for ordinal, posting in enumerate(postings, 1)
        )
        for position, entry in zip(_POSITIONS[: len(posting.entries)], posting.entries, strict=True)
    ]
    ordinals, positions, layers, directions, days, account_ids, units, currencies = zip(
        *rows, strict=True
    )
    return (
        plain_array(ordinals),
        plain_array(positions),
        plain_array(alike(layers)),
        plain_array(directions),
        plain_array(alike(days)),
        plain_array(account_ids),
        amount_array(units),
        text_array(alike(currencies)),
    )


def _balance_columns(
    balances: Iterable[tuple[BalanceKey, BalanceState]],
) -> tuple[str, ...]:
    keys, states = zip(*balances, strict=True)
    account_ids, currencies = zip(*keys, strict=True)
    settled_debits, settled_credits, *others = zip(*[state.sums for state in states], strict=True)
    return (
        text_array(alike(currencies)),
        plain_array(map(str, account_ids)),
        plain_array([str(state.version) for state in states]),
        amount_array(settled_debits),
        amount_array(settled_credits),
        *[amount_array(alike(sums)) for sums in others],
    )


def _last_day_columns(changes: DayChanges) -> tuple[str, ...]:
    """Return the last days and the sums before them; usually that all keep what they have."""
    if not changes.moved:
        return _UNMOVED
    rows = [
        (date_text(state.last_day), *[f"{sum_of:f}" for sum_of in state.before])
        if id(state) in changes.moved and state.last_day is not None
        else (NULL, NULL, NULL)
        for _, state in changes.balances
    ]
    return tuple(map(plain_array, zip(*rows, strict=True)))


def _day_columns(days: Mapping[tuple[BalanceKey, Layer, date], Sides]) -> tuple[str, ...]:
    return (
        text_array([key.currency for key, _, _ in days]),
        plain_array([str(key.account_id) for key, _, _ in days]),
        plain_array([_NUMBERS[layer] for _, layer, _ in days]),
        plain_array([date_text(day) for *_, day in days]),
        amount_array([debit for debit, _ in days.values()]),
        amount_array([credit for _, credit in days.values()]),
    )

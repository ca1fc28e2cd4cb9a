"""What limits a batch is decided against."""

import dataclasses
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from ledger_proto.v1 import events_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.domain.expression import EvaluationError
from ledger_server.domain.limit import Limit
from ledger_server.domain.limit_check import (
    LimitBook,
    Moved,
    Movement,
    counted_units,
    takes_out,
    window_start,
)
from ledger_server.domain.primitives import EXACT, ZERO, Direction
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry
from ledger_server.store import limit_movements, set_balances
from ledger_server.store.database import Tx
from ledger_server.store.limit_movements import BEGINNING, Key, PastEntry
from ledger_server.store.transaction_codec import event_transaction


@dataclasses.dataclass(slots=True)
class PastCounts:
    """What was counted of the past for limits that begin to count with this batch."""

    keys: list[Key]
    movements: list[tuple[Movement, int, datetime]]


@dataclasses.dataclass(slots=True)
class LoadedLimits:
    """A book of limits, and what is to be written with the batch that begins to use it."""

    book: LimitBook
    past: PastCounts


async def load_limits_in_tx(
    tx: Tx, books: JournalBooks, version: int, keys: Collection[BalanceKey], now: datetime
) -> LoadedLimits | None:
    """Return what binds the balances of `keys`, None if nothing does.

    Args:
        tx: reads; what is decided on it is written only if the journal has not moved.
        books: knows what binds which account.
        version: the configuration that `tx` sees.
        keys: the balances of the batch.
        now: the moment of the decision.
    """
    bound = await books.limits_in_tx(tx, (key.account_id for key in keys), version)
    if not bound or not any(bound[key.account_id].attachments for key in keys):
        return None
    windows: dict[Key, tuple[Limit, BalanceKey]] = {}
    sets: set[set_balances.Key] = set()
    for key in keys:
        if (limits := bound[key.account_id]).is_of_balances:
            continue
        binding = limits.by_currency.get(key.currency)
        if binding is not None:
            for attachment in binding.velocity:
                windows[attachment.limit.code, key.account_id] = (attachment.limit, key)
            sets.update((set_id, key.currency) for set_id in binding.whole_sets)
    past = PastCounts([], [])
    book = LimitBook(
        bound=bound,
        moved=await _moved_in_tx(tx, books, windows, now, past),
        sets={},
        holds_for=_Conditions(books).hold_for,
    )
    if sets:
        book.sets = await set_balances.read_in_tx(
            tx, books.journal.id, books.config_version, sorted(sets)
        )
    return LoadedLimits(book, past)


def remembered_limits(books: JournalBooks, keys: Collection[BalanceKey]) -> LoadedLimits | None:
    """Return the same for balances of which `are_bound_by_balances` is known."""
    bound = books.remembered_limits
    if not any(bound[key.account_id].attachments for key in keys if key.account_id in bound):
        return None
    book = LimitBook(bound=bound, moved={}, sets={}, holds_for=_Conditions(books).hold_for)
    return LoadedLimits(book, PastCounts([], []))


async def write_limits_in_tx(
    tx: Tx,
    books: JournalBooks,
    loaded: LoadedLimits,
    movements: Sequence[tuple[Movement, int, datetime]],
) -> None:
    """Write what a batch moved, and the past that it counted for the first time.

    Only after the head is held: what was counted under a configuration that is no more may not
    stay.
    """
    if loaded.past.keys:
        await limit_movements.insert_starts_in_tx(tx, books.journal.id, loaded.past.keys)
    rows = [*loaded.past.movements, *movements]
    if rows:
        await limit_movements.insert_in_tx(tx, books.journal.id, rows)
    if loaded.book.sets:
        await set_balances.write_in_tx(tx, books.journal.id, books.config_version, loaded.book.sets)


async def _moved_in_tx(
    tx: Tx,
    books: JournalBooks,
    windows: Mapping[Key, tuple[Limit, BalanceKey]],
    now: datetime,
    past: PastCounts,
) -> dict[Key, Moved]:
    if not windows:
        return {}
    since = {key: window_start(limit, now, books.zone) for key, (limit, _) in windows.items()}
    started = await limit_movements.started_in_tx(tx, books.journal.id, list(windows))
    used = await limit_movements.moved_in_tx(
        tx, books.journal.id, [(key, since[key]) for key in started]
    )
    for key in windows.keys() - started:
        limit, balance = windows[key]
        counted = await _past_in_tx(tx, books, limit, balance, since[key])
        past.keys.append(key)
        past.movements.extend(counted)
        used[key] = ZERO
        for movement, _, _ in counted:
            used[key] = EXACT.add(used[key], movement.units)
    return {key: Moved(used[key], since[key]) for key in windows}


async def _past_in_tx(
    tx: Tx, books: JournalBooks, limit: Limit, balance: BalanceKey, since: datetime | None
) -> list[tuple[Movement, int, datetime]]:
    """Count what an account moved before its limit began to count."""
    assert limit.velocity is not None, f"{limit.code} is a standing limit"
    entries = await limit_movements.past_in_tx(
        tx,
        books.journal.id,
        balance,
        limit.velocity.direction,
        since or BEGINNING,
        with_payload=bool(limit.velocity.condition),
    )
    conditions = _Conditions(books)
    counted: list[tuple[Movement, int, datetime]] = []
    for entry in entries:
        units = counted_units(
            limit, DraftEntry(balance, "", entry.direction, entry.layer, entry.units)
        )
        if units and conditions.holds_for_past(limit, entry):
            movement = Movement(limit.code, balance.account_id, entry.recorded_at, units)
            counted.append((movement, entry.sequence, entry.recorded_at))
    return counted


class _Conditions:
    """Evaluates the conditions of limits.

    One that fails must not open a way past: what uses a limit up counts then, what frees it not.
    """

    def __init__(self, books: JournalBooks) -> None:
        self._books = books

    def hold_for(self, limit: Limit, draft: Draft, entry: DraftEntry) -> bool:
        """Tell whether a draft's entry counts."""
        return self._is_true(limit, draft.seen_by_limits, entry.direction, entry.units)

    def holds_for_past(self, limit: Limit, entry: PastEntry) -> bool:
        """Tell whether an entry of the past counts."""
        if limit.velocity is None or not limit.velocity.condition:
            return True
        transaction = event_transaction(events_pb2.Event.FromString(entry.payload))
        seen = {
            "template": transaction.template_code,
            "description": transaction.description,
            "external_id": transaction.external_id,
            "correlation_id": transaction.correlation_id,
            "metadata": dict(transaction.metadata),
        }
        return self._is_true(limit, seen, entry.direction, entry.posted)

    def _is_true(
        self, limit: Limit, seen: Mapping[str, object], direction: Direction, units: Decimal
    ) -> bool:
        if limit.velocity is None or not limit.velocity.condition:
            return True
        condition = self._books.condition(limit.velocity.condition)
        try:
            values = {**seen, "units": units, "currency": limit.currency}
            return condition.evaluate(values, self._books.exponents) is True
        except EvaluationError:
            return takes_out(limit, direction)

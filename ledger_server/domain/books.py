"""The books that a batch is decided against, and what a posting changes of them."""

import dataclasses
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Final, Self
from uuid import UUID

from ledger_server.domain.account import AccountFacts
from ledger_server.domain.errors import BalanceOverflowError, LedgerError
from ledger_server.domain.hold import Hold, HoldStep
from ledger_server.domain.limit import Attachment, Scope
from ledger_server.domain.limit_check import (
    HELD_PLACE,
    LimitBook,
    Movement,
    available,
    check_standing,
    check_velocity,
    counted_at_end,
    counted_units,
    counts,
)
from ledger_server.domain.period import Period
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, Layer, TransactionId
from ledger_server.domain.replay import Recorded
from ledger_server.domain.reversal import ReversalStep, Reversible
from ledger_server.domain.transaction import (
    BalanceAfter,
    BalanceKey,
    Draft,
    DraftEntry,
    HeldChange,
    balance_after_of,
)

#: Sums of a balance stay below this: what the database's checks and reports are made for.
SUM_BOUND: Final = Decimal(10) ** 60

_add, _subtract = EXACT.add, EXACT.subtract

#: What a standing limit binds, the account that is named if it is passed, the sums that it
#: bounds, their side, and what was available before.
_Standing = tuple[Attachment, str, list[Decimal], Direction, Decimal]

#: Debit and credit.
Sides = tuple[Decimal, Decimal]


@dataclasses.dataclass(slots=True)
class BalanceState:
    """A balance while batches are decided. The one thing here that changes in place."""

    #: Debit and credit of SETTLED, PENDING, ENCUMBRANCE, in this order, then what open holds hold
    #: on the debit and on the credit side.
    sums: list[Decimal]
    version: int
    #: The latest effective day with entries on SETTLED, and the sums of SETTLED of all days before
    #: it. Brought up to date once a batch, by `day_sums.settle_days`.
    last_day: date | None = None
    before: Sides = (ZERO, ZERO)

    @property
    def settled(self) -> Sides:
        """The sums of SETTLED."""
        return self.sums[0], self.sums[1]

    @classmethod
    def empty(cls) -> Self:
        """Return the balance that nothing was posted to yet."""
        return cls([ZERO] * (HELD_PLACE + 2), 0)


@dataclasses.dataclass(slots=True)
class Posting:
    """A draft that the books accept: its entries, and the balance after each of them."""

    draft: Draft
    entries: list[DraftEntry]
    balances_after: list[BalanceAfter]
    #: What it does to holds, to another transaction and to what limits count.
    hold_step: HoldStep | None = None
    hold_before: Hold | None = None
    reversal_step: ReversalStep | None = None
    reversible_before: Reversible | None = None
    held: Sequence[HeldChange] = ()
    movements: Sequence[Movement] = ()
    #: The balance of each entry, from when it is accepted.
    states: list[BalanceState] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(slots=True)
class Books:
    """What a batch is decided against: of one sequence, complete for its drafts."""

    #: The moment of the decision, by the database's clock.
    now: datetime
    period: Period
    balances: dict[BalanceKey, BalanceState]
    #: Those of the drafts that do not know of themselves that theirs are active.
    accounts: Mapping[AccountId, AccountFacts]
    #: What is recorded under the ids that the batch names.
    by_id: dict[UUID, Recorded]
    #: Owner of each external id that the batch names.
    by_external_id: dict[str, UUID]
    holds: dict[UUID, Hold]
    reversibles: dict[TransactionId, Reversible]
    #: None if no limit binds any account of the batch.
    limits: LimitBook | None = None
    #: Accepted in this batch so far.
    accepted: dict[UUID, Posting] = dataclasses.field(default_factory=dict)


def apply(posting: Posting, books: Books) -> None:
    """Change the balances as the posting says, unless that passes a bound.

    Raises:
        LedgerError: which bound; then every balance is as it was.
    """
    limits, balances = books.limits, books.balances
    standing = _standing_before(posting, books, limits) if limits is not None else ()
    # Without whole sets among what binds, as usual, no entry needs to be looked up for them.
    counting = limits if limits is not None and limits.sets else None
    after, states = posting.balances_after, posting.states
    for key, account_code, direction, layer, units in posting.entries:
        state = balances[key]
        place_of = 2 * layer - 2
        side = place_of + direction - 1
        sums = state.sums
        total = _add(sums[side], units)
        if total >= SUM_BOUND:
            _undo_entries(posting, books, len(after))
            raise BalanceOverflowError(account_code, key.currency)
        sums[side] = total
        if counting is not None:
            _change_sets(counting, key, side, units)
        state.version += 1
        states.append(state)
        after.append(balance_after_of((sums[place_of], sums[place_of + 1], state.version)))
    for change in posting.held:
        _change(books, change.key, HELD_PLACE + change.direction - 1, change.units)
    if limits is None:
        return
    try:
        _check_standing_after(standing)
        if limits.moved:
            _count_movements(posting, books, limits)
    except LedgerError:
        undo(posting, books)
        raise


def _change(books: Books, key: BalanceKey, place_of: int, units: Decimal) -> None:
    """Add to one sum of a balance, and of the sets that count it as a whole."""
    sums = books.balances[key].sums
    sums[place_of] = _add(sums[place_of], units)
    if books.limits is not None:
        _change_sets(books.limits, key, place_of, units)


def _change_sets(limits: LimitBook, key: BalanceKey, place_of: int, units: Decimal) -> None:
    for set_sums in limits.sets_of(key):
        set_sums[place_of] = _add(set_sums[place_of], units)


def _standing_before(posting: Posting, books: Books, limits: LimitBook) -> Iterable[_Standing]:
    """Return the standing limits that the posting may pass, with what is available before."""
    command = posting.draft.command
    if command.force or command.is_year_end:
        return ()
    found: dict[tuple[int, str], _Standing] = {}
    for entry in posting.entries:
        key = entry.key
        binding = limits.of(key)
        if binding is None:
            continue
        for attachment in binding.standing:
            if attachment.scope is Scope.WHOLE_SET:
                assert attachment.set_id is not None, "a whole is that of a set"
                sums = limits.sets[attachment.set_id, key.currency]
                side = attachment.set_side
            else:
                sums = books.balances[key].sums
                side = books.accounts[key.account_id].normal_side
            # Sums are changed in place: which they are tells which account or set it is.
            found[id(sums), attachment.limit.code] = (
                attachment,
                entry.account_code,
                sums,
                side,
                available(sums, side),
            )
    return found.values()


def _check_standing_after(before: Iterable[_Standing]) -> None:
    for attachment, account_code, sums, side, was in before:
        check_standing(attachment, account_code, was, available(sums, side))


def _count_movements(posting: Posting, books: Books, limits: LimitBook) -> None:
    """Count what moves against the velocity limits of its accounts.

    Raises:
        LimitExceededError: nothing was counted.
    """
    asked: dict[tuple[str, AccountId], tuple[Attachment, str, Decimal]] = {}
    kind = posting.draft.command.kind
    for entry in posting.entries:
        binding = limits.of(entry.key)
        for attachment in binding.velocity if binding is not None else ():
            limit = attachment.limit
            if not counts(limit, kind, entry) or not limits.holds_for(limit, posting.draft, entry):
                continue
            place_of = (limit.code, entry.key.account_id)
            sofar = asked[place_of][2] if place_of in asked else ZERO
            asked[place_of] = (
                attachment,
                entry.account_code,
                _add(sofar, counted_units(limit, entry)),
            )
    for place_of, (attachment, account_code, units) in asked.items():
        if posting.draft.command.is_year_end:
            break
        check_velocity(attachment.limit, account_code, limits.moved[place_of].used, units)
    posting.movements = [
        Movement(*place_of, None, units) for place_of, (_, _, units) in asked.items() if units
    ]
    posting.movements.extend(_hold_ends(posting, limits))
    for movement in posting.movements:
        _move(books, movement, movement.units)


def _hold_ends(posting: Posting, limits: LimitBook) -> Iterable[Movement]:
    """Return what a capture or release counts, at the time of the hold's placing."""
    step, hold = posting.hold_step, posting.hold_before
    if step is None or hold is None:
        return
    for leg, after, given_back in zip(hold.legs, step.hold.legs, step.given_back, strict=True):
        captured = _subtract(after.captured, leg.captured)
        # Whether it counted was decided by what was placed, not by what comes back of it.
        placed = DraftEntry(leg.key, leg.account_code, leg.direction, Layer.PENDING, leg.placed)
        binding = limits.of(leg.key)
        for attachment in binding.velocity if binding is not None else ():
            limit = attachment.limit
            if not limits.holds_for(limit, posting.draft, placed):
                continue
            counted = counted_at_end(limit, leg, captured, given_back)
            if counted:
                yield Movement(limit.code, leg.key.account_id, hold.placed_at, counted)


def _move(books: Books, movement: Movement, units: Decimal) -> None:
    assert books.limits is not None, "there are limits"
    moved = books.limits.moved[movement.limit_code, movement.account_id]
    is_inside = (
        movement.counted_at is None
        or moved.window_start is None
        or movement.counted_at >= moved.window_start
    )
    if is_inside:
        moved.used = _add(moved.used, units)


def undo(posting: Posting, books: Books) -> None:
    """Undo all that a posting changed of balances and of what limits count."""
    for movement in posting.movements:
        _move(books, movement, EXACT.minus(movement.units))
    for change in posting.held:
        _change(books, change.key, HELD_PLACE + change.direction - 1, EXACT.minus(change.units))
    _undo_entries(posting, books, len(posting.entries))


def _undo_entries(posting: Posting, books: Books, applied: int) -> None:
    """Undo the first `applied` entries."""
    for entry in posting.entries[:applied]:
        _change(books, entry.key, 2 * entry.layer - 3 + entry.direction, EXACT.minus(entry.units))
        books.balances[entry.key].version -= 1

"""The decision: drafts against the books, one after another, in memory.

Nothing here reads or writes anything but its arguments. A group is all or nothing; groups do not
touch each other, but each sees the balances that those before it left.
"""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.domain.account import AccountStatus
from ledger_server.domain.errors import (
    AccountNotActiveError,
    BalanceOverflowError,
    ExternalIdReusedError,
    LedgerError,
    TransactionIdReusedError,
    Violation,
)
from ledger_server.domain.primitives import EXACT, AccountId, Direction, Layer
from ledger_server.domain.replay import Recorded, first_difference
from ledger_server.domain.transaction import BalanceAfter, BalanceKey, Draft, Posting

#: Sums of a balance stay below this: what the database's checks and reports are made for.
SUM_BOUND: Final = Decimal(10) ** 60

_add = EXACT.add


@dataclasses.dataclass(slots=True)
class BalanceState:
    """A locked balance while a batch is decided. The one thing here that changes in place."""

    #: Debit and credit of SETTLED, PENDING, ENCUMBRANCE, in this order.
    sums: list[Decimal]
    version: int


@dataclasses.dataclass(frozen=True, slots=True)
class Replay:
    """A draft whose equal is in the books already."""

    recorded: Recorded


@dataclasses.dataclass(frozen=True, slots=True)
class Repeat:
    """A draft whose equal was accepted earlier in the same batch."""

    posting: Posting


Outcome = Posting | Replay | Repeat | LedgerError


@dataclasses.dataclass(slots=True)
class Books:
    """What a batch is decided against: read under locks, complete for its drafts."""

    balances: dict[BalanceKey, BalanceState]
    statuses: Mapping[AccountId, AccountStatus]
    #: What is recorded under the ids that the batch names.
    by_id: dict[UUID, Recorded]
    #: Owner of each external id that the batch names.
    by_external_id: dict[str, UUID]
    #: Accepted in this batch so far.
    accepted: dict[UUID, Posting] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(slots=True)
class DaySum:
    """What a batch adds to the sums of one effective day."""

    debit: Decimal
    credit: Decimal


class BatchRefusedError(LedgerError):
    """An atomic group was refused because of one of its drafts."""

    def __init__(self, index: int, refusal: LedgerError) -> None:
        """Take reason and kind from the draft's refusal; add its index to the facts."""
        super().__init__()
        self.index = index
        self.refusal = refusal
        # What the caller can do is what the draft's refusal says.
        self.reason = refusal.reason  # type: ignore[misc]  # shadows the class's for this one
        self.kind = refusal.kind  # type: ignore[misc]  # as above

    def __str__(self) -> str:
        """State which draft was refused and why."""
        return f"transactions[{self.index}]: {self.refusal}"

    def facts(self) -> Mapping[str, str]:
        """Return the facts of the draft's refusal and its index."""
        return {**self.refusal.facts(), "index": str(self.index)}

    def violations_found(self) -> tuple[Violation, ...]:
        """Return the wrong fields of the draft's refusal, placed in the batch."""
        return tuple(
            Violation(f"transactions[{self.index}].{wrong.field}", wrong.description)
            for wrong in self.refusal.violations_found()
        )


def decide_group(
    drafts: Sequence[Draft | Replay | LedgerError], books: Books, *, atomic: bool
) -> list[Outcome] | BatchRefusedError:
    """Decide `drafts` in order and leave in `books` what the accepted ones make of it.

    One that could not even be prepared stands here as its refusal, or as what it repeats, in its
    place.

    Returns:
        One outcome for each draft; or, for an atomic group with a refusal, the first refusal, and
        then `books` is as it was.
    """
    outcomes: list[Outcome] = []
    for index, draft in enumerate(drafts):
        outcome = _decide(draft, books) if isinstance(draft, Draft) else draft
        if atomic and isinstance(outcome, LedgerError):
            for earlier in reversed(outcomes):
                if isinstance(earlier, Posting):
                    _take_back(earlier, books)
            return BatchRefusedError(index, outcome)
        outcomes.append(outcome)
    return outcomes


def day_sums(
    postings: Iterable[Posting],
) -> dict[tuple[BalanceKey, Layer, date], DaySum]:
    """Return what accepted postings add to each effective day."""
    sums: dict[tuple[BalanceKey, Layer, date], DaySum] = {}
    for posting in postings:
        effective = posting.draft.effective
        for entry in posting.draft.entries:
            place = (entry.key, entry.layer, effective)
            day = sums.get(place)
            if day is None:
                zero = EXACT.subtract(entry.units, entry.units)
                day = sums[place] = DaySum(zero, zero)
            if entry.direction is Direction.DEBIT:
                day.debit = _add(day.debit, entry.units)
            else:
                day.credit = _add(day.credit, entry.units)
    return sums


def _decide(draft: Draft, books: Books) -> Outcome:
    known = _already_known(draft, books)
    if known is not None:
        return known
    statuses = books.statuses
    for entry in draft.entries:
        status = statuses[entry.key.account_id]
        if status is not AccountStatus.ACTIVE:
            return AccountNotActiveError(entry.account_code, status.name)
    posting = Posting(draft, [])
    after = posting.balances_after
    for entry in draft.entries:
        state = books.balances[entry.key]
        sums = state.sums
        place = 2 * entry.layer - 2
        side = place + entry.direction - 1
        total = _add(sums[side], entry.units)
        if total >= SUM_BOUND:
            _take_entries_back(posting, books)
            return BalanceOverflowError(entry.account_code, entry.key.currency)
        sums[side] = total
        state.version += 1
        after.append(BalanceAfter(sums[place], sums[place + 1], state.version))
    books.accepted[draft.command.transaction_id] = posting
    if draft.external_id:
        books.by_external_id[draft.external_id] = draft.command.transaction_id
    return posting


def _already_known(draft: Draft, books: Books) -> Outcome | None:
    """Tell a repeated request, and ids that belong to another one."""
    transaction_id = draft.command.transaction_id
    accepted = books.accepted.get(transaction_id)
    if accepted is not None:
        return _repeated(draft, Recorded.of(accepted.draft), lambda: Repeat(accepted))
    recorded = books.by_id.get(transaction_id)
    if recorded is not None:
        return _repeated(draft, recorded, lambda: Replay(recorded))
    if draft.external_id:
        owner = books.by_external_id.get(draft.external_id)
        if owner is not None:
            return ExternalIdReusedError(draft.external_id, str(owner))
    return None


def _repeated(draft: Draft, recorded: Recorded, same: Callable[[], Outcome]) -> Outcome:
    field = first_difference(draft, recorded)
    if field is None:
        return same()
    return TransactionIdReusedError(str(draft.command.transaction_id), field)


def _take_back(posting: Posting, books: Books) -> None:
    """Undo an accepted posting, the latest first."""
    _take_entries_back(posting, books)
    draft = posting.draft
    del books.accepted[draft.command.transaction_id]
    if draft.external_id:
        del books.by_external_id[draft.external_id]


def _take_entries_back(posting: Posting, books: Books) -> None:
    """Undo the entries of a posting that were applied so far."""
    applied = len(posting.balances_after)
    for entry in posting.draft.entries[:applied]:
        state = books.balances[entry.key]
        side = 2 * entry.layer - 3 + entry.direction
        state.sums[side] = EXACT.subtract(state.sums[side], entry.units)
        state.version -= 1

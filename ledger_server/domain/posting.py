"""The decision: drafts against the books, one after another, in memory.

Nothing here reads or writes anything but its arguments. A group is all or nothing; groups do not
touch each other, but each sees the balances that those before it left.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from ledger_server.domain.account import AccountStatus
from ledger_server.domain.books import Books, Posting, apply, undo
from ledger_server.domain.errors import (
    AccountNotActiveError,
    ExternalIdReusedError,
    HoldNotFoundError,
    LedgerError,
    TransactionIdReusedError,
    Violation,
)
from ledger_server.domain.hold import Hold, HoldStatus, capture, give_back, place
from ledger_server.domain.replay import Recorded, first_difference
from ledger_server.domain.reversal import reverse
from ledger_server.domain.transaction import (
    Draft,
    Kind,
)


@dataclasses.dataclass(frozen=True, slots=True)
class Replay:
    """A draft whose equal is in the books already."""

    recorded: Recorded


@dataclasses.dataclass(frozen=True, slots=True)
class Repeat:
    """A draft whose equal was accepted earlier in the same batch."""

    posting: Posting


Outcome = Posting | Replay | Repeat | LedgerError


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


def _decide(draft: Draft, books: Books) -> Outcome:
    command = draft.command
    try:
        known = _already_known(draft, books)
        if known is not None:
            return known
        refusal = books.period.refusal(draft.effective, behind_soft_lock=command.behind_soft_lock)
        if refusal is not None:
            return refusal
        posting = _PLANS[command.kind](draft, books)
        _check_accounts(posting, books)
        apply(posting, books)
    except LedgerError as error:
        return error
    books.accepted[command.transaction_id] = posting
    if draft.external_id:
        books.by_external_id[draft.external_id] = command.transaction_id
    if posting.hold_step is not None:
        books.holds[posting.hold_step.hold.id] = posting.hold_step.hold
    if posting.reversal_step is not None:
        books.reversibles[posting.reversal_step.original.id] = posting.reversal_step.original
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


def _plan_posting(draft: Draft, _books: Books) -> Posting:
    assert draft.entries is not None, "a posting is evaluated"
    return Posting(draft, draft.entries, [])


def _plan_hold(draft: Draft, books: Books) -> Posting:
    assert draft.entries is not None, "a hold is evaluated"
    command = draft.command
    step = place(command.transaction_id, draft.entries, command.expire_at, books.now)
    return Posting(draft, step.entries, [], hold_step=step, held=step.held)


def _plan_capture(draft: Draft, books: Books) -> Posting:
    hold = _hold(draft, books)
    step = capture(hold, draft.entries, final=draft.command.final, now=books.now)
    return Posting(draft, step.entries, [], hold_step=step, hold_before=hold, held=step.held)


def _plan_release(draft: Draft, books: Books) -> Posting:
    hold = _hold(draft, books)
    status = HoldStatus.EXPIRED if draft.command.kind is Kind.EXPIRY else HoldStatus.RELEASED
    step = give_back(hold, status, books.now)
    return Posting(draft, step.entries, [], hold_step=step, hold_before=hold, held=step.held)


def _plan_reversal(draft: Draft, books: Books) -> Posting:
    assert draft.command.reverses is not None, "a reversal names what it takes back"
    original = books.reversibles[draft.command.reverses]
    step = reverse(original, draft.entries, reopens=draft.command.reopens)
    return Posting(draft, step.entries, [], reversal_step=step, reversible_before=original)


_PLANS: Final[Mapping[Kind, Callable[[Draft, Books], Posting]]] = {
    Kind.POSTING: _plan_posting,
    Kind.HOLD: _plan_hold,
    Kind.CAPTURE: _plan_capture,
    Kind.RELEASE: _plan_release,
    Kind.EXPIRY: _plan_release,
    Kind.REVERSAL: _plan_reversal,
    Kind.CLOSING: _plan_posting,
}


def _hold(draft: Draft, books: Books) -> Hold:
    assert draft.command.hold_id is not None, "it names its hold"
    hold = books.holds.get(draft.command.hold_id)
    if hold is None:
        raise HoldNotFoundError(str(draft.command.hold_id))
    return hold


def _check_accounts(posting: Posting, books: Books) -> None:
    """Refuse entries on accounts that take none.

    What ends a hold placed before may go through a lock that says so; what its time ends always
    does, for nobody could end it otherwise. Nor does an
    account that was locked or closed since keep a year from being closed.
    """
    if posting.draft.on_active:
        return
    kind = posting.draft.command.kind
    if kind is Kind.EXPIRY or posting.draft.command.is_year_end:
        return
    accounts = books.accounts
    for entry in posting.entries:
        facts = accounts[entry.key.account_id]
        if facts.status is AccountStatus.ACTIVE:
            continue
        if (
            kind in {Kind.CAPTURE, Kind.RELEASE}
            and facts.status is AccountStatus.LOCKED
            and facts.holds_may_end
        ):
            continue
        raise AccountNotActiveError(entry.account_code, facts.status.name)


def _take_back(posting: Posting, books: Books) -> None:
    """Undo an accepted posting, the latest first."""
    undo(posting, books)
    draft = posting.draft
    del books.accepted[draft.command.transaction_id]
    if draft.external_id:
        del books.by_external_id[draft.external_id]
    if posting.hold_before is not None:
        books.holds[posting.hold_before.id] = posting.hold_before
    elif posting.hold_step is not None:
        del books.holds[posting.hold_step.hold.id]
    if posting.reversible_before is not None:
        books.reversibles[posting.reversible_before.id] = posting.reversible_before

"""One batch: look up, decide, write, commit. Read, decide, write, for many at once.

A batch is decided on what was read, or is remembered, of the journal at one sequence, and written
only if the journal still stands there. So nothing is locked before the write, and the one lock of
a posting is the journal's head. A batch that was overtaken runs again with the head held from the
beginning: nobody can overtake it then.
"""

import dataclasses
import itertools
import os
from collections.abc import Sequence
from datetime import datetime
from struct import iter_unpack
from typing import Final

from ledger_server.application.group import Group, GroupResult, Posted, Result, posted_of
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.known_balances import KnownBalances
from ledger_server.application.limit_book import write_limits_in_tx
from ledger_server.application.loaded_books import (
    Loaded,
    find_known_in_tx,
    load_in_tx,
    load_remembered,
)
from ledger_server.application.prepare import Prepared
from ledger_server.domain.books import Books, Posting
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import (
    BatchRefusedError,
    Outcome,
    Repeat,
    Replay,
    day_sums,
    decide_group,
)
from ledger_server.domain.transaction import Draft, Kind
from ledger_server.store import holds, journals, postings, reversals
from ledger_server.store.codec import SALT_BYTES
from ledger_server.store.database import Tx
from ledger_server.store.transaction_bytes import (
    EncodedPosting,
    posting_event,
    record_time_field,
)

#: Postings that are encoded as soon as they are decided: what the processor's caches still hold.
#: Of a whole batch they have lost the first when the last is decided.
_ENCODED_TOGETHER: Final = 32


class OvertakenError(Exception):
    """The journal has moved since the batch was decided, or a deadline of it has passed."""


class UnprovenError(OvertakenError):
    """A batch was decided without looking its ids up, and one of them may be in the books."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Decided:
    """A batch that is decided and not written yet."""

    #: The sequence of the journal that it was decided at.
    head_sequence: int
    #: Whether the books were asked for its ids; if not, its write asks.
    is_looked_up: bool
    #: The generation of the balances that it was decided on.
    generation: int
    #: Of each group.
    outcomes: list[list[Outcome] | BatchRefusedError]
    loaded: Loaded
    #: What is to be posted, in order, each encoded, and all of it as rows.
    accepted: list[Posting]
    encoded: list[EncodedPosting]
    rows: postings.EncodedBatch | None

    @property
    def is_one_statement(self) -> bool:
        """Tell whether one statement at most writes all of it."""
        limits = self.loaded.limits
        return (limits is None or (not limits.past.keys and not limits.book.sets)) and not any(
            posting.hold_step is not None or posting.reversal_step is not None or posting.movements
            for posting in self.accepted
        )


def decide_remembered(
    books: JournalBooks,
    known: KnownBalances,
    groups: Sequence[Group],
    actor: str,
    now: datetime,
) -> Decided | None:
    """Decide without asking the database; None if that takes more than is remembered.

    No id is looked up: what comes of it is written only if none of them is in the books. But a
    draft that is refused may be there already, and would have to be answered with what is there.

    Args:
        books: the memory of the journal.
        known: the balances, and where they stand; what comes of the drafts is left in it.
        groups: prepared under the configuration that `books` has.
        actor: who asked for it.
        now: by the server's clock; plain postings do not look at it.

    Raises:
        StaleConfigurationError: prepare again.
        UnprovenError: a draft would be refused; decide again on what is in the books.
    """
    if known.sequence is None or books.has_limits:
        return None
    drafts = [draft for group in groups for draft in group.drafts()]
    if len(drafts) < sum(len(group.prepared) for group in groups):
        return None
    if any(draft.command.kind is not Kind.POSTING for draft in drafts):
        return None
    known.begin(known.sequence)
    keys = {key for draft in drafts for key in draft.keys}
    if known.missing(keys):
        return None
    version = groups[0].config_version
    nothing = postings.Known.nothing(known.sequence, version, now)
    loaded = load_remembered(books, version, drafts, keys, known=nothing, states=known.states)
    decided = _decide_on(loaded, known, groups, actor, is_looked_up=False)
    if any(_holds_refusal(group) for group in decided.outcomes):
        raise UnprovenError
    return decided


def _holds_refusal(outcomes: list[Outcome] | BatchRefusedError) -> bool:
    return isinstance(outcomes, BatchRefusedError) or any(
        isinstance(one, LedgerError) for one in outcomes
    )


def _decide_on(
    loaded: Loaded,
    known: KnownBalances,
    groups: Sequence[Group],
    actor: str,
    *,
    is_looked_up: bool,
) -> Decided:
    assert known.sequence is not None, "begun"
    outcomes: list[list[Outcome] | BatchRefusedError] = []
    encoded: list[EncodedPosting] = []
    for group in groups:
        decision, events = _decide_group(group.prepared, loaded.books, actor, atomic=group.atomic)
        outcomes.append(decision)
        encoded += events
    accepted = list(loaded.books.accepted.values())
    decided = Decided(
        head_sequence=known.sequence,
        is_looked_up=is_looked_up,
        generation=known.generation,
        outcomes=outcomes,
        loaded=loaded,
        accepted=accepted,
        encoded=encoded,
        rows=_rows(accepted, encoded, loaded.books) if accepted else None,
    )
    known.advance(len(accepted))
    return decided


async def decide_in_tx(
    tx: Tx, books: JournalBooks, known: KnownBalances, groups: Sequence[Group], actor: str
) -> Decided:
    """Decide the drafts of `groups`, one after another, and leave in `known` what comes of them.

    All of them must be prepared under the configuration that `books` has now. `tx` only reads; it
    need not be a transaction unless it holds the head.

    Raises:
        StaleConfigurationError: prepare again.
        OvertakenError: what is known is of another sequence than the journal's; begin anew.
    """
    # Of the groups, not of `books`: that memory may move on at any await, the drafts do not.
    config_version = groups[0].config_version
    assert all(group.config_version == config_version for group in groups), "see _attempt"
    drafts = [draft for group in groups for draft in group.drafts()]
    keys = {key for draft in drafts for key in draft.keys}
    generation = known.generation
    now = await find_known_in_tx(tx, books, drafts)
    if known.generation != generation or not known.begin(now.head_sequence):
        raise OvertakenError
    if missing := known.missing(keys):
        found = await postings.read_balances_in_tx(tx, books.journal.id, missing)
        if known.generation != generation:
            # Forgotten meanwhile: what was read must not stand beside what is read after.
            raise OvertakenError
        known.learn(missing, found)
    loaded = await load_in_tx(
        tx, books, config_version, drafts, keys, known=now, states=known.states
    )
    if known.generation != generation:
        raise OvertakenError
    decided = _decide_on(loaded, known, groups, actor, is_looked_up=True)
    if not decided.accepted and (missing or loaded.is_read_later):
        # Nothing will be written that only counts if the journal has not moved between the reads.
        # Unless that is asked, a hold would be found captured, by the same request, of which the
        # ids did not tell yet.
        await _check_unmoved_in_tx(tx, books, known)
    return decided


def _decide_group(
    prepared: Sequence[Prepared], books: Books, actor: str, *, atomic: bool
) -> tuple[list[Outcome] | BatchRefusedError, list[EncodedPosting]]:
    """Decide a group, and encode what is accepted of it, in order."""
    outcomes: list[Outcome] = []
    encoded: list[EncodedPosting] = []
    size = len(prepared) if atomic else _ENCODED_TOGETHER
    for start in range(0, len(prepared), size or 1):
        part = decide_group(prepared[start : start + size], books, atomic=atomic)
        if isinstance(part, BatchRefusedError):
            return part, []
        salts = iter_unpack(f"{SALT_BYTES}s", os.urandom(SALT_BYTES * len(part)))
        encoded += [
            posting_event(posting, actor, salt)
            for posting, (salt,) in zip(part, salts, strict=True)
            if isinstance(posting, Posting)
        ]
        outcomes += part
    return outcomes, encoded


def _rows(
    accepted: Sequence[Posting], encoded: Sequence[EncodedPosting], books: Books
) -> postings.EncodedBatch:
    """Make the rows now: the balances go on with the next batch before these are written."""
    days = day_sums(accepted)
    return postings.encode_batch(
        accepted,
        [one.event for one in encoded],
        {key: books.balances[key] for key, _, _ in days},
        days,
    )


async def post_all_in_tx(
    tx: Tx,
    books: JournalBooks,
    loaded: Loaded,
    head_sequence: int,
    *,
    drafts: Sequence[Draft],
    actor: str,
) -> list[Posted]:
    """Decide `drafts`, all or none, and write them, in a transaction that holds the head.

    Args:
        tx: holds the head.
        books: the journal's.
        loaded: read under the head.
        head_sequence: where the journal stands.
        drafts: with new ids, so none can be a repeat.
        actor: who asked for it.

    Raises:
        BatchRefusedError: the first refusal; nothing was written.
    """
    outcomes, encoded = _decide_group(drafts, loaded.books, actor, atomic=True)
    if isinstance(outcomes, BatchRefusedError):
        raise outcomes
    accepted = list(loaded.books.accepted.values())
    decided = Decided(
        head_sequence=head_sequence,
        is_looked_up=True,
        generation=0,
        outcomes=[outcomes],
        loaded=loaded,
        accepted=accepted,
        encoded=encoded,
        rows=_rows(accepted, encoded, loaded.books) if accepted else None,
    )
    (results,) = await write_in_tx(tx, books, decided)
    assert not isinstance(results, BatchRefusedError), "it was accepted"
    posted = [result for result in results if isinstance(result, Posted)]
    assert len(posted) == len(drafts), "none was a repeat"
    return posted


async def _check_unmoved_in_tx(tx: Tx, books: JournalBooks, known: KnownBalances) -> None:
    head = await journals.read_head_in_tx(tx, books.journal.id)
    if not known.begin(head.sequence):
        raise OvertakenError


async def write_in_tx(tx: Tx, books: JournalBooks, decided: Decided) -> list[GroupResult]:
    """Write what was accepted; return each group's results.

    Raises:
        OvertakenError: nothing was written; decide again, if `UnprovenError` on what is there.
        RetryError: nothing was written; run again.
        ConstraintError: nothing was written; another server was first, or a guard refused.
        ConnectionLostError: the outcome is open.
    """
    posted: dict[int, Posted] = {}
    if decided.rows is None:
        await _keep_past_in_tx(tx, books, decided)
    else:
        recorded_at = await postings.write_batch_in_tx(
            tx,
            books.journal.id,
            decided.rows,
            head_sequence=decided.head_sequence,
            config_version=decided.loaded.config_version,
            deadline=_deadline(decided.accepted),
        )
        if recorded_at is None:
            raise OvertakenError if decided.is_looked_up else UnprovenError
        if not decided.is_one_statement:
            await _write_rules_in_tx(tx, books, decided, recorded_at)
        record_time = record_time_field(recorded_at)
        sequences = itertools.count(decided.head_sequence + 1)
        for posting, encoded in zip(decided.accepted, decided.encoded, strict=True):
            posted[id(posting)] = Posted(
                encoded.transaction(next(sequences), record_time), replayed=False
            )
    return [group_result(group, posted) for group in decided.outcomes]


async def _write_rules_in_tx(
    tx: Tx, books: JournalBooks, decided: Decided, recorded_at: datetime
) -> None:
    """Write what the batch does to holds, to other transactions and to what limits count."""
    accepted, base = decided.accepted, decided.head_sequence
    await holds.write_in_tx(tx, books.journal.id, accepted, base, recorded_at)
    await reversals.write_in_tx(tx, books.journal.id, accepted, base)
    if decided.loaded.limits is not None:
        movements = [
            (movement, sequence, recorded_at)
            for sequence, posting in enumerate(accepted, base + 1)
            for movement in posting.movements
        ]
        await write_limits_in_tx(tx, books, decided.loaded.limits, movements)


def group_result(
    outcomes: list[Outcome] | BatchRefusedError, posted: dict[int, Posted]
) -> GroupResult:
    """Return what a group is answered, `posted` being what was written, by its identity."""
    if isinstance(outcomes, BatchRefusedError):
        return outcomes
    return [_result(outcome, posted) for outcome in outcomes]


async def _keep_past_in_tx(tx: Tx, books: JournalBooks, decided: Decided) -> None:
    """Write what limits counted of the past although nothing was accepted.

    Or every refusal, until something is accepted, would read an account's history again.
    """
    limits = decided.loaded.limits
    if limits is None or not limits.past.keys:
        return
    await journals.lock_head_in_tx(tx, books.journal.id)
    head = await journals.read_head_in_tx(tx, books.journal.id)
    if (head.sequence, head.config_version) == (
        decided.head_sequence,
        decided.loaded.config_version,
    ):
        await write_limits_in_tx(tx, books, limits, ())


def _deadline(accepted: Sequence[Posting]) -> datetime | None:
    """Return the first moment at which a hold that the batch counts as open is not any more."""
    ends = [
        posting.hold_step.hold.expire_at
        for posting in accepted
        if posting.hold_step is not None
        and posting.hold_step.hold.expire_at is not None
        and posting.draft.command.kind in {Kind.CAPTURE, Kind.RELEASE}
    ]
    return min(ends, default=None)


def _result(outcome: Outcome, posted: dict[int, Posted]) -> Result:
    if isinstance(outcome, Posting):
        return posted[id(outcome)]
    if isinstance(outcome, Repeat):
        return Posted(posted[id(outcome.posting)].encoded, replayed=True)
    if isinstance(outcome, Replay):
        return posted_of(outcome)
    return outcome

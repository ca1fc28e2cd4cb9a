"""Writing what was decided, and what each call is answered."""

import itertools
from collections.abc import Sequence
from datetime import datetime

from ledger_server.application.batch import (
    Decided,
    OvertakenError,
    UnprovenError,
    decide_group_and_encode,
    draw_salts,
    rows_of,
)
from ledger_server.application.group import GroupResult, Posted, Result, posted_of
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.limit_book import write_limits_in_tx
from ledger_server.application.loaded_books import Loaded
from ledger_server.domain.books import Posting
from ledger_server.domain.posting import BatchRefusedError, Outcome, Repeat, Replay
from ledger_server.domain.transaction import Draft, Kind
from ledger_server.store import journals, postings
from ledger_server.store.database import Tx
from ledger_server.store.transaction_bytes import record_time_field


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
    outcomes, encoded = await decide_group_and_encode(
        drafts, loaded.books, actor, draw_salts(len(drafts)), atomic=True
    )
    if isinstance(outcomes, BatchRefusedError):
        raise outcomes
    accepted = list(loaded.books.accepted.values())
    decided = Decided(
        head_sequence=head_sequence,
        after=None,
        is_looked_up=True,
        generation=0,
        outcomes=[outcomes],
        loaded=loaded,
        accepted=accepted,
        encoded=encoded,
        rows=rows_of(accepted, encoded) if accepted else None,
    )
    (results,) = await write_in_tx(tx, books, decided)
    assert not isinstance(results, BatchRefusedError), "it was accepted"
    posted = [result for result in results if isinstance(result, Posted)]
    assert len(posted) == len(drafts), "none was a repeat"
    return posted


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
            after=decided.after,
            deadline=_deadline(decided),
        )
        if recorded_at is None:
            raise OvertakenError if decided.is_looked_up else UnprovenError
        if not decided.is_one_statement:
            await _write_limits_in_tx(tx, books, decided, recorded_at)
        record_time = record_time_field(recorded_at)
        sequences = itertools.count(decided.head_sequence + 1)
        for posting, encoded in zip(decided.accepted, decided.encoded, strict=True):
            posted[id(posting)] = Posted(
                encoded.transaction(next(sequences), record_time), replayed=False
            )
    return [group_result(group, posted) for group in decided.outcomes]


async def _write_limits_in_tx(
    tx: Tx, books: JournalBooks, decided: Decided, recorded_at: datetime
) -> None:
    """Write what limits count of the batch."""
    assert decided.loaded.limits is not None, "what limits count is not in the one statement"
    movements = [
        (movement, sequence, recorded_at)
        for sequence, posting in enumerate(decided.accepted, decided.head_sequence + 1)
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
    head = await journals.lock_head_in_tx(tx, books.journal.id)
    if (head.sequence, head.config_version) == (
        decided.head_sequence,
        decided.loaded.config_version,
    ):
        await write_limits_in_tx(tx, books, limits, ())


def _deadline(decided: Decided) -> datetime | None:
    """Return the first moment at which a hold that the batch counts as open is not any more.

    Of those that it places only if no more than this server's clock was asked whether they end
    before they begin. By the database's it is said once, or a batch of many that end soon would be
    decided again and again.
    """
    kinds = {Kind.CAPTURE, Kind.RELEASE} | (set() if decided.is_looked_up else {Kind.HOLD})
    ends = [
        posting.hold_step.hold.expire_at
        for posting in decided.accepted
        if posting.hold_step is not None
        and posting.hold_step.hold.expire_at is not None
        and posting.draft.command.kind in kinds
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

"""One batch: lock, look up, decide, write, commit. Read, decide, write, for many at once."""

import asyncio
import dataclasses
from collections.abc import Sequence

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.prepare import Prepared
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import (
    BalanceState,
    BatchRefusedError,
    Books,
    Outcome,
    Repeat,
    Replay,
    day_sums,
    decide_group,
)
from ledger_server.domain.primitives import JournalId
from ledger_server.domain.transaction import BalanceKey, Draft, PostCommand, Posting
from ledger_server.store import postings
from ledger_server.store.database import Database, Tx
from ledger_server.store.transaction_codec import event_payload, posting_message, stamp


class StaleConfigurationError(Exception):
    """The journal's configuration is newer than what the batch was prepared under."""


class _MissingBalancesError(Exception):
    """Some balances of the batch do not exist yet; no lock may be held while they are made."""


@dataclasses.dataclass(frozen=True, slots=True)
class Posted:
    """A transaction in the books, as it is stored and sent."""

    transaction: transactions_pb2.Transaction
    #: True if it was there already, posted by an equal request.
    replayed: bool


Result = Posted | LedgerError
#: One result for each command of a group, or why none of an atomic group was posted.
GroupResult = list[Result] | BatchRefusedError


class Group:
    """What one call wants posted: drafts that belong together, and who waits for them."""

    def __init__(
        self,
        commands: Sequence[PostCommand],
        prepared: Sequence[Prepared],
        config_version: int,
        *,
        atomic: bool,
    ) -> None:
        """Begin unanswered. Must be made inside a running event loop."""
        self.commands = commands
        self.prepared = prepared
        #: The configuration that `prepared` is good for.
        self.config_version = config_version
        self.atomic = atomic
        self.done: asyncio.Future[list[Result]] = asyncio.get_running_loop().create_future()

    @property
    def entry_count(self) -> int:
        """Entries of all drafts."""
        return sum(len(draft.entries) for draft in self.drafts())

    def drafts(self) -> list[Draft]:
        """Return the commands that could be prepared, as drafts."""
        return [draft for draft in self.prepared if isinstance(draft, Draft)]

    def answer(self, results: GroupResult) -> None:
        """Hand the results to whoever still waits."""
        if isinstance(results, BatchRefusedError):
            self.fail(results)
        elif not self.done.done():
            self.done.set_result(results)

    def fail(self, refusal: LedgerError) -> None:
        """Hand a refusal of the whole to whoever still waits."""
        if not self.done.done():
            self.done.set_exception(refusal)


async def run_batch(
    database: Database, books: JournalBooks, groups: Sequence[Group], actor: str
) -> list[GroupResult]:
    """Post the drafts of `groups` in one transaction; return each group's results.

    All of them must be prepared under the configuration that `books` has now.

    Raises:
        StaleConfigurationError: nothing was written; prepare again.
        RetryError: nothing was written; run again.
        ConstraintError: nothing was written; another server was first, or a guard refused.
        ConnectionLostError: the outcome is open.
    """
    try:
        return await _run(database, books, groups, actor, ensure=False)
    except _MissingBalancesError:
        return await _run(database, books, groups, actor, ensure=True)


async def _run(
    database: Database, books: JournalBooks, groups: Sequence[Group], actor: str, *, ensure: bool
) -> list[GroupResult]:
    # Of the groups, not of `books`: that memory may move on at any await, the drafts do not.
    config_version = groups[0].config_version
    assert all(group.config_version == config_version for group in groups), "see _attempt"
    drafts = [draft for group in groups for draft in group.drafts()]
    keys = {entry.key for draft in drafts for entry in draft.entries}
    async with database.writer_transaction() as tx:
        if ensure:
            await postings.ensure_balances_in_tx(tx, books.journal.id, keys)
        states = await postings.lock_balances_in_tx(tx, books.journal.id, keys)
        if len(states) < len(keys):
            assert not ensure, "ensure_balances leaves a row for each key"
            raise _MissingBalancesError
        against = await books_in_tx(tx, books, config_version, drafts, states)
        outcomes = [decide_group(group.prepared, against, atomic=group.atomic) for group in groups]
        messages = await _write_in_tx(tx, books.journal.id, config_version, against, actor)
    return [group_result(group, messages) for group in outcomes]


def group_result(
    outcomes: list[Outcome] | BatchRefusedError, messages: dict[int, transactions_pb2.Transaction]
) -> GroupResult:
    """Return what a group is answered, `messages` being what was written of it."""
    if isinstance(outcomes, BatchRefusedError):
        return outcomes
    return [_result(outcome, messages) for outcome in outcomes]


async def books_in_tx(
    tx: Tx,
    books: JournalBooks,
    config_version: int,
    drafts: Sequence[Draft],
    states: dict[BalanceKey, BalanceState],
) -> Books:
    """Return what `drafts` are decided against: `states` and what is known of their ids.

    Raises:
        StaleConfigurationError: the configuration is no longer `config_version`.
    """
    known = await postings.find_known_in_tx(
        tx,
        books.journal.id,
        [draft.command.transaction_id for draft in drafts],
        [draft.external_id for draft in drafts if draft.external_id],
    )
    if known.config_version != config_version:
        raise StaleConfigurationError
    return Books(
        balances=states,
        statuses=books.statuses,
        by_id=known.by_id,
        by_external_id=known.by_external_id,
    )


async def _write_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int, decided: Books, actor: str
) -> dict[int, transactions_pb2.Transaction]:
    """Write what was accepted and return its transactions by the identity of the posting."""
    accepted = list(decided.accepted.values())
    if not accepted:
        return {}
    messages = [posting_message(posting) for posting in accepted]
    touched = {entry.key for posting in accepted for entry in posting.draft.entries}
    written = await postings.write_batch_in_tx(
        tx,
        journal_id,
        config_version,
        postings=accepted,
        payloads=[event_payload(message, actor) for message in messages],
        balances={key: decided.balances[key] for key in touched},
        days=day_sums(accepted),
    )
    if written is None:
        raise StaleConfigurationError
    return {
        id(posting): stamp(message, written.base + ordinal, written.recorded_at)
        for ordinal, (posting, message) in enumerate(zip(accepted, messages, strict=True), 1)
    }


def _result(outcome: Outcome, messages: dict[int, transactions_pb2.Transaction]) -> Result:
    if isinstance(outcome, Posting):
        return Posted(messages[id(outcome)], replayed=False)
    if isinstance(outcome, Repeat):
        return Posted(messages[id(outcome.posting)], replayed=True)
    if isinstance(outcome, Replay):
        record = outcome.recorded.record
        assert isinstance(record, transactions_pb2.Transaction), "made by the store"
        return Posted(record, replayed=True)
    return outcome

"""One batch: lock, look up, decide, write, commit. Read, decide, write, for many at once."""

import asyncio
import dataclasses
import os
from collections.abc import Sequence
from datetime import datetime

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.limit_book import (
    LoadedLimits,
    load_limits_in_tx,
    write_limits_in_tx,
)
from ledger_server.application.prepare import Prepared
from ledger_server.domain.books import BalanceState, Books, Posting
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import (
    BatchRefusedError,
    Outcome,
    Repeat,
    Replay,
    day_sums,
    decide_group,
)
from ledger_server.domain.primitives import TransactionId
from ledger_server.domain.reversal import Reversible, reversible_entries
from ledger_server.domain.transaction import BalanceKey, Draft, Kind, PostCommand
from ledger_server.store import holds, journals, postings, reversals
from ledger_server.store.codec import SALT_BYTES
from ledger_server.store.database import Database, Tx
from ledger_server.store.transaction_codec import (
    draft_entries,
    posting_event,
    stamp,
)


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
        """Entries of all drafts; of those that take what is left, the balances they may touch."""
        return sum(
            len(draft.keys if draft.entries is None else draft.entries) for draft in self.drafts()
        )

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


@dataclasses.dataclass(slots=True)
class Loaded:
    """All that a batch is decided against, and the configuration that it is valid for."""

    books: Books
    config_version: int
    limits: LoadedLimits | None


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
    keys = {key for draft in drafts for key in draft.keys}
    async with database.writer_transaction() as tx:
        if ensure:
            await postings.ensure_balances_in_tx(tx, books.journal.id, keys)
        states = await postings.lock_balances_in_tx(tx, books.journal.id, keys)
        if len(states) < len(keys):
            assert not ensure, "ensure_balances leaves a row for each key"
            raise _MissingBalancesError
        loaded = await load_in_tx(tx, books, config_version, drafts, states, locked=True)
        outcomes = [
            decide_group(group.prepared, loaded.books, atomic=group.atomic) for group in groups
        ]
        messages = await write_in_tx(tx, books, loaded, actor)
    return [group_result(group, messages) for group in outcomes]


def group_result(
    outcomes: list[Outcome] | BatchRefusedError, messages: dict[int, transactions_pb2.Transaction]
) -> GroupResult:
    """Return what a group is answered, `messages` being what was written of it."""
    if isinstance(outcomes, BatchRefusedError):
        return outcomes
    return [_result(outcome, messages) for outcome in outcomes]


async def load_in_tx(
    tx: Tx,
    books: JournalBooks,
    version: int,
    drafts: Sequence[Draft],
    states: dict[BalanceKey, BalanceState],
    *,
    locked: bool,
) -> Loaded:
    """Return what `drafts` are decided against.

    Everything that another posting could change (holds, what is left of a transaction, what
    limits count) hangs on balances that every such posting locks, so it is read after the locks
    and needs none of its own.

    Raises:
        StaleConfigurationError: the configuration is no longer `version`.
    """
    journal_id = books.journal.id
    known = await postings.find_known_in_tx(
        tx,
        journal_id,
        [draft.command.transaction_id for draft in drafts],
        [draft.external_id for draft in drafts if draft.external_id],
    )
    account_ids = {key.account_id for draft in drafts for key in draft.keys}
    accounts = {one: books.facts[one] for one in account_ids if one in books.facts}
    period = books.period
    if not version == known.config_version == books.config_version:
        raise StaleConfigurationError
    if len(accounts) < len(account_ids):
        # Another call made room in the memory; preparing again fills it.
        raise StaleConfigurationError
    hold_ids = [draft.command.hold_id for draft in drafts if draft.command.hold_id is not None]
    found_holds = await holds.find_in_tx(tx, journal_id, hold_ids) if hold_ids else {}
    reversibles = await _reversibles_in_tx(tx, books, drafts)
    limits = await load_limits_in_tx(
        tx,
        books,
        {account_id: facts.normal_side for account_id, facts in accounts.items()},
        list(states),
        known.now,
        locked=locked,
    )
    if books.config_version != version:
        raise StaleConfigurationError
    return Loaded(
        Books(
            now=known.now,
            period=period,
            balances=states,
            accounts=accounts,
            by_id=known.by_id,
            by_external_id=known.by_external_id,
            holds=found_holds,
            reversibles=reversibles,
            limits=limits.book if limits else None,
        ),
        version,
        limits,
    )


async def _reversibles_in_tx(
    tx: Tx, books: JournalBooks, drafts: Sequence[Draft]
) -> dict[TransactionId, Reversible]:
    originals = {
        draft.command.reverses: draft.origin
        for draft in drafts
        if draft.command.reverses is not None
    }
    if not originals:
        return {}
    gone = await reversals.reversed_in_tx(tx, books.journal.id, list(originals))
    found: dict[TransactionId, Reversible] = {}
    for original_id, record in originals.items():
        assert isinstance(record, transactions_pb2.Transaction), "prepared with its original"
        kind = Kind(record.kind)
        found[original_id] = Reversible(
            original_id,
            kind,
            reversible_entries(kind, draft_entries(record)),
            gone.get(original_id, {}),
        )
    return found


async def write_in_tx(
    tx: Tx, books: JournalBooks, loaded: Loaded, actor: str
) -> dict[int, transactions_pb2.Transaction]:
    """Write what was accepted and return its transactions by the identity of the posting."""
    accepted = list(loaded.books.accepted.values())
    if not accepted:
        await _keep_past_in_tx(tx, books, loaded)
        return {}
    salts = os.urandom(SALT_BYTES * len(accepted))
    encoded = [
        posting_event(posting, actor, salts[SALT_BYTES * place : SALT_BYTES * (place + 1)])
        for place, posting in enumerate(accepted)
    ]
    touched = {entry.key for posting in accepted for entry in posting.entries}
    written = await postings.write_batch_in_tx(
        tx,
        books.journal.id,
        loaded.config_version,
        deadline=_deadline(accepted),
        postings=accepted,
        events=[event for event, _ in encoded],
        balances={key: loaded.books.balances[key] for key in touched},
        days=day_sums(accepted),
    )
    if written is None:
        raise StaleConfigurationError
    await holds.write_in_tx(tx, books.journal.id, accepted, written.base, written.recorded_at)
    await reversals.write_in_tx(tx, books.journal.id, accepted, written.base)
    if loaded.limits is not None:
        movements = [
            (movement, sequence, written.recorded_at)
            for sequence, posting in enumerate(accepted, written.base + 1)
            for movement in posting.movements
        ]
        await write_limits_in_tx(tx, books, loaded.limits, movements)
    return {
        id(posting): stamp(message, written.base + ordinal, written.recorded_at)
        for ordinal, (posting, (_, message)) in enumerate(zip(accepted, encoded, strict=True), 1)
    }


async def _keep_past_in_tx(tx: Tx, books: JournalBooks, loaded: Loaded) -> None:
    """Write what limits counted of the past although nothing was accepted.

    Or every refusal, until something is accepted, would read an account's history again.
    """
    if loaded.limits is None or not loaded.limits.past.keys:
        return
    await journals.lock_head_in_tx(tx, books.journal.id)
    head = await journals.read_head_in_tx(tx, books.journal.id)
    if head.config_version == loaded.config_version:
        await write_limits_in_tx(tx, books, loaded.limits, ())


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


def _result(outcome: Outcome, messages: dict[int, transactions_pb2.Transaction]) -> Result:
    if isinstance(outcome, Posting):
        return Posted(messages[id(outcome)], replayed=False)
    if isinstance(outcome, Repeat):
        return Posted(messages[id(outcome.posting)], replayed=True)
    if isinstance(outcome, Replay):
        return posted_of(outcome)
    return outcome


def posted_of(replay: Replay) -> Posted:
    """Return what was posted when the request came first."""
    record = replay.recorded.record
    assert isinstance(record, transactions_pb2.Transaction), "made by the store"
    return Posted(record, replayed=True)

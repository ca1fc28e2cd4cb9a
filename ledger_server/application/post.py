"""Posting: the use cases behind `TransactionService`'s two posting calls."""

import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.group import (
    Group,
    Posted,
    Result,
    posted_of,
)
from ledger_server.application.journal_books import JournalBooks, Library
from ledger_server.application.journal_writer import JournalWriter
from ledger_server.application.loaded_books import (
    StaleConfigurationError,
    find_known_in_tx,
    load_remembered,
    read_rest_in_tx,
)
from ledger_server.application.prepare import prepare
from ledger_server.domain.books import BalanceState, Posting
from ledger_server.domain.errors import ContentionError, LedgerError, TooManyEntriesError
from ledger_server.domain.posting import BatchRefusedError, Replay, decide_group
from ledger_server.domain.primitives import EXACT, Layer
from ledger_server.domain.transaction import (
    ENTRIES_MAX_PER_CALL,
    BalanceKey,
    Draft,
    PostCommand,
)
from ledger_server.store import postings
from ledger_server.store.database import Database
from ledger_server.store.transaction_codec import draft_message

#: Runs of a validation before its caller is told that the configuration will not hold still.
_VALIDATIONS_MAX = 5


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceChange:
    """How one layer of a balance would change."""

    key: BalanceKey
    account_code: str
    layer: Layer
    #: Debits less credits.
    net_debit_before: Decimal
    net_debit_after: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What a posting would come to now."""

    transaction: transactions_pb2.Transaction
    replayed: bool
    changes: Sequence[BalanceChange]
    refusal: LedgerError | None


class Poster:
    """Posts transactions, one writer a journal."""

    def __init__(
        self, database: Database, library: Library, now: Callable[[], datetime], actor: str = ""
    ) -> None:
        """Begin without writers; they come with the first posting to their journal."""
        self._database = database
        self._library = library
        self._now = now
        self._actor = actor
        self._writers: dict[int, JournalWriter] = {}

    async def post(self, journal: str, command: PostCommand) -> Posted:
        """Post one transaction.

        Raises:
            LedgerError: why it was refused; nothing was written.
        """
        (result,) = await self._submit(journal, [command], atomic=False)
        if isinstance(result, LedgerError):
            raise result
        return result

    async def post_atomic(self, journal: str, commands: Sequence[PostCommand]) -> list[Posted]:
        """Post all of `commands` or none.

        Raises:
            BatchRefusedError: the first refusal, with its index; nothing was written.
        """
        results = await self._submit(journal, commands, atomic=True)
        posted = [result for result in results if isinstance(result, Posted)]
        assert len(posted) == len(results), "an atomic group is refused as a whole"
        return posted

    async def post_independent(self, journal: str, commands: Sequence[PostCommand]) -> list[Result]:
        """Post each of `commands` by itself, in order."""
        return await self._submit(journal, commands, atomic=False)

    async def validate(self, journal: str, command: PostCommand) -> Validation:
        """Evaluate and decide `command` and write nothing.

        Raises:
            LedgerError: it cannot even be evaluated.
        """
        books = await self._library.books(journal)
        for _ in range(_VALIDATIONS_MAX):
            (draft,), config_version = await prepare([command], books, self._now)
            if isinstance(draft, LedgerError):
                raise draft
            if isinstance(draft, Replay):
                return _validation_of_replay(draft)
            try:
                return await self._validate(books, config_version, draft)
            except StaleConfigurationError:
                await books.refresh()
        raise ContentionError(_VALIDATIONS_MAX)

    async def close(self) -> None:
        """Write what waits and stop."""
        for writer in self._writers.values():
            await writer.close()

    async def _submit(
        self, journal: str, commands: Sequence[PostCommand], *, atomic: bool
    ) -> list[Result]:
        books = await self._library.books(journal)
        group = Group(commands, *await prepare(commands, books, self._now), atomic=atomic)
        if group.entry_count > ENTRIES_MAX_PER_CALL:
            raise TooManyEntriesError(ENTRIES_MAX_PER_CALL, "call")
        if not group.drafts():
            return _without_books(group)
        writer = self._writers.get(books.journal.id)
        if writer is None:
            writer = JournalWriter(self._database, books, self._actor, self._now)
            self._writers[books.journal.id] = writer
        return await writer.submit(group)

    async def _validate(self, books: JournalBooks, config_version: int, draft: Draft) -> Validation:
        keys = set(draft.keys)
        async with self._database.snapshot() as tx:
            known = await find_known_in_tx(tx, books, [draft])
            states = await postings.read_balances_in_tx(tx, books.journal.id, keys)
            for key in keys - states.keys():
                states[key] = BalanceState.empty()
            loaded = load_remembered(
                books, config_version, [draft], keys, known=known, states=states
            )
            await read_rest_in_tx(tx, books, loaded, [draft], keys)
        before = {key: list(state.sums) for key, state in states.items()}
        outcomes = decide_group([draft], loaded.books, atomic=False)
        assert not isinstance(outcomes, BatchRefusedError), "only an atomic group is refused whole"
        (outcome,) = outcomes
        if isinstance(outcome, Replay):
            return _validation_of_replay(outcome)
        return Validation(
            transaction=draft_message(
                draft, outcome.entries if isinstance(outcome, Posting) else draft.entries or ()
            ),
            replayed=False,
            changes=_changes(outcome, before, states) if isinstance(outcome, Posting) else (),
            refusal=outcome if isinstance(outcome, LedgerError) else None,
        )


def _without_books(group: Group) -> list[Result]:
    """Answer a group of which nothing is left to decide."""
    results: list[Result] = []
    for index, one in enumerate(group.prepared):
        assert not isinstance(one, Draft), "a draft is decided against the books"
        if isinstance(one, Replay):
            results.append(posted_of(one))
        elif group.atomic:
            raise BatchRefusedError(index, one)
        else:
            results.append(one)
    return results


def _validation_of_replay(replay: Replay) -> Validation:
    return Validation(
        transaction=posted_of(replay).transaction, replayed=True, changes=(), refusal=None
    )


def _changes(
    posting: Posting,
    before: dict[BalanceKey, list[Decimal]],
    after: dict[BalanceKey, BalanceState],
) -> list[BalanceChange]:
    changes: dict[tuple[BalanceKey, Layer], BalanceChange] = {}
    for entry in posting.entries:
        place = 2 * entry.layer - 2
        old, new = before[entry.key], after[entry.key].sums
        # Gives a bare 0 the decimals of the currency.
        zero = EXACT.subtract(entry.units, entry.units)
        changes[entry.key, entry.layer] = BalanceChange(
            key=entry.key,
            account_code=entry.account_code,
            layer=entry.layer,
            net_debit_before=EXACT.add(zero, EXACT.subtract(old[place], old[place + 1])),
            net_debit_after=EXACT.add(zero, EXACT.subtract(new[place], new[place + 1])),
        )
    return list(changes.values())

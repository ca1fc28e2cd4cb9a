"""Closing entries on their way into the books: decided under the journal's head.

What closes a year takes the head before it decides: so nothing is committed between the look at
what is to be closed and the closing entries. It holds the head for as long as it takes to look at
what came since it was planned, which is little, and to write.
"""

import asyncio
import contextlib
import dataclasses
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import date
from typing import Final, TypeVar
from uuid import UUID

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.batch_write import post_all_in_tx
from ledger_server.application.ids import new_id
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.loaded_books import (
    Loaded,
    StaleConfigurationError,
    find_known_in_tx,
    load_remembered,
    read_rest_in_tx,
)
from ledger_server.domain.books import BalanceState
from ledger_server.domain.errors import ContentionError
from ledger_server.domain.journal import Head
from ledger_server.domain.posting import BatchRefusedError
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, Kind, PostCommand
from ledger_server.store import journals, postings
from ledger_server.store.database import (
    ConstraintError,
    Database,
    RetryError,
    Tx,
    broken_invariant,
)

#: Runs that may be lost to changes of the configuration before the caller is told of contention.
ATTEMPTS_MAX: Final = 8
#: Entries written by one transaction of the database: what holds its locks for about a second.
ENTRIES_MAX_PER_STEP: Final = 10_000
_PAUSE_SECONDS: Final = 0.01

R = TypeVar("R")


@dataclasses.dataclass(frozen=True, slots=True)
class Held:
    """The journal, held: nothing else of it commits until `tx` ends."""

    tx: Tx
    books: JournalBooks
    loaded: Loaded
    head: Head


async def in_steps(books: JournalBooks, step: Callable[[], Awaitable[R | None]]) -> R:
    """Run `step`, a whole transaction each time, until it has an answer.

    A step without an answer has written a part; one that was overtaken has written nothing.

    Raises:
        ContentionError: it was overtaken too often.
        LedgerInvariantError: the database refused what the rules allowed.
    """
    lost = 0
    while lost < ATTEMPTS_MAX:
        try:
            answer = await step()
        except StaleConfigurationError:
            await books.refresh()
        except RetryError:
            await asyncio.sleep(_PAUSE_SECONDS * random.uniform(1, 2 + lost))  # noqa: S311  # jitter
        except ConstraintError as error:
            raise broken_invariant(error) from error
        else:
            if answer is not None:
                return answer
            continue
        lost += 1
    raise ContentionError(ATTEMPTS_MAX)


@contextlib.asynccontextmanager
async def held(
    database: Database, books: JournalBooks, drafts: Sequence[Draft]
) -> AsyncIterator[Held]:
    """Hold the head, and read what `drafts` are decided against under it.

    Args:
        database: of the journal.
        books: the journal's.
        drafts: name all balances that may be touched; their entries may still be decided.

    Raises:
        StaleConfigurationError: the configuration changed meanwhile.
    """
    keys = {key for draft in drafts for key in draft.keys}
    if not await books.is_current():
        await books.refresh()
    absent = await books.look_up({key.account_id for key in keys})
    assert not absent, "accounts are never deleted"
    version = books.config_version
    async with database.writer_transaction() as tx:
        head = await journals.lock_head_in_tx(tx, books.journal.id)
        if head.config_version != version:
            raise StaleConfigurationError
        known = await find_known_in_tx(tx, books, drafts)
        found = await postings.read_balances_in_tx(tx, books.journal.id, keys)
        states = {key: found.get(key) or BalanceState.empty() for key in keys}
        loaded = load_remembered(books, version, drafts, keys, known=known, states=states)
        await read_rest_in_tx(tx, books, loaded, drafts, keys)
        yield Held(tx, books, loaded, head)


async def post_in_tx(
    journal: Held, drafts: Sequence[Draft], actor: str
) -> list[transactions_pb2.Transaction]:
    """Decide `drafts`, all or none, write them, and return them as they are stored.

    Raises:
        LedgerError: why they were refused.
    """
    try:
        posted = await post_all_in_tx(
            journal.tx,
            journal.books,
            journal.loaded,
            journal.head.sequence,
            drafts=drafts,
            actor=actor,
        )
    except BatchRefusedError as refused:
        raise refused.refusal from refused
    return [one.transaction for one in posted]


def closing_draft(
    year_code: str, day: date, keys: frozenset[BalanceKey], entries: list[DraftEntry]
) -> Draft:
    """Return a draft that closes a part of a year on its last day."""
    command = PostCommand(
        kind=Kind.CLOSING,
        # Nobody's to foresee: a posting under it would keep the year from being closed. What keeps
        # a close from happening twice is the year's state, read under the head.
        transaction_id=new_id(),
        template_code="",
        template_version=None,
        params={},
        behind_soft_lock=True,
    )
    return _draft(command, day, keys, entries, f"Close of fiscal year {year_code}", year_code)


def reopening_draft(
    year_code: str, day: date, closing: transactions_pb2.Transaction, keys: frozenset[BalanceKey]
) -> Draft:
    """Return a draft that takes a closing transaction back."""
    command = PostCommand(
        kind=Kind.REVERSAL,
        transaction_id=new_id(),
        template_code="",
        template_version=None,
        params={},
        reverses=UUID(closing.id),
        behind_soft_lock=True,
        reopens=True,
    )
    text = f"Fiscal year {year_code} reopened"
    draft = _draft(command, day, keys, None, text, year_code)
    draft.origin = closing
    return draft


def _draft(  # noqa: PLR0917  # private, and two callers right above
    command: PostCommand,
    day: date,
    keys: frozenset[BalanceKey],
    entries: list[DraftEntry] | None,
    description: str,
    year_code: str,
) -> Draft:
    correlation_id = f"fiscal-year:{year_code}"
    return Draft(
        command=command,
        template_version=0,
        bind=lambda given: given,
        effective=day,
        description=description,
        external_id="",
        correlation_id=correlation_id,
        metadata={},
        entries=entries,
        keys=keys,
        seen_by_limits={
            "template": "",
            "description": description,
            "external_id": "",
            "correlation_id": correlation_id,
            "metadata": {},
        },
    )

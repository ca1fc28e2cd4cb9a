"""One batch: look up, decide, write, commit. Read, decide, write, for many at once.

A batch is decided on what was read, or is remembered, of the journal at one sequence, and written
only if the journal still stands there. So nothing is locked before the write, and the one lock of
a posting is the journal's head. A batch that was overtaken runs again with the head held from the
beginning: nobody can overtake it then.
"""

import asyncio
import dataclasses
import os
from collections.abc import Iterator, Sequence
from datetime import datetime
from struct import iter_unpack
from typing import Final, Self
from uuid import UUID

from ledger_server.application.group import DECIDED_BY_BALANCES, Group
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.known_balances import KnownBalances
from ledger_server.application.limit_book import remembered_limits
from ledger_server.application.loaded_books import (
    Loaded,
    StaleConfigurationError,
    find_known_in_tx,
    load_remembered,
    read_rest_in_tx,
)
from ledger_server.application.prepare import Prepared
from ledger_server.domain.books import Books, Posting, undo
from ledger_server.domain.day_sums import settle_days
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.posting import (
    BatchRefusedError,
    Outcome,
    decide_group,
)
from ledger_server.domain.transaction import BalanceKey, Draft
from ledger_server.store import journals, postings
from ledger_server.store.codec import SALT_BYTES
from ledger_server.store.database import Tx
from ledger_server.store.transaction_bytes import (
    EncodedPosting,
    posting_event,
)

#: Postings that are encoded as soon as they are decided: what the processor's caches still hold.
#: Of a whole batch they have lost the first when the last is decided. After as many others have
#: their turn: what is being written must get to the database, and its answer be taken, meanwhile.
_ENCODED_TOGETHER: Final = 32
_SALT_FORMAT: Final = f"{SALT_BYTES}s"


class OvertakenError(Exception):
    """The journal has moved since the batch was decided, or a deadline of it has passed."""


class UnprovenError(OvertakenError):
    """A batch was decided without asking the database, which has to be asked now.

    One of its ids may be in the books, or a hold that it places has ended already.
    """


class UnprovenRefusalError(UnprovenError):
    """A draft would be refused, unless it is in the books already. The balances are as before."""


@dataclasses.dataclass(slots=True, kw_only=True)
class Decided:
    """A batch that is decided and not written yet."""

    #: The sequence of the journal that it was decided at.
    head_sequence: int
    #: The batch of this server that brings the journal there; None if it was found there.
    after: UUID | None
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
    #: Whether one statement at most writes all of it.
    is_one_statement: bool = dataclasses.field(init=False)

    @property
    def may_be_sent_behind(self) -> bool:
        """Tell whether it may be sent while the batch before is written.

        What writes nothing has nobody who asks whether that batch came to be.
        """
        return self.rows is not None and self.is_one_statement

    def __post_init__(self) -> None:
        """Look at all of it once."""
        limits = self.loaded.limits
        self.is_one_statement = (
            limits is None or (not limits.past.keys and not limits.book.sets)
        ) and not any(posting.movements for posting in self.accepted)


@dataclasses.dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for by groups that are decided together."""

    groups: Sequence[Group]
    #: Who asked for it.
    actor: str
    drafts: list[Draft]
    #: Every balance that they may touch.
    keys: set[BalanceKey]
    #: What all of them are prepared under. Theirs and not that of a memory, which may move on at
    #: any await.
    config_version: int
    #: Whether each of their places has a draft.
    is_all_drafts: bool

    @classmethod
    def by(cls, groups: Sequence[Group], actor: str) -> Self:
        """Look at groups, all of them prepared under the configuration that is known now."""
        drafts = [draft for group in groups for draft in group.drafts()]
        config_version = groups[0].config_version
        assert all(group.config_version == config_version for group in groups), "see _attempt"
        return cls(
            groups,
            actor,
            drafts,
            {key for draft in drafts for key in draft.keys},
            config_version,
            len(drafts) == sum(len(group.prepared) for group in groups),
        )

    def takes_balances_only(self, books: JournalBooks) -> bool:
        """Tell whether nothing but balances decides them, unless they are in the books already."""
        return (
            self.is_all_drafts
            and all(draft.command.kind in DECIDED_BY_BALANCES for draft in self.drafts)
            and books.are_bound_by_balances(key.account_id for key in self.keys)
        )


async def decide_remembered(
    asked: Asked, books: JournalBooks, known: KnownBalances, now: datetime
) -> Decided | None:
    """Decide without asking the database; None if that takes more than is remembered.

    No id is looked up: what comes of it is written only if none of them is in the books. But a
    draft that is refused may be there already, and would have to be answered with what is there.

    Args:
        asked: what is to be decided.
        books: the memory of the journal.
        known: the balances, and where they stand; what comes of the drafts is left in it.
        now: by the server's clock, for what is asked again by the database's when it is written.

    Raises:
        StaleConfigurationError: prepare again.
        OvertakenError: the balances were forgotten meanwhile; begin anew.
        UnprovenRefusalError: decide again on what is in the books.
    """
    if known.sequence is None or not asked.takes_balances_only(books):
        return None
    known.begin(known.sequence)
    if known.missing(asked.keys):
        return None
    nothing = postings.Known.nothing(known.sequence, asked.config_version, now)
    return await _decide_as_new(asked, books, known, nothing)


async def _decide_as_new(
    asked: Asked, books: JournalBooks, known: KnownBalances, nothing: postings.Known
) -> Decided:
    """Decide what takes balances only, all of them known, as if no id were in the books."""
    loaded = load_remembered(
        books, asked.config_version, asked.drafts, asked.keys, known=nothing, states=known.states
    )
    if books.has_limits:
        loaded.bind(remembered_limits(books, asked.keys))
    return await _decide_on(asked, loaded, known, is_looked_up=False)


def _holds_refusal(outcomes: list[Outcome] | BatchRefusedError) -> bool:
    return isinstance(outcomes, BatchRefusedError) or any(
        isinstance(one, LedgerError) for one in outcomes
    )


async def _decide_on(
    asked: Asked, loaded: Loaded, known: KnownBalances, *, is_looked_up: bool
) -> Decided:
    generation = known.generation
    outcomes: list[list[Outcome] | BatchRefusedError] = []
    encoded: list[EncodedPosting] = []
    salts = draw_salts(sum(len(group.prepared) for group in asked.groups))
    for group in asked.groups:
        decision, events = await decide_group_and_encode(
            group.prepared, loaded.books, asked.actor, salts, atomic=group.atomic
        )
        if known.generation != generation:
            raise OvertakenError
        if not is_looked_up and _holds_refusal(decision):
            for posting in reversed(loaded.books.accepted.values()):
                undo(posting, loaded.books)
            raise UnprovenRefusalError
        outcomes.append(decision)
        encoded += events
    assert known.sequence is not None, "begun"
    accepted = list(loaded.books.accepted.values())
    rows = rows_of(accepted, encoded) if accepted else None
    decided = Decided(
        head_sequence=known.sequence,
        after=known.last_batch,
        is_looked_up=is_looked_up,
        generation=generation,
        outcomes=outcomes,
        loaded=loaded,
        accepted=accepted,
        encoded=encoded,
        rows=rows,
    )
    if rows is not None:
        known.advance(rows.count, rows.id)
    return decided


async def decide_in_tx(
    tx: Tx, asked: Asked, books: JournalBooks, known: KnownBalances, *, look_up: bool
) -> Decided:
    """Decide what is asked for, one after another, and leave in `known` what comes of it.

    Args:
        tx: reads; it need not be a transaction unless it holds the head.
        asked: what is to be decided.
        books: the memory of the journal.
        known: the balances, and where they stand.
        look_up: whether ids are looked up even of what might be decided as new.

    Raises:
        StaleConfigurationError: prepare again.
        OvertakenError: what is known is of another sequence than the journal's; begin anew.
        UnprovenRefusalError: of what was decided as new; decide again with `look_up`.
    """
    if not look_up and asked.takes_balances_only(books):
        return await _decide_on_read_in_tx(tx, asked, books, known)
    drafts, keys, config_version = asked.drafts, asked.keys, asked.config_version
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
    loaded = load_remembered(books, config_version, drafts, keys, known=now, states=known.states)
    await read_rest_in_tx(tx, books, loaded, drafts, keys)
    if known.generation != generation:
        raise OvertakenError
    decided = await _decide_on(asked, loaded, known, is_looked_up=True)
    if not decided.accepted and (missing or loaded.is_read_later):
        # Nothing will be written that only counts if the journal has not moved between the reads.
        # Unless that is asked, a hold would be found captured, by the same request, of which the
        # ids did not tell yet.
        await _check_unmoved_in_tx(tx, books, known)
    return decided


async def _decide_on_read_in_tx(
    tx: Tx, asked: Asked, books: JournalBooks, known: KnownBalances
) -> Decided:
    """Decide what takes balances only, as new, on what one read adds to what is remembered."""
    if known.sequence is not None:
        known.begin(known.sequence)
    generation, missing = known.generation, known.missing(asked.keys)
    now, found = await postings.read_balances_at_head_in_tx(tx, books.journal.id, missing)
    if known.generation != generation or not known.begin(now.head_sequence):
        raise OvertakenError
    known.learn(missing, found)
    if known.missing(asked.keys) or not asked.takes_balances_only(books):
        # Another made room in a memory meanwhile.
        raise StaleConfigurationError
    return await _decide_as_new(asked, books, known, now)


def draw_salts(count: int) -> Iterator[bytes]:
    """Give so many salts of `codec.SALT_BYTES`, drawn at once: each draw asks the kernel."""
    return (salt for (salt,) in iter_unpack(_SALT_FORMAT, os.urandom(SALT_BYTES * count)))


async def decide_group_and_encode(
    prepared: Sequence[Prepared],
    books: Books,
    actor: str,
    salts: Iterator[bytes],
    *,
    atomic: bool,
) -> tuple[list[Outcome] | BatchRefusedError, list[EncodedPosting]]:
    """Decide a group, and encode what is accepted of it, in order, each with the next salt."""
    outcomes: list[Outcome] = []
    encoded: list[EncodedPosting] = []
    if atomic:
        decision = decide_group(prepared, books, atomic=True)
        if isinstance(decision, BatchRefusedError):
            return decision, []
        outcomes = decision
    for start in range(0, len(prepared), _ENCODED_TOGETHER):
        if start:
            await asyncio.sleep(0)
        end = start + _ENCODED_TOGETHER
        if not atomic:
            part = decide_group(prepared[start:end], books, atomic=False)
            assert not isinstance(part, BatchRefusedError), "only an atomic group is refused whole"
            outcomes += part
        encoded += [
            posting_event(posting, actor, next(salts))
            for posting in outcomes[start:end]
            if isinstance(posting, Posting)
        ]
    return outcomes, encoded


def rows_of(
    accepted: Sequence[Posting], encoded: Sequence[EncodedPosting]
) -> postings.EncodedBatch:
    """Make the rows now: the balances go on with the next batch before these are written."""
    return postings.encode_batch(accepted, [one.event for one in encoded], settle_days(accepted))


async def _check_unmoved_in_tx(tx: Tx, books: JournalBooks, known: KnownBalances) -> None:
    head = await journals.read_head_in_tx(tx, books.journal.id)
    if not known.begin(head.sequence):
        raise OvertakenError

"""The journal writer: one a journal and server, and the one way in which postings are written.

What waits is taken together, decided in memory and committed at once, so the cost of a commit is
shared by all that came while the one before was under way. A single posting is a batch of one.
While one batch is written the next may be decided, on the balances as the first will leave them,
and sent: it waits for the journal's head, and is written if the first has left it there. If that
did not go as expected it is decided again.

The journal's head is the one lock of a posting, as of a change of configuration (`mutation.py`).
Usually the statement that writes takes it, and only if the journal still stands where the batch
was decided. A batch that was overtaken takes it before it reads anything. All else is read and
written under it and has no locks of its own, so no two transactions can wait for each other.
"""

import asyncio
import contextlib
import logging
import random
import uuid
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Final
from uuid import UUID

from ledger_server.application.batch import (
    Asked,
    Decided,
    OvertakenError,
    UnprovenError,
    UnprovenRefusalError,
    decide_in_tx,
    decide_remembered,
)
from ledger_server.application.batch_write import write_in_tx
from ledger_server.application.group import UNPREPARED, Group, GroupResult, Result
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.known_balances import KnownBalances
from ledger_server.application.loaded_books import StaleConfigurationError
from ledger_server.application.look_ups import LookUps
from ledger_server.application.prepare import prepare
from ledger_server.application.under_way import SENT_BEHIND_MAX, UnderWay
from ledger_server.application.waiting import Waiting
from ledger_server.domain.errors import (
    ContentionError,
    InternalError,
    LedgerError,
    ShuttingDownError,
)
from ledger_server.store import journals
from ledger_server.store.database import (
    ConnectionLostError,
    ConstraintError,
    Database,
    RetryError,
    Tx,
    broken_invariant,
)

_log = logging.getLogger(__name__)

#: Runs of a batch before its callers are told to come again.
ATTEMPTS_MAX: Final = 12
#: Runs after a lost connection; with the pauses between them a restart of the database fits in.
RECONNECTIONS_MAX: Final = 5
_PAUSE_SECONDS: Final = 0.002
_RECONNECT_PAUSE_SECONDS: Final = 0.25

#: Constraints that another server's commit can reach first: decided again, the batch finds it.
_RACES: Final = frozenset(
    {"transactions_pkey", "transactions_external_id_key", "limit_starts_pkey"}
)
#: What a batch may meet before its turn comes, and not meet again then.
_PASSING: Final = (
    LedgerError,
    ConstraintError,
    OvertakenError,
    RetryError,
    StaleConfigurationError,
)


class JournalWriter:
    """Writes the postings of one journal, batch after batch."""

    def __init__(
        self, database: Database, books: JournalBooks, actor: str, now: Callable[[], datetime]
    ) -> None:
        """Begin with nothing waiting."""
        self._database = database
        self._books = books
        self._actor = actor
        self._now = now
        self._waiting = Waiting()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self._known = KnownBalances()
        #: Held while a batch is decided: they share the balances.
        self._deciding = asyncio.Lock()
        #: Whether the batch under way is decided: the next one is decided on what it will leave.
        self._is_decided = False
        #: Whether somebody else wrote to the journal since the batch before.
        self._is_shared = False
        self._look_ups = LookUps()
        self._under_way = UnderWay(self._waiting.news.set)

    async def submit(self, group: Group) -> list[Result]:
        """Have `group` written and return one result for each of its drafts.

        The writing goes on when the caller goes away.

        Raises:
            OverloadedError: too much is waiting already.
            LedgerError: the batch as a whole could not be run, for example `CONTENTION`.
        """
        if self._closing:
            raise ShuttingDownError
        self._waiting.add(group)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="journal-writer")
        return await group.done

    async def close(self) -> None:
        """Write what waits and stop."""
        self._closing = True
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        try:
            while self._waiting or self._under_way:
                if self._under_way and not await self._is_worth_deciding_now():
                    await self._under_way.finish(all_but=0)
                    continue
                if not self._under_way:
                    await self._waiting.gather()
                groups = self._waiting.take()
                ids = {one for group in groups for one in group.ids()}
                if self._under_way and not self._may_be_ahead(groups, ids):
                    await self._under_way.finish(all_but=0)
                decided = await self._decide_ahead(groups) if self._under_way else None
                is_sent = decided is not None and decided.may_be_sent_behind
                await self._under_way.finish(all_but=SENT_BEHIND_MAX if is_sent else 0)
                self._begin_writing(groups, ids, decided)
        except asyncio.CancelledError:
            self._under_way.cancel()
            raise
        finally:
            self._task = None

    def _begin_writing(
        self, groups: list[Group], ids: set[UUID | str], decided: Decided | None
    ) -> None:
        if self._under_way and decided is not None:
            writing = self._write_behind(groups, decided, self._under_way.last)
        else:
            self._is_decided = False
            writing = self._write(groups, decided)
        self._under_way.begin(writing, ids)

    async def _is_worth_deciding_now(self) -> bool:
        """Wait until the next may be decided, or nothing is under way: then return False."""
        while not self._under_way.last.done():
            # Not before the batch under way is decided: it may get its connection later than the
            # next one would.
            if self._is_decided and self._waiting.are_many:
                return True
            self._waiting.news.clear()
            await self._waiting.news.wait()
        return False

    def _note_decided(self) -> None:
        self._is_decided = True
        self._waiting.news.set()

    def _may_be_ahead(self, groups: Sequence[Group], ids: set[UUID | str]) -> bool:
        """Tell whether balances, with room for more, are all these need of the batches before."""
        return (
            not self._is_shared
            and not self._known.is_full
            and all(group.needs_balances_only(self._books) for group in groups)
            and not self._under_way.has_any_of(ids)
        )

    async def _decide_ahead(self, groups: Sequence[Group]) -> Decided | None:
        """Decide while another batch is written; None if it has to be done again after that."""
        if not groups:
            return None
        try:
            return await self._decide(groups)
        except UnprovenRefusalError as error:
            # The balances are as before: the next run, which looks up, is decided on them.
            self._look_ups.learn(error)
            return None
        except _PASSING:
            # What runs next meets it again, and answers; or it has passed by then.
            self._known.forget()
            return None
        except Exception:  # noqa: BLE001  # the next run has to answer, whatever this one met
            _log.exception("deciding ahead failed: a bug; decided again without")
            self._known.forget()
            return None

    async def _decide(self, groups: Sequence[Group]) -> Decided:
        asked, decided = Asked.by(groups, self._actor), None
        look_up = self._look_ups.is_due()
        if not look_up:
            async with self._deciding:
                decided = await decide_remembered(asked, self._books, self._known, self._now())
        if decided is None:
            # The connection first: whoever waits for the balances must not keep one from who has
            # them.
            async with self._database.writer_connection() as tx, self._deciding:
                decided = await decide_in_tx(tx, asked, self._books, self._known, look_up=look_up)
        if not decided.is_looked_up:
            self._look_ups.was_not_needed()
        return decided

    async def _write_behind(
        self, groups: list[Group], decided: Decided, before: asyncio.Task[None]
    ) -> None:
        """Send a batch while the one before is written, and again if it came to nothing.

        The database begins it as soon as that one is committed, without a word from here.
        """
        is_through = False
        if not self._is_void(decided) and not self._database.places_behind.locked():
            try:
                async with self._database.places_behind:
                    await self._write_decided(groups, decided)
                is_through = True
            except _PASSING:
                # It was there before the other, or that one left something else. If it was written
                # and nobody told us, the next run finds it.
                pass
            except Exception:  # noqa: BLE001  # the next run has to answer, whatever this one met
                _log.exception("sending a batch behind another failed: a bug; sent again after it")
        await asyncio.wait([before])
        if not is_through:
            self._is_decided = False
            await self._write(groups, decided)

    def _is_void(self, decided: Decided) -> bool:
        """Tell whether what it was decided on has been forgotten since."""
        return decided.generation != self._known.generation

    async def _write(self, groups: list[Group], decided: Decided | None = None) -> None:
        if not groups:
            return
        try:
            await self._attempt(groups, decided)
        except LedgerError as refusal:
            self._fail(groups, refusal)
        except ConstraintError as error:
            await self._isolate(groups, error, broken_invariant(error))
        except Exception as error:  # noqa: BLE001  # the writer must survive its callers
            await self._isolate(groups, error, None)

    async def _isolate(
        self, groups: list[Group], error: Exception, refusal: LedgerError | None
    ) -> None:
        """Write each group by itself, so that one that cannot be written fails alone."""
        if len(groups) > 1:
            for group in groups:
                await self._write([group])
            return
        incident = uuid.uuid4().hex[:12]
        _log.error("incident %s in a batch", incident, exc_info=error)
        self._fail(groups, refusal or InternalError(incident))

    @staticmethod
    def _fail(groups: list[Group], refusal: LedgerError) -> None:
        for group in groups:
            group.fail(refusal)

    async def _attempt(self, groups: Sequence[Group], decided: Decided | None) -> None:
        """Run the batch until it is through: other servers may come in between."""
        reconnections = 0
        under_head = self._is_shared
        for attempt in range(ATTEMPTS_MAX):
            try:
                await self._prepare_stale(groups)
                if under_head:
                    return await self._run_under_head(groups)
                return await self._run_freely(groups, decided)
            except StaleConfigurationError:
                await self._refresh(groups)
            except OvertakenError:
                self._is_shared = True
            except RetryError:
                await asyncio.sleep(_PAUSE_SECONDS * random.uniform(1, 2 + attempt))  # noqa: S311  # jitter
            except ConstraintError as error:
                if error.constraint not in _RACES:
                    raise
            except ConnectionLostError:
                # The commit may have gone through. The next run looks the ids up: what is in the
                # books is answered from them, what is not is written now.
                reconnections += 1
                if reconnections > RECONNECTIONS_MAX:
                    raise
                await asyncio.sleep(_RECONNECT_PAUSE_SECONDS * reconnections)
            under_head = True
        raise ContentionError(ATTEMPTS_MAX)

    async def _refresh(self, groups: Sequence[Group]) -> None:
        """Have all of `groups` prepared again, on a memory that is up to date."""
        await self._books.refresh()
        for group in groups:
            # Also if the version is the same: accounts may have gone from the memory.
            group.config_version = UNPREPARED

    async def _run_freely(self, groups: Sequence[Group], decided: Decided | None) -> None:
        """Run a batch that takes the head when it writes."""
        try:
            await self._run_decided(groups, decided)
        except UnprovenError as error:
            self._look_ups.learn(error)
            # Those that look their ids up are never unproven.
            await self._run_decided(groups, None)

    async def _run_decided(self, groups: Sequence[Group], decided: Decided | None) -> None:
        with self._forgetting_failures():
            if decided is None or self._is_void(decided):
                decided = await self._decide(groups)
            if decided.head_sequence != self._known.committed:
                # Decided on what another batch leaves that is not written. The journal may come to
                # that sequence all the same, by what another server writes, so the sequence alone
                # cannot tell.
                raise OvertakenError
            self._note_decided()
            await self._write_decided(groups, decided)

    async def _write_decided(self, groups: Sequence[Group], decided: Decided) -> None:
        if decided.is_one_statement:
            async with self._database.writer_connection() as tx:
                results = await write_in_tx(tx, self._books, decided)
                # Committed by itself: nobody has to wait until the connection is given back. Should
                # that fail, the batch runs again, and finds all of it in the books.
                self._end(groups, decided, results)
        else:
            async with self._database.writer_transaction() as tx:
                results = await write_in_tx(tx, self._books, decided)
            self._end(groups, decided, results)

    def _end(
        self, groups: Sequence[Group], decided: Decided, results: Sequence[GroupResult]
    ) -> None:
        """Take note of what was committed, and answer."""
        if not self._is_void(decided):
            self._known.commit(decided.head_sequence + len(decided.accepted))
        for group, result in zip(groups, results, strict=True):
            group.answer(result)

    async def _run_under_head(self, groups: Sequence[Group]) -> None:
        """Run a batch that holds the head from the beginning, so that nobody can overtake it."""
        with self._forgetting_failures():
            async with self._database.writer_transaction() as tx:
                head = await journals.lock_head_in_tx(tx, self._books.journal.id)
                if head.config_version != self._books.config_version:
                    # Changes that follow each other would overtake every preparation before.
                    await self._books.refresh(under_head=tx)
                await self._prepare_stale(groups, under_head=tx)
                async with self._deciding:
                    if self._known.committed is not None:
                        self._is_shared = self._known.committed != head.sequence
                    self._known.forget()
                    asked = Asked.by(groups, self._actor)
                    decided = await decide_in_tx(tx, asked, self._books, self._known, look_up=True)
                self._note_decided()
                results = await write_in_tx(tx, self._books, decided)
            self._end(groups, decided, results)

    @contextlib.contextmanager
    def _forgetting_failures(self) -> Iterator[None]:
        """Forget the balances if the body fails: who knows what of it came to pass."""
        try:
            yield
        except UnprovenRefusalError:
            raise  # nothing of it did
        except BaseException:
            self._known.forget()
            raise

    async def _prepare_stale(self, groups: Sequence[Group], under_head: Tx | None = None) -> None:
        """Prepare again what was prepared under another configuration than is known now.

        A group may have waited while another call refreshed the memory.
        """
        while stale := [
            group for group in groups if group.config_version != self._books.config_version
        ]:
            for group in stale:
                group.prepared, group.config_version = await prepare(
                    group.commands, self._books, self._now, under_head
                )

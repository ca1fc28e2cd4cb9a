"""The journal writer: one a journal and server, and the one way in which postings are written.

What waits is taken together, decided in memory and committed at once, so the cost of a commit is
shared by all that came while the one before was under way. A single posting is a batch of one.

The order of locks, the same in every server:
  1. balances that do not exist yet are inserted, in key order, before anything is locked;
  2. balances are locked in key order (`postings.lock_balances`);
  3. the journal's head is locked by the statement that writes, and held until the commit.
Days' sums are written under the lock of their balance and need none of their own. Changes of
configuration lock the head only (`mutation.py`). So no two transactions can wait for each other.
"""

import asyncio
import logging
import random
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Final

from ledger_server.application.batch import (
    Group,
    GroupResult,
    Result,
    StaleConfigurationError,
    run_batch,
)
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.prepare import prepare
from ledger_server.domain.errors import (
    ContentionError,
    InternalError,
    LedgerError,
    OverloadedError,
    ShuttingDownError,
)
from ledger_server.store.database import (
    ConnectionLostError,
    ConstraintError,
    Database,
    RetryError,
    broken_invariant,
)

_log = logging.getLogger(__name__)

#: Transactions and entries decided together: what holds its locks for some tens of milliseconds.
BATCH_TRANSACTIONS_MAX: Final = 1_000
BATCH_ENTRIES_MAX: Final = 20_000
#: Transactions that may wait: about two seconds of work. More would only wait longer.
WAITING_MAX: Final = 20_000
#: Runs of a batch before its callers are told to come again.
ATTEMPTS_MAX: Final = 12
#: Runs after a lost connection; with the pauses between them a restart of the database fits in.
RECONNECTIONS_MAX: Final = 5
_PAUSE_SECONDS: Final = 0.002
_RECONNECT_PAUSE_SECONDS: Final = 0.25

#: Constraints that another server's commit can reach first: decided again, the batch finds it.
_RACES: Final = frozenset({"transactions_pkey", "transactions_external_id_key"})


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
        self._waiting: deque[Group] = deque()
        self._waiting_count = 0
        self._task: asyncio.Task[None] | None = None
        self._closing = False

    async def submit(self, group: Group) -> list[Result]:
        """Have `group` written and return one result for each of its drafts.

        The writing goes on when the caller goes away.

        Raises:
            OverloadedError: too much is waiting already.
            LedgerError: the batch as a whole could not be run, for example `CONTENTION`.
        """
        if self._closing:
            raise ShuttingDownError
        if self._waiting_count + len(group.commands) > WAITING_MAX:
            raise OverloadedError(WAITING_MAX)
        self._waiting.append(group)
        self._waiting_count += len(group.commands)
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
            while self._waiting:
                await self._write(self._take())
        finally:
            self._task = None

    def _take(self) -> list[Group]:
        """Return what is to be written together: all that waits, up to the bounds of a batch."""
        taken: list[Group] = []
        transactions = entries = 0
        while self._waiting:
            group = self._waiting[0]
            transactions += len(group.commands)
            entries += group.entry_count
            if taken and (transactions > BATCH_TRANSACTIONS_MAX or entries > BATCH_ENTRIES_MAX):
                break
            self._waiting.popleft()
            self._waiting_count -= len(group.commands)
            # A caller that went away before anything was done for it: nothing is.
            if not group.done.cancelled():
                taken.append(group)
        return taken

    async def _write(self, groups: list[Group]) -> None:
        if not groups:
            return
        try:
            results = await self._attempt(groups)
        except LedgerError as refusal:
            self._fail(groups, refusal)
        except ConstraintError as error:
            await self._isolate(groups, error, broken_invariant(error))
        except Exception as error:  # noqa: BLE001  # the writer must survive its callers
            await self._isolate(groups, error, None)
        else:
            for group, result in zip(groups, results, strict=True):
                group.answer(result)

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

    async def _attempt(self, groups: Sequence[Group]) -> list[GroupResult]:
        """Run the batch until it is through: other servers may come in between."""
        reconnections = 0
        for attempt in range(ATTEMPTS_MAX):
            try:
                await self._prepare_stale(groups)
                return await run_batch(self._database, self._books, groups, self._actor)
            except StaleConfigurationError:
                await self._books.refresh()
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
        raise ContentionError(ATTEMPTS_MAX)

    async def _prepare_stale(self, groups: Sequence[Group]) -> None:
        """Prepare again what was prepared under another configuration than is known now.

        A group may have waited while another call refreshed the memory.
        """
        while stale := [
            group for group in groups if group.config_version != self._books.config_version
        ]:
            for group in stale:
                group.prepared, group.config_version = await prepare(
                    group.commands, self._books, self._now
                )

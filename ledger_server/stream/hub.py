"""The hub: the tails of one server, and the one poll that tells them of other servers' commits."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator
from typing import Final

from ledger_server.domain.errors import (
    LedgerError,
    ShuttingDownError,
    TooManySubscribersError,
)
from ledger_server.domain.primitives import JournalId
from ledger_server.store import events
from ledger_server.store.database import Database
from ledger_server.stream.tail import Tail

_log = logging.getLogger(__name__)

#: Streams that one server serves, over all journals.
SUBSCRIBERS_MAX: Final = 2_000
#: How often the heads of followed journals are looked at: half of what another server's commit may
#: take to arrive.
POLL_SECONDS: Final = 0.05
#: What streams get to send their last word when the server stops.
STOP_SECONDS: Final = 2.0


class EventHub:
    """Hands out one tail a journal, however many follow it."""

    def __init__(self, database: Database) -> None:
        """Begin with nobody following; listens to the commits of `database` from now on."""
        self.subscribers = 0
        self.stopping = False
        self._database = database
        self._tails: dict[JournalId, Tail] = {}
        self._polling: asyncio.Task[None] | None = None
        self._empty = asyncio.Event()
        self._empty.set()
        database.on_append(self._seen)

    @contextlib.asynccontextmanager
    async def following(self, journal_id: JournalId) -> AsyncIterator[Tail]:
        """Give the journal's tail, and keep it for as long as the block runs.

        Raises:
            ShuttingDownError: the server is stopping.
            TooManySubscribersError: there are as many streams as the server serves.
            StorageUnavailableError: the database does not answer.
        """
        if self.stopping:
            raise ShuttingDownError
        if self.subscribers >= SUBSCRIBERS_MAX:
            raise TooManySubscribersError(SUBSCRIBERS_MAX)
        tail = self._tails.get(journal_id)
        if tail is None:
            tail = self._tails[journal_id] = Tail(self._database, journal_id)
        tail.subscribers += 1
        self.subscribers += 1
        self._empty.clear()
        try:
            await tail.open()
            if self._polling is None:
                self._polling = asyncio.create_task(self._poll(), name="head-poll")
            yield tail
        finally:
            self.subscribers -= 1
            tail.subscribers -= 1
            if not tail.subscribers:
                # Forgotten before anything is awaited: who comes now begins with a new one.
                del self._tails[journal_id]
                await tail.close()
            if not self.subscribers:
                self._empty.set()

    def tail_of(self, journal_id: JournalId) -> Tail | None:
        """Return the tail of a journal that is followed."""
        return self._tails.get(journal_id)

    async def stop(self) -> None:
        """Have every stream end with its position, and take no new ones."""
        self.stopping = True
        for tail in self._tails.values():
            tail.wake()
        # One that waits for a slow reader ends with the server's grace instead.
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._empty.wait(), STOP_SECONDS)

    async def close(self) -> None:
        """Stop reading. Called when no stream is open any more."""
        self.stopping = True
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        await asyncio.gather(*(tail.close() for tail in self._tails.values()))

    def _seen(self, journal_id: JournalId, head: int) -> None:
        tail = self._tails.get(journal_id)
        if tail is not None:
            tail.seen(head)

    async def _poll(self) -> None:
        try:
            while self._tails:
                await asyncio.sleep(POLL_SECONDS)
                try:
                    await self._look()
                except LedgerError as error:
                    _log.warning("heads cannot be read: %s", error)
                    self._set_failing()
                except Exception:  # noqa: BLE001  # without the poll others' commits would not come
                    _log.exception("heads cannot be read")
                    self._set_failing()
        finally:
            self._polling = None

    def _set_failing(self) -> None:
        for tail in self._tails.values():
            tail.failing = True

    async def _look(self) -> None:
        async with self._database.look_up_connection() as tx:
            heads = await events.heads_in_tx(tx, list(self._tails))
        for journal_id, head in heads.items():
            self._seen(journal_id, head)
        for tail in self._tails.values():
            if tail.position == tail.head:
                tail.failing = False

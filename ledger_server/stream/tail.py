"""The tail: what is new in one journal, read once for all who follow it.

Events are read in order up to a head that is known to be committed. Whoever writes holds the
journal's head until its commit, so every sequence up to a committed head is there and no later
commit can slip in below it: reading on from the last sequence misses nothing.
"""

import asyncio
import logging
from typing import Final

from ledger_proto.v1 import events_pb2
from ledger_server.domain.errors import LedgerError
from ledger_server.domain.primitives import JournalId
from ledger_server.store import events
from ledger_server.store.database import Database
from ledger_server.store.event_codec import StreamEvent
from ledger_server.stream.matching import marks_of
from ledger_server.stream.watches import Watches

_log = logging.getLogger(__name__)

#: What the newest events may take: some seconds of a busy journal. Who is further behind reads from
#: the database.
BUFFER_EVENTS_MAX: Final = 10_000
BUFFER_BYTES_MAX: Final = 8 * 1024 * 1024
#: Between two reads: commits that come faster are read together.
READ_INTERVAL_SECONDS: Final = 0.004
#: The fact that personal data is gone from earlier events.
_ERASED: Final = events_pb2.Event.PERSONAL_DATA_ERASED_FIELD_NUMBER
#: After a failed read.
RETRY_SECONDS: Final = 0.25


class Tail:
    """Follows one journal for as long as it has subscribers."""

    def __init__(self, database: Database, journal_id: JournalId) -> None:
        """Begin at nothing; `open` finds the head."""
        self.journal_id = journal_id
        #: Subscriptions that follow; kept by the hub.
        self.subscribers = 0
        #: Up to where events were read.
        self.position = 0
        #: The newest head that was seen, at `position` or ahead of it.
        self.head = 0
        #: True while the database does not answer.
        self.failing = False
        #: Bytes of the buffer.
        self.buffered_bytes = 0
        #: Who waits for some events only.
        self.watches = Watches(marks_of)
        self._database = database
        #: The last events up to `position`, without gaps.
        self._buffer: list[StreamEvent] = []
        self._advanced = asyncio.Event()
        self._behind = asyncio.Event()
        self._opening: asyncio.Task[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def buffered_events(self) -> int:
        """Events in the buffer."""
        return len(self._buffer)

    @property
    def advanced(self) -> asyncio.Event:
        """What is set when there is any event; take it before looking, then wait for it."""
        return self._advanced

    async def open(self) -> None:
        """Find the head and follow it from there; whoever comes later waits for the same.

        Raises:
            StorageUnavailableError: the database does not answer.
        """
        if self._opening is None:
            self._opening = asyncio.create_task(self._open(), name="tail-opening")
        await asyncio.shield(self._opening)

    async def close(self) -> None:
        """Stop following."""
        tasks = [task for task in (self._opening, self._task) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def seen(self, head: int) -> None:
        """Take note of a committed head."""
        if head > self.head:
            self.head = head
            self._behind.set()

    def wake(self) -> None:
        """Have every subscriber look at how things are."""
        self._wake_unselective()
        self.watches.wake_all()

    def _wake_unselective(self) -> None:
        self._advanced.set()
        self._advanced = asyncio.Event()

    def after(self, position: int) -> list[StreamEvent] | None:
        """Return what follows a position, as much as one response takes.

        None if it is not in the buffer (any more).
        """
        if not self._buffer:
            return None
        start = position + 1 - self._buffer[0].sequence
        if not 0 <= start < len(self._buffer):
            return None
        taken = self._buffer[start : start + events.PAGE_EVENTS_MAX]
        size = 0
        for count, event in enumerate(taken):
            size += event.size
            if size > events.PAGE_BYTES_MAX and count:
                return taken[:count]
        return taken

    async def _open(self) -> None:
        async with self._database.look_up_connection() as tx:
            heads = await events.heads_in_tx(tx, [self.journal_id])
        self.position = heads[self.journal_id]
        # A commit may have been told of meanwhile.
        self.head = max(self.head, self.position)
        self._task = asyncio.create_task(self._follow(), name=f"tail-{self.journal_id}")

    async def _follow(self) -> None:
        while True:
            await self._behind.wait()
            self._behind.clear()
            try:
                while self.position < self.head:
                    await self._read()
            except LedgerError as error:
                _log.warning("journal %s cannot be followed: %s", self.journal_id, error)
                await self._pause_after_failure()
            except Exception:  # noqa: BLE001  # a tail that dies would silence its subscribers
                _log.exception("journal %s cannot be followed", self.journal_id)
                await self._pause_after_failure()
            else:
                self.failing = False
                await asyncio.sleep(READ_INTERVAL_SECONDS)

    async def _pause_after_failure(self) -> None:
        self.failing = True
        await asyncio.sleep(RETRY_SECONDS)
        self._behind.set()

    async def _read(self) -> None:
        page = await events.read_page(self._database, self.journal_id, self.position, self.head)
        if any(event.type == _ERASED for event in page.events):
            # What was read before may hold what is erased now; it is not to be sent any more.
            self._buffer.clear()
            self.buffered_bytes = 0
        self._buffer += page.events
        self.buffered_bytes += sum(event.size for event in page.events)
        self._trim()
        self.position = page.position
        self.watches.note(page.events)
        self._wake_unselective()

    def _trim(self) -> None:
        """Let the oldest go; the newest event stays, whatever its size."""
        surplus = max(len(self._buffer) - BUFFER_EVENTS_MAX, 0)
        size = self.buffered_bytes - sum(event.size for event in self._buffer[:surplus])
        while size > BUFFER_BYTES_MAX and surplus < len(self._buffer) - 1:
            size -= self._buffer[surplus].size
            surplus += 1
        del self._buffer[:surplus]
        self.buffered_bytes = size

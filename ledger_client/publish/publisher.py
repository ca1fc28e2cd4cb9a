"""The publisher: follows a feed and sees to it that a broker gets every event, in order.

At least once: the cursor is moved on only when the broker has confirmed, and what was in doubt is
sent again with the same id. One at a time: of all that are started with one cursor name, the one
that holds the cursor publishes, and the broker itself shuts out one that only believes it does.
"""

import asyncio
import contextlib
import dataclasses
import logging
import os
import socket
import uuid
from collections.abc import AsyncGenerator, Callable
from typing import Any, Final, Generic, Literal

from ledger_client.errors import (
    ConflictError,
    LedgerError,
    OverloadedError,
    RefusedError,
    ServerError,
    UnavailableError,
)
from ledger_client.publish.delivery import Delivery, Route
from ledger_client.publish.feed import E, Feed, FeedBatch
from ledger_client.publish.lease import Lease, LeaseLostError
from ledger_client.publish.message import Envelope
from ledger_client.publish.pacing import Backoff
from ledger_client.publish.status import Alert, State, Status
from ledger_client.publish.target import Target
from ledger_client.publish.troubles import Troubles

logger: Final = logging.getLogger(__name__)

#: Longer pauses of a process or a network cost the lease; others take over after it.
LEASE_SECONDS_DEFAULT: Final = 15
#: Between looks whether another publisher still holds the cursor.
STANDBY_SECONDS: Final = 1.0
#: What is in flight when the publisher is to end may take this long; then it stays in doubt.
STOP_SECONDS: Final = 5.0

#: A feed's failures that pass by themselves.
_PASSING: Final = (UnavailableError, OverloadedError, ServerError, ConflictError)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How a publisher behaves."""

    #: Name of the cursor. Publishers that share it take turns.
    name: str
    #: How long a publisher that died or was cut off keeps the next one waiting, 1 to 300.
    lease_seconds: int = LEASE_SECONDS_DEFAULT
    #: As in `Route`.
    unpublishable: Literal["stop", "refer"] = "stop"
    #: How long troubles, or another publisher, may keep `run` waiting before it gives up; None for
    #: ever.
    give_up_seconds: float | None = None


class Publisher(Generic[E]):
    """Publishes one feed to one target. `run` does all; `stop` ends it in good order."""

    def __init__(
        self,
        feed: Feed[E],
        *,
        target: Target,
        envelope: Envelope[E],
        settings: Settings,
        on_alert: Callable[[Alert], None] | None = None,
    ) -> None:
        """Nothing is sent before `run`.

        Args:
            feed: that is published: `JournalFeed`, `DomainEventFeed`.
            target: where to, of this publisher alone.
            envelope: the form of the messages.
            settings: how it behaves.
            on_alert: told what a person should know of, beside the log.
        """
        #: Counters, to be read at any time.
        self.status = Status(head=feed.known_head)
        self._feed = feed
        self._target = target
        self._settings = settings
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid.uuid4().hex[:8]}"
        self._troubles = Troubles(self.status, on_alert, settings.give_up_seconds)
        route = Route(
            feed=feed,
            origin=feed.origin(settings.name),
            target=target,
            envelope=envelope,
            unpublishable=settings.unpublishable,
        )
        self._delivery = Delivery(route, self.status, self._troubles)
        self._backoff = Backoff()

    async def run(self, *, until: int | None = None) -> None:
        """Publish until `stop`, or until every event up to a sequence was published.

        Args:
            until: that sequence; None goes on without end.

        Raises:
            LedgerError: the feed refuses what no waiting will change.
            GaveUpError: it was kept waiting for longer than the settings allow.
        """
        try:
            while not self._troubles.stopping.is_set():
                lease = await self._acquire()
                if lease is not None and await self._hold(lease, until):
                    return
        finally:
            self.status.state = State.STOPPED

    def stop(self) -> None:
        """Have `run` finish what is in flight, note its position, give the cursor back, return."""
        self._troubles.stopping.set()

    async def _acquire(self) -> Lease | None:
        """Ask for the cursor once; wait a little if it is not to be had."""
        try:
            lease = await Lease.acquire(
                self._feed,
                self._settings.name,
                holder=self._holder,
                seconds=self._settings.lease_seconds,
            )
        except RefusedError as error:
            if error.reason != "CURSOR_HELD":
                raise
            if self.status.last_error != error.message:
                logger.info("standing by: %s", error.message)
            self._troubles.note(error, State.STANDBY)
            await self._troubles.pause(STANDBY_SECONDS)
        except _PASSING as error:
            await self._troubled(error)
        else:
            self._backoff.reset()
            self._troubles.over()
            return lease
        return None

    async def _hold(self, lease: Lease, until: int | None) -> bool:
        """Publish for as long as the cursor is held; return whether nothing is left to do."""
        logger.info(
            "publishing %s after event %d to %s",
            self._feed.name,
            lease.position,
            self._target.name,
        )
        self.status.position = lease.position
        self.status.head = max(self.status.head, lease.position)
        keeper = asyncio.create_task(lease.keep())
        worker = asyncio.create_task(self._work(lease, until))
        stopping = asyncio.create_task(self._troubles.stopping.wait())
        try:
            await asyncio.wait({keeper, worker, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if stopping.done():
                await asyncio.wait({worker}, timeout=STOP_SECONDS)
            if worker.done():
                await worker
            elif keeper.done():
                await keeper
        except LeaseLostError as error:
            self._troubles.alert(type(error).__name__, f"the cursor was lost: {error}")
            return False
        else:
            return True
        finally:
            await _end(worker, keeper, stopping)
            await self._delivery.close()
            try:
                await lease.finish()
            except LedgerError as error:
                logger.warning("the cursor was not given back; its lease runs out: %s", error)

    async def _work(self, lease: Lease, until: int | None) -> None:
        """Publish what comes, through all interruptions of the stream."""
        while not self._troubles.stopping.is_set():
            if until is not None and lease.position >= until:
                return
            try:
                async with contextlib.aclosing(self._batches(lease.position)) as batches:
                    async for batch in batches:
                        # The feed answers, and the batch before this one was confirmed.
                        self._backoff.reset()
                        self._troubles.over()
                        self.status.head = max(self.status.head, batch.head_sequence)
                        if not await self._delivery.deliver(lease, batch):
                            return
                        if until is not None and lease.position >= until:
                            return
            except _PASSING as error:
                await self._troubled(error)

    async def _batches(self, after: int) -> AsyncGenerator[FeedBatch[E], None]:
        """Give what comes after a position; end when the publisher is to end."""
        stream = self._feed.batches(after)
        stopping = asyncio.create_task(self._troubles.stopping.wait())
        coming: asyncio.Future[FeedBatch[E]] | None = None
        async with contextlib.aclosing(stream):
            try:
                while True:
                    coming = asyncio.ensure_future(anext(stream))
                    await asyncio.wait({coming, stopping}, return_when=asyncio.FIRST_COMPLETED)
                    if not coming.done():
                        return
                    yield await coming
            finally:
                await _end(stopping, *([coming] if coming else []))

    async def _troubled(self, error: LedgerError) -> None:
        """Say that the feed does not do its part, and wait."""
        self._troubles.alert(type(error).__name__, str(error))
        self._troubles.note(error)
        await self._troubles.pause(self._backoff.next_seconds())


async def _end(*tasks: asyncio.Future[Any]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)

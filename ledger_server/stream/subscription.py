"""A subscription: one subscriber's way through a journal, as bytes of responses."""

import asyncio
from collections.abc import AsyncGenerator

from ledger_proto.v1 import event_stream_pb2
from ledger_server.domain.errors import (
    PositionUnavailableError,
    ShuttingDownError,
    StorageUnavailableError,
)
from ledger_server.domain.primitives import JournalId
from ledger_server.store import events
from ledger_server.store.database import Database
from ledger_server.stream.hub import EventHub
from ledger_server.stream.matching import Matcher
from ledger_server.stream.tail import Tail


class Subscription:
    """Sends what lies between its position and the head, then waits for more.

    It holds the page that is being sent and, while it reads from the database, the one after it:
    that is all a slow reader costs, and it holds nobody up.
    """

    def __init__(
        self, database: Database, hub: EventHub, journal_id: JournalId, matcher: Matcher
    ) -> None:
        """Follow `journal_id` through `hub`, sending what `matcher` picks."""
        self._database = database
        self._hub = hub
        self._journal_id = journal_id
        self._matcher = matcher
        self._ahead: asyncio.Task[events.Page] | None = None

    async def responses(self, after: int, heartbeat_seconds: float) -> AsyncGenerator[bytes, None]:
        """Give responses from the event after `after` on, without end.

        Raises:
            PositionUnavailableError: `after` is beyond the head.
            ShuttingDownError: the server stops; the last response has the position.
            StorageUnavailableError: the database does not answer.
            TooManySubscribersError: there are as many streams as the server serves.
        """
        async with self._hub.following(self._journal_id) as tail:
            await self._check(tail, after)
            try:
                async for one in self._follow(tail, after, heartbeat_seconds):
                    yield one
            finally:
                if self._ahead is not None:
                    self._ahead.cancel()
                    await asyncio.gather(self._ahead, return_exceptions=True)

    async def _follow(
        self, tail: Tail, position: int, heartbeat_seconds: float
    ) -> AsyncGenerator[bytes, None]:
        clock = asyncio.get_running_loop().time
        caught_up = False
        sent_at = clock()
        while not self._hub.stopping:
            frames: list[bytes] = []
            if position < tail.position:
                page = await self._next(tail, position)
                await self._matcher.prepare(page.events)
                frames = self._matcher.frames_of(page.events)
                position = page.position
            elif caught_up:
                silence = sent_at + heartbeat_seconds - clock()
                is_over, position = await self._wait(tail, position, silence)
                if is_over:
                    continue
                if tail.failing:
                    # Not even a heartbeat: the head is not known to be where it was.
                    raise StorageUnavailableError
            idle = not frames and clock() < sent_at + heartbeat_seconds
            if idle and (caught_up or position < tail.position):
                # Looked through events without one to send: give others a turn.
                await asyncio.sleep(0)
                continue
            caught_up = caught_up or position >= tail.position
            yield response(frames, position, tail.head)
            sent_at = clock()
        yield response([], position, tail.head)
        raise ShuttingDownError

    async def _wait(self, tail: Tail, position: int, seconds: float) -> tuple[bool, int]:
        """Wait at the end of the tail for something that may be for this subscriber.

        Returns:
            Whether there is something to look at, or there was silence for so long; and the
            position: what it was not woken for is not for it.
        """
        interest = self._matcher.interest
        if interest is None:
            return await _news(tail.advanced, seconds), position
        watch = tail.watches.add(interest, position)
        try:
            is_over = await _news(watch.woken, seconds)
        finally:
            tail.watches.remove(watch)
        looked_at = tail.position if watch.first is None else watch.first - 1
        return is_over, max(position, looked_at)

    async def _check(self, tail: Tail, after: int) -> None:
        if after <= tail.head:
            return
        # Another server may have told the subscriber of a commit that has not been seen here yet.
        async with self._database.look_up_connection() as tx:
            heads = await events.heads_in_tx(tx, [self._journal_id])
        tail.seen(heads[self._journal_id])
        if after > tail.head:
            raise PositionUnavailableError(after, tail.head)

    async def _next(self, tail: Tail, position: int) -> events.Page:
        """Return what follows `position`, from the buffer or else from the database."""
        ahead, self._ahead = self._ahead, None
        if ahead is None:
            buffered = tail.after(position)
            if buffered is not None:
                return events.Page(buffered, buffered[-1].sequence)
            page = await self._read(position, tail.position)
        else:
            page = await ahead
        if page.position < tail.position and tail.after(page.position) is None:
            # The database finds the next page while this one is sent.
            self._ahead = asyncio.create_task(self._read(page.position, tail.position))
        return page

    async def _read(self, after: int, up_to: int) -> events.Page:
        return await events.read_page(
            self._database, self._journal_id, after, up_to, types=self._matcher.types
        )


async def _news(advanced: asyncio.Event, seconds: float) -> bool:
    """Wait for something new; return False if there was nothing for that long."""
    try:
        await asyncio.wait_for(advanced.wait(), max(seconds, 0))
    except TimeoutError:
        return False
    return True


def response(frames: list[bytes], position: int, head: int) -> bytes:
    """Return a `SubscribeResponse`: messages that are joined are one message."""
    places = event_stream_pb2.SubscribeResponse(position=position, head_sequence=head)
    return b"".join((*frames, places.SerializeToString()))

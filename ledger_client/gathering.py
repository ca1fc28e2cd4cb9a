"""Puts what many callers ask for at the same time into few calls."""

import asyncio
import dataclasses
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, Generic, TypeVar

_Item = TypeVar("_Item")
_Answer = TypeVar("_Answer")

#: From so many that wait, they go as several calls at once: one is answered while another is made.
_WORTH_PARTING: Final = 16


@dataclasses.dataclass(slots=True)
class _Waiting(Generic[_Item, _Answer]):
    """One that somebody waits for."""

    item: _Item
    bytes: int
    answer: asyncio.Future[_Answer]


class Gatherer(Generic[_Item, _Answer]):
    """Sends items in batches: whatever was asked for while the calls before were under way.

    Nobody waits for company: an item goes with the event loop's next turn if a call is free. Calls
    under way are bounded, so what waits grows with the load, and a call's price is shared by more.
    """

    def __init__(
        self,
        send: Callable[[Sequence[_Item]], Awaitable[Sequence[_Answer | Exception]]],
        *,
        items_max: int,
        bytes_max: int,
        calls_max: int,
    ) -> None:
        """Send nothing yet.

        Args:
            send: makes one call with 1 to `items_max` items and gives for each, in order, its
                answer or the error that its caller is to see. What it raises all of them see.
            items_max: items of one call, at least 1.
            bytes_max: of their sizes together; an item above it goes alone.
            calls_max: calls under way at once, at least 1. With 1, items are sent in the order in
                which they were asked for, and the next not before the last is answered.

        Raises:
            ValueError: a bound is below 1; names it.
        """
        for name, bound in (
            ("items_max", items_max),
            ("bytes_max", bytes_max),
            ("calls_max", calls_max),
        ):
            if bound < 1:
                raise ValueError(f"{name} must be at least 1, not {bound}")
        self._send = send
        self._items_max = items_max
        self._bytes_max = bytes_max
        self._calls_max = calls_max
        self._waiting: deque[_Waiting[_Item, _Answer]] = deque()
        self._calls: set[asyncio.Task[None]] = set()
        self._is_turn_due = False
        self._is_closed = False

    async def ask(self, item: _Item, size: int) -> _Answer:
        """Send `item`, with others or alone, and return what came of it.

        A caller that is cancelled takes back what was not sent yet. What was sent happens all the
        same, as with a call of one's own.

        Args:
            item: what is sent.
            size: its bytes.

        Raises:
            Exception: what `send` gave for it, or failed with.
            RuntimeError: closed.
        """
        if self._is_closed:
            raise RuntimeError("closed: nothing more is sent")
        loop = asyncio.get_running_loop()
        waiting = _Waiting[_Item, _Answer](item, size, loop.create_future())
        self._waiting.append(waiting)
        self._plan_turn(loop)
        return await waiting.answer

    async def close(self) -> None:
        """Take no more; return when all that was asked for is answered."""
        self._is_closed = True
        while self._waiting or self._calls:
            if self._calls:
                await asyncio.wait(self._calls)
            else:
                await asyncio.sleep(0)

    def _plan_turn(self, loop: asyncio.AbstractEventLoop) -> None:
        """Have calls made when all who run in this turn of the loop have asked."""
        if not self._is_turn_due and len(self._calls) < self._calls_max:
            self._is_turn_due = True
            loop.call_soon(self._make_calls, loop)

    def _make_calls(self, loop: asyncio.AbstractEventLoop) -> None:
        self._is_turn_due = False
        while self._waiting and len(self._calls) < self._calls_max:
            batch = self._next_batch()
            if not batch:
                return
            call = loop.create_task(self._make(batch))
            self._calls.add(call)
            call.add_done_callback(self._ended)

    def _next_batch(self) -> list[_Waiting[_Item, _Answer]]:
        """Take what goes next: a fair part of what waits, or nothing if its callers are gone."""
        free = self._calls_max - len(self._calls)
        part = len(self._waiting)
        if part >= _WORTH_PARTING:
            part = -(-part // free)
        batch: list[_Waiting[_Item, _Answer]] = []
        size = 0
        while self._waiting and len(batch) < min(part, self._items_max):
            size += self._waiting[0].bytes
            if batch and size > self._bytes_max:
                break
            one = self._waiting.popleft()
            if one.answer.cancelled():
                size -= one.bytes
            else:
                batch.append(one)
        return batch

    async def _make(self, batch: Sequence[_Waiting[_Item, _Answer]]) -> None:
        try:
            answers = await self._send([one.item for one in batch])
            assert len(answers) == len(batch), "one answer an item"
        except asyncio.CancelledError:  # the channel was closed, or the loop ends
            for one in batch:
                one.answer.cancel()
            raise
        except Exception as error:  # noqa: BLE001  # it is raised where it was asked for
            answers = [error] * len(batch)
        for one, answer in zip(batch, answers, strict=True):
            if one.answer.done():
                continue
            if isinstance(answer, Exception):
                one.answer.set_exception(answer)
            else:
                one.answer.set_result(answer)

    def _ended(self, call: asyncio.Task[None]) -> None:
        self._calls.discard(call)
        if self._waiting:
            self._plan_turn(call.get_loop())

"""Reads that many callers ask for at the same time, made together."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from collections.abc import Set as AbstractSet
from functools import partial
from typing import Any, Final, Generic, TypeVar

#: How long a read may keep the next one from beginning: its connection may have gone silent.
PATIENCE_SECONDS: Final = 1.0

_Key = TypeVar("_Key")
_Found = TypeVar("_Found")


class _Shared(Generic[_Key, _Found]):
    """A read and those who wait for it."""

    __slots__ = ("answer", "keys", "patience", "task", "waiters")

    def __init__(self) -> None:
        self.keys: set[_Key] = set()
        self.answer: asyncio.Future[_Found] = asyncio.get_running_loop().create_future()
        self.waiters = 0
        #: Once it has begun.
        self.task: asyncio.Task[_Found] | None = None
        self.patience: asyncio.TimerHandle | None = None


class SharedReads(Generic[_Key, _Found]):
    """Makes one read at a time; what is asked for meanwhile is read by the next, all of it.

    Who asks alone is served at once. A crowd has one statement for many of it, and what each has
    to wait longer is less than a statement for each would take.
    """

    def __init__(self, read: Callable[[AbstractSet[_Key]], Coroutine[Any, Any, _Found]]) -> None:
        """Begin with nothing asked for.

        Args:
            read: reads for these keys. Its answer, or what it raises, is that of all who asked.
        """
        self._read = read
        self._under_way: _Shared[_Key, _Found] | None = None
        self._next: _Shared[_Key, _Found] | None = None

    async def read(self, keys: Iterable[_Key]) -> _Found:
        """Return what a read finds that begins from now on and has these keys among others.

        A caller that goes away takes nothing from the others; a read that nobody waits for any
        more is given up.
        """
        if self._next is None:
            self._next = _Shared()
        one = self._next
        one.keys.update(keys)
        one.waiters += 1
        self._begin_next()
        try:
            return await asyncio.shield(one.answer)
        finally:
            one.waiters -= 1
            if not one.waiters and not one.answer.done():
                self._give_up(one)

    def _begin_next(self) -> None:
        if self._under_way is not None or self._next is None:
            return
        one = self._under_way = self._next
        one.task = asyncio.create_task(self._run(one), name="shared-read")
        one.task.add_done_callback(partial(self._end, one))
        one.patience = asyncio.get_running_loop().call_later(
            PATIENCE_SECONDS, self._let_the_next_begin, one
        )

    async def _run(self, one: _Shared[_Key, _Found]) -> _Found:
        # Only now: who asks in the same turn of the event loop comes with it.
        self._next = None
        return await self._read(one.keys)

    def _end(self, one: _Shared[_Key, _Found], task: asyncio.Task[_Found]) -> None:
        if task.cancelled():
            one.answer.cancel()
        elif (error := task.exception()) is not None:
            if not one.answer.done():
                one.answer.set_exception(error)
                # All of them may be about to go: that is no error nobody has heard of.
                one.answer.exception()
        elif not one.answer.done():
            one.answer.set_result(task.result())
        self._let_the_next_begin(one)

    def _give_up(self, one: _Shared[_Key, _Found]) -> None:
        one.answer.cancel()
        if one is self._next:
            self._next = None
        if one.task is not None:
            # The next does not wait until it has ended: on a silent connection it does not.
            one.task.cancel()
            self._let_the_next_begin(one)

    def _let_the_next_begin(self, one: _Shared[_Key, _Found]) -> None:
        if one.patience is not None:
            one.patience.cancel()
        if one is self._under_way:
            self._under_way = None
            self._begin_next()

"""Reads that many callers ask for at the same time, made together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from collections.abc import Set as AbstractSet
from typing import Generic, TypeVar

_Key = TypeVar("_Key")
_Found = TypeVar("_Found")


class SharedReads(Generic[_Key, _Found]):
    """Makes one read at a time; what is asked for meanwhile is read by the next, all of it.

    Who asks alone is served at once. A crowd has one statement for many of it, and what each has
    to wait longer is less than a statement for each would take.
    """

    def __init__(self, read: Callable[[AbstractSet[_Key]], Awaitable[_Found]]) -> None:
        """Begin with nothing asked for.

        Args:
            read: reads for these keys. Its answer, or what it raises, is that of all who asked.
        """
        self._read = read
        self._asked: set[_Key] = set()
        self._answer: asyncio.Future[_Found] | None = None
        self._task: asyncio.Task[None] | None = None

    async def read(self, keys: Iterable[_Key]) -> _Found:
        """Return what a read finds that begins from now on and has these keys among others.

        A caller that goes away takes nothing from the others.
        """
        self._asked.update(keys)
        if self._answer is None:
            self._answer = asyncio.get_running_loop().create_future()
        answer = self._answer
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="shared-reads")
        return await asyncio.shield(answer)

    async def _run(self) -> None:
        try:
            while self._answer is not None:
                keys, answer = self._asked, self._answer
                self._asked, self._answer = set(), None
                try:
                    answer.set_result(await self._read(keys))
                except Exception as error:  # noqa: BLE001  # it is those who asked that are told
                    answer.set_exception(error)
                    # All of them may have gone away: that is no error nobody has heard of.
                    answer.exception()
                except BaseException:
                    answer.cancel()
                    raise
        finally:
            self._task = None
            if self._answer is not None:
                self._answer.cancel()
                self._asked, self._answer = set(), None

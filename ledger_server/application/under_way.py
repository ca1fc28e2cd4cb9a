"""The batches of a journal that are being written: one, or two of which the second waits."""

import asyncio
import dataclasses
import logging
from collections import deque
from collections.abc import Callable, Coroutine
from collections.abc import Set as AbstractSet
from typing import Any, Final
from uuid import UUID

_log = logging.getLogger(__name__)

#: Batches that are under way when one more is sent. With one the database has always the next; more
#: would only wait, each with a connection.
SENT_BEHIND_MAX: Final = 1


@dataclasses.dataclass(frozen=True, slots=True)
class _Batch:
    task: asyncio.Task[None]
    #: Its ids and external ids: the journal may not tell yet.
    ids: AbstractSet[UUID | str]


class UnderWay:
    """Batches in the order in which they are to be committed."""

    def __init__(self, on_done: Callable[[], None]) -> None:
        """Begin with none.

        Args:
            on_done: called whenever one is through.
        """
        self._batches: deque[_Batch] = deque()
        self._on_done = on_done

    def __bool__(self) -> bool:
        """Tell whether there is any."""
        return bool(self._batches)

    @property
    def last(self) -> asyncio.Task[None]:
        """The writing of the batch that was begun last."""
        return self._batches[-1].task

    def begin(self, writing: Coroutine[Any, Any, None], ids: AbstractSet[UUID | str]) -> None:
        """Have one more batch written, of these ids and external ids."""
        task = asyncio.create_task(writing, name="batch")
        task.add_done_callback(lambda _: self._on_done())
        self._batches.append(_Batch(task, ids))

    def has_any_of(self, ids: AbstractSet[UUID | str]) -> bool:
        """Tell whether one of them takes one of these."""
        return not all(batch.ids.isdisjoint(ids) for batch in self._batches)

    async def finish(self, *, all_but: int) -> None:
        """Wait for them, but for the last ones, to be through."""
        while len(self._batches) > all_but:
            task = self._batches[0].task
            await asyncio.wait([task])
            self._batches.popleft()
            if not task.cancelled() and task.exception() is not None:
                _log.error("writing a batch failed: a bug", exc_info=task.exception())

    def cancel(self) -> None:
        """Give all of them up."""
        for batch in self._batches:
            batch.task.cancel()

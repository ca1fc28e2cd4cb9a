"""The calls that wait to be written: how many may, and which are taken together."""

import asyncio
from collections import deque
from typing import Final

from ledger_server.application.crowd import Crowd
from ledger_server.application.group import Group
from ledger_server.domain.errors import OverloadedError

#: Transactions and entries decided together: what holds its locks for some tens of milliseconds.
BATCH_TRANSACTIONS_MAX: Final = 1_000
BATCH_ENTRIES_MAX: Final = 20_000
#: Transactions that may wait: about two seconds of work. More would only wait longer.
WAITING_MAX: Final = 20_000
#: Waiting transactions that are worth deciding while the batch before is written. Fewer had
#: better wait for it: two small batches cost more than one.
AHEAD_TRANSACTIONS_MIN: Final = 100

#: Calls that are waited for if there are so many callers: each takes so much by itself that there
#: is little to gain by sharing a batch with more.
GATHERED_CALLS: Final = 32
#: How long is waited for calls, and how long when nobody comes: no more are on their way then.
_GATHER_SECONDS_MAX: Final = 0.02
_GATHER_PAUSE_SECONDS: Final = 0.001


class Waiting:
    """Calls in the order in which they came."""

    def __init__(self) -> None:
        """Begin with nobody."""
        self._groups: deque[Group] = deque()
        #: Transactions of all calls.
        self.transactions = 0
        #: Set when the next batch may have to be begun; whoever waits for it clears it before.
        self.news = asyncio.Event()
        self._crowd = Crowd()
        #: Calls in the batch before.
        self._taken = 0

    def __bool__(self) -> bool:
        """Tell whether there is anybody."""
        return bool(self._groups)

    @property
    def are_many(self) -> bool:
        """Tell whether they are worth deciding while the batch before is written."""
        return self.transactions >= AHEAD_TRANSACTIONS_MIN

    def add(self, group: Group) -> None:
        """Let `group` wait as the last.

        Raises:
            OverloadedError: too much is waiting already.
        """
        if self.transactions + len(group.commands) > WAITING_MAX:
            raise OverloadedError(WAITING_MAX)
        self._groups.append(group)
        self.transactions += len(group.commands)
        if self.are_many or len(self._groups) == GATHERED_CALLS:
            self.news.set()

    def take(self) -> list[Group]:
        """Return what is to be written together: all that waits, up to the bounds of a batch."""
        taken: list[Group] = []
        transactions = entries = 0
        while self._groups:
            group = self._groups[0]
            transactions += len(group.commands)
            entries += group.entry_count
            if taken and (transactions > BATCH_TRANSACTIONS_MAX or entries > BATCH_ENTRIES_MAX):
                break
            self._groups.popleft()
            self.transactions -= len(group.commands)
            # A caller that went away before anything was done for it: nothing is.
            if not group.done.cancelled():
                taken.append(group)
        self._taken = len(taken)
        return taken

    async def gather(self) -> None:
        """If callers are many, let more of them come before the next batch is begun.

        A batch has a statement, a commit and a millisecond of Python of its own, whatever is in
        it, and of many callers only a few have come again when the one before is written. Few
        callers would wait for each other while nothing is done, so they are not gathered
        (`crowd.py`).
        """
        if self.are_many or (self._taken <= 1 and len(self._groups) <= 1):
            return
        if self._crowd.is_to_be_gathered():
            await self._come()
            if not self.are_many:
                self._crowd.learn(len(self._groups))

    async def _come(self) -> None:
        """Wait until enough calls are there, or no more come."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _GATHER_SECONDS_MAX
        while len(self._groups) < GATHERED_CALLS and not self.are_many and loop.time() < end:
            count = len(self._groups)
            self.news.clear()
            pause = loop.call_later(_GATHER_PAUSE_SECONDS, self.news.set)
            await self.news.wait()
            pause.cancel()
            if len(self._groups) == count:
                break

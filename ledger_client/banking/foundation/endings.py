"""Who waits for the end of calls, and who tells: this process, or the database for others."""

import asyncio
import logging
from collections.abc import Iterable, Sequence
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.foundation.database import ModuleDatabase
from ledger_client.banking.foundation.entity import Entity
from ledger_client.banking.foundation.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

#: Between looks whether another process ended what somebody waits for here.
POLL_SECONDS: Final = 0.1
#: While the database does not answer.
AWAY_SECONDS: Final = 1.0

_ENDED: Final = "SELECT id FROM calls WHERE id = ANY($1) AND state <> 'pending'"


class Endings:
    """The calls of one module that somebody waits for."""

    def __init__(self, database: ModuleDatabase) -> None:
        """Begin with nobody waiting."""
        self._database = database
        self._waiting: dict[UUID, _Waiting] = {}
        self._wanted = asyncio.Event()

    @property
    def waiting(self) -> int:
        """How many calls are waited for."""
        return len(self._waiting)

    async def wait(self, call_ids: Sequence[UUID], seconds: float) -> Entity[Any] | None:
        """Wait until calls about one entity have ended, or until that takes too long.

        Returns:
            The entity as it is after them, if this process has told the module of the last of
            them; None if it is to be read.
        """
        waiting = [self._waiting.setdefault(call_id, _Waiting()) for call_id in call_ids]
        for each in waiting:
            each.count += 1
        self._wanted.set()
        try:
            futures = [each.future for each in waiting]
            _, left = await asyncio.wait(futures, timeout=max(seconds, 0.0))
            return None if left or len(futures) > 1 else futures[0].result()
        finally:
            for call_id, each in zip(call_ids, waiting, strict=True):
                each.count -= 1
                if not each.count:
                    self._waiting.pop(call_id, None)

    def ended(self, calls: Iterable[tuple[UUID, Entity[Any] | None]]) -> None:
        """Say that calls have ended, after the commit; with the entity, if it is at hand."""
        for call_id, entity in calls:
            waiting = self._waiting.get(call_id)
            if waiting is not None and not waiting.future.done():
                waiting.future.set_result(entity)

    async def run(self) -> None:
        """Look into the database for as long as somebody waits."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(POLL_SECONDS)
            waiting = [key for key, each in self._waiting.items() if not each.future.done()]
            if not waiting:
                self._wanted.clear()
                continue
            try:
                rows = await self._database.fetch(_ENDED, waiting)
            except UnavailableError as error:
                _log.info("not looked for ended calls: %s", error)
                await asyncio.sleep(AWAY_SECONDS)
            else:
                self.ended((row["id"], None) for row in rows)


class _Waiting:
    """Those who wait for one call."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.future: asyncio.Future[Entity[Any] | None] = loop.create_future()
        self.count = 0

"""Who waits for the end of calls, and who tells: this process, or the database for others."""

import asyncio
import logging
from collections.abc import Collection, Iterable
from typing import Final
from uuid import UUID

from ledger_client.banking.foundation.database import ModuleDatabase
from ledger_client.banking.foundation.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

#: Between looks whether another process ended what somebody waits for here.
POLL_SECONDS: Final = 0.05

_ENDED: Final = "SELECT id FROM calls WHERE id = ANY($1) AND state <> 'pending'"


class Endings:
    """The calls of one module that somebody waits for."""

    def __init__(self, database: ModuleDatabase) -> None:
        """Begin with nobody waiting."""
        self._database = database
        self._waiting: dict[UUID, asyncio.Future[None]] = {}
        self._wanted = asyncio.Event()

    def expect(self, call_ids: Iterable[UUID]) -> "list[asyncio.Future[None]]":
        """Return a future for each call, also of calls that are not stored yet."""
        loop = asyncio.get_running_loop()
        futures = [self._waiting.setdefault(call_id, loop.create_future()) for call_id in call_ids]
        if futures:
            self._wanted.set()
        return futures

    async def wait(self, call_ids: Collection[UUID], seconds: float) -> bool:
        """Wait until the calls have ended; return False if that took longer."""
        futures = self.expect(call_ids)
        if not futures:
            return True
        try:
            _, left = await asyncio.wait(futures, timeout=max(seconds, 0.0))
        finally:
            for call_id in call_ids:
                self._waiting.pop(call_id, None)
        return not left

    def ended(self, call_ids: Iterable[UUID]) -> None:
        """Say that calls have ended, after the commit."""
        for call_id in call_ids:
            future = self._waiting.get(call_id)
            if future is not None and not future.done():
                future.set_result(None)

    async def run(self) -> None:
        """Look into the database for as long as somebody waits."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(POLL_SECONDS)
            waiting = [key for key, future in self._waiting.items() if not future.done()]
            if not waiting:
                self._wanted.clear()
                continue
            try:
                async with self._database.transaction() as connection:
                    rows = await connection.fetch(_ENDED, waiting)
            except UnavailableError as error:
                _log.info("not looked for ended calls: %s", error)
            else:
                self.ended(row["id"] for row in rows)

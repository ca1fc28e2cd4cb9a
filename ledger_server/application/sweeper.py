"""The sweeper: gives back what is left of holds whose time has passed.

It posts expiries through the journal's writer like everything else. Any number of servers may
sweep: the first expiry to get the head ends the hold and the others find it ended.
"""

import asyncio
import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger_server.application.ids import new_id
from ledger_server.application.post import Poster
from ledger_server.domain.errors import HoldNotOpenError, LedgerError, TooManyEntriesError
from ledger_server.domain.transaction import Kind, PostCommand
from ledger_server.store import holds
from ledger_server.store.database import Database

_log = logging.getLogger(__name__)

#: How often it looks. A hold has expired at its moment whether or not this has come by.
SWEEP_INTERVAL_SECONDS: Final = 1.0
#: Holds of one journal in one sweep.
HOLDS_MAX_PER_SWEEP: Final = 500


class Sweeper:
    """Expires holds, on and on until it is closed."""

    def __init__(self, database: Database, poster: Poster) -> None:
        """Begin idle; `start` sets it going."""
        self._database = database
        self._poster = poster
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Sweep now and then from now on."""
        self._task = asyncio.create_task(self._run(), name="hold-sweeper")

    async def close(self) -> None:
        """Stop sweeping."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def sweep(self) -> int:
        """Expire what is due and return how many holds this server ended."""
        async with self._database.transaction() as tx:
            due = await holds.expired_in_tx(tx, HOLDS_MAX_PER_SWEEP)
        by_journal: dict[str, list[UUID]] = {}
        for journal, hold_id in due:
            by_journal.setdefault(journal, []).append(hold_id)
        ended = 0
        for journal, hold_ids in by_journal.items():
            try:
                ended += await self._expire_in_parts(journal, hold_ids)
            except LedgerError as error:
                # The journals after this one are not to wait for it.
                _log.warning("journal %s: sweep put off: %s", journal, error)
        return ended

    async def _run(self) -> None:
        while True:
            try:
                ended = await self.sweep()
            except LedgerError as error:
                _log.warning("sweep put off: %s", error)
                ended = 0
            except Exception:  # noqa: BLE001  # one failure must not end all sweeping
                # The next sweep tries again; holds are expired at their moment anyway.
                _log.exception("sweep failed")
                ended = 0
            if ended < HOLDS_MAX_PER_SWEEP:
                await asyncio.sleep(SWEEP_INTERVAL_SECONDS)

    async def _expire_in_parts(self, journal: str, hold_ids: Sequence[UUID]) -> int:
        """Expire holds, in smaller parts if they are too many entries for one call."""
        try:
            return await self._expire(journal, hold_ids)
        except TooManyEntriesError:
            if len(hold_ids) == 1:
                raise
        half = len(hold_ids) // 2
        ended = await self._expire_in_parts(journal, hold_ids[:half])
        return ended + await self._expire_in_parts(journal, hold_ids[half:])

    async def _expire(self, journal: str, hold_ids: Sequence[UUID]) -> int:
        results = await self._poster.post_independent(
            journal,
            [
                PostCommand(
                    # Nobody's to foresee: a posting under it would keep the hold for ever.
                    transaction_id=new_id(),
                    template_code="",
                    template_version=None,
                    params={},
                    kind=Kind.EXPIRY,
                    hold_id=hold_id,
                    # A system's duty: it never posts on locked days, see `first_open_day`.
                    behind_soft_lock=False,
                )
                for hold_id in hold_ids
            ],
        )
        ended = 0
        for hold_id, result in zip(hold_ids, results, strict=True):
            if not isinstance(result, LedgerError):
                ended += not result.replayed
            elif not isinstance(result, HoldNotOpenError):
                # Not open any more: captured, released or expired by another server meanwhile.
                _log.error("hold %s could not be expired: %s", hold_id, result)
        return ended

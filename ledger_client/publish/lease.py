"""A cursor in this process's hands: renewed and moved on in the background.

Renewal does not wait for the broker, so a broker that blocks for an hour costs no lease; and the
broker does not wait for renewal, so positions are noted while the next messages are on their way.
"""

import asyncio
from typing import Any, Final

from ledger_client.errors import (
    InvalidRequestError,
    LedgerError,
    NotFoundError,
    RefusedError,
)
from ledger_client.publish.feed import Feed

#: Notes of a position come no faster than this: each is an UPDATE.
ADVANCE_SECONDS_MIN: Final = 0.2
#: Renewals that may fail, at equal distances, before a lease ends.
RENEWALS_A_LEASE: Final = 3
#: Between attempts to renew, while the feed does not answer.
RETRY_SECONDS: Final = 0.5


class LeaseLostError(Exception):
    """The cursor is another one's now, or may be: stop at once."""


class Lease:
    """One holding of a cursor. `acquire` begins it, `keep` runs beside the work, `finish` ends it.

    Between a lease's end by this clock and by the database's lies the time that the request for it
    took: it is counted from before the request was sent, so it ends here first.
    """

    def __init__(self, feed: Feed[Any], name: str, token: int, position: int) -> None:
        """Use `acquire` instead."""
        self._feed = feed
        self._name = name
        self._token = token
        self._seconds = 0
        self._moved = asyncio.Event()
        self._renewed = asyncio.Event()
        self._ends_at = 0.0
        #: Every event up to here was handled; noted at the feed shortly.
        self.position = position

    @classmethod
    async def acquire(cls, feed: Feed[Any], name: str, *, holder: str, seconds: int) -> "Lease":
        """Take the cursor.

        Args:
            feed: keeps it.
            name: of the cursor.
            holder: who asks, for people.
            seconds: how long it is held without renewal.

        Raises:
            LedgerError: as `Feed` has it; with `CURSOR_HELD` if another has it.
        """
        asked_at = asyncio.get_running_loop().time()
        holding = await feed.acquire_cursor(name, holder=holder, lease_seconds=seconds)
        lease = cls(feed, name, holding.token, holding.position)
        lease._seconds = seconds
        lease._renew(asked_at)
        return lease

    def advance(self, position: int) -> None:
        """Say that every event up to `position` was handled."""
        if position > self.position:
            self.position = position
            self._moved.set()

    async def ensure(self) -> None:
        """Wait until the lease is known to run: after a pause it may have ended unnoticed."""
        while asyncio.get_running_loop().time() >= self._ends_at:
            self._renewed.clear()
            self._moved.set()
            await self._renewed.wait()

    async def keep(self) -> None:
        """Renew the lease and note positions until cancelled.

        Raises:
            LeaseLostError: another has the cursor, or the feed gave no answer for as long as a
                lease runs.
            LedgerError: the feed refuses what no waiting will change.
        """
        clock = asyncio.get_running_loop().time
        while True:
            renew_at = self._ends_at - self._seconds * (1 - 1 / RENEWALS_A_LEASE)
            try:
                async with asyncio.timeout_at(renew_at):
                    await self._moved.wait()
            except TimeoutError:
                pass  # time to renew, moved or not
            self._moved.clear()
            asked_at = clock()
            try:
                # Longer than the lease may run: the work waits meanwhile, and after a pause of this
                # process the cursor may still be its own.
                async with asyncio.timeout(self._seconds):
                    await self._advance_until_answered()
            except TimeoutError:
                raise LeaseLostError("the lease was not renewed in time") from None
            self._renew(asked_at)
            await asyncio.sleep(ADVANCE_SECONDS_MIN)

    async def finish(self) -> None:
        """Note the position and give the cursor back. The lease may be over: then nothing happens.

        Raises:
            LedgerError: the feed does not answer; the lease ends by itself.
        """
        try:
            await self._note()
        except LeaseLostError:
            return
        await self._feed.release_cursor(self._name, token=self._token)

    async def _advance_until_answered(self) -> None:
        while True:
            try:
                return await self._note()
            except (InvalidRequestError, NotFoundError, RefusedError):
                raise
            except LedgerError:
                # No answer, or not now: the time that is left is for trying again.
                await asyncio.sleep(RETRY_SECONDS)

    async def _note(self) -> None:
        position = self.position
        try:
            await self._feed.advance_cursor(
                self._name, token=self._token, position=position, lease_seconds=self._seconds
            )
        except RefusedError as error:
            if error.reason == "CURSOR_LOST":
                raise LeaseLostError(error.message) from error
            raise

    def _renew(self, asked_at: float) -> None:
        self._ends_at = asked_at + self._seconds
        self._renewed.set()

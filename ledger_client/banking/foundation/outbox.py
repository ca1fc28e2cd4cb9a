"""Reading a module's domain events, and who waits for more of them."""

import asyncio
import contextlib
import json
import logging
from collections.abc import Sequence
from typing import Any, Final

from ledger_client.banking.foundation.database import Connection, ModuleDatabase
from ledger_client.banking.foundation.errors import UnavailableError
from ledger_client.banking.foundation.events import Envelope

_log: Final = logging.getLogger(__name__)

#: Between looks for events that another instance committed, while somebody waits.
POLL_SECONDS: Final = 0.1
#: Events of one answer of a stream.
PAGE_SIZE: Final = 500
_LAST: Final = 2**63 - 1
#: While the database does not answer.
AWAY_SECONDS: Final = 1.0
#: Between looks after commits of this one.
LOOK_SECONDS: Final = 0.04

_HEADS: Final = "SELECT tenant, sequence FROM outbox_heads"
_HEAD: Final = "SELECT sequence FROM outbox_heads WHERE tenant = $1"
_READ: Final = """
SELECT * FROM domain_events
 WHERE tenant = $1 AND sequence > $2 AND sequence <= $3
 ORDER BY sequence LIMIT $4"""


async def head(connection: Connection, tenant: str) -> int:
    """Return the sequence of a tenant's last event, 0 for none."""
    return int(await connection.fetchval(_HEAD, tenant) or 0)


async def read(
    connection: Connection, tenant: str, after: int, up_to: int, size: int
) -> Sequence[Envelope]:
    """Return events after a sequence, at most so many."""
    rows = await connection.fetch(_READ, tenant, after, up_to, size)
    return [_envelope(row) for row in rows]


async def read_on(database: ModuleDatabase, tenant: str, after: int) -> Sequence[Envelope]:
    """Return the next events after a sequence, at most a page of them."""
    rows = await database.fetch(_READ, tenant, after, _LAST, PAGE_SIZE)
    return [_envelope(row) for row in rows]


def _envelope(row: Any) -> Envelope:
    return Envelope(**{**dict(row), "payload": json.loads(row["payload"])})


class OutboxHeads:
    """Knows the heads of a module's outbox, and wakes who waits for one to move."""

    def __init__(self, database: ModuleDatabase) -> None:
        """Begin with nobody waiting."""
        self._database = database
        self._heads: dict[str, int] = {}
        self._moved = asyncio.Condition()
        self._wanted = asyncio.Event()
        self._committed = asyncio.Event()
        self._waiting = 0

    async def after(self, tenant: str, sequence: int, seconds: float) -> int:
        """Wait until a tenant's head is past a sequence, or for so long; return the head."""
        self._waiting += 1
        self._wanted.set()
        try:
            async with self._moved, asyncio.timeout(seconds):
                await self._moved.wait_for(lambda: self._heads.get(tenant, 0) > sequence)
        except TimeoutError:
            pass
        finally:
            self._waiting -= 1
        return self._heads.get(tenant, 0)

    def committed(self) -> None:
        """Say that there may be more: something was committed here."""
        self._committed.set()

    async def run(self) -> None:
        """Look for new events for as long as somebody waits."""
        while True:
            await self._wanted.wait()
            if not self._waiting:
                self._wanted.clear()
                continue
            self._committed.clear()
            try:
                rows = await self._database.fetch(_HEADS)
            except UnavailableError as error:
                _log.info("not looked for domain events: %s", error)
                await asyncio.sleep(AWAY_SECONDS)
            else:
                heads = {row["tenant"]: row["sequence"] for row in rows}
                if heads != self._heads:
                    self._heads = heads
                    async with self._moved:
                        self._moved.notify_all()
            await asyncio.sleep(LOOK_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(POLL_SECONDS):
                    await self._committed.wait()

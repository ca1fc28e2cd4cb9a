"""Asks which version a tenant's policy is at; those who ask at the same time ask together."""

import asyncio
import contextlib
import logging
from typing import Any, Final

import asyncpg

from ledger_client.banking.foundation.database import (
    CONNECT_SECONDS,
    PASSING,
    ModuleDatabase,
)
from ledger_client.banking.foundation.errors import UnavailableError

_log: Final = logging.getLogger(__name__)

ANSWER_SECONDS: Final = 5.0
_VERSIONS: Final = "SELECT tenant, version FROM policy_versions WHERE tenant = ANY($1)"


class _Round:
    """Those who share one question."""

    def __init__(self) -> None:
        self.tenants: set[str] = set()
        loop = asyncio.get_running_loop()
        self.answer: asyncio.Future[tuple[int, dict[str, int]]] = loop.create_future()


class PolicyVersions:
    """Reads versions on a connection of its own.

    Each asker is answered by a statement that began after he asked. While one is under way all who
    come wait for the next, together: an answer that was on its way already may be older than the
    change that the asker has just made.
    """

    def __init__(self, database: ModuleDatabase) -> None:
        """Connect when first asked."""
        self._database = database
        self._connection: asyncpg.Connection[Any] | None = None
        self._next: _Round | None = None
        self._asking: asyncio.Task[None] | None = None
        self._epoch = 0
        #: Statements so far.
        self.statements = 0

    async def version_of(self, tenant: str) -> tuple[int, int]:
        """Return how often this has connected so far, and a tenant's version; 0 if it has none.

        Raises:
            UnavailableError: the database does not answer.
        """
        if self._next is None:
            self._next = _Round()
        mine = self._next
        mine.tenants.add(tenant)
        if self._asking is None or self._asking.done():
            self._asking = asyncio.create_task(self._ask_all())
        # One who gives up leaves the others their answer.
        epoch, versions = await asyncio.shield(mine.answer)
        return epoch, versions.get(tenant, 0)

    async def close(self) -> None:
        """Close the connection; whoever still waits is told that the database is away."""
        if self._asking is not None:
            self._asking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._asking
        await self._disconnect()

    async def _ask_all(self) -> None:
        """Ask round by round until nobody waits."""
        while self._next is not None:
            now, self._next = self._next, None
            try:
                answer = await self._ask(sorted(now.tenants))
            except asyncio.CancelledError:
                for waiting in (now, self._next):
                    _fail(waiting, UnavailableError("the bank's database"))
                self._next = None
                raise
            except PASSING as error:
                _log.warning("versions of policies: %s: %s", type(error).__name__, error)
                _fail(now, UnavailableError("the bank's database"))
            except Exception as error:  # noqa: BLE001  # goes to all who wait for it
                _fail(now, error)
            else:
                now.answer.set_result((self._epoch, answer))

    async def _ask(self, tenants: list[str]) -> dict[str, int]:
        # A connection that stood idle may have been cut; a new one that fails is a failure.
        if self._connection is not None:
            try:
                return await self._fetch(self._connection, tenants)
            except PASSING as error:
                _log.info("connects anew: %s: %s", type(error).__name__, error)
                await self._disconnect()
        self._connection = await self._connect()
        self._epoch += 1
        try:
            return await self._fetch(self._connection, tenants)
        except BaseException:
            await self._disconnect()
            raise

    async def _fetch(
        self, connection: "asyncpg.Connection[Any]", tenants: list[str]
    ) -> dict[str, int]:
        self.statements += 1
        rows = await connection.fetch(_VERSIONS, tenants, timeout=ANSWER_SECONDS)
        return {row["tenant"]: row["version"] for row in rows}

    async def _connect(self) -> "asyncpg.Connection[Any]":
        connection = await asyncpg.connect(self._database.dsn, timeout=CONNECT_SECONDS)
        try:
            await self._database.become(connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _disconnect(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            # What could be waited for is over: the server forgets it by itself.
            connection.terminate()


def _fail(waiting: _Round | None, error: Exception) -> None:
    if waiting is not None and not waiting.answer.done():
        waiting.answer.set_exception(error)
        # All who waited may have given up; then nobody looks at it.
        waiting.answer.exception()

"""Cursors of publishers: how far one has come, and which of those that share a name is at work.

A lease says who may take a cursor, a token who may move it. The two part ways when a lease has run
out and nobody else has come: its holder goes on. As soon as somebody has, the token is another one
and the old holder is told so, however late it wakes up.
"""

import dataclasses
import datetime as dt
from collections.abc import Sequence
from typing import Any, Final

from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.request_errors import CursorHeldError, CursorLostError

_COLUMNS: Final = """
SELECT name, position, holder, subject, token, updated_at,
       NULLIF(lease_until, '-infinity') AS lease_until
  FROM publish_cursors"""
# Held until the transaction ends: whoever decides about a cursor decides alone.
_LOCK: Final = f"{_COLUMNS} WHERE tenant = $1 AND name = $2 FOR UPDATE"
_LIST: Final = f"{_COLUMNS} WHERE tenant = $1 AND name > $2 ORDER BY name LIMIT $3"
_CREATE: Final = """
INSERT INTO publish_cursors (tenant, name, position) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING"""
_SAVE: Final = """
UPDATE publish_cursors
   SET position = $3, holder = $4, subject = $5, token = $6, updated_at = $7,
       lease_until = COALESCE($8::timestamptz, '-infinity')
 WHERE tenant = $1 AND name = $2"""
# A statement of its own, after the lock: leases end while one waits for it.
_NOW: Final = "SELECT clock_timestamp()"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A cursor as it is stored. Times are the database's."""

    name: str
    #: Every event up to here was handled.
    position: int
    #: For people; empty if nobody holds it.
    holder: str
    #: Who took it, `user:<id>` or `system:<module>`; empty if nobody holds it.
    subject: str
    #: Names the holding. It grows when one begins and when one ends.
    token: int
    #: None if nobody holds it.
    lease_until: dt.datetime | None
    #: When the position was noted last.
    updated_at: dt.datetime

    def is_held(self, now: dt.datetime) -> bool:
        """Tell whether a lease runs."""
        return self.lease_until is not None and self.lease_until > now

    def taken(
        self, token: int, subject: str, holder: str, lease: dt.timedelta, now: dt.datetime
    ) -> "Cursor":
        """Return the cursor in the hands of who asks: again, with its token, or for the first time.

        Raises:
            CursorHeldError: another one's lease runs.
        """
        if self._is_of(token, subject):
            return dataclasses.replace(self, holder=holder, lease_until=now + lease)
        if self.lease_until is not None and self.is_held(now):
            raise CursorHeldError(self.name, self.holder, self.lease_until.isoformat())
        return dataclasses.replace(
            self, token=self.token + 1, subject=subject, holder=holder, lease_until=now + lease
        )

    def advanced(
        self, token: int, subject: str, position: int, lease: dt.timedelta, now: dt.datetime
    ) -> "Cursor":
        """Return the cursor further on, its lease renewed.

        Raises:
            CursorLostError: the holding is over, or another's.
            FieldInvalidError: the position lies behind the one noted.
        """
        if not self._is_of(token, subject):
            raise CursorLostError(self.name)
        if position < self.position:
            raise FieldInvalidError("position", f"behind {self.position}, which was noted already")
        return dataclasses.replace(
            self,
            position=position,
            lease_until=now + lease,
            updated_at=self.updated_at if position == self.position else now,
        )

    def released(self, token: int, subject: str) -> "Cursor":
        """Return the cursor given back; itself if the holding was over already."""
        if not self._is_of(token, subject):
            return self
        return dataclasses.replace(
            self, token=self.token + 1, holder="", subject="", lease_until=None
        )

    def _is_of(self, token: int, subject: str) -> bool:
        return self.lease_until is not None and (token, subject) == (self.token, self.subject)


async def lock(connection: Connection, tenant: str, name: str) -> Cursor | None:
    """Return a cursor, held until the transaction ends; None if there is none."""
    row = await connection.fetchrow(_LOCK, tenant, name)
    return Cursor(**dict(row)) if row else None


async def create(connection: Connection, tenant: str, name: str, position: int) -> Cursor:
    """Return the cursor, made at a position in nobody's hands unless another was faster."""
    await connection.execute(_CREATE, tenant, name, position)
    cursor = await lock(connection, tenant, name)
    assert cursor is not None, "it was made, and none is ever deleted"
    return cursor


async def save(connection: Connection, tenant: str, cursor: Cursor) -> None:
    """Write a cursor that this transaction has locked."""
    await connection.execute(
        _SAVE,
        tenant,
        cursor.name,
        cursor.position,
        cursor.holder,
        cursor.subject,
        cursor.token,
        cursor.updated_at,
        cursor.lease_until,
    )


async def now(connection: Connection) -> dt.datetime:
    """Return the database's time."""
    time: dt.datetime = await connection.fetchval(_NOW)
    return time


async def after(connection: Connection, tenant: str, name: str, limit: int) -> Sequence[Cursor]:
    """Return up to `limit` cursors whose name is above `name`, by name."""
    rows: Sequence[Any] = await connection.fetch(_LIST, tenant, name, limit)
    return [Cursor(**dict(row)) for row in rows]

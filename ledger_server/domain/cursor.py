"""Cursors: how far a follower of a journal has come, and who of those that share it is at work.

A lease says who may take a cursor, a token who may move it. The two part ways when a lease has
run out and nobody else has come: its holder goes on. As soon as somebody has, the token is another
one and the old holder is told so, however late it wakes up.
"""

import dataclasses
from datetime import datetime, timedelta
from typing import Final

from ledger_server.domain.errors import (
    CursorHeldError,
    CursorLostError,
    FieldInvalidError,
    PositionUnavailableError,
)

#: A shorter lease would be lost to a pause of the network; a longer one keeps others waiting.
LEASE_SECONDS_DEFAULT: Final = 15
LEASE_SECONDS_MAX: Final = 300


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """A cursor as it is stored. Times are the database's."""

    name: str
    #: Every event up to here was handled.
    position: int
    #: Names the holding. It grows when one begins and when one ends.
    token: int
    #: For people; empty if nobody holds it.
    holder: str
    #: None if nobody holds it.
    lease_expires_at: datetime | None
    #: When the position was noted last.
    updated_at: datetime

    def is_held(self, now: datetime) -> bool:
        """Tell whether a lease runs."""
        return self.lease_expires_at is not None and self.lease_expires_at > now

    def taken(self, token: int, holder: str, lease: timedelta, now: datetime) -> "Cursor":
        """Return the cursor in the hands of who asks: again, with its token, or for the first time.

        Raises:
            CursorHeldError: another one's lease runs.
        """
        if self._is_of(token):
            return dataclasses.replace(self, holder=holder, lease_expires_at=now + lease)
        self._refuse_if_held(now)
        return dataclasses.replace(
            self, token=self.token + 1, holder=holder, lease_expires_at=now + lease
        )

    def advanced(self, token: int, position: int, lease: timedelta, now: datetime) -> "Cursor":
        """Return the cursor further on, its lease renewed.

        Raises:
            CursorLostError: the holding is over.
            FieldInvalidError: the position lies behind the one noted.
        """
        if not self._is_of(token):
            raise CursorLostError(self.name)
        if position < self.position:
            problem = f"behind {self.position}, which was noted already; going back is a reset"
            raise FieldInvalidError("position", problem)
        return dataclasses.replace(
            self,
            position=position,
            lease_expires_at=now + lease,
            updated_at=self.updated_at if position == self.position else now,
        )

    def released(self, token: int) -> "Cursor":
        """Return the cursor given back; itself if the holding was over already."""
        if not self._is_of(token):
            return self
        return dataclasses.replace(self, token=self.token + 1, holder="", lease_expires_at=None)

    def reset(self, position: int, now: datetime) -> "Cursor":
        """Return the cursor elsewhere, in nobody's hands.

        Raises:
            CursorHeldError: a lease runs.
        """
        self._refuse_if_held(now)
        return dataclasses.replace(
            self,
            position=position,
            token=self.token + 1,
            holder="",
            lease_expires_at=None,
            updated_at=now,
        )

    def _is_of(self, token: int) -> bool:
        return self.lease_expires_at is not None and token == self.token

    def _refuse_if_held(self, now: datetime) -> None:
        if self.lease_expires_at is not None and self.is_held(now):
            raise CursorHeldError(self.name, self.holder, self.lease_expires_at.isoformat())


def check_position(position: int, head_sequence: int) -> None:
    """Refuse a position that the journal has not reached.

    Raises:
        PositionUnavailableError: it lies beyond the head.
    """
    if position > head_sequence:
        raise PositionUnavailableError(position, head_sequence)

"""Cursors: how far followers of a journal have come."""

import dataclasses
import datetime as dt


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Cursor:
    """How far a follower has come, and who is at work."""

    #: Unique in the journal.
    name: str
    #: Every event up to here was handled.
    position: int
    #: Who holds it; empty if nobody does.
    holder: str
    #: When the lease ends if it is not renewed, by the database's clock; None if nobody holds it.
    lease_expire_time: dt.datetime | None
    #: When the position was noted last.
    update_time: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CursorHolding:
    """A cursor in one's hands."""

    cursor: Cursor
    #: Names this holding to the calls that move the cursor.
    token: int

"""Which days of a journal are closed."""

import dataclasses
import datetime as dt


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days that are closed and locked after a change, and who made it."""

    #: Last day on which nothing posts; None if no day is closed.
    closed_through: dt.date | None
    #: Last day behind the soft lock, never before `closed_through`; None if no day is locked.
    locked_through: dt.date | None
    #: Sequence of the change; None if there was none yet.
    sequence: int | None
    #: When it was made; None if there was none yet.
    change_time: dt.datetime | None
    #: Who made it; empty while the server runs without authentication.
    actor: str
    #: Why, in the words of who made it.
    reason: str

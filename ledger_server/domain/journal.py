"""A journal: one set of books."""

import dataclasses
from datetime import datetime
from uuid import UUID

from ledger_server.domain.primitives import JournalId


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One set of books. Everything else belongs to exactly one. None of it ever changes."""

    #: Internal number; never leaves the server.
    id: JournalId
    public_id: UUID
    code: str
    name: str
    #: IANA name.
    time_zone: str
    created_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a journal stands."""

    #: Sequence of the last event; 0 before the first.
    sequence: int
    #: When the last event was recorded, by the database's clock.
    recorded_at: datetime
    #: Grows with every change that servers may have cached.
    config_version: int

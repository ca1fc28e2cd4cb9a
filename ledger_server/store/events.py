"""The events of a journal, read in order."""

import dataclasses
from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Final

from ledger_server.domain.primitives import JournalId
from ledger_server.store.database import Database, Tx
from ledger_server.store.event_codec import StreamEvent, time_field
from ledger_server.store.queries import load

_SQL = load("events")

#: Events of a page, and bytes of their payloads: a page ends where either is reached.
PAGE_EVENTS_MAX: Final = 1_000
PAGE_BYTES_MAX: Final = 1024 * 1024
#: Sequences that one statement looks through for events of some types.
SCAN_MAX: Final = 50_000


@dataclasses.dataclass(frozen=True, slots=True)
class Page:
    """Events in order, and how far they were looked for."""

    events: list[StreamEvent]
    #: No event up to here is missing.
    position: int


async def read_page(
    database: Database,
    journal_id: JournalId,
    after: int,
    up_to: int,
    *,
    types: Collection[int] | None = None,
    events_max: int = PAGE_EVENTS_MAX,
) -> Page:
    """Return the first events after a position.

    Args:
        database: where they are.
        journal_id: whose.
        after: the position.
        up_to: a sequence that is there, beyond `after`; no event above it is returned.
        types: only events of these types; None for all.
        events_max: no more than these.
    """
    # Sequences have no gaps, so a page of all types is a range that is known beforehand.
    last = min(up_to, after + (events_max if types is None else SCAN_MAX))
    async with database.look_up_connection() as tx:
        rows = await tx.fetch(
            _SQL["page_of_events"],
            journal_id,
            after,
            last,
            None if types is None else list(types),
            events_max,
            PAGE_BYTES_MAX,
        )
    if not rows:
        assert types is not None, f"journal {journal_id} has no event {after + 1}"
        return Page([], last)
    events = []
    recorded_at: datetime | None = None
    time = b""
    for row in rows:
        sequence, moment, event_type, payload = row.values()
        if moment != recorded_at:
            recorded_at, time = moment, time_field(moment)
        events.append(StreamEvent(sequence, event_type, time, payload))
    # The page may have been cut by its bytes: what lies beyond its last event is the next one's.
    return Page(events, events[-1].sequence)


async def heads_in_tx(tx: Tx, journal_ids: Iterable[JournalId]) -> dict[JournalId, int]:
    """Return the sequence at which each journal stands."""
    rows = await tx.fetch(_SQL["heads"], list(journal_ids))
    return {JournalId(row["journal_id"]): row["sequence"] for row in rows}

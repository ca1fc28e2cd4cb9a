"""A page of events, for callers who look instead of following."""

import dataclasses
from typing import Final

from ledger_server.domain.errors import PositionUnavailableError
from ledger_server.domain.journal import Journal
from ledger_server.store import events
from ledger_server.store.database import Database
from ledger_server.stream.matching import Matcher

#: Pages of the journal that one call looks through for events that match.
PAGES_MAX: Final = 20


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which events are asked for."""

    #: A position.
    after: int
    #: Where the journal stands: nothing beyond it is returned.
    head_sequence: int
    #: No more events than these, without those derived from them.
    count_max: int


async def list_events(
    database: Database, journal: Journal, matcher: Matcher, asked: Page
) -> tuple[list[bytes], int]:
    """Return the next events that match, as parts of a response, and how far was looked.

    Args:
        database: where they are.
        journal: whose.
        matcher: what is wanted.
        asked: the page.

    Raises:
        PositionUnavailableError: the page begins beyond the head.
    """
    after, head, count_max = asked.after, asked.head_sequence, asked.count_max
    if after > head:
        raise PositionUnavailableError(after, head)
    found: list[bytes] = []
    count = size = 0
    for _ in range(PAGES_MAX):
        if after == head:
            break
        # Whoever takes all takes no more than it asks for.
        events_max = count_max - count if matcher.takes_all else events.PAGE_EVENTS_MAX
        page = await events.read_page(
            database,
            journal.id,
            after,
            head,
            types=matcher.types,
            events_max=min(events_max, events.PAGE_EVENTS_MAX),
        )
        await matcher.prepare(page.events)
        for event in page.events:
            frames = matcher.frames(event)
            if not frames:
                continue
            found += frames
            count += 1
            size += event.size
            if count == count_max or size >= events.PAGE_BYTES_MAX:
                return found, event.sequence
        after = page.position
    return found, after

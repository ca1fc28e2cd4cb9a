"""Tells whether something is missing between two events of a journal, or of a bank's module."""

import dataclasses
from collections.abc import Mapping

from ledger_client.consume.received import ReceivedEvent


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """Events that should have come and did not: after the one, before the other."""

    #: Of a bank's events their `series`.
    journal_id: str
    #: Sequence of the last event that came; read on from there: `list_events(after_sequence=)`.
    after_sequence: int
    #: Sequence of the event that has come now.
    before_sequence: int


class SequenceWatch:
    """Follows the sequences of any number of journals and modules.

    Only for who gets every event, one at a time: a queue that is bound with `#`, read in order.
    """

    def __init__(self, positions: Mapping[str, int] | None = None) -> None:
        """Begin after known positions.

        Args:
            positions: by journal id, or whatever is the events' `series`, the sequence that was
                handled last. What is not among them begins with whatever comes first.
        """
        self._positions = dict(positions or {})

    def gap_before(self, event: ReceivedEvent) -> Gap | None:
        """Return what is missing before an event, None if nothing is."""
        last = self._positions.get(event.series)
        # Several `balance.updated` share a sequence, and what comes again is no gap.
        if event.sequence is None or last is None or event.sequence <= last + 1:
            return None
        return Gap(
            journal_id=event.series,
            after_sequence=last,
            before_sequence=event.sequence,
        )

    def passed(self, event: ReceivedEvent) -> None:
        """Note that an event is done with."""
        if event.sequence is not None:
            last = self._positions.get(event.series, 0)
            self._positions[event.series] = max(last, event.sequence)

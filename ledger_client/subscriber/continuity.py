"""Holds a stream to its word: every sequence once, in order."""

import dataclasses

from ledger_client.subscriber.failures import StreamBrokenError
from ledger_proto.v1 import event_stream_pb2, events_pb2


@dataclasses.dataclass(frozen=True, slots=True)
class Step:
    """What has one sequence and is handled together or not at all.

    An event, and the `balance.updated` that follow from it if they were asked for.
    """

    #: Of the event.
    sequence: int
    #: As sent.
    messages: tuple[events_pb2.Event, ...]


class Continuity:
    """Checks each response of a stream against what came before, also over its interruptions."""

    def __init__(self, position: int, *, has_gaps: bool) -> None:
        """Begin behind a position.

        Args:
            position: the last sequence that was handled.
            has_gaps: whether a filter may leave out events; then only their order is known.
        """
        #: Everything up to here came, or was not asked for.
        self.position = position
        self._has_gaps = has_gaps

    def steps(self, response: event_stream_pb2.SubscribeResponse) -> list[Step]:
        """Return the steps of a response, which moves the position to the response's.

        Raises:
            StreamBrokenError: an event is missing, comes again, or comes out of order.
        """
        found: list[Step] = []
        last = self.position
        group: list[events_pb2.Event] = []
        for message in response.events:
            if message.HasField("balance_updated"):
                if not group or message.sequence != last:
                    raise StreamBrokenError(
                        f"a balance.updated of event {message.sequence} came after event {last}"
                    )
                group.append(message)
                continue
            if group:
                found.append(Step(last, tuple(group)))
            self._check(message.sequence, last)
            last = message.sequence
            group = [message]
        if group:
            found.append(Step(last, tuple(group)))
        if response.position < last or (response.position > last and not self._has_gaps):
            raise StreamBrokenError(
                f"the stream says that it came to {response.position}, and its last event is {last}"
            )
        self.position = response.position
        return found

    def _check(self, sequence: int, last: int) -> None:
        if sequence <= last:
            raise StreamBrokenError(f"event {sequence} came again, or out of order, after {last}")
        if sequence != last + 1 and not self._has_gaps:
            raise StreamBrokenError(
                f"event {sequence} came after {last}: those between are missing"
            )

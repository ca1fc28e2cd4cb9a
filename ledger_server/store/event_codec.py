"""Events on their way out: what is stored is sent, neither decoded nor encoded again.

A response is `repeated Event events = 1` and some more fields. On the wire that is, for each event,
the field's tag, the event's length and the event; and an event is its sequence and record time,
which were not known when it was stored, followed by the bytes that were.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from ledger_proto.v1 import events_pb2
from ledger_server.store.codec import timestamp
from ledger_server.store.wire import varint

#: Tag of `record_time`, field 2 of an event. Those of `events`, field 1 of a response, and of
#: `sequence`, field 1 of an event, are 0x0a and 0x08.
_RECORD_TIME: Final = b"\x12"

#: Facts with a transaction: the numbers that the contract keeps for them.
TRANSACTION_TYPES: Final = range(21, 30)


class StreamEvent:
    """A stored event, and the bytes that go before it in a response."""

    __slots__ = ("head", "payload", "sequence", "subject", "time", "type")

    def __init__(self, sequence: int, event_type: int, time: bytes, payload: bytes) -> None:
        """Make the bytes that go before `payload`.

        Args:
            sequence: its place.
            event_type: the number of its fact.
            time: `time_field` of its record time.
            payload: as stored, open and personal part.
        """
        place = varint(sequence)
        # One for the tag of the sequence.
        size = varint(1 + len(place) + len(time) + len(payload))
        self.sequence = sequence
        self.type = event_type
        self.time = time
        self.head = b"\x0a%b\x08%b%b" % (size, place, time)
        self.payload = payload
        #: What it is about, kept by whoever had to decode it for the others that ask.
        self.subject: Any = None

    @property
    def size(self) -> int:
        """Bytes in a response."""
        return len(self.head) + len(self.payload)


def time_field(recorded_at: datetime) -> bytes:
    """Return the field `record_time` of an event; events of one commit share it."""
    body = timestamp(recorded_at).SerializeToString()
    return _RECORD_TIME + varint(len(body)) + body


def balance_updates(event: StreamEvent, account_ids: Sequence[frozenset[str]]) -> list[bytes]:
    """Return a response's bytes of one `balance_updated` for each entry of an event.

    Args:
        event: with a transaction or without; then there are none.
        account_ids: only for entries on accounts that are in all of these.
    """
    if event.type not in TRANSACTION_TYPES:
        return []
    stored: Any = events_pb2.Event.FromString(event.payload)
    transaction = getattr(stored, stored.WhichOneof("fact")).transaction
    found = []
    for entry in transaction.entries:
        if not all(entry.account_id in wanted for wanted in account_ids):
            continue
        derived = events_pb2.Event(
            actor=stored.actor,
            balance_updated=events_pb2.BalanceUpdated(
                transaction_id=transaction.id,
                account_id=entry.account_id,
                account_code=entry.account_code,
                currency=entry.currency,
                layer=entry.layer,
                balance=entry.balance_after,
            ),
        )
        number = events_pb2.Event.BALANCE_UPDATED_FIELD_NUMBER
        one = StreamEvent(event.sequence, number, event.time, derived.SerializeToString())
        found += [one.head, one.payload]
    return found

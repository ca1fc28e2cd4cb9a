"""Events as they came over the wire: where their parts begin and end, and the leaf they make.

Nothing is decoded and encoded again, for what is hashed is what was sent. docs/proofs.md has the
form; what does not have it is no event, for bytes that no digest covers could say anything.
"""

import hashlib
from collections.abc import Iterator
from typing import Final, NamedTuple
from uuid import UUID

LEAF_VERSION: Final = b"\x01"
LEAF_BYTES: Final = 97
#: Where the record time stands in a leaf.
TIME_IN_LEAF: Final = slice(25, 33)
#: In place of the digest of a personal part that is not there.
NO_PERSONAL_PART: Final = bytes(32)

_EVENTS: Final = 1
#: End of the year 9999, in seconds since 1970.
_SECONDS_MAX: Final = 253_402_300_799
_SEQUENCE_TAG: Final = 0x08
_RECORD_TIME_TAG: Final = 0x12
_ACTOR: Final = 3
_SALT: Final = 4
_DIGEST: Final = 5
#: Numbers of the fields that state facts; see ledger.v1.Event.
_FACTS: Final = range(10, 100)


class MalformedEventError(ValueError):
    """Bytes are not an event in the form that docs/proofs.md gives."""


class Parts(NamedTuple):
    """The digests of the two parts of an event."""

    open_digest: bytes
    personal_digest: bytes
    #: Whether of the personal part the digest is all that is left.
    is_erased: bool


class WireEvent(NamedTuple):
    """An event taken apart."""

    sequence: int
    #: Microseconds since 1970, UTC.
    time_us: int
    parts: Parts
    #: The whole event, as protobuf parses it.
    encoded: bytes

    def leaf(self, journal: UUID) -> bytes:
        """Return the 97 bytes that stand for the event in the tree of `journal`."""
        return leaf(journal, self.sequence, self.time_us, self.parts)


def leaf(journal: UUID, sequence: int, time_us: int, parts: Parts) -> bytes:
    """Return the bytes of a leaf."""
    return b"".join(
        (
            LEAF_VERSION,
            journal.bytes,
            sequence.to_bytes(8, "big"),
            time_us.to_bytes(8, "big", signed=True),
            parts.open_digest,
            parts.personal_digest,
        )
    )


def split_response(encoded: bytes) -> list[bytes]:
    """Return the events of a ListEventsResponse, or of a SubscribeResponse, as they were sent.

    Raises:
        MalformedEventError: it is cut off.
    """
    try:
        return [
            encoded[start:end]
            for number, _begin, start, end in _fields(encoded, 0, len(encoded))
            if number == _EVENTS
        ]
    except IndexError as error:
        raise MalformedEventError("the response is cut off") from error


def split_event(encoded: bytes) -> WireEvent:
    """Take an event apart.

    Raises:
        MalformedEventError: it does not have the form.
    """
    try:
        if encoded[0] != _SEQUENCE_TAG:
            raise MalformedEventError("it does not begin with its sequence")
        sequence, place = _varint(encoded, 1)
        if encoded[place] != _RECORD_TIME_TAG:
            raise MalformedEventError("its record time does not follow its sequence")
        length, place = _varint(encoded, place + 1)
        time_us = _microseconds(encoded[place : place + length])
        parts = split_stored(encoded[place + length :])
    except IndexError as error:
        raise MalformedEventError("it is cut off") from error
    return WireEvent(sequence, time_us, parts, encoded)


def split_stored(stored: bytes) -> Parts:
    """Take apart what is stored of an event.

    Raises:
        MalformedEventError: it does not have the form.
    """
    try:
        return _parts(stored)
    except IndexError as error:
        raise MalformedEventError("it is cut off") from error


def _parts(stored: bytes) -> Parts:
    facts, fact, size = 0, 0, len(stored)
    for number, begin, start, end in _fields(stored, 0, size, of_messages=True):
        if number in _FACTS:
            facts, fact = facts + 1, number
            continue
        if number == _ACTOR and not facts:
            continue
        if facts != 1 or number not in {_SALT, _DIGEST}:
            raise MalformedEventError(f"field {number} stands in its open part")
        open_digest = hashlib.sha256(stored[:begin]).digest()
        if number == _SALT:
            _check_personal(stored, end, fact)
            return Parts(open_digest, hashlib.sha256(stored[begin:]).digest(), is_erased=False)
        # Nothing may follow the digest of a part that was erased: nothing would cover it.
        if end != size or end - start != len(NO_PERSONAL_PART):
            raise MalformedEventError("the digest of its personal part is not its end")
        return Parts(open_digest, stored[start:end], is_erased=True)
    if facts != 1:
        raise MalformedEventError(f"it states {facts} facts")
    return Parts(hashlib.sha256(stored).digest(), NO_PERSONAL_PART, is_erased=False)


def _check_personal(stored: bytes, after_salt: int, fact: int) -> None:
    """Check that nothing but the same fact follows."""
    for number, *_ in _fields(stored, after_salt, len(stored), of_messages=True):
        if number != fact:
            raise MalformedEventError(f"field {number} stands in its personal part")


def _microseconds(encoded: bytes) -> int:
    """Return what a google.protobuf.Timestamp says."""
    seconds = nanos = 0
    for number, _begin, start, _end in _fields(encoded, 0, len(encoded)):
        if number == 1:
            seconds = _varint(encoded, start)[0]
        elif number == 2:
            nanos = _varint(encoded, start)[0]
    if seconds >> 63:  # a negative number is sent as its two's complement
        seconds -= 1 << 64
    if nanos % 1_000 or not 0 <= nanos < 1_000_000_000:
        raise MalformedEventError("its record time is not in whole microseconds")
    if not -_SECONDS_MAX <= seconds <= _SECONDS_MAX:
        raise MalformedEventError("its record time is beyond the calendar")
    return seconds * 1_000_000 + nanos // 1_000


def _fields(
    buffer: bytes, place: int, end: int, *, of_messages: bool = False
) -> Iterator[tuple[int, int, int, int]]:
    """Give number, begin, and begin and end of the value, of each field. IndexError if cut off.

    With `of_messages` each value must be a message, or text: what has a length.
    """
    while place < end:
        begin = place
        tag, place = _varint(buffer, place)
        kind = tag & 7
        if kind == 2:
            length, start = _varint(buffer, place)
            place = start + length
        elif of_messages:
            raise MalformedEventError(f"field {tag >> 3} has wire type {kind}")
        elif kind == 0:
            start = place
            _number, place = _varint(buffer, place)
        elif kind in {1, 5}:
            start = place
            place += 8 if kind == 1 else 4
        else:
            raise MalformedEventError(f"wire type {kind} is none")
        if place > end:
            raise IndexError(place)
        yield tag >> 3, begin, start, place


def _varint(buffer: bytes, place: int) -> tuple[int, int]:
    """Return the number that stands at `place`, and where it ends."""
    byte = buffer[place]
    place += 1
    if byte < 0x80:
        return byte, place
    number, shift = byte & 0x7F, 7
    while True:
        byte = buffer[place]
        place += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            if number >> 64:
                raise MalformedEventError("a number is too long")
            return number, place
        shift += 7
        if shift > 63:
            raise MalformedEventError("a number is too long")

"""Events taken apart on their bytes, as docs/proofs.md says."""

import hashlib
import struct
import uuid

import pytest
from google.protobuf import timestamp_pb2
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.verify import wire
from ledger_proto.v1 import event_stream_pb2, events_pb2, journals_pb2

JOURNAL = uuid.UUID(int=42)

OPEN = events_pb2.Event(
    actor="alice",
    journal_created=events_pb2.JournalCreated(journal=journals_pb2.Journal(code="main")),
).SerializeToString()
PERSONAL = events_pb2.Event(
    personal_salt=bytes(range(16)),
    journal_created=events_pb2.JournalCreated(journal=journals_pb2.Journal(name="Mrs Jones")),
).SerializeToString()


def sent(stored: bytes, sequence: int = 5, time_us: int = 1_700_000_000_000_001) -> bytes:
    time = timestamp_pb2.Timestamp()
    time.FromMicroseconds(time_us)
    head = events_pb2.Event(sequence=sequence, record_time=time).SerializeToString()
    return head + stored


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


@given(st.integers(1, 2**62), st.integers(-62_135_596_800_000_000, 253_402_300_799_999_999))
def test_sequence_and_time(sequence: int, time_us: int) -> None:
    event = wire.split_event(sent(OPEN, sequence, time_us))
    assert (event.sequence, event.time_us) == (sequence, time_us)


def test_leaf_is_that_of_the_page() -> None:
    event = wire.split_event(sent(OPEN + PERSONAL))
    expected = struct.pack(
        ">B16sQq32s32s",
        1,
        JOURNAL.bytes,
        5,
        1_700_000_000_000_001,
        digest(OPEN),
        digest(PERSONAL),
    )
    assert event.leaf(JOURNAL) == expected
    assert len(expected) == wire.LEAF_BYTES
    assert not event.parts.is_erased
    assert events_pb2.Event.FromString(event.encoded).journal_created.journal.name == "Mrs Jones"


def test_without_a_personal_part() -> None:
    parts = wire.split_event(sent(OPEN)).parts
    assert parts == wire.Parts(digest(OPEN), bytes(32), is_erased=False)


def test_an_erased_part_leaves_the_leaf_as_it_was() -> None:
    erased = events_pb2.Event(personal_digest=digest(PERSONAL)).SerializeToString()
    before, after = wire.split_event(sent(OPEN + PERSONAL)), wire.split_event(sent(OPEN + erased))
    assert before.leaf(JOURNAL) == after.leaf(JOURNAL)
    assert after.parts.is_erased


@pytest.mark.parametrize(
    ("stored", "why"),
    [
        (b"", "0 facts"),
        (OPEN + b"\x52\x00", "2 facts"),
        (PERSONAL, "open part"),
        (OPEN + b"\x2a\x20" + bytes(32) + b"\x52\x00", "not its end"),
        (OPEN + b"\x2a\x03abc", "not its end"),
        (OPEN + PERSONAL + b"\x2a\x20" + bytes(32), "personal part"),
        (OPEN + PERSONAL + b"\x08\x07", "wire type 0"),
        (OPEN + PERSONAL + b"\x5a\x00", "field 11 stands in its personal part"),
        (OPEN + b"\x08\x07", "wire type 0"),
        (b"\x08\x07" + OPEN, "wire type 0"),
        (b"\xa8\x01\x01", "field 21 has wire type 0"),
        (OPEN + b"\x0a\x00", "open part"),
        (OPEN[:-1], "cut off"),
        (OPEN + b"\xa2\x06\x00", "open part"),
        (OPEN + b"\x0b", "wire type 3"),
        (b"\xff" * 12, "too long"),
    ],
)
def test_what_is_no_event(stored: bytes, why: str) -> None:
    with pytest.raises(wire.MalformedEventError, match=why):
        wire.split_event(sent(stored))


@pytest.mark.parametrize("encoded", [b"", b"\x08", b"\x12\x00", b"\x08\x01\x08\x01", b"\x08\x01"])
def test_what_does_not_begin_as_an_event(encoded: bytes) -> None:
    with pytest.raises(wire.MalformedEventError):
        wire.split_event(encoded)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_event_or_refused(encoded: bytes) -> None:
    """Nothing else may be raised, and what is taken has a leaf."""
    try:
        event = wire.split_event(encoded)
    except wire.MalformedEventError:
        return
    assert len(event.leaf(JOURNAL)) == wire.LEAF_BYTES


def test_a_response_is_taken_apart_as_it_was_sent() -> None:
    events = [sent(OPEN, number) for number in (3, 4)]
    response = event_stream_pb2.SubscribeResponse(position=4, head_sequence=300)
    encoded = b"".join(b"\x0a" + bytes([len(one)]) + one for one in events)
    assert wire.split_response(encoded + response.SerializeToString()) == events
    listed = event_stream_pb2.ListEventsResponse(next_page_token="next", head_sequence=300)
    assert wire.split_response(encoded + listed.SerializeToString()) == events
    with pytest.raises(wire.MalformedEventError):
        wire.split_response(encoded[:-1])

"""What comes is read, whoever sent it; what is no event is told, whatever it is."""

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.consume import EventReference, ReceivedEvent, UnreadableError
from ledger_client.consume.received import REFERENCE_CONTENT_TYPE, read
from ledger_client.publish.envelopes import ENVELOPES, envelope
from tests.client.publish.any_event import JOURNAL, any_event


@given(name=st.sampled_from(tuple(ENVELOPES)), event=any_event())
def test_what_an_envelope_carries_is_read_from_it(name: str, event: Any) -> None:
    message = envelope(name, JOURNAL).message(event)
    found = read(message.body, request_id="from the headers")
    sent = json.loads(message.body)
    assert isinstance(found, ReceivedEvent)
    assert (found.id, found.type, found.sequence) == (message.id, message.type, event.sequence)
    assert found.journal_id == str(JOURNAL)
    assert found.data == sent.get("data", sent.get("payload"))
    expected = {"cloudevents": "correlationid", "lana": "trace_id"}.get(name)
    assert found.correlation_id == (sent[expected] if expected else "from the headers")


def test_an_event_of_another_service() -> None:
    body = b"""{"event_id": "evt-1", "event_type": "flow.execution.completed",
        "timestamp": "2026-05-18T10:35:00Z", "tenant_id": "t",
        "data": {"identity_score": 0.95, "bureau_score": 720}}"""
    found = read(body)
    assert isinstance(found, ReceivedEvent)
    assert (found.id, found.type) == ("evt-1", "flow.execution.completed")
    assert found.data == {"identity_score": Decimal("0.95"), "bureau_score": 720}
    assert (found.journal_id, found.sequence, found.correlation_id) == ("", None, "")
    assert found.envelope["tenant_id"] == "t"


def test_a_reference() -> None:
    body = b'{"journal_id": "j", "sequence": "7", "problem": "too large"}'
    found = read(
        body,
        content_type=REFERENCE_CONTENT_TYPE,
        message_id="x",
        message_type="journal.posted",
    )
    assert found == EventReference(
        id="x", type="journal.posted", journal_id="j", sequence=7, problem="too large"
    )


@given(st.binary())
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    for content_type in ("", REFERENCE_CONTENT_TYPE):
        with pytest.raises(UnreadableError):
            read(body, content_type=content_type)


FIELDS = st.sampled_from(
    ["specversion", "event_id", "event_type", "id", "type", "data", "payload", "sequence"]
)
ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=4,
)


@given(st.dictionaries(FIELDS, ANY))
def test_any_object_is_read_or_refused(found: dict[str, Any]) -> None:
    try:
        event = read(json.dumps(found).encode())
    except UnreadableError:
        return
    assert isinstance(event, ReceivedEvent)
    assert 0 < len(event.id) <= 512
    event.id.encode()
    assert "\0" not in event.id
    assert event.sequence is None or event.sequence >= 0


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"id": ""}, "id is no text"),
        ({"id": 7}, "id is no text"),
        ({"id": "x" * 513}, "id is no text"),
        ({"id": "x\0"}, "id is no text"),
        ({"id": "\ud800"}, "id is no text"),
        ({"type": None}, "type is no text"),
        ({"data": "text"}, "data is no object"),
        ({"sequence": -7}, "sequence is neither"),
        ({"sequence": True}, "sequence is neither"),
        ({"sequence": 10**20}, "sequence is neither"),
        ({"sequence": "-7"}, "sequence is neither"),
        ({"sequence": "²"}, "sequence is neither"),
        ({"sequence": "1" * 5000}, "sequence is neither"),
    ],
)
def test_what_is_wrong_is_told(wrong: dict[str, Any], message: str) -> None:
    right = {"specversion": "1.0", "id": "x", "type": "t", "data": {}, "sequence": "07"}
    assert read(json.dumps(right).encode())
    with pytest.raises(UnreadableError, match=message):
        read(json.dumps(right | wrong).encode())


def test_what_is_no_json_at_all() -> None:
    for body in (b"[" * 100_000, b'{"event_id": NaN}', b"[]", b"7", b"\xff"):
        with pytest.raises(UnreadableError):
            read(body)

"""The envelopes: pure, the same bytes again, and nothing in them that is a float."""

import json
import re
from typing import Any

import pytest
from google.protobuf import struct_pb2
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.models import Event
from ledger_client.publish.envelopes import ENVELOPES, envelope
from ledger_client.publish.message import (
    Envelope,
    UnpublishableError,
    from_header_text,
    header_text,
)
from ledger_proto.v1 import common_pb2, events_pb2, transactions_pb2
from tests.client.publish.any_event import JOURNAL, any_event, numbers, of_message

NAMES = tuple(ENVELOPES)


def posted(**fields: Any) -> events_pb2.Event:
    """A posting as the server sends it."""
    transaction: dict[str, Any] = {
        "id": "0192b7a0-0000-7000-8000-000000000009",
        "sequence": 7,
        "template_code": "TRANSFER",
        "effective_date": "2026-01-31",
        "entries": [
            transactions_pb2.Entry(
                account_code="bank",
                direction=common_pb2.DIRECTION_DEBIT,
                layer=common_pb2.LAYER_SETTLED,
                units="12345678901234567890.12",
                currency="USD",
                balance_after=transactions_pb2.BalanceAfter(debit="1.00", credit="0", version=3),
            )
        ],
    }
    event = events_pb2.Event(sequence=7)
    event.record_time.FromJsonString("2026-01-31T10:30:00.000250Z")
    event.journal_posted.transaction.CopyFrom(transactions_pb2.Transaction(**transaction | fields))
    return event


def body(form: Envelope[Event], message: events_pb2.Event) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(form.message(of_message(message)).body)
    return found


class TestEach:
    @given(name=st.sampled_from(NAMES), event=any_event())
    def test_the_same_event_gives_the_same_message(self, name: str, event: Any) -> None:
        again = of_message(events_pb2.Event.FromString(event.message.SerializeToString()))
        first = envelope(name, JOURNAL).message(event)
        assert envelope(name, JOURNAL).message(again) == first

    @given(name=st.sampled_from(NAMES), event=any_event())
    def test_no_number_is_a_float(self, name: str, event: Any) -> None:
        message = envelope(name, JOURNAL).message(event)
        found = numbers(json.loads(message.body))
        assert all(isinstance(number, int) and abs(number) < 2**31 + 1 for number in found)

    @given(name=st.sampled_from(NAMES), event=any_event())
    def test_headers_are_printable_ascii(self, name: str, event: Any) -> None:
        message = envelope(name, JOURNAL).message(event)
        for key, value in message.headers.items():
            assert re.fullmatch(r"[\x21-\x7e]+", key)
            assert re.fullmatch(r"[\x21-\x7e]+", value)
        assert message.headers["event-id"] == message.id
        assert message.headers["event-type"] == message.type
        assert message.headers["sequence"] == str(event.sequence)

    @given(left=any_event(), right=any_event())
    def test_two_events_have_two_ids(self, left: Any, right: Any) -> None:
        form = envelope("cloudevents", JOURNAL)
        places = [
            (
                event.sequence,
                event.message.balance_updated.account_id,
                event.message.balance_updated.currency,
                event.message.balance_updated.balance.version,
                event.message.HasField("balance_updated"),
            )
            for event in (left, right)
        ]
        derived = any(event.message.HasField("balance_updated") for event in (left, right))
        same = places[0] == places[1] if derived else left.sequence == right.sequence
        assert (form.message(left).id == form.message(right).id) == same

    @pytest.mark.parametrize("name", NAMES)
    def test_an_unknown_fact_is_no_message(self, name: str) -> None:
        with pytest.raises(UnpublishableError, match="event 7 states a fact"):
            envelope(name, JOURNAL).message(of_message(events_pb2.Event(sequence=7)))

    @pytest.mark.parametrize("name", NAMES)
    def test_what_has_no_json_is_no_message(self, name: str) -> None:
        params = struct_pb2.Struct(fields={"x": struct_pb2.Value(number_value=float("nan"))})
        with pytest.raises(UnpublishableError, match="no JSON form"):
            envelope(name, JOURNAL).message(of_message(posted(params=params)))

    @pytest.mark.parametrize("name", NAMES)
    def test_an_amount_is_what_it_was(self, name: str) -> None:
        params = struct_pb2.Struct()
        params.update({"amount": "0.10", "count": 3, "parts": [{"share": 0.1}], "last": True})
        found = body(envelope(name, JOURNAL), posted(params=params))
        payload = found.get("data") or found["payload"]
        (entry,) = payload["transaction"]["entries"]
        assert entry["units"] == "12345678901234567890.12"
        assert entry["balance_after"] == {"debit": "1.00", "credit": "0", "version": "3"}
        assert payload["transaction"]["params"] == {
            "amount": "0.10",
            "count": "3",
            "parts": [{"share": "0.1"}],
            "last": True,
        }

    @pytest.mark.parametrize("name", NAMES)
    @pytest.mark.parametrize("fields", [{"kind": 99}, {"requested": [1, 99]}])
    def test_a_word_of_a_newer_server_is_no_message(
        self, name: str, fields: dict[str, Any]
    ) -> None:
        """Protobuf gives it as a number, which no consumer would understand."""
        with pytest.raises(UnpublishableError, match=r"Transaction\.\w+ is .*99"):
            envelope(name, JOURNAL).message(of_message(posted(**fields)))

    def test_an_id_does_not_depend_on_the_envelope(self) -> None:
        event = of_message(posted())
        assert len({envelope(name, JOURNAL).message(event).id for name in NAMES}) == 1

    def test_an_id_never_changes(self) -> None:
        """Consumers remember them for years: a new version must make the same ones."""
        form = envelope("cloudevents", JOURNAL)
        update = events_pb2.Event(
            sequence=7,
            balance_updated=events_pb2.BalanceUpdated(
                account_id="0192b7a0-0000-7000-8000-00000000000a",
                currency="USD",
                balance=transactions_pb2.BalanceAfter(version=3),
            ),
        )
        assert form.message(of_message(posted())).id == "5146d773-2212-5da6-aa38-01dbba95b8a2"
        assert form.message(of_message(update)).id == "a3746210-00de-5c6a-a532-61572350b2f6"


def test_cloudevents() -> None:
    message = envelope("cloudevents", JOURNAL).message(of_message(posted(correlation_id="order 1")))
    found = json.loads(message.body)
    assert found.pop("data")["transaction"]["template_code"] == "TRANSFER"
    assert found == {
        "specversion": "1.0",
        "id": message.id,
        "source": f"/journals/{JOURNAL}",
        "type": "journal.posted",
        "subject": "transactions/0192b7a0-0000-7000-8000-000000000009",
        "time": "2026-01-31T10:30:00.000250Z",
        "datacontenttype": "application/json",
        "dataschema": "urn:ledger-engine:event:v1:journal.posted",
        "sequence": "00000000000000000007",
        "partitionkey": str(JOURNAL),
        "correlationid": "order 1",
    }
    assert all(re.fullmatch("[a-z0-9]{1,20}", name) for name in found)
    assert message.content_type == "application/cloudevents+json"
    assert message.headers["X-Request-Id"] == "order%201"


def test_cloudevents_with_options() -> None:
    options = {
        "source": "https://example.org/books",
        "schemas_url": "https://example.org/schemas/",
        "type_prefix": "org.example.",
    }
    event = posted()
    event.actor = "payments"
    found = body(envelope("cloudevents", JOURNAL, options), event)
    assert found["source"] == "https://example.org/books"
    assert found["type"] == "org.example.journal.posted"
    assert found["dataschema"] == "https://example.org/schemas/v1/journal.posted.json"
    assert found["actor"] == "payments"


def test_lana() -> None:
    message = envelope("lana", JOURNAL).message(of_message(posted()))
    found = json.loads(message.body)
    assert found.pop("payload")["transaction"]["effective_date"] == "2026-01-31"
    assert found == {
        "id": message.id,
        "event_type": "core.ledger.journal-posted",
        "recorded_at": "2026-01-31T10:30:00.000250Z",
        "trace_id": "0192b7a0-0000-7000-8000-000000000009",
        "journal_id": str(JOURNAL),
        "sequence": "7",
        "schema_version": 1,
        "actor": "",
    }
    assert message.type == "core.ledger.journal-posted"


def test_imagy() -> None:
    options = {"tenant_id": "tenant-uuid-001", "type_prefix": "ledger."}
    message = envelope("imagy", JOURNAL, options).message(of_message(posted()))
    found = json.loads(message.body)
    assert found.pop("data")["transaction"]["sequence"] == "7"
    assert found == {
        "event_id": message.id,
        "event_type": "ledger.journal.posted",
        "timestamp": "2026-01-31T10:30:00.000250Z",
        "tenant_id": "tenant-uuid-001",
        "journal_id": str(JOURNAL),
        "sequence": "7",
        "actor": "",
    }
    assert message.type == "ledger.journal.posted"


def test_what_is_configured_wrongly_is_named() -> None:
    with pytest.raises(ValueError, match="no envelope 'soap': there are cloudevents, lana, imagy"):
        envelope("soap", JOURNAL)
    with pytest.raises(ValueError, match="lana has no option 'tenant_id': it has type_prefix"):
        envelope("lana", JOURNAL, {"tenant_id": "x"})
    for prefix in ("bank.*.", "bank.>", "a b.", "a\n", "a..b.", ".a.", "bank"):
        with pytest.raises(ValueError, match="type_prefix"):
            envelope("cloudevents", JOURNAL, {"type_prefix": prefix})


@given(st.text())
def test_a_header_gives_back_what_it_was_given(value: str) -> None:
    if any("\ud800" <= character <= "\udfff" for character in value):
        return
    text = header_text(value)
    assert re.fullmatch(r"[\x21-\x7e]*", text)
    assert from_header_text(text) == value

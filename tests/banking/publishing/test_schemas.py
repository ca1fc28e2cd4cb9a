"""The schemas of domain events: up to date, valid, and true of whatever the models allow."""

import datetime as dt
import json
import re
from typing import Annotated, Any, Literal
from uuid import UUID

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Strict

from dev.bank_event_schemas import events_by_module, payload_schema, schema_id
from dev.generate_bank_events import TARGET, generated
from dev.generated_files import outdated
from ledger_client.banking.foundation.events import DomainEvent, MinorUnits
from ledger_client.banking.publishing.feed import type_prefix
from tests.banking.event_schemas import validate_payload

EVENTS = [
    pytest.param(module, event, id=event.TYPE)
    for module, events in events_by_module().items()
    for event in events
]


def any_payload(event: type[DomainEvent]) -> st.SearchStrategy[DomainEvent]:
    """Return whatever the model of an event allows."""
    kinds: dict[str, Any] = {}
    for name, field in event.model_fields.items():
        rules = [rule for rule in field.metadata if not isinstance(rule, Strict)]
        kinds[name] = Annotated[(field.annotation, *rules)] if rules else field.annotation
    return st.builds(event, **{name: st.from_type(kind) for name, kind in kinds.items()})


def test_what_is_checked_in_is_what_is_generated() -> None:
    found = generated()
    assert outdated(found, TARGET) == []
    assert len(found) == len(EVENTS) + 2, "a schema each, the envelope's, and the page"


@pytest.mark.parametrize(("module", "event"), EVENTS)
def test_any_payload_is_as_its_schema_says(module: str, event: type[DomainEvent]) -> None:
    assert re.fullmatch(re.escape(type_prefix(module)) + "[a-z]+(-[a-z]+)*", event.TYPE)
    # Made outside of the examples: the first strategy for text in a process tabulates all of
    # Unicode, which on a busy machine takes longer than an example may.
    payloads = any_payload(event)

    @settings(max_examples=10)
    @given(payloads)
    def it_is(sample: DomainEvent) -> None:
        payload = json.loads(sample.model_dump_json())
        validate_payload(event.SCHEMA_VERSION, event.TYPE, payload)
        for name in payload:
            less = {key: value for key, value in payload.items() if key != name}
            with pytest.raises(jsonschema.ValidationError):
                validate_payload(event.SCHEMA_VERSION, event.TYPE, less)

    it_is()


def test_a_schema_says_what_it_is_of() -> None:
    for path in TARGET.glob("v*/*.json"):
        schema = json.loads(path.read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        assert schema["title"] == path.stem
        assert schema["$id"] == schema_id(path.stem, int(path.parent.name.removeprefix("v")))
        assert schema["description"]


class Sample(DomainEvent):
    """Has each type that events are made of.

    On several lines.
    """

    TYPE = "core.sample.sample"

    id: UUID
    #: Or None.
    #: Until it is set.
    day: dt.date | None
    amount: MinorUnits
    word: Literal["a", "b"]


@settings(max_examples=20)
@given(any_payload(Sample))
def test_comments_describe_fields_and_rules_hold(sample: DomainEvent) -> None:
    schema = payload_schema(Sample)
    assert schema["description"] == "Has each type that events are made of. On several lines."
    assert schema["properties"]["day"]["description"] == "Or null. Until it is set."
    jsonschema.validate(json.loads(sample.model_dump_json()), schema)
    assert "additionalProperties" not in schema, "fields may come later"
    assert schema["properties"]["amount"] == {"minimum": 0, "type": "integer"}
    assert schema["properties"]["word"] == {"enum": ["a", "b"], "type": "string"}

"""Schemas and AsyncAPI documents: up to date, valid, and true of all that can be published."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from referencing import Registry, Resource

from dev.event_examples import example
from dev.event_schemas import AMOUNTS, facts
from dev.generate_events import BY_OTHERS, TARGET, generated
from dev.generated_files import outdated
from ledger_client import Event
from ledger_client.publish.envelopes import ENVELOPES, envelope, schema_id
from ledger_client.publish.subject import _ABOUT, subject
from tests.client.publish.any_event import JOURNAL, any_event

SCHEMAS = {path.stem: json.loads(path.read_text()) for path in TARGET.glob("schemas/v1/*.json")}
DOCUMENTS = {
    name: yaml.load((TARGET / f"asyncapi.{name}.yaml").read_text(), yaml.CSafeLoader)
    for name in ENVELOPES
}
#: By how the AsyncAPI documents name their files.
REGISTRY: Registry[Any] = Registry().with_resources(
    (f"./schemas/v1/{name}.json", Resource.from_contents(schema))
    for name, schema in SCHEMAS.items()
)


def validate(instance: Any, schema: Any) -> None:
    jsonschema.Draft202012Validator(
        schema, registry=REGISTRY, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER
    ).validate(instance)


def test_what_is_checked_in_is_what_is_generated() -> None:
    assert outdated(generated(), TARGET, by_others=BY_OTHERS) == []


class TestOutdated:
    """What `make lint` would find."""

    @pytest.fixture
    def copy(self, tmp_path: Path) -> Path:
        for name, text in generated().items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(text)
        return tmp_path

    def test_nothing(self, copy: Path) -> None:
        assert outdated(generated(), copy) == []

    def test_a_file_that_was_edited(self, copy: Path) -> None:
        (copy / "types.md").write_text("")
        assert outdated(generated(), copy) == [Path("types.md")]

    def test_a_file_that_is_not_there(self, copy: Path) -> None:
        (copy / "schemas" / "v1" / "journal.posted.json").unlink()
        assert outdated(generated(), copy) == [Path("schemas/v1/journal.posted.json")]

    def test_a_file_that_is_made_elsewhere(self, copy: Path) -> None:
        (copy / "README.md").write_text("")
        (copy / "bank").mkdir()
        (copy / "bank" / "README.md").write_text("")
        assert outdated(generated(), copy, by_others=BY_OTHERS) == []
        assert outdated(generated(), copy) == [Path("README.md"), Path("bank/README.md")]

    def test_a_file_that_is_left_over(self, copy: Path) -> None:
        (copy / "schemas" / "v1" / "journal.gone.json").write_text("{}")
        assert outdated(generated(), copy) == [Path("schemas/v1/journal.gone.json")]


class TestSchemas:
    @pytest.mark.parametrize("name", sorted(SCHEMAS))
    def test_is_a_schema(self, name: str) -> None:
        jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])
        assert SCHEMAS[name]["$id"] == schema_id(name)
        assert all(described(SCHEMAS[name]))

    @given(name=st.sampled_from(tuple(ENVELOPES)), event=any_event())
    def test_holds_for_any_event(self, name: str, event: Event) -> None:
        """Whatever the contract allows, the published form is what the schema says."""
        found = json.loads(envelope(name, JOURNAL).message(event).body)
        validate(found, SCHEMAS[f"envelope.{name}"])
        validate(found.get("data") or found["payload"], SCHEMAS[event.type])

    def test_every_fact_is_about_something(self) -> None:
        assert {fact.name for fact in facts()} == _ABOUT.keys()
        for fact in facts():
            assert re.fullmatch(r"[a-z_]+(/.+)?", subject(example(fact))), fact.name

    def test_amounts_are_fields(self) -> None:
        """A field renamed would lose its rule in silence."""
        strings = {name for fact in facts() for name in fields(fact.message_type, set())}
        assert strings >= AMOUNTS

    @pytest.mark.parametrize("wrong", [12.5, 12, "12,50", "1e3", "NaN", "", ".5", "01"])
    def test_an_amount_is_a_plain_decimal_string(self, wrong: Any) -> None:
        event = DOCUMENTS["lana"]["components"]["messages"]["journalPosted"]["examples"][0]
        payload = json.loads(json.dumps(event["payload"]["payload"]))
        validate(payload, SCHEMAS["journal.posted"])
        payload["transaction"]["entries"][0]["units"] = wrong
        with pytest.raises(jsonschema.ValidationError):
            validate(payload, SCHEMAS["journal.posted"])


def described(schema: dict[str, Any]) -> Iterator[bool]:
    """Tell of each property whether it says what it is."""
    for part in (schema, *schema.get("$defs", {}).values()):
        for value in part.get("properties", {}).values():
            yield bool(value.get("description"))


def fields(kind: Any, seen: set[str]) -> Iterator[str]:
    if kind.full_name not in seen:
        seen.add(kind.full_name)
        for field in kind.fields:
            yield field.full_name
            if field.message_type:
                yield from fields(field.message_type, seen)


@pytest.mark.parametrize("name", tuple(ENVELOPES))
class TestAsyncApi:
    """The documents were checked with AsyncAPI's own schema; here is what they rest on."""

    def test_every_type_has_its_channels(self, name: str) -> None:
        document = DOCUMENTS[name]
        assert document["asyncapi"] == "3.0.0"
        assert len(document["components"]["messages"]) == len(facts())
        assert len(document["channels"]) == len(document["operations"]) == 2 * len(facts())
        for fact in facts():
            found = [
                channel["address"]
                for key, channel in document["channels"].items()
                if key.lower().startswith(fact.name.replace("_", "") + "on")
            ]
            assert len(found) == 2

    def test_every_reference_leads_somewhere(self, name: str) -> None:
        document = DOCUMENTS[name]
        for reference in references(document):
            if reference.startswith("#/"):
                place = document
                for word in reference[2:].split("/"):
                    place = place[word]
            else:
                assert (TARGET / reference).exists()

    def test_examples_are_what_they_are_examples_of(self, name: str) -> None:
        document = DOCUMENTS[name]
        headers = document["components"]["schemas"]["Headers"]
        for message in document["components"]["messages"].values():
            (example,) = message["examples"]
            validate(example["payload"], message["payload"]["schema"])
            validate(example["headers"], headers)
            assert message["contentType"] == ENVELOPES[name].CONTENT_TYPE

    def test_a_message_of_another_type_is_refused(self, name: str) -> None:
        messages = DOCUMENTS[name]["components"]["messages"]
        (example,) = messages["accountLocked"]["examples"]
        with pytest.raises(jsonschema.ValidationError):
            validate(example["payload"], messages["journalPosted"]["payload"]["schema"])


def references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for key, item in value.items():
            if key == "$ref":
                yield item
            else:
                yield from references(item)
    elif isinstance(value, list):
        for item in value:
            yield from references(item)

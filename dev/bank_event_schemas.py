"""JSON Schemas (2020-12) of a bank's domain events, out of the modules' pydantic models."""

import importlib
import inspect
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel

from ledger_client import banking
from ledger_client.banking.foundation.events import DomainEvent, Envelope
from ledger_client.banking.host import MODULES

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]

_FIELD: Final = re.compile(r"    (?P<name>[a-z]\w*): ")
_COMMENT: Final = re.compile(r"    #: ?(?P<text>.*)")


def schema_id(name: str, version: int) -> str:
    """Return the id of a schema: an event type's, or `envelope`."""
    return f"urn:ledger-engine:bank-event:v{version}:{name}"


def events_by_module() -> Mapping[str, list[type[DomainEvent]]]:
    """Return the events of every module that tells any, in the order in which they are written."""
    found = {}
    for module in MODULES:
        name = f"ledger_client.banking.{module}.events"
        if not (Path(banking.__path__[0]) / module / "events.py").exists():
            continue
        importlib.import_module(name)
        found[module] = [event for event in _subclasses(DomainEvent) if event.__module__ == name]
    return found


def _subclasses(kind: type[DomainEvent]) -> Iterator[type[DomainEvent]]:
    """Give those that are events: what only shares fields among events has no type of its own."""
    for each in kind.__subclasses__():
        if "TYPE" in vars(each):
            yield each
        yield from _subclasses(each)


def payload_schema(event: type[DomainEvent]) -> JsonSchema:
    """Return the schema of one type's payload, complete in itself."""
    return _schema(event, event.TYPE, event.SCHEMA_VERSION)


def envelope_schema() -> JsonSchema:
    """Return the schema of what is around every payload."""
    schema = _schema(Envelope, "envelope", 1)
    schema["properties"]["payload"] = {
        "type": "object",
        "description": "What happened; by `event_type`, see its schema.",
    }
    return schema


def _schema(model: type[BaseModel], name: str, version: int) -> JsonSchema:
    made = _open(model.model_json_schema(mode="serialization"))
    for field, text in field_comments(model).items():
        made["properties"][field] = {**made["properties"][field], "description": text}
    head = {
        "$schema": DIALECT,
        "$id": schema_id(name, version),
        "title": name,
        "description": _paragraph(inspect.getdoc(model) or ""),
    }
    return {**head, **made, **head}


def _open(schema: Any) -> Any:
    """Leave out what would refuse fields that come later, and titles that only repeat names."""
    if isinstance(schema, list):
        return [_open(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    left_out = {"additionalProperties"} if schema.get("additionalProperties") is False else set()
    if isinstance(schema.get("title"), str) and "type" not in schema.get("title", {}):
        left_out.add("title")
    return {key: _open(value) for key, value in schema.items() if key not in left_out}


def field_comments(model: type[BaseModel]) -> dict[str, str]:
    """Return the `#:` comments of a model's fields, its bases' among them."""
    found: dict[str, str] = {}
    for kind in reversed(model.__mro__):
        if not (issubclass(kind, BaseModel) and kind is not BaseModel):
            continue
        above: list[str] = []
        for line in inspect.getsource(kind).splitlines():
            if comment := _COMMENT.fullmatch(line):
                above.append(comment["text"])
                continue
            if (field := _FIELD.match(line)) and above:
                text = re.sub(r"\bNone\b", "null", _paragraph(" ".join(above)))
                found[field["name"]] = text
            above = []
    return {name: text for name, text in found.items() if name in model.model_fields}


def _paragraph(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()

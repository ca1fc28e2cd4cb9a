"""Checks domain events against the schemas that are checked in."""

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from ledger_client.banking.foundation.events import Envelope

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "events" / "bank"


@functools.cache
def _validator(version: int, name: str) -> Any:
    path = FOLDER / f"v{version}" / f"{name}.json"
    assert path.exists(), f"no schema of {name}: run `make generate`"
    kind = jsonschema.Draft202012Validator
    return kind(json.loads(path.read_text()), format_checker=kind.FORMAT_CHECKER)


def validate_event(event: Envelope) -> None:
    """Hold an event to the schemas of the envelope and of its type."""
    document = json.loads(event.model_dump_json())
    _validator(1, "envelope").validate(document)
    validate_payload(event.schema_version, event.event_type, document["payload"])


def validate_payload(version: int, event_type: str, payload: Any) -> None:
    """Hold a payload to its schema: all its fields are known there."""
    validator = _validator(version, event_type)
    validator.validate(payload)
    assert payload.keys() <= validator.schema["properties"].keys()

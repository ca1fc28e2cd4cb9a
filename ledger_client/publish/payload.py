"""The JSON of an event's fact: what every envelope carries inside.

Protobuf's JSON form with the contract's field names, and two rules more. Every field without
presence is there, also when it is empty, so that a consumer need not know defaults. And no JSON
number can be money: amounts are strings in the contract, 64-bit integers are strings by protobuf's
rule, and numbers among params, which JSON would read as binary floats, become strings here.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from google.protobuf import json_format
from google.protobuf.message import Message as ProtoMessage

from ledger_client.models import Event
from ledger_client.publish.message import UnpublishableError

#: Types of the contract that hold any JSON.
_FREE: Final = frozenset({"google.protobuf.Struct", "google.protobuf.Value"})


def payload(event: Event) -> dict[str, Any]:
    """Return the fact of an event, such as `{"transaction": {...}}` of a `journal.posted`.

    Raises:
        UnpublishableError: the fact is none that this client knows, or has no JSON form.
    """
    field = event.message.WhichOneof("fact")
    if field is None:
        raise UnpublishableError(
            f"event {event.sequence} states a fact that this version does not know: update it"
        )
    return as_json(getattr(event.message, field))


def as_json(fact: ProtoMessage) -> dict[str, Any]:
    """Return a message as it is published.

    Raises:
        UnpublishableError: it has no JSON form.
    """
    try:
        found = json_format.MessageToDict(
            fact, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
        )
    except (ValueError, json_format.Error) as failure:
        raise UnpublishableError(f"no JSON form: {failure}") from failure
    return {name: _exact(value, fact.DESCRIPTOR, name) for name, value in found.items()}


def encoded(envelope: Mapping[str, Any]) -> bytes:
    """Return JSON in its one form: sorted keys, no spaces, UTF-8."""
    return json.dumps(
        envelope, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    ).encode()


def _exact(value: Any, parent: Any, name: str) -> Any:
    """Return a field's value with the numbers of free JSON inside it as strings."""
    kind = parent.fields_by_name[name].message_type
    if kind is None:
        if parent.fields_by_name[name].enum_type and not _named(value):
            raise UnpublishableError(
                f"{parent.name}.{name} is {value}, which this version does not know: update it"
            )
        return value
    if kind.full_name in _FREE:
        return _numbers_as_strings(value)
    if kind.GetOptions().map_entry:
        return value
    if isinstance(value, list):
        return [_message(item, kind) for item in value]
    return _message(value, kind)


def _named(value: Any) -> bool:
    """Whether the values of an enum came as names: those that are not known come as numbers."""
    return all(isinstance(one, str) for one in (value if isinstance(value, list) else [value]))


def _message(value: Any, kind: Any) -> Any:
    if not isinstance(value, dict):  # a timestamp is a string
        return value
    return {name: _exact(item, kind, name) for name, item in value.items()}


def _numbers_as_strings(value: Any) -> Any:
    match value:
        case dict():
            return {key: _numbers_as_strings(item) for key, item in value.items()}
        case list():
            return [_numbers_as_strings(item) for item in value]
        case float():
            whole = value.is_integer() and abs(value) < 2**53
            return str(int(value)) if whole else repr(value)
        case _:
            return value

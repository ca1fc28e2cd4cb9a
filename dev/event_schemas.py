"""JSON Schemas (2020-12) of what is published, out of the contract's descriptors."""

from collections.abc import Mapping
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor

from ledger_client.publish.envelopes import schema_id
from ledger_proto.v1 import events_pb2

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
JsonSchema = dict[str, Any]

#: Fields that hold an amount: a decimal string, in plain form.
AMOUNTS: Final = frozenset(
    {
        "ledger.v1.BalanceAfter.credit",
        "ledger.v1.BalanceAfter.debit",
        "ledger.v1.Entry.units",
        "ledger.v1.Rate.rate",
        "ledger.v1.StandingLimit.available_min",
        "ledger.v1.VelocityLimit.amount_max",
    }
)

#: Fields that came after a release: never required, since messages from before lack them.
LATER: Final[frozenset[str]] = frozenset()

AMOUNT: Final = {"type": "string", "pattern": r"^-?(0|[1-9][0-9]*)(\.[0-9]+)?$"}
INTEGER_64: Final = {"type": "string", "pattern": "^(0|-?[1-9][0-9]*)$"}
TIME: Final = {"type": "string", "format": "date-time"}
TEXT: Final = {"type": "string"}
UUID: Final = {"type": "string", "format": "uuid"}
#: Any JSON without numbers: `payload.py` makes them strings.
NUMBERLESS: Final = {
    "anyOf": [
        {"type": ["null", "boolean", "string"]},
        {"type": "array", "items": {"$ref": "#/$defs/Numberless"}},
        {"type": "object", "additionalProperties": {"$ref": "#/$defs/Numberless"}},
    ]
}


def facts() -> list[Any]:
    """Return the fields of all facts, in the contract's order."""
    return list(events_pb2.Event.DESCRIPTOR.oneofs_by_name["fact"].fields)


#: What the contract says of events as they are stored, where it differs once they are published.
_AS_PUBLISHED: Final = {"ledger.v1.JournalPosted": "A transaction was posted."}


class Schemas:
    """Makes schemas; the comments of the contract are their descriptions."""

    def __init__(self, comments: Mapping[str, str]) -> None:
        """Take the comments by the full name of what they stand at."""
        self._comments = comments

    def payload(self, fact: Any, type_name: str) -> JsonSchema:
        """Return the schema of one type's payload, complete in itself."""
        definitions: dict[str, JsonSchema] = {}
        made = self._message(fact.message_type, definitions)
        first = min(fact.message_type.fields, key=lambda field: field.number)
        if first.name not in made["required"]:
            # What the fact is about. Other messages within it may be absent.
            made["required"] = [first.name, *made["required"]]
        schema = {"$schema": DIALECT, "$id": schema_id(type_name), "title": type_name, **made}
        return schema | ({"$defs": dict(sorted(definitions.items()))} if definitions else {})

    def comment(self, name: str) -> str:
        """Return the comment at a part of the contract."""
        return _AS_PUBLISHED.get(name) or self._comments[name]

    def _message(self, kind: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
        properties = {
            field.name: {
                **self._field(field, definitions),
                "description": self.comment(field.full_name),
            }
            for field in kind.fields
        }
        return {
            "type": "object",
            "description": self.comment(kind.full_name),
            "properties": properties,
            "required": [
                field.name
                for field in kind.fields
                if not field.has_presence and field.full_name not in LATER
            ],
        }

    def _field(self, field: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
        if field.message_type and field.message_type.GetOptions().map_entry:
            inner = self._value(field.message_type.fields_by_name["value"], definitions)
            return {"type": "object", "additionalProperties": inner}
        value = self._value(field, definitions)
        return {"type": "array", "items": value} if field.is_repeated else value

    def _value(self, field: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
        match field.type:
            case FieldDescriptor.TYPE_STRING:
                return dict(AMOUNT if field.full_name in AMOUNTS else TEXT)
            case FieldDescriptor.TYPE_BOOL:
                return {"type": "boolean"}
            case FieldDescriptor.TYPE_INT32:
                return {"type": "integer"}
            case FieldDescriptor.TYPE_INT64:
                return dict(INTEGER_64)
            case FieldDescriptor.TYPE_ENUM:
                return self._reference(field.enum_type, definitions, self._enum)
            case FieldDescriptor.TYPE_MESSAGE:
                return self._nested(field.message_type, definitions)
        raise NotImplementedError(f"{field.full_name} has a type that no payload has had so far")

    def _nested(self, kind: Any, definitions: dict[str, JsonSchema]) -> JsonSchema:
        match kind.full_name:
            case "google.protobuf.Timestamp":
                return dict(TIME)
            case "google.protobuf.Struct":
                definitions["Numberless"] = NUMBERLESS
                return {"type": "object", "additionalProperties": {"$ref": "#/$defs/Numberless"}}
            case "google.protobuf.Value":
                definitions["Numberless"] = NUMBERLESS
                return {"$ref": "#/$defs/Numberless"}
        return self._reference(kind, definitions, self._message)

    def _reference(self, kind: Any, definitions: dict[str, JsonSchema], make: Any) -> JsonSchema:
        if kind.name not in definitions:
            definitions[kind.name] = {}  # so that a type within itself ends here
            definitions[kind.name] = make(kind, definitions)
        return {"$ref": f"#/$defs/{kind.name}"}

    def _enum(self, kind: Any, _definitions: object) -> JsonSchema:
        lines = [
            f"{value.name}: {self._comments[value_name(kind, value)]}" for value in kind.values
        ]
        return {
            "description": " ".join([self.comment(kind.full_name), *lines]),
            "enum": [value.name for value in kind.values],
        }


def value_name(kind: Any, value: Any) -> str:
    """Return under which name the comment of an enum's value is found."""
    return f"{kind.full_name}.{value.name}"


def _object(title: str, description: str, properties: JsonSchema, required: str) -> JsonSchema:
    return {
        "$schema": DIALECT,
        "$id": schema_id(title),
        "title": title,
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required.split(),
    }


def _text(description: str, **rules: Any) -> JsonSchema:
    return {**TEXT, "description": description, **rules}


_ID: Final = {**UUID, "description": "The same for the same event, however often it comes."}
_RECORDED: Final = {**TIME, "description": "When the event was recorded."}
_SEQUENCE: Final = {**INTEGER_64, "description": "Its place in the journal, gap-free from 1."}
_JOURNAL: Final = {**UUID, "description": "Id of the journal."}
_ACTOR: Final = _text("Who caused it; empty while the server runs without authentication.")
_BELONGS: Final = (
    "What it belongs to: the caller's correlation id, else the id under which the transaction "
    "was asked for, else this event's own id."
)
_PAYLOAD: Final = {"type": "object", "description": "What happened; by type, see its schema."}

ENVELOPE_SCHEMAS: Final[Mapping[str, JsonSchema]] = {
    "cloudevents": _object(
        "envelope.cloudevents",
        "CloudEvents 1.0 in structured mode.",
        {
            "specversion": {"const": "1.0", "description": "Version of CloudEvents."},
            "id": _ID,
            "source": _text(
                "The journal: `/journals/<id>`, or as configured.",
                format="uri-reference",
                minLength=1,
            ),
            "type": _text("Such as `journal.posted`, after a prefix if configured.", minLength=1),
            "subject": _text("What it is about: `transactions/<id>`.", minLength=1),
            "time": _RECORDED,
            "datacontenttype": {"const": "application/json", "description": "Form of `data`."},
            "dataschema": _text("The schema of `data`.", format="uri", minLength=1),
            "sequence": _text(
                "Its place in the journal, gap-free from 1, with zeros before it: sorts as text.",
                pattern="^[0-9]{20}$",
            ),
            "partitionkey": {**_JOURNAL, "description": "Id of the journal, whose order it keeps."},
            "correlationid": _text(_BELONGS, minLength=1),
            "actor": _text(
                "Who caused it; absent while the server runs without authentication.", minLength=1
            ),
            "data": _PAYLOAD,
        },
        "specversion id source type subject time datacontenttype dataschema sequence partitionkey "
        "correlationid data",
    ),
    "lana": _object(
        "envelope.lana",
        "Types follow `core.<module>.<event-name>`.",
        {
            "id": _ID,
            "event_type": _text("Such as `core.ledger.journal-posted`.", minLength=1),
            "payload": _PAYLOAD,
            "recorded_at": _RECORDED,
            "trace_id": _text(_BELONGS, minLength=1),
            "journal_id": _JOURNAL,
            "sequence": _SEQUENCE,
            "schema_version": {"const": 1, "description": "Of the payload's schema."},
            "actor": _ACTOR,
        },
        "id event_type payload recorded_at trace_id journal_id sequence schema_version actor",
    ),
    "imagy": _object(
        "envelope.imagy",
        "The type is the routing key.",
        {
            "event_id": _ID,
            "event_type": _text("Such as `journal.posted`, after a prefix if configured."),
            "timestamp": _RECORDED,
            "tenant_id": _text("As configured; else the journal's id.", minLength=1),
            "journal_id": _JOURNAL,
            "sequence": _SEQUENCE,
            "actor": _ACTOR,
            "data": _PAYLOAD,
        },
        "event_id event_type timestamp tenant_id journal_id sequence actor data",
    ),
}

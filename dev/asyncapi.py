"""The AsyncAPI 3.0 document of one envelope: what a subscriber of a broker meets."""

import json
import re
from typing import Any, Final

from dev.event_examples import JOURNAL, example
from dev.event_schemas import DIALECT, JsonSchema, Schemas, facts
from ledger_client.publish.envelopes import ENVELOPES, SCHEMA_VERSION, envelope

#: Where events are published in the documents; a publisher is told where.
EXCHANGE: Final = "ledger.events"
SUBJECT_PREFIX: Final = "ledger"

#: Where each envelope carries type and payload.
TYPE_AND_PAYLOAD: Final = {
    "cloudevents": ("type", "data"),
    "lana": ("event_type", "payload"),
    "imagy": ("event_type", "data"),
}
SCHEMA_FORMAT: Final = f"application/schema+json;version={DIALECT.split('/')[-2]}"

_DESCRIPTION: Final = """\
The events of a journal as `ledgerctl publish` hands them to a broker, in the {envelope} envelope.
At least once and in the journal's order; a repeated message has the same id and the same bytes.
Order and completeness are the journal's `sequence`: a consumer that must not miss anything checks
that it has no gap. See docs/consuming.md.
"""


def document(name: str, schemas: Schemas) -> dict[str, Any]:
    """Return the document of an envelope, ready to be written as YAML.

    Args:
        name: of the envelope.
        schemas: with the comments of the contract.
    """
    events = [(fact, example(fact)) for fact in facts()]
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for fact, event in events:
        message = envelope(name, JOURNAL).message(event)
        key = _key(event.type)
        messages[key] = _message(name, event.type, message, schemas.comment(_kind(fact)))
        channels[f"{key}OnRabbitMQ"] = _rabbitmq_channel(key, message.type)
        channels[f"{key}OnNats"] = _nats_channel(key, message.type)
        for broker, bindings in _OPERATION_BINDINGS.items():
            operations[f"send{_upper(key)}On{broker}"] = {
                "action": "send",
                "channel": {"$ref": f"#/channels/{key}On{broker}"},
                "messages": [{"$ref": f"#/channels/{key}On{broker}/messages/{key}"}],
                "bindings": bindings,
            }
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": f"Ledger events, {name} envelope",
            "version": f"{SCHEMA_VERSION}.0.0",
            "description": _DESCRIPTION.format(envelope=name),
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": ENVELOPES[name].CONTENT_TYPE,
        "servers": _SERVERS,
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": {"Headers": _headers()}},
    }


_SERVERS: Final = {
    "rabbitmq": {
        "host": "localhost:5672",
        "protocol": "amqp",
        "protocolVersion": "0.9.1",
        "description": "A RabbitMQ; the URL that is given to `ledgerctl publish`.",
    },
    "nats": {
        "host": "localhost:4222",
        "protocol": "nats",
        "description": "A NATS server with JetStream.",
    },
}
_OPERATION_BINDINGS: Final[dict[str, Any]] = {
    "RabbitMQ": {"amqp": {"deliveryMode": 2, "mandatory": True, "bindingVersion": "0.3.0"}},
    "Nats": {"nats": {"bindingVersion": "0.1.0"}},
}


def _rabbitmq_channel(key: str, message_type: str) -> dict[str, Any]:
    return {
        "address": message_type,
        "servers": [{"$ref": "#/servers/rabbitmq"}],
        "messages": {key: {"$ref": f"#/components/messages/{key}"}},
        "bindings": {
            "amqp": {
                "is": "routingKey",
                "exchange": {
                    "name": EXCHANGE,
                    "type": "topic",
                    "durable": True,
                    "autoDelete": False,
                },
                "bindingVersion": "0.3.0",
            }
        },
    }


def _nats_channel(key: str, message_type: str) -> dict[str, Any]:
    return {
        "address": f"{SUBJECT_PREFIX}.{{journal}}.{message_type}",
        "servers": [{"$ref": "#/servers/nats"}],
        "parameters": {"journal": {"description": "Code of the journal."}},
        "messages": {key: {"$ref": f"#/components/messages/{key}"}},
        "bindings": {"nats": {"bindingVersion": "0.1.0"}},
    }


def _message(name: str, event_type: str, message: Any, summary: str) -> dict[str, Any]:
    type_field, payload_field = TYPE_AND_PAYLOAD[name]
    payload: JsonSchema = {
        "allOf": [
            {"$ref": f"./schemas/v{SCHEMA_VERSION}/envelope.{name}.json"},
            {
                "properties": {
                    type_field: {"const": message.type},
                    payload_field: {"$ref": f"./schemas/v{SCHEMA_VERSION}/{event_type}.json"},
                }
            },
        ]
    }
    return {
        "name": message.type,
        "title": event_type,
        "summary": summary,
        "contentType": message.content_type,
        "headers": {"$ref": "#/components/schemas/Headers"},
        "correlationId": {
            "description": "What the event belongs to; never empty.",
            "location": "$message.header#/X-Request-Id",
        },
        "payload": {"schemaFormat": SCHEMA_FORMAT, "schema": payload},
        "bindings": {"amqp": {"messageType": message.type, "bindingVersion": "0.3.0"}},
        "examples": [{"headers": dict(message.headers), "payload": json.loads(message.body)}],
    }


def _headers() -> JsonSchema:
    described = {
        "event-id": "Id of the message; also RabbitMQ's message_id and NATS's Nats-Msg-Id.",
        "event-type": "As in the envelope; also RabbitMQ's type.",
        "journal-id": "Id of the journal.",
        "sequence": "The event's place in the journal, in decimal digits.",
        "X-Request-Id": "What the event belongs to, percent-encoded where it is not plain ASCII.",
    }
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": text} for name, text in described.items()
        },
        "required": list(described),
    }


def _kind(fact: Any) -> str:
    name: str = fact.message_type.full_name
    return name


def _key(event_type: str) -> str:
    """Return `journalPosted` for `journal.posted`."""
    first, *rest = re.split(r"[._]", event_type)
    return first + "".join(word.capitalize() for word in rest)


def _upper(key: str) -> str:
    return key[0].upper() + key[1:]

"""The three envelopes. Each is a pure mapping: the same event gives the same bytes."""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final, TypeAlias
from uuid import UUID

from ledger_client.models import Event
from ledger_client.publish.message import Envelope, Message, header_text, message_id
from ledger_client.publish.payload import encoded, payload
from ledger_client.publish.subject import correlation, subject

#: Of the payloads; goes up only with a change that is no addition. docs/events/README.md
SCHEMA_VERSION: Final = 1
_PREFIX: Final = re.compile(r"([A-Za-z0-9_-]+\.)*")


def schema_id(name: str) -> str:
    """Return the id of a schema: an event type's, or `envelope.lana`."""
    return f"urn:ledger-engine:event:v{SCHEMA_VERSION}:{name}"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """What the envelopes have in common: whose events they carry, and the headers."""

    journal_id: UUID
    #: Put before each type, such as `bank.` for `bank.journal.posted`.
    type_prefix: str = ""

    def __post_init__(self) -> None:
        """Hold types to what is a routing key and a subject without wildcards.

        Raises:
            ValueError: the prefix is not words of letters, digits, `_` and `-`, a dot after each.
        """
        if not _PREFIX.fullmatch(self.type_prefix):
            raise ValueError(
                f"type_prefix {self.type_prefix!r} must be words of letters, digits, _ and -, "
                "with a dot after each: 'bank.ledger.'"
            )

    def _type(self, event: Event) -> str:
        return self.type_prefix + event.type

    def _message(self, event: Event, body: Mapping[str, Any], content_type: str) -> Message:
        name = self._type(event)
        identity = message_id(self.journal_id, event)
        return Message(
            id=identity,
            type=name,
            sequence=event.sequence,
            body=encoded(body),
            content_type=content_type,
            headers={
                "event-id": identity,
                "event-type": name,
                "journal-id": str(self.journal_id),
                "sequence": str(event.sequence),
                "X-Request-Id": header_text(correlation(event, identity)),
            },
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CloudEventsEnvelope(_Form):
    """CloudEvents 1.0, structured mode: one JSON document holds attributes and data."""

    CONTENT_TYPE: ClassVar = "application/cloudevents+json"

    #: URI reference of whose events these are; empty for `/journals/<id>`.
    source: str = ""
    #: Where docs/events/schemas is served, such as `https://example.org/schemas/`; empty names
    #: schemas by their own ids.
    schemas_url: str = ""

    def message(self, event: Event) -> Message:
        """Return the event as a CloudEvent."""
        identity = message_id(self.journal_id, event)
        return self._message(
            event,
            {
                "specversion": "1.0",
                "id": identity,
                "source": self.source or f"/journals/{self.journal_id}",
                "type": self._type(event),
                "subject": subject(event),
                "time": event.message.record_time.ToJsonString(),
                "datacontenttype": "application/json",
                "dataschema": self._schema(event),
                # A string, since integers are 32 bits wide in CloudEvents; it sorts as text.
                "sequence": f"{event.sequence:020}",
                "partitionkey": str(self.journal_id),
                "correlationid": correlation(event, identity),
                **({"actor": event.actor} if event.actor else {}),
                "data": payload(event),
            },
            self.CONTENT_TYPE,
        )

    def _schema(self, event: Event) -> str:
        if not self.schemas_url:
            return schema_id(event.type)
        return f"{self.schemas_url.rstrip('/')}/v{SCHEMA_VERSION}/{event.type}.json"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LanaEnvelope(_Form):
    """`{id, event_type, payload, recorded_at, trace_id}`, types as `core.<module>.<event-name>`."""

    CONTENT_TYPE: ClassVar = "application/json"

    type_prefix: str = "core.ledger."

    def _type(self, event: Event) -> str:
        return self.type_prefix + event.type.replace(".", "-").replace("_", "-")

    def message(self, event: Event) -> Message:
        """Return the event in this envelope."""
        identity = message_id(self.journal_id, event)
        return self._message(
            event,
            {
                "id": identity,
                "event_type": self._type(event),
                "payload": payload(event),
                "recorded_at": event.message.record_time.ToJsonString(),
                "trace_id": correlation(event, identity),
                "journal_id": str(self.journal_id),
                "sequence": str(event.sequence),
                "schema_version": SCHEMA_VERSION,
                "actor": event.actor,
            },
            self.CONTENT_TYPE,
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ImagyEnvelope(_Form):
    """`{event_id, event_type, timestamp, tenant_id, data}`."""

    CONTENT_TYPE: ClassVar = "application/json"

    #: Whose journal it is; empty takes the journal's id.
    tenant_id: str = ""

    def message(self, event: Event) -> Message:
        """Return the event in this envelope."""
        return self._message(
            event,
            {
                "event_id": message_id(self.journal_id, event),
                "event_type": self._type(event),
                "timestamp": event.message.record_time.ToJsonString(),
                "tenant_id": self.tenant_id or str(self.journal_id),
                "journal_id": str(self.journal_id),
                "sequence": str(event.sequence),
                "actor": event.actor,
                "data": payload(event),
            },
            self.CONTENT_TYPE,
        )


AnyEnvelope: TypeAlias = CloudEventsEnvelope | LanaEnvelope | ImagyEnvelope

#: By the names under which they are configured; the first is the default.
ENVELOPES: Final[Mapping[str, type[AnyEnvelope]]] = {
    "cloudevents": CloudEventsEnvelope,
    "lana": LanaEnvelope,
    "imagy": ImagyEnvelope,
}


def envelope(
    name: str, journal_id: UUID, options: Mapping[str, str] | None = None
) -> Envelope[Event]:
    """Return an envelope by its name.

    Args:
        name: `cloudevents`, `lana` or `imagy`.
        journal_id: whose events it will carry.
        options: by name, such as `type_prefix`; each envelope has its own.

    Raises:
        ValueError: there is no such envelope, or it has no such option.
    """
    if name not in ENVELOPES:
        raise ValueError(f"no envelope {name!r}: there are {', '.join(ENVELOPES)}")
    form = ENVELOPES[name]
    known = {field.name for field in dataclasses.fields(form)} - {"journal_id"}
    if unknown := sorted((options or {}).keys() - known):
        raise ValueError(
            f"the envelope {name} has no option {unknown[0]!r}: it has {', '.join(sorted(known))}"
        )
    return form(journal_id=journal_id, **(options or {}))

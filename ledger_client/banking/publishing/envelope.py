"""The envelope of a bank's domain events: the documented one, the same in every way to get them."""

import json
from collections.abc import Mapping
from typing import Final, Protocol

from bank_proto.events.v1.domain_events_pb2 import DomainEvent
from ledger_client.publish.message import Message, UnpublishableError, header_text
from ledger_client.publish.payload import encoded

CONTENT_TYPE: Final = "application/json"


class _HasMessage(Protocol):
    @property
    def message(self) -> DomainEvent: ...


class DomainEventEnvelope:
    """`{id, event_type, payload, recorded_at, trace_id, ...}`; the type is the routing key.

    A module's sequence, and whatever its payload has for integers, are JSON integers.
    """

    def message(self, event: _HasMessage) -> Message:
        """Return the event in this envelope.

        Raises:
            UnpublishableError: the payload is no JSON object.
        """
        told = event.message
        body = {
            "id": told.id,
            "event_type": told.event_type,
            "payload": _payload(told),
            "recorded_at": told.record_time.ToJsonString(),
            "trace_id": told.trace_id,
            "sequence": told.sequence,
            "schema_version": told.schema_version,
            "tenant": told.tenant,
            "aggregate_id": told.aggregate_id,
            "correlation_id": told.correlation_id,
            "causation_id": told.causation_id,
        }
        return Message(
            id=told.id,
            type=told.event_type,
            sequence=told.sequence,
            body=encoded(body),
            content_type=CONTENT_TYPE,
            headers=headers_of(told),
        )


def headers_of(event: DomainEvent) -> Mapping[str, str]:
    """Return what a broker's headers say of an event."""
    return {
        "event-id": event.id,
        "event-type": event.event_type,
        "tenant": header_text(event.tenant),
        "sequence": str(event.sequence),
        "X-Request-Id": header_text(event.trace_id),
    }


def _payload(event: DomainEvent) -> dict[str, object]:
    try:
        payload = json.loads(event.payload)
    except ValueError as error:
        raise UnpublishableError(f"the payload is no JSON: {error}") from error
    if not isinstance(payload, dict):
        raise UnpublishableError("the payload is no JSON object")
    return payload

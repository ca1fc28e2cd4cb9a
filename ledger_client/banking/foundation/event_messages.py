"""Domain events as messages of the contract, and back."""

import datetime as dt
import json
from uuid import UUID

from bank_proto.events.v1 import domain_events_pb2 as pb
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.store import as_json
from ledger_client.banking.foundation.timestamps import timestamp_of


def message_of(event: Envelope) -> pb.DomainEvent:
    """Return a domain event as a message."""
    return pb.DomainEvent(
        id=str(event.id),
        event_type=event.event_type,
        payload=as_json(event.payload),
        record_time=timestamp_of(event.recorded_at),
        trace_id=event.trace_id,
        sequence=event.sequence,
        schema_version=event.schema_version,
        tenant=event.tenant,
        aggregate_id=str(event.aggregate_id),
        correlation_id=event.correlation_id,
        causation_id=event.causation_id,
    )


def envelope_of(message: pb.DomainEvent) -> Envelope:
    """Return a domain event of a message."""
    return Envelope(
        id=UUID(message.id),
        event_type=message.event_type,
        payload=json.loads(message.payload),
        recorded_at=message.record_time.ToDatetime(tzinfo=dt.UTC),
        trace_id=message.trace_id,
        sequence=message.sequence,
        schema_version=message.schema_version,
        tenant=message.tenant,
        aggregate_id=UUID(message.aggregate_id),
        correlation_id=message.correlation_id,
        causation_id=message.causation_id,
    )

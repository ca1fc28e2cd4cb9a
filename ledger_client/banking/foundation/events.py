"""Domain events: what a module tells the world, in the documented envelope."""

import datetime as dt
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field


class DomainEvent(BaseModel):
    """The payload of a domain event; a subclass is part of its module's API."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: Such as `core.deposit.deposit-initialized`.
    TYPE: ClassVar[str]
    #: Goes up with a change that is no addition.
    SCHEMA_VERSION: ClassVar[int] = 1


#: Cents, satoshis: whole minor units of a currency, as a JSON integer.
MinorUnits = Annotated[int, Field(ge=0, strict=True)]


class Envelope(BaseModel):
    """A domain event as it is published, in each of the ways to consume it."""

    model_config = ConfigDict(frozen=True)

    #: Of this event; the same however often it is delivered.
    id: UUID
    #: `core.<module>.<event-name>` or `governance.<event-name>`.
    event_type: str
    #: Fields of the event's own.
    payload: dict[str, Any]
    #: By the bank's clock.
    recorded_at: dt.datetime
    #: Of the request that it all began with.
    trace_id: str
    #: Place among the events of this module and tenant: from 1, without gaps, in commit order.
    sequence: int
    #: Of the payload.
    schema_version: int
    #: Code of the journal that is the tenant.
    tenant: str
    #: The entity that it is about.
    aggregate_id: UUID
    #: Ties together all that one command led to, in every module.
    correlation_id: str
    #: What led to this event directly: a request, a transaction of the ledger, another event.
    causation_id: str

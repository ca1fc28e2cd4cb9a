"""Entities, calls and domain events in a module's schema. Statements only; decides nothing."""

import dataclasses
import datetime as dt
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar
from uuid import UUID

import asyncpg

from ledger_client.banking.foundation.calls import Call
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.foundation.errors import (
    ConcurrentChangeError,
    KeyTakenError,
)
from ledger_client.banking.foundation.events import DomainEvent
from ledger_client.ids import new_id

T = TypeVar("T", bound=Entity[Any])

#: How long a call is in the hands of who stored or took it, by the database's clock. Longer than
#: the attempt at it may take, so that no two attempts are under way at once.
CALL_LEASE_SECONDS: Final = 15
#: An audit entry that is noted only if there is something to note.
NOT_YET: Final = 0

_LOAD = """
SELECT entity.id, event.body
  FROM entities AS entity JOIN stored_events AS event ON event.entity_id = entity.id
 WHERE entity.id = ANY($1) AND entity.tenant = $2 AND entity.kind = $3
 ORDER BY entity.id, event.version"""
_BY_KEY = "SELECT id FROM entities WHERE tenant = $1 AND kind = $2 AND key = $3"
_PAGE = """
SELECT id, number FROM entities
 WHERE tenant = $1 AND kind = $2 AND number > $3
   AND ($4::uuid IS NULL OR parent_id = $4) AND ($5 = '' OR state = $5)
 ORDER BY number LIMIT $6"""
# All of it at once, as each round trip costs as much as what it writes. What is to change is locked
# in the order of ids, so that no two units can wait for each other.
_WRITE = """
WITH new_version AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[], $6::text[])
                  AS new_version (id, known, version, parent_id, state, key)
), locked AS (
    SELECT entity.id FROM entities AS entity JOIN new_version USING (id)
     WHERE entity.version = new_version.known ORDER BY entity.id FOR UPDATE OF entity
), changed AS (
    UPDATE entities AS entity
       SET version = new.version, parent_id = new.parent_id, state = new.state, key = new.key
      FROM new_version AS new JOIN locked USING (id)
     WHERE entity.id = new.id AND entity.version = new.known
    RETURNING entity.id
), added AS (
    INSERT INTO entities (id, tenant, kind, version, parent_id, state, key)
    SELECT * FROM unnest($7::uuid[], $8::text[], $9::text[], $10::int[], $11::uuid[], $12::text[],
                         $13::text[])
), happened AS (
    INSERT INTO stored_events (entity_id, version, body, recorded_at, audit_entry_id, trace_id,
                               correlation_id, causation_id)
    SELECT * FROM unnest($14::uuid[], $15::int[], $16::jsonb[], $17::timestamptz[], $18::bigint[],
                         $19::text[], $20::text[], $21::text[])
), asked AS (
    INSERT INTO calls (id, kind, body, entity_kind, entity_id, tenant, subject, audit_entry_id,
                       trace_id, correlation_id, causation_id, due_at)
    SELECT call.*, clock_timestamp() + $22 * interval '1 second'
      FROM unnest($23::uuid[], $24::text[], $25::jsonb[], $26::text[], $27::uuid[], $28::text[],
                  $29::text[], $30::bigint[], $31::text[], $32::text[], $33::text[]) AS call
), carried_out AS (
    INSERT INTO requests (tenant, request_id, method, digest, entity_kind, entity_id, recorded_at)
    SELECT * FROM unnest($34::text[], $35::uuid[], $36::text[], $37::bytea[], $38::text[],
                         $39::uuid[], $40::timestamptz[])
)
SELECT id FROM changed"""
_PUBLISH = """
WITH head AS (
    INSERT INTO outbox_heads AS head (tenant, sequence) VALUES ($1, cardinality($2::uuid[]))
        ON CONFLICT (tenant) DO UPDATE SET sequence = head.sequence + cardinality($2)
    RETURNING sequence
)
INSERT INTO outbox (tenant, sequence, id, event_type, payload, schema_version, aggregate_id,
                    recorded_at, audit_entry_id, trace_id, correlation_id, causation_id)
SELECT $1, head.sequence - cardinality($2) + event.place, event.id, event.type, event.payload,
       event.schema_version, event.about, event.recorded_at, event.audit_entry_id, event.trace_id,
       event.correlation_id, event.causation_id
  FROM head, unnest($2, $3::text[], $4::jsonb[], $5::int[], $6::uuid[], $7::timestamptz[],
                    $8::bigint[], $9::text[], $10::text[], $11::text[])
             WITH ORDINALITY AS event (id, type, payload, schema_version, about, recorded_at,
                                       audit_entry_id, trace_id, correlation_id, causation_id,
                                       place)"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CarriedOut:
    """A request, to be found again by its id."""

    tenant: str
    request_id: UUID
    method: str
    #: Of the request's bytes.
    digest: bytes
    #: What its response shows.
    entity: Entity[Any]
    recorded_at: dt.datetime


@dataclasses.dataclass(slots=True)
class _Changed:
    """An entity before and after."""

    known: int
    entity: Entity[Any]


class Changes:
    """What is to be written in one transaction, by one unit or by several."""

    def __init__(self) -> None:
        """Begin with nothing."""
        self.entities: dict[UUID, _Changed] = {}
        self.events: list[tuple[Any, ...]] = []
        self.calls: list[tuple[Call, Cause]] = []
        self.domain_events: list[tuple[DomainEvent, UUID, dt.datetime, Cause]] = []
        #: Stands in for `NOT_YET` in all causes.
        self.audit_entry_id = NOT_YET

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing to write."""
        return not (self.entities or self.events or self.calls or self.domain_events)

    def add_events(
        self,
        entity: Entity[Any],
        before: int,
        events: Sequence[StoredEvent],
        now: dt.datetime,
        cause: Cause,
    ) -> None:
        """Keep events of an entity, which stands after them; `before` is its version before."""
        if not events:
            return
        changed = self.entities.get(entity.id)
        if changed is None:
            self.entities[entity.id] = _Changed(before, entity)
        else:
            assert changed.entity.version == before, "an older copy of an entity was changed"
            changed.entity = entity
        for version, event in enumerate(events, before + 1):
            body = event.model_dump_json()
            self.events.append((entity.id, version, body, now, cause))

    @property
    def named_calls(self) -> list[tuple[Call, Cause]]:
        """The calls with causes that name their audit entry."""
        return [(call, self.named(cause)) for call, cause in self.calls]

    def named(self, cause: Cause) -> Cause:
        """Return a cause that names its audit entry."""
        if cause.audit_entry_id != NOT_YET:
            return cause
        assert self.audit_entry_id != NOT_YET, "the entry is noted before anything is written"
        return dataclasses.replace(cause, audit_entry_id=self.audit_entry_id)


async def load(
    connection: Connection, kind: type[T], tenant: str, ids: Sequence[UUID]
) -> dict[UUID, T]:
    """Return entities as the fold of their events; those that are not there are left out."""
    rows = await connection.fetch(_LOAD, ids, tenant, kind.KIND)
    found: dict[UUID, T] = {}
    for row in rows:
        entity_id = row["id"]
        entity = found.get(entity_id) or kind(id=entity_id, tenant=tenant)
        found[entity_id] = entity.after(kind.EVENTS.validate_json(row["body"]))
    return found


async def id_by_key(connection: Connection, kind: str, tenant: str, key: str) -> UUID | None:
    """Return the id of the entity with a key."""
    found: UUID | None = await connection.fetchval(_BY_KEY, tenant, kind, key)
    return found


async def page(
    connection: Connection,
    kind: str,
    tenant: str,
    *,
    parent_id: UUID | None,
    state: str,
    after: int,
    size: int,
) -> tuple[list[UUID], str]:
    """Return ids of a page, and the token of the next, which is empty on the last."""
    rows = await connection.fetch(_PAGE, tenant, kind, after, parent_id, state, size + 1)
    ids = [row["id"] for row in rows[:size]]
    return ids, str(rows[size - 1]["number"]) if len(rows) > size else ""


async def write(
    connection: Connection, changes: Changes, carried_out: CarriedOut | None = None
) -> list[Call]:
    """Write changes; return the calls in them.

    The numbering of domain events comes last: it holds the tenant's head until the commit.

    Raises:
        ConcurrentChangeError: an entity was changed meanwhile, or the request was carried out. The
            transaction is to be undone.
        KeyTakenError: another entity has the key.
    """
    if not changes.is_empty or carried_out is not None:
        await _write(connection, changes, carried_out)
    for tenant in sorted({cause.tenant for _, _, _, cause in changes.domain_events}):
        await _publish(connection, tenant, changes)
    return [call for call, _ in changes.calls]


async def _write(connection: Connection, changes: Changes, carried_out: CarriedOut | None) -> None:
    changed = list(changes.entities.values())
    old = [each for each in changed if each.known > 0]
    try:
        rows = await connection.fetch(
            _WRITE,
            *_columns(6, [_changed_row(each) for each in old]),
            *_columns(7, [_new_row(each.entity) for each in changed if each.known == 0]),
            *_columns(8, [(*row, *changes.named(why).of_event) for *row, why in changes.events]),
            CALL_LEASE_SECONDS,
            *_columns(11, [_call_row(call, cause) for call, cause in changes.named_calls]),
            *_columns(7, [_request_row(carried_out)] if carried_out else []),
        )
    except asyncpg.UniqueViolationError as error:
        entities = [each.entity for each in changed]
        if error.constraint_name == "entities_key":
            taken = next(entity for entity in entities if entity.key is not None)
            raise KeyTakenError(taken.KIND, str(taken.key)) from error
        if not entities:
            raise
        raise ConcurrentChangeError(entities[0].KIND, entities[0].id) from error
    written = {row["id"] for row in rows}
    for each in old:
        if each.entity.id not in written:
            raise ConcurrentChangeError(each.entity.KIND, each.entity.id)


def _columns(count: int, rows: Sequence[tuple[Any, ...]]) -> Sequence[Sequence[Any]]:
    """Return rows as so many columns, also if there are no rows."""
    return list(zip(*rows, strict=True)) if rows else [[]] * count


def _changed_row(each: _Changed) -> tuple[Any, ...]:
    entity = each.entity
    return entity.id, each.known, entity.version, entity.parent_id, entity.state, entity.key


def _new_row(entity: Entity[Any]) -> tuple[Any, ...]:
    return (
        entity.id,
        entity.tenant,
        entity.KIND,
        entity.version,
        entity.parent_id,
        entity.state,
        entity.key,
    )


def _call_row(call: Call, cause: Cause) -> tuple[Any, ...]:
    return (
        call.id,
        call.kind,
        as_json(call.body),
        call.entity_kind,
        call.entity_id,
        cause.tenant,
        cause.subject,
        *cause.of_event,
    )


def _request_row(request: CarriedOut) -> tuple[Any, ...]:
    return (
        request.tenant,
        request.request_id,
        request.method,
        request.digest,
        request.entity.KIND,
        request.entity.id,
        request.recorded_at,
    )


async def _publish(connection: Connection, tenant: str, changes: Changes) -> None:
    rows = [
        (
            new_id(),
            event.TYPE,
            event.model_dump_json(),
            event.SCHEMA_VERSION,
            about,
            now,
            *changes.named(cause).of_event,
        )
        for event, about, now, cause in changes.domain_events
        if cause.tenant == tenant
    ]
    await connection.execute(_PUBLISH, tenant, *zip(*rows, strict=True))


def as_json(value: Mapping[str, Any]) -> str:
    """Return JSON as it is stored."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest(body: bytes) -> bytes:
    """Return what a request is known again by."""
    return hashlib.sha256(body).digest()

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
    FieldInvalidError,
    KeyTakenError,
)
from ledger_client.banking.foundation.events import DomainEvent
from ledger_client.ids import new_id

T = TypeVar("T", bound=Entity[Any])

#: How long a call is in the hands of who stored or took it, by the database's clock. Longer than
#: the attempt at it may take, so that no two attempts are under way at once.
CALL_LEASE_SECONDS: Final = 15

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
_LOCK = "SELECT id FROM entities WHERE id = ANY($1) ORDER BY id FOR UPDATE"
_INSERT_ENTITIES = """
INSERT INTO entities (id, tenant, kind, version, parent_id, state, key)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::int[], $5::uuid[], $6::text[],
                     $7::text[])"""
# Locked in the order of their ids, so that no two units can wait for each other.
_UPDATE_ENTITIES = """
WITH new AS (
    SELECT * FROM unnest($1::uuid[], $2::int[], $3::int[], $4::uuid[], $5::text[], $6::text[])
                  AS new (id, known, version, parent_id, state, key)
), locked AS (
    SELECT entity.id FROM entities AS entity JOIN new USING (id)
     WHERE entity.version = new.known ORDER BY entity.id FOR UPDATE OF entity
)
UPDATE entities AS entity
   SET version = new.version, parent_id = new.parent_id, state = new.state, key = new.key
  FROM new JOIN locked USING (id)
 WHERE entity.id = new.id AND entity.version = new.known
RETURNING entity.id"""
_INSERT_EVENTS = """
INSERT INTO stored_events (entity_id, version, body, recorded_at, audit_entry_id, trace_id,
                           correlation_id, causation_id)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::jsonb[], $4::timestamptz[], $5::bigint[],
                     $6::text[], $7::text[], $8::text[])"""
_INSERT_CALLS = """
INSERT INTO calls (id, kind, body, entity_kind, entity_id, tenant, subject, audit_entry_id,
                   trace_id, correlation_id, causation_id, due_at)
SELECT call.*, clock_timestamp() + $1 * interval '1 second'
  FROM unnest($2::uuid[], $3::text[], $4::jsonb[], $5::text[], $6::uuid[], $7::text[], $8::text[],
              $9::bigint[], $10::text[], $11::text[], $12::text[]) AS call"""
_NEXT_SEQUENCES = """
INSERT INTO outbox_heads AS head (tenant, sequence) VALUES ($1, $2)
    ON CONFLICT (tenant) DO UPDATE SET sequence = head.sequence + $2
RETURNING sequence"""
_INSERT_OUTBOX = """
INSERT INTO outbox (tenant, sequence, id, event_type, payload, schema_version, aggregate_id,
                    recorded_at, trace_id, correlation_id, causation_id, audit_entry_id)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::uuid[], $4::text[], $5::jsonb[], $6::int[],
                     $7::uuid[], $8::timestamptz[], $9::text[], $10::text[], $11::text[],
                     $12::bigint[])"""


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
            self.events.append((entity.id, version, body, now, *cause.of_event))


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


async def lock(connection: Connection, ids: Sequence[UUID]) -> None:
    """Wait for whoever changes these entities now, and keep others from it until the end."""
    await connection.execute(_LOCK, ids)


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
    size: int,
    token: str,
) -> tuple[list[UUID], str]:
    """Return ids of a page, and the token of the next, which is empty on the last.

    Raises:
        FieldInvalidError: the size or the token is not one.
    """
    if size < 0:
        raise FieldInvalidError("page_size", "must not be negative")
    if token and not (token.isascii() and token.isdigit() and len(token) <= 18):
        raise FieldInvalidError("page_token", "must be the next_page_token of a page")
    rows = await connection.fetch(_PAGE, tenant, kind, int(token or 0), parent_id, state, size + 1)
    ids = [row["id"] for row in rows[:size]]
    return ids, str(rows[size - 1]["number"]) if len(rows) > size else ""


async def write(connection: Connection, changes: Changes) -> list[Call]:
    """Write changes; return the calls in them.

    The numbering of domain events comes last: it holds the tenant's head until the commit.

    Raises:
        ConcurrentChangeError: an entity was changed meanwhile. The transaction is to be undone.
        KeyTakenError: another entity has the key.
    """
    await _write_entities(connection, list(changes.entities.values()))
    if changes.events:
        await connection.execute(_INSERT_EVENTS, *zip(*changes.events, strict=True))
    if changes.calls:
        rows = [
            (call.id, call.kind, as_json(call.body), call.entity_kind, call.entity_id,
             cause.tenant, cause.subject, *cause.of_event)
            for call, cause in changes.calls
        ]  # fmt: skip
        await connection.execute(_INSERT_CALLS, CALL_LEASE_SECONDS, *zip(*rows, strict=True))
    await _write_domain_events(connection, changes)
    return [call for call, _ in changes.calls]


async def _write_entities(connection: Connection, changed: Sequence[_Changed]) -> None:
    new = [each.entity for each in changed if each.known == 0]
    old = [each for each in changed if each.known > 0]
    try:
        if new:
            await _insert(connection, new)
        written = await _update(connection, old) if old else set()
    except asyncpg.UniqueViolationError as error:
        entities = [each.entity for each in changed]
        if error.constraint_name == "entities_key":
            taken = next(entity for entity in entities if entity.key is not None)
            raise KeyTakenError(taken.KIND, str(taken.key)) from error
        raise ConcurrentChangeError(entities[0].KIND, entities[0].id) from error
    for each in old:
        if each.entity.id not in written:
            raise ConcurrentChangeError(each.entity.KIND, each.entity.id)


async def _insert(connection: Connection, entities: Sequence[Entity[Any]]) -> None:
    rows = [
        (entity.id, entity.tenant, entity.KIND, entity.version, entity.parent_id, entity.state,
         entity.key)
        for entity in entities
    ]  # fmt: skip
    await connection.execute(_INSERT_ENTITIES, *zip(*rows, strict=True))


async def _update(connection: Connection, changed: Sequence[_Changed]) -> set[UUID]:
    rows = [
        (each.entity.id, each.known, each.entity.version, each.entity.parent_id, each.entity.state,
         each.entity.key)
        for each in changed
    ]  # fmt: skip
    written = await connection.fetch(_UPDATE_ENTITIES, *zip(*rows, strict=True))
    return {row["id"] for row in written}


async def _write_domain_events(connection: Connection, changes: Changes) -> None:
    tenants = sorted({cause.tenant for _, _, _, cause in changes.domain_events})
    for tenant in tenants:
        events = [each for each in changes.domain_events if each[3].tenant == tenant]
        last = await connection.fetchval(_NEXT_SEQUENCES, tenant, len(events))
        first = last - len(events) + 1
        rows = [
            (tenant, sequence, new_id(), event.TYPE, event.model_dump_json(),
             event.SCHEMA_VERSION, about, now, cause.trace_id, cause.correlation_id,
             cause.causation_id, cause.audit_entry_id)
            for sequence, (event, about, now, cause) in enumerate(events, first)
        ]  # fmt: skip
        await connection.execute(_INSERT_OUTBOX, *zip(*rows, strict=True))


def as_json(value: Mapping[str, Any]) -> str:
    """Return JSON as it is stored."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def digest(body: bytes) -> bytes:
    """Return what a request is known again by."""
    return hashlib.sha256(body).digest()

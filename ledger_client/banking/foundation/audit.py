"""The beginning of a unit: the decision on record, the request if it was carried out before."""

import dataclasses
import datetime as dt
import json
from collections.abc import Mapping
from typing import Any, Final
from uuid import UUID

from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission

# One statement, since every call begins with it.
_OPEN: Final = """
WITH entry AS (
    INSERT INTO audit_entries (tenant, subject, object, action, authorized, trace_id, recorded_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7) RETURNING id
)
SELECT entry.id, method, digest, entity_kind, entity_id, settings
  FROM entry
  LEFT JOIN requests ON requests.tenant = $1 AND requests.request_id = $8
  LEFT JOIN tenant_settings ON tenant_settings.tenant = $1"""
_SETTINGS: Final = "SELECT settings FROM tenant_settings WHERE tenant = $1"
_BY_ITSELF: Final = """
INSERT INTO audit_entries (tenant, subject, object, action, authorized, trace_id, recorded_at)
VALUES ($1, $2, $3, $4, true, $5, $6) RETURNING id"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Earlier:
    """A request that was carried out before under the same id."""

    method: str
    digest: bytes
    entity_kind: str
    entity_id: UUID


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What a unit begins with."""

    audit_entry_id: int
    settings: Mapping[str, Any]
    earlier: Earlier | None


async def open_unit(
    connection: Connection,
    decision: Decision,
    permission: Permission,
    *,
    tenant: str,
    trace_id: str,
    now: dt.datetime,
    request_id: UUID | None,
) -> Opened:
    """Record a decision and return what the unit needs."""
    row = await connection.fetchrow(
        _OPEN,
        tenant,
        decision.subject,
        f"{permission.object}/*",
        permission.action,
        decision.is_allowed,
        trace_id,
        now,
        request_id,
    )
    assert row is not None, "the entry was inserted"
    earlier = None
    if row["method"] is not None:
        earlier = Earlier(
            method=row["method"],
            digest=row["digest"],
            entity_kind=row["entity_kind"],
            entity_id=row["entity_id"],
        )
    settings = read_settings(row["settings"])
    return Opened(audit_entry_id=row["id"], settings=settings, earlier=earlier)


async def settings_of(connection: Connection, tenant: str) -> Mapping[str, Any]:
    """Return what a tenant has set."""
    return read_settings(await connection.fetchval(_SETTINGS, tenant))


def read_settings(stored: str | None) -> Mapping[str, Any]:
    """Return settings as they are stored; None for a tenant that has set nothing."""
    found: Mapping[str, Any] = json.loads(stored) if stored else {}
    return found


async def note_own_work(
    connection: Connection,
    *,
    tenant: str,
    subject: str,
    permission: Permission,
    trace_id: str,
    now: dt.datetime,
) -> int:
    """Record what a module does by itself, before what it stores; return the entry's id."""
    entry: int = await connection.fetchval(
        _BY_ITSELF, tenant, subject, f"{permission.object}/*", permission.action, trace_id, now
    )
    return entry

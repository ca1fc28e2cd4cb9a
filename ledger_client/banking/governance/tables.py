"""The module's own table, and locks on committees. Statements only; decides nothing.

All run on the connection of a unit, in its transaction. Locks are taken in one order, so that no
two units wait for each other: a committee, open processes by number, then what the store writes.
"""

import datetime as dt
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.foundation.errors import ConcurrentChangeError, EntityNotFoundError
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.governance.process import Process
from ledger_client.banking.governance.rules import Committee

_SHARE: Final = """
SELECT version FROM entities WHERE id = $1 AND tenant = $2 AND kind = 'committee' FOR SHARE"""
_HOLD: Final = """
SELECT version FROM entities WHERE id = $1 AND tenant = $2 AND kind = 'committee'
   FOR NO KEY UPDATE"""
_IS_USED: Final = "SELECT EXISTS (SELECT FROM entities WHERE id = $1)"
_OPEN: Final = """
INSERT INTO open_processes (process_id, tenant, committee_id, process_type, expires_at)
VALUES ($1, $2, $3, $4, $5)"""
_CLOSE: Final = "DELETE FROM open_processes WHERE process_id = $1"
_OF_COMMITTEE: Final = """
SELECT process_id FROM open_processes WHERE committee_id = $1 ORDER BY number"""
_DUE: Final = """
SELECT process_id FROM (
    SELECT process_id, number FROM open_processes
     WHERE tenant = $1 AND expires_at <= $2 ORDER BY expires_at LIMIT $3
) AS due ORDER BY number"""
_OF_COMMITTEES: Final = """
SELECT process_id, number FROM open_processes
 WHERE committee_id = ANY($1) AND number > $2 AND ($3 = '' OR process_type = $3)
 ORDER BY number LIMIT $4"""


async def shared_committee(unit: Unit, committee_id: UUID) -> Committee:
    """Return a committee whose members stay as they are until the unit's end.

    Who decides something by the members of a committee must have them so: a process that starts
    while a member leaves would be judged by neither.

    Raises:
        EntityNotFoundError: the tenant has none.
        ConcurrentChangeError: the unit knows an older one.
    """
    return await _locked(unit, _SHARE, committee_id)


async def held_committee(unit: Unit, committee_id: UUID) -> Committee:
    """Return a committee that nobody else decides by or changes until the unit's end.

    Raises:
        EntityNotFoundError: the tenant has none.
        ConcurrentChangeError: the unit knows an older one.
    """
    return await _locked(unit, _HOLD, committee_id)


async def _locked(unit: Unit, statement: str, committee_id: UUID) -> Committee:
    version = await unit.connection.fetchval(statement, committee_id, unit.tenant)
    if version is None:
        raise EntityNotFoundError(Committee.KIND, committee_id)
    # A statement of its own after the lock: the lock's does not see what it waited for.
    committee = await unit.load(Committee, committee_id)
    if committee.version < version:
        raise ConcurrentChangeError(Committee.KIND, committee_id)
    return committee


async def is_used(unit: Unit, entity_id: UUID) -> bool:
    """Tell whether an id belongs to anything, of any kind and tenant."""
    used: bool = await unit.connection.fetchval(_IS_USED, entity_id)
    return used


async def note_open(unit: Unit, process: Process) -> None:
    """Note that a committee is to decide a process."""
    await unit.connection.execute(
        _OPEN,
        process.id,
        process.tenant,
        process.rules.committee_id,
        process.process_type,
        process.expires_at,
    )


async def note_closed(unit: Unit, process: Process) -> None:
    """Note that a process has ended."""
    await unit.connection.execute(_CLOSE, process.id)


async def open_of_committee(unit: Unit, committee_id: UUID) -> Sequence[UUID]:
    """Return the ids of processes that a committee is to decide, oldest first."""
    rows = await unit.connection.fetch(_OF_COMMITTEE, committee_id)
    return [row["process_id"] for row in rows]


async def due(unit: Unit, now: dt.datetime, count_max: int) -> Sequence[UUID]:
    """Return the ids of some processes whose time is over."""
    rows = await unit.connection.fetch(_DUE, unit.tenant, now, count_max)
    return [row["process_id"] for row in rows]


async def open_of_committees(
    unit: Unit, committee_ids: Sequence[UUID], process_type: str, after: int, count_max: int
) -> dict[UUID, int]:
    """Return ids and numbers of processes that committees are to decide, after a number."""
    rows = await unit.connection.fetch(
        _OF_COMMITTEES, committee_ids, after, process_type, count_max
    )
    return {row["process_id"]: row["number"] for row in rows}

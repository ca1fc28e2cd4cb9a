"""A module of nothing but calls, on a real schema: what its parts do can be looked at alone."""

import contextlib
import dataclasses
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any, ClassVar, Literal, Self

from pydantic import TypeAdapter

from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.clock import SystemClock
from ledger_client.banking.foundation.database import ModuleDatabase, open_database
from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.own_work import OwnWork
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.taken import Taken
from ledger_client.banking.foundation.unit import Unit
from ledger_client.banking.host import _FOUNDATION_SQL
from tests.banking.bank import TENANT

PERMISSION = Permission("", "probe/calls", "probe:calls:make")


class Told(StoredEvent):
    """A call was decided on, or has ended."""

    type: Literal["told"] = "told"
    what: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Thing(Entity[Any]):
    """What the calls are about."""

    KIND: ClassVar = "thing"
    EVENTS: ClassVar = TypeAdapter(Told)

    told: tuple[str, ...] = ()

    def apply(self, event: Told) -> Self:
        return dataclasses.replace(self, told=(*self.told, event.what))


class Probe:
    """Decides on calls and is told how they ended."""

    def __init__(self, database: ModuleDatabase) -> None:
        self.database = database
        self.own_work = OwnWork("probe", SystemClock())

    async def decide(self, kind: str, count: int) -> list[Taken]:
        """Store a thing and a call about it, so many times; return what is to be made."""
        async with (
            self.database.transaction() as connection,
            self.own_work.unit(connection, TENANT, PERMISSION) as unit,
        ):
            for _ in range(count):
                thing = unit.change(Thing(id=uuid.uuid4(), tenant=TENANT), Told(what="asked"))
                body = {
                    "template": "T",
                    "params": {},
                    "effective_date": dt.date(2026, 1, 31).isoformat(),
                    "correlation_id": "",
                    "metadata": {},
                }
                unit.call(
                    Call(
                        id=uuid.uuid4(),
                        kind=kind,
                        body=body,
                        entity_kind=Thing.KIND,
                        entity_id=thing.id,
                    )
                )
        return list(unit.kept_calls)

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        thing = await unit.load(Thing, call.entity_id)
        unit.change(thing, Told(what=outcome.reason or outcome.kind.value))

    async def states(self, calls: Sequence[Taken]) -> set[str]:
        ids = [each.call.id for each in calls]
        rows = await self.database.fetch("SELECT state FROM calls WHERE id = ANY($1)", ids)
        return {row["state"] for row in rows}


def an_event(sequence: int) -> Envelope:
    """Return an event of another module."""
    return Envelope(
        id=uuid.uuid4(),
        event_type="core.other.happened",
        payload={},
        recorded_at=dt.datetime.now(dt.UTC),
        trace_id="",
        sequence=sequence,
        schema_version=1,
        tenant=TENANT,
        aggregate_id=uuid.uuid4(),
        correlation_id="",
        causation_id="",
    )


@contextlib.asynccontextmanager
async def probe_on(bank_dsn: str) -> AsyncIterator[Probe]:
    database = await open_database(bank_dsn, "probe", sorted(_FOUNDATION_SQL.glob("*.sql")))
    try:
        yield Probe(database)
    finally:
        await database.close()

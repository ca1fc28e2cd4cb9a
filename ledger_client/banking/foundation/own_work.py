"""Units of a module's own: reactions to events and to time, without anybody calling."""

import contextlib
import datetime as dt
from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any

from ledger_client.banking.foundation import audit, store
from ledger_client.banking.foundation.calls import Call
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.taken import Taken
from ledger_client.banking.foundation.unit import Unit, Work
from ledger_client.ids import new_id


class OwnWork:
    """Opens units in which `system:<module>` acts."""

    def __init__(self, module: str, clock: Clock) -> None:
        """Take the clock of the bank."""
        self._subject = f"system:{module}"
        self._clock = clock

    @contextlib.asynccontextmanager
    async def unit(
        self,
        connection: Connection,
        tenant: str,
        permission: Permission,
        *,
        settings: Mapping[str, Any] | None = None,
    ) -> AsyncIterator[Unit]:
        """Give a unit and keep it at the end of the block, with an audit entry if it did anything.

        Args:
            connection: in a transaction of the caller's.
            tenant: for whom.
            permission: what is recorded as done.
            settings: what the tenant has set, if the caller has read it.
        """
        async with self.units(connection, tenant, permission, settings) as units:
            trace = str(new_id())
            unit = units.unit(trace_id=trace, correlation_id=trace, causation_id=trace)
            yield unit
        unit.kept_calls = [Taken(call=call, cause=cause, attempts=1) for call, cause in units.calls]

    @contextlib.asynccontextmanager
    async def units(
        self,
        connection: Connection,
        tenant: str,
        permission: Permission,
        settings: Mapping[str, Any] | None = None,
    ) -> "AsyncIterator[OwnUnits]":
        """Give units of one transaction; all are kept at the end of the block, with one entry.

        Args:
            connection: in a transaction of the caller's.
            tenant: for whom.
            permission: what is recorded as done.
            settings: what the tenant has set, if the caller has read it.
        """
        now = self._clock.now()
        if settings is None:
            settings = await audit.settings_of(connection, tenant)
        units = OwnUnits(connection, tenant, self._subject, now, settings)
        yield units
        if units.work.changes.is_empty:
            return
        units.work.changes.audit_entry_id = await audit.note_own_work(
            connection,
            tenant=tenant,
            subject=self._subject,
            permission=permission,
            trace_id=units.trace_id,
            now=now,
        )
        await store.write(connection, units.work.changes)

    async def for_call(self, connection: Any, cause: Cause, work: Work) -> Unit:
        """Return a unit for the outcome of a call: in the name of who decided on the call."""
        if work.settings is None:
            work.settings = await audit.settings_of(connection, cause.tenant)
        return Unit(connection, cause, self._clock.now(), work.settings, work)


class OwnUnits:
    """Units that share a transaction and an audit entry."""

    def __init__(
        self,
        connection: Connection,
        tenant: str,
        subject: str,
        now: dt.datetime,
        settings: Mapping[str, Any],
    ) -> None:
        """Begin with none; `OwnWork.units` does it."""
        self._connection = connection
        self._tenant = tenant
        self._subject = subject
        self._now = now
        self._settings = settings
        self.work = Work()
        #: Of the first unit.
        self.trace_id = ""

    @property
    def calls(self) -> Sequence[tuple[Call, Cause]]:
        """What is to be made after the commit."""
        return self.work.changes.named_calls

    def unit(self, *, trace_id: str, correlation_id: str, causation_id: str) -> Unit:
        """Return one more unit.

        Args:
            trace_id: of what it goes back to.
            correlation_id: of all that comes of that.
            causation_id: what led to it.
        """
        self.trace_id = self.trace_id or trace_id
        cause = Cause(
            tenant=self._tenant,
            subject=self._subject,
            audit_entry_id=store.NOT_YET,
            trace_id=trace_id,
            correlation_id=correlation_id,
            causation_id=causation_id,
        )
        return Unit(self._connection, cause, self._now, self._settings, self.work)

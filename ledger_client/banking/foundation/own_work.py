"""Units of a module's own: reactions to events and to time, without anybody calling."""

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from ledger_client.banking.foundation import audit
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.permissions import Permission
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
        trace_id: str = "",
        correlation_id: str = "",
        causation_id: str = "",
    ) -> AsyncIterator[Unit]:
        """Give a unit and keep it at the end of the block, with an audit entry if it did anything.

        Args:
            connection: in a transaction of the caller's.
            tenant: for whom.
            permission: what is recorded as done.
            trace_id: of what it goes back to; empty begins a trace.
            correlation_id: empty takes the trace.
            causation_id: what led to it; empty takes the trace.
        """
        trace = trace_id or str(new_id())
        cause = Cause(
            tenant=tenant,
            subject=self._subject,
            audit_entry_id=await audit.reserve_entry(connection),
            trace_id=trace,
            correlation_id=correlation_id or trace,
            causation_id=causation_id or trace,
        )
        now = self._clock.now()
        unit = Unit(connection, cause, now, await audit.settings_of(connection, tenant))
        yield unit
        if unit.has_changes:
            await audit.note_own_work(
                connection,
                cause.audit_entry_id,
                tenant=tenant,
                subject=self._subject,
                permission=permission,
                trace_id=trace,
                now=now,
            )
            unit.kept_calls = await unit.keep()

    async def for_call(self, connection: Any, cause: Cause, work: Work) -> Unit:
        """Return a unit for the outcome of a call: in the name of who decided on the call."""
        if work.settings is None:
            work.settings = await audit.settings_of(connection, cause.tenant)
        return Unit(connection, cause, self._clock.now(), work.settings, work)

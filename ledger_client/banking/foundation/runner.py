"""One module at work: its database, what it serves, what it follows, what it does by the clock."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final

from ledger_client.banking.foundation import audit
from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.database import CONTENTION
from ledger_client.banking.foundation.dispatcher import Dispatcher
from ledger_client.banking.foundation.endings import Endings
from ledger_client.banking.foundation.errors import ConcurrentChangeError, UnavailableError
from ledger_client.banking.foundation.event_follower import EventFollower
from ledger_client.banking.foundation.gate import Gate
from ledger_client.banking.foundation.journal_follower import JournalFollower
from ledger_client.banking.foundation.module import Module
from ledger_client.banking.foundation.outbox import OutboxHeads
from ledger_client.banking.foundation.own_work import OwnWork
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.serving import Serving, service_handlers
from ledger_client.banking.foundation.unit import Unit

_log: Final = logging.getLogger(__name__)

#: Between looks at the clock.
TICK_SECONDS: Final = 1.0
#: The longest wait after what is due has failed, which doubles each time.
TICK_SECONDS_MAX: Final = 30.0

# One instance at a time sets a tenant up, and does what is due by the clock.
_LOCK: Final = "SELECT pg_advisory_xact_lock(hashtextextended($1, 7))"
_TRY_LOCK: Final = """
SELECT pg_try_advisory_xact_lock(hashtextextended($1, 7)) AS is_ours,
       (SELECT settings FROM tenant_settings WHERE tenant = $2) AS settings"""


class ModuleRunner:
    """Runs one module for all tenants."""

    def __init__(self, module: Module, context: ModuleContext, gate: Gate) -> None:
        """Put together what a module needs at work."""
        self.module = module
        self.database = context.database
        self._context = context
        self._own_work = OwnWork(module.name, context.clock)
        self._endings = Endings(context.database)
        self.heads = OutboxHeads(context.database)
        context.database.on_commit = self.heads.committed
        self._dispatcher = Dispatcher(
            context.database,
            context.ledger,
            self._endings,
            make_own=self._make_own,
            on_outcome=module.on_outcome,
            unit_of=self._own_work.for_call,
        )
        self._followers: list[EventFollower | JournalFollower] = [
            self._follower(followed, tenant)
            for tenant in sorted(context.tenants)
            for followed in module.follows
        ]
        if module.posts:
            self._followers += [self._journal_follower(each) for each in sorted(context.tenants)]
        self.serving = Serving(
            module,
            context.database,
            gate=gate,
            clock=context.clock,
            dispatcher=self._dispatcher,
            endings=self._endings,
            tenants=context.tenants,
        )

    async def set_up(self) -> None:
        """Bring about what each tenant needs before the first command."""
        for tenant in sorted(self._context.tenants):
            await self._in_own_unit(tenant, "set-up", self.module.set_up)

    def handlers(self) -> Mapping[str, Mapping[str, Any]]:
        """Return the gRPC handlers of the module's services."""
        return service_handlers(self.module, self.serving)

    async def run(self) -> None:
        """Work until cancelled."""
        async with asyncio.TaskGroup() as group:
            for run in (self._dispatcher, self._endings, self.heads, *self._followers):
                group.create_task(run.run())
            for tenant in sorted(self._context.tenants):
                group.create_task(self._tick(tenant))

    def _follower(self, followed: str, tenant: str) -> EventFollower:
        return EventFollower(
            followed,
            tenant,
            database=self.database,
            channel=self._context.channel_to(followed),
            credentials=self._context.credentials,
            own_work=self._own_work,
            dispatcher=self._dispatcher,
            on_event=self.module.on_event,
        )

    def _journal_follower(self, tenant: str) -> JournalFollower:
        return JournalFollower(
            tenant,
            self.database,
            self._context.ledger,
            self._endings,
            self._dispatcher,
            kinds=self.module.entities,
            on_outcome=self.module.on_outcome,
            unit_of=self._own_work.for_call,
        )

    async def _tick(self, tenant: str) -> None:
        async def due(unit: Unit) -> bool:
            return await self.module.on_tick(unit, unit.now)

        failures = 0
        while True:
            more = False
            try:
                more = bool(await self._in_own_unit(tenant, "tick", due, wait=False))
            except (UnavailableError, ConcurrentChangeError, *CONTENTION) as error:
                _log.info("what is due in %s comes later: %s", self.module.name, error)
            except Exception:  # noqa: BLE001  # it is tried again
                failures += 1
                _log.exception(
                    "what is due in %s of %s, failure %d", self.module.name, tenant, failures
                )
            else:
                failures = 0
            if not more:
                wait = TICK_SECONDS * 2.0 ** min(failures, 16)
                await asyncio.sleep(min(wait, TICK_SECONDS_MAX))

    async def _in_own_unit(
        self, tenant: str, what: str, run: Callable[[Unit], Any], *, wait: bool = True
    ) -> Any:
        name = self.module.name
        permission = Permission("", f"{name}/{what}", f"{name}:{what}:run")
        async with self.database.transaction() as connection:
            lock = f"{name}:{what}:{tenant}"
            if wait:
                await connection.execute(_LOCK, lock)
            row = await connection.fetchrow(_TRY_LOCK, lock, tenant)
            assert row is not None, "it is no table"
            if not row["is_ours"]:
                return None
            settings = audit.read_settings(row["settings"])
            async with self._own_work.unit(
                connection, tenant, permission, settings=settings
            ) as unit:
                result = await run(unit)
        self._dispatcher.take(unit.kept_calls)
        return result

    async def _make_own(self, tenant: str, call: Call) -> Outcome:
        return await self.module.callers[call.kind](tenant, call)

"""What surrounds every RPC of a module: who calls, may he, one transaction, one answer.

No RPC can be served without a permission: `service_handlers` refuses to start. A request with a
`request_id` is a command, and happens once; any other is a query.
"""

import asyncio
import contextlib
import dataclasses
import datetime as dt
import random
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from ledger_client.banking.foundation import audit, store
from ledger_client.banking.foundation.cause import Cause
from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.database import CONTENTION, Connection, ModuleDatabase
from ledger_client.banking.foundation.dispatcher import Dispatcher
from ledger_client.banking.foundation.endings import Endings
from ledger_client.banking.foundation.entity import Entity
from ledger_client.banking.foundation.errors import (
    BankError,
    ConcurrentChangeError,
    FieldInvalidError,
    KeyTakenError,
    OtherTenantError,
    PermissionDeniedError,
    RequestIdReusedError,
    UnavailableError,
)
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.foundation.gate import Decision, Gate
from ledger_client.banking.foundation.module import Module
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.statuses import unary
from ledger_client.banking.foundation.taken import Taken
from ledger_client.banking.foundation.tenant_settings import SettingsOfTenant
from ledger_client.banking.foundation.unit import Answer, Unit
from ledger_client.ids import new_id

#: How often a command runs anew when others change the same entity under it.
ATTEMPTS_MAX: Final = 10
#: How long a command waits for the end of its calls; then it answers with what there is.
WAIT_SECONDS_MAX: Final = 10.0
#: Of the code of a journal.
TENANT_LENGTH_MAX: Final = 255

_PENDING: Final = "SELECT id FROM calls WHERE entity_id = $1 AND state = 'pending'"


class UnguardedError(Exception):
    """A service has an RPC that needs no permission, or that nobody implements."""


class Call:
    """One RPC under way."""

    def __init__(self, method: str, permission: Permission, request: Any, context: Any) -> None:
        """Read the request's common fields and the call's metadata.

        Raises:
            FieldInvalidError: the tenant cannot be one, or a command's request id is not a UUID.
        """
        self.permission = permission
        self.tenant = _tenant(request)
        #: None for a query.
        self.request_id: UUID | None = None
        if hasattr(request, "request_id"):
            self.request_id = uuid_of("request_id", request.request_id)
        self.digest = store.digest(request.SerializeToString(deterministic=True))
        metadata = {key.lower(): value for key, value in context.invocation_metadata() or ()}
        self.method = method
        self.token = _bearer(str(metadata.get("authorization", "")))
        trace = str(metadata.get("x-request-id", ""))
        self.trace_id = trace if 0 < len(trace) <= 255 and trace.isprintable() else str(new_id())
        left = context.time_remaining()
        self.ends_at = time.monotonic() + (WAIT_SECONDS_MAX if left is None else left - 0.25)

    @property
    def seconds_left(self) -> float:
        """How long the caller still waits."""
        return min(max(self.ends_at - time.monotonic(), 0.0), WAIT_SECONDS_MAX)


class Serving:
    """Serves the RPCs of one module."""

    def __init__(
        self,
        module: Module,
        database: ModuleDatabase,
        *,
        gate: Gate,
        clock: Clock,
        dispatcher: Dispatcher,
        endings: Endings,
        tenants: frozenset[str],
    ) -> None:
        """Serve a module to tenants."""
        self._database = database
        self._gate = gate
        self._clock = clock
        self._dispatcher = dispatcher
        self._endings = endings
        self._tenants = tenants
        kinds: list[type[Entity[Any]]] = [SettingsOfTenant, *module.entities]
        self._kinds = {kind.KIND: kind for kind in kinds}

    async def query(self, call: Call, run: Callable[[Unit], Any]) -> Any:
        """Run a query in a transaction that records the decision.

        One that keeps its unit after all leaves the calls in `kept_calls`, to be made.
        """
        decision = await self._decide(call)
        async with self._on_record(call, decision), self._database.transaction() as connection:
            unit, _ = await self._open(connection, call, decision)
            answer = await run(unit) if decision.is_allowed else None
        if not decision.is_allowed:
            raise self._denial(call, decision)
        self._dispatcher.take(unit.kept_calls)
        return answer

    async def go_on(self, call: Call, run: Callable[[Connection, str], Any]) -> Any:
        """Run a part of what an earlier decision allowed, which is on record: a denial alone is.

        The gate is asked all the same, so what it no longer allows ends here.

        Args:
            call: the RPC.
            run: given a connection in a transaction and the caller's subject; it must see to it
                that the earlier decision was about this subject.
        """
        decision = await self._decide(call)
        async with self._database.transaction() as connection:
            if decision.is_allowed:
                return await run(connection, decision.subject)
            await self._open(connection, call, decision)
        raise self._denial(call, decision)

    async def command(
        self, call: Call, run: Callable[[Unit], Any]
    ) -> tuple[Entity[Any], Mapping[str, Any]]:
        """Carry a command out once; return the entity as it is after the command's calls."""
        decision = await self._decide(call)
        async with self._on_record(call, decision):
            return await self._carry_out(call, decision, run)

    @contextlib.asynccontextmanager
    async def _on_record(self, call: Call, decision: Decision) -> AsyncIterator[None]:
        """Record a decision also if what it allowed was refused by a rule, and so undone."""
        try:
            yield
        except BankError as refusal:
            if decision.is_allowed and not isinstance(refusal, UnavailableError):
                async with self._database.transaction() as connection:
                    await self._open(connection, call, decision)
            raise

    async def _carry_out(
        self, call: Call, decision: Decision, run: Callable[[Unit], Any]
    ) -> tuple[Entity[Any], Mapping[str, Any]]:
        for attempt in range(1, ATTEMPTS_MAX + 1):
            try:
                entity, extras, taken = await self._attempt(call, decision, run)
                break
            except KeyTakenError:
                # The same request may have been faster on another connection: look once more.
                if attempt > 1:
                    raise
            except (ConcurrentChangeError, asyncpg.UniqueViolationError, *CONTENTION) as error:
                if attempt == ATTEMPTS_MAX:
                    if isinstance(error, CONTENTION):
                        assert call.request_id is not None, "a command has one"
                        raise ConcurrentChangeError("request", call.request_id) from error
                    raise
                await asyncio.sleep(random.uniform(0, 0.01 * attempt))  # noqa: S311  # jitter
        if taken is None:
            return await self._again(call, entity), extras
        if not taken:
            return entity, extras
        self._dispatcher.take(taken)
        return await self._once_ended([each.call.id for each in taken], call, entity), extras

    async def _decide(self, call: Call) -> Decision:
        decision = await self._gate.check(call.token, call.permission, call.tenant)
        if decision.is_allowed and call.tenant not in self._tenants:
            return dataclasses.replace(decision, is_allowed=False)
        return decision

    async def _attempt(
        self, call: Call, decision: Decision, run: Callable[[Unit], Any]
    ) -> tuple[Entity[Any], Mapping[str, Any], list[Taken] | None]:
        """Run a command in one transaction; None for the calls says that it is a repetition."""
        async with self._database.transaction() as connection:
            unit, earlier = await self._open(connection, call, decision)
            if decision.is_allowed:
                if earlier is not None:
                    if (earlier.method, earlier.digest) != (call.method, call.digest):
                        raise RequestIdReusedError(str(call.request_id))
                    kind = self._kinds[earlier.entity_kind]
                    return await unit.load(kind, earlier.entity_id), {}, None
                result = await run(unit)
                answer = result if isinstance(result, Answer) else Answer(entity=result, extras={})
                calls = await unit.keep(self._noted(call, answer.entity, unit.now))
                taken = [Taken(call=one, cause=unit.cause, attempts=1) for one in calls]
                return answer.entity, answer.extras, taken
        raise self._denial(call, decision)

    def _noted(self, call: Call, entity: Entity[Any], now: dt.datetime) -> store.CarriedOut:
        assert call.request_id is not None, "a command has one"
        return store.CarriedOut(
            tenant=call.tenant,
            request_id=call.request_id,
            method=call.method,
            digest=call.digest,
            entity=entity,
            recorded_at=now,
        )

    async def _open(
        self, connection: Any, call: Call, decision: Decision
    ) -> tuple[Unit, audit.Earlier | None]:
        now = self._clock.now()
        opened = await audit.open_unit(
            connection,
            decision,
            call.permission,
            tenant=call.tenant,
            trace_id=call.trace_id,
            now=now,
            request_id=call.request_id,
        )
        cause = Cause(
            tenant=call.tenant,
            subject=decision.subject,
            audit_entry_id=opened.audit_entry_id,
            trace_id=call.trace_id,
            correlation_id=call.trace_id,
            causation_id=f"request:{call.request_id or call.trace_id}",
        )
        return Unit(connection, cause, now, opened.settings), opened.earlier

    async def _again(self, call: Call, entity: Entity[Any]) -> Entity[Any]:
        """Return the entity of a repeated request, once nothing of it is under way."""
        rows = await self._database.fetch(_PENDING, entity.id)
        return await self._once_ended([row["id"] for row in rows], call, entity) if rows else entity

    async def _once_ended(
        self, call_ids: Sequence[UUID], call: Call, entity: Entity[Any]
    ) -> Entity[Any]:
        """Return an entity as it is once calls have ended, or as far as it came."""
        after = await self._endings.wait(call_ids, call.seconds_left)
        if after is not None and after.id == entity.id:
            return after
        async with self._database.transaction() as connection:
            found = await store.load(connection, type(entity), entity.tenant, [entity.id])
        return found[entity.id]

    def _denial(self, call: Call, decision: Decision) -> Exception:
        if call.tenant not in self._tenants or decision.tenant not in {"", call.tenant}:
            return OtherTenantError(call.tenant)
        needed = call.permission
        return PermissionDeniedError(decision.subject, needed.action, f"{needed.object}/*")


def service_handlers(module: Module, serving: Serving) -> dict[str, dict[str, Any]]:
    """Return a gRPC handler for each RPC of a module, by service and name.

    Raises:
        UnguardedError: an RPC has no permission, or no coroutine.
    """
    return {
        name: {
            method.name: _handler(module, serving, servicer, method)
            for method in find_service(name).methods
        }
        for name, servicer in module.services.items()
    }


def find_service(name: str) -> ServiceDescriptor:
    """Return what the contract says of a service whose generated code is imported."""
    service: ServiceDescriptor = descriptor_pool.Default().FindServiceByName(name)
    return service


def _handler(module: Module, serving: Serving, servicer: object, method: MethodDescriptor) -> Any:
    full_name = f"{method.containing_service.full_name}/{method.name}"
    permission = module.permissions.get(full_name)
    run = getattr(servicer, method.name, None)
    if permission is None or run is None:
        missing = "permission" if permission is None else "implementation"
        raise UnguardedError(f"{full_name} has no {missing}")
    request_class: Any = message_factory.GetMessageClass(method.input_type)
    is_command = "request_id" in method.input_type.fields_by_name
    respond = _responder(module, method.output_type)

    async def answer(request: Any, context: Any) -> Any:
        call = Call(full_name, permission, request, context)
        if not is_command:
            return await serving.query(call, lambda unit: run(unit, request))
        entity, extras = await serving.command(call, lambda unit: run(unit, request))
        assert call.request_id is not None, "a command has one"
        refusal = entity.refusal_of(call.request_id)
        if refusal is not None:
            raise refusal
        return respond(entity, extras)

    return unary(full_name, request_class, answer)


def _responder(
    module: Module, output: Descriptor
) -> Callable[[Entity[Any], Mapping[str, Any]], Message]:
    """Return what shows an entity in a response: in the field of its message's type."""
    response_class: Any = message_factory.GetMessageClass(output)
    fields = {
        field.message_type.full_name: field.name
        for field in output.fields
        if field.message_type is not None
    }

    def respond(entity: Entity[Any], extras: Mapping[str, Any]) -> Message:
        shown = module.encoders[type(entity)](entity)
        response: Message = response_class(**{fields[shown.DESCRIPTOR.full_name]: shown}, **extras)
        return response

    return respond


def _tenant(request: Any) -> str:
    # Whoever calls, the decision is on record with it: so it must be something that can be stored.
    tenant: str = request.tenant
    if len(tenant) > TENANT_LENGTH_MAX or not tenant.isprintable():
        raise FieldInvalidError("tenant", "must be the code of a journal")
    return tenant


def _bearer(authorization: str) -> str:
    kind, _, token = authorization.partition(" ")
    return token.strip() if kind.lower() == "bearer" else ""

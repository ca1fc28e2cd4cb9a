"""`OperationsService`: settings, audit log and dead letters of all modules that run here."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from bank_proto.operations.v1 import operations_pb2 as pb
from ledger_client.banking.foundation import tenant_settings
from ledger_client.banking.foundation.errors import BankError, EntityNotFoundError
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.fields import (
    module_of,
    page_start_of,
    whole_page_size_of,
)
from ledger_client.banking.foundation.module import Module, TenantSettings
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.request_errors import DeadLetterFailedError
from ledger_client.banking.foundation.serving import Call, Serving
from ledger_client.banking.foundation.statuses import unary
from ledger_client.banking.foundation.taken import Taken
from ledger_client.banking.foundation.timestamps import timestamp_of
from ledger_client.banking.foundation.unit import Unit

SERVICE: Final = "bank.operations.v1.OperationsService"
PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"{SERVICE}/GetSettings": Permission("settings_viewer", "bank/settings", "bank:settings:read"),
    f"{SERVICE}/UpdateSetting": Permission(
        "settings_writer", "bank/settings", "bank:settings:update"
    ),
    f"{SERVICE}/ListAuditEntries": Permission("audit_viewer", "bank/audit", "bank:audit:list"),
    f"{SERVICE}/ListDeadLetters": Permission(
        "dead_letters_viewer", "bank/dead-letters", "bank:dead-letters:list"
    ),
    f"{SERVICE}/RetryDeadLetter": Permission(
        "dead_letters_writer", "bank/dead-letters", "bank:dead-letters:retry"
    ),
}

_AUDIT: Final = """
SELECT * FROM audit_entries
 WHERE tenant = $1 AND id > $2 AND ($3 = '' OR subject = $3) AND NOT ($4 AND authorized)
 ORDER BY id LIMIT $5"""
_LETTERS: Final = """
SELECT * FROM dead_letters WHERE tenant = $1 AND settled_at IS NULL
 ORDER BY module, sequence LIMIT 500"""
_SETTLE: Final = """
UPDATE dead_letters SET settled_at = now()
 WHERE tenant = $1 AND module = $2 AND sequence = $3 AND settled_at IS NULL
RETURNING event"""


class OperationsHandlers:
    """The service's methods, for gRPC."""

    def __init__(self, modules: Mapping[str, tuple[Module, Serving]]) -> None:
        """Serve modules, by name."""
        self._modules = modules

    def handlers(self) -> dict[str, Any]:
        """Return a gRPC handler for each method."""
        return {
            "GetSettings": self._handler(pb.GetSettingsRequest, self._get_settings),
            "UpdateSetting": self._handler(pb.UpdateSettingRequest, self._update_setting),
            "ListAuditEntries": self._handler(pb.ListAuditEntriesRequest, self._list_audit_entries),
            "ListDeadLetters": self._handler(pb.ListDeadLettersRequest, self._list_dead_letters),
            "RetryDeadLetter": self._handler(pb.RetryDeadLetterRequest, self._retry_dead_letter),
        }

    def _handler(
        self, request_class: Any, run: Callable[[Module, Serving, Call, Any], Awaitable[Any]]
    ) -> Any:
        name = request_class.DESCRIPTOR.name.removesuffix("Request")
        method = f"{SERVICE}/{name}"

        async def answer(request: Any, context: Any) -> Any:
            module, serving = module_of(self._modules, request.module)
            call = Call(method, PERMISSIONS[method], request, context)
            return await run(module, serving, call, request)

        return unary(method, request_class, answer)

    async def _get_settings(
        self, module: Module, serving: Serving, call: Call, _request: Any
    ) -> pb.GetSettingsResponse:
        async def read(unit: Unit) -> pb.GetSettingsResponse:
            return pb.GetSettingsResponse(
                settings=_settings(module, unit.settings(module.settings))
            )

        response: pb.GetSettingsResponse = await serving.query(call, read)
        return response

    async def _update_setting(
        self, module: Module, serving: Serving, call: Call, request: pb.UpdateSettingRequest
    ) -> pb.UpdateSettingResponse:
        async def update(unit: Unit) -> tenant_settings.SettingsOfTenant:
            return await tenant_settings.update(
                unit, module.name, module.settings, request.name, request.value
            )

        entity, _ = await serving.command(call, update)
        assert isinstance(entity, tenant_settings.SettingsOfTenant), "it is what was changed"
        return pb.UpdateSettingResponse(
            settings=_settings(module, module.settings(**entity.values))
        )

    async def _list_audit_entries(
        self, _module: Module, serving: Serving, call: Call, request: pb.ListAuditEntriesRequest
    ) -> pb.ListAuditEntriesResponse:
        async def read(unit: Unit) -> pb.ListAuditEntriesResponse:
            size = whole_page_size_of(request.page_size)
            rows = await unit.connection.fetch(
                _AUDIT,
                request.tenant,
                page_start_of(request.page_token),
                request.subject,
                request.only_denied,
                size + 1,
            )
            entries = [_audit_entry(row) for row in rows[:size]]
            more = str(entries[-1].id) if len(rows) > size else ""
            return pb.ListAuditEntriesResponse(entries=entries, next_page_token=more)

        response: pb.ListAuditEntriesResponse = await serving.query(call, read)
        return response

    async def _list_dead_letters(
        self, _module: Module, serving: Serving, call: Call, request: pb.ListDeadLettersRequest
    ) -> pb.ListDeadLettersResponse:
        async def read(unit: Unit) -> pb.ListDeadLettersResponse:
            rows = await unit.connection.fetch(_LETTERS, request.tenant)
            return pb.ListDeadLettersResponse(dead_letters=[_dead_letter(row) for row in rows])

        response: pb.ListDeadLettersResponse = await serving.query(call, read)
        return response

    async def _retry_dead_letter(
        self, module: Module, serving: Serving, call: Call, request: pb.RetryDeadLetterRequest
    ) -> pb.RetryDeadLetterResponse:
        async def handle(unit: Unit) -> pb.RetryDeadLetterResponse:
            body = await unit.connection.fetchval(
                _SETTLE, request.tenant, request.from_module, request.sequence
            )
            if body is None:
                place = f"{request.from_module}:{request.sequence}"
                raise EntityNotFoundError("dead_letter", place)
            try:
                await module.on_event(unit, Envelope.model_validate_json(body))
            except BankError as error:
                raise DeadLetterFailedError(error.reason, str(error)) from error
            calls = await unit.keep()
            unit.kept_calls = [Taken(call=one, cause=unit.cause, attempts=1) for one in calls]
            return pb.RetryDeadLetterResponse()

        response: pb.RetryDeadLetterResponse = await serving.query(call, handle)
        return response


def _settings(module: Module, settings: TenantSettings) -> pb.ModuleSettings:
    in_force = settings.model_dump(mode="json")
    defaults = type(settings)().model_dump(mode="json")
    return pb.ModuleSettings(
        module=module.name,
        settings=[
            pb.Setting(
                name=name,
                value=_json(in_force[name]),
                default_value=_json(defaults[name]),
                description=field.description or "",
            )
            for name, field in sorted(type(settings).model_fields.items())
        ],
    )


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def _audit_entry(row: Any) -> pb.AuditEntry:
    return pb.AuditEntry(
        id=row["id"],
        subject=row["subject"],
        object=row["object"],
        action=row["action"],
        authorized=row["authorized"],
        trace_id=row["trace_id"],
        record_time=timestamp_of(row["recorded_at"]),
    )


def _dead_letter(row: Any) -> pb.DeadLetter:
    return pb.DeadLetter(
        from_module=row["module"],
        sequence=row["sequence"],
        event=row["event"],
        error=row["error"],
        attempts=row["attempts"],
        record_time=timestamp_of(row["recorded_at"]),
    )

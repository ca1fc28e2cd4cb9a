"""A tenant's settings in a module: an entity like any other, so each change is on record."""

import dataclasses
import json
from collections.abc import Mapping
from typing import Any, ClassVar, Final, Literal, Self

from pydantic import Field, TypeAdapter, ValidationError

from ledger_client.banking.foundation.database import Connection
from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.module import TenantSettings
from ledger_client.banking.foundation.store import as_json
from ledger_client.banking.foundation.unit import Unit

_KEEP: Final = """
INSERT INTO tenant_settings (tenant, settings) VALUES ($1, $2)
    ON CONFLICT (tenant) DO UPDATE SET settings = $2"""


class SettingChanged(StoredEvent):
    """A setting has another value; None is the default."""

    type: Literal["setting-changed"] = "setting-changed"
    name: str
    value: Any = Field(default=None)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SettingsOfTenant(Entity[Any]):
    """What a tenant has set in one module."""

    KIND: ClassVar = "settings"
    EVENTS: ClassVar = TypeAdapter(SettingChanged)

    #: By name; what is not there has its default.
    values: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def apply(self, event: SettingChanged) -> Self:
        """Return the settings after a change."""
        values = {name: value for name, value in self.values.items() if name != event.name}
        if event.value is not None:
            values[event.name] = event.value
        return dataclasses.replace(self, values=values)


async def update(
    unit: Unit, module: str, model: type[TenantSettings], name: str, text: str
) -> SettingsOfTenant:
    """Set one setting.

    Args:
        unit: of the module.
        module: its name.
        model: its settings.
        name: of the setting.
        text: the value as JSON; `null` for the default.

    Raises:
        FieldInvalidError: there is no such setting, or it cannot have this value.
    """
    if name not in model.model_fields:
        there = ", ".join(sorted(model.model_fields)) or "none"
        raise FieldInvalidError("name", f"{module} has no such setting; it has {there}")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise FieldInvalidError("value", 'must be JSON, such as "USD", 365 or true') from error
    entity_id = derived_id(unit.tenant, "settings", module)
    settings = await unit.find(SettingsOfTenant, entity_id)
    settings = settings or SettingsOfTenant(id=entity_id, tenant=unit.tenant)
    event = SettingChanged(name=name, value=value)
    try:
        model(**settings.apply(event).values)
    except ValidationError as error:
        problem = error.errors()[0]["msg"]
        raise FieldInvalidError("value", f"{name} cannot be {text}: {problem}") from error
    changed = unit.change(settings, event)
    await _keep(unit.connection, changed)
    return changed


async def _keep(connection: Connection, settings: SettingsOfTenant) -> None:
    """Write what every unit reads as it begins."""
    await connection.execute(_KEEP, settings.tenant, as_json(settings.values))

"""What this module consists of."""

import datetime as dt
from collections.abc import Collection, Mapping
from typing import Any, Final

from ledger_client.banking.access import fields
from ledger_client.banking.access.api import (
    AccessApi,
    role_message,
    token_message,
    user_message,
)
from ledger_client.banking.access.catalogue import PermissionSets
from ledger_client.banking.access.entities import Role, Token, User
from ledger_client.banking.access.events import (
    RoleCreated,
    RoleGainedPermissionSet,
    RoleLostPermissionSet,
    RoleRenamed,
    UserCreated,
    UserLostRole,
    UserRemoved,
    UserUpdatedRole,
)
from ledger_client.banking.access.gate import AccessGate
from ledger_client.banking.access.jwts import verifier_of
from ledger_client.banking.access.permissions import PERMISSIONS
from ledger_client.banking.access.service import AccessCommands
from ledger_client.banking.access.settings import Settings
from ledger_client.banking.foundation.calls import Call, Outcome
from ledger_client.banking.foundation.context import ModuleContext
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.events import Envelope
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.unit import Unit

ADMIN_EMAIL_DEFAULT: Final = "admin@bank"
ADMIN_TOKEN_LENGTH_MIN: Final = 16
ADMIN_TOKEN_LENGTH_MAX: Final = 255


class AccessOptionsError(ValueError):
    """An option of access is wrong; the bank does not start."""


class AccessModule:
    """Who may do what."""

    name = "access"
    permissions = PERMISSIONS
    entities = (User, Role, Token)
    events = (
        UserCreated,
        UserRemoved,
        UserUpdatedRole,
        UserLostRole,
        RoleCreated,
        RoleRenamed,
        RoleGainedPermissionSet,
        RoleLostPermissionSet,
    )
    settings = Settings
    posts = False
    follows = ()
    routes = ()

    def __init__(
        self,
        context: ModuleContext,
        permissions: Mapping[str, Permission],
        system_actions: Mapping[str, Collection[str]],
    ) -> None:
        """Put it together.

        Args:
            context: as for `build`.
            permissions: what each RPC of each module needs, by its full name.
            system_actions: by `system:<module>`, the actions that the module may use.

        Raises:
            AccessOptionsError, JwtOptionsError: an option is wrong.
        """
        self._admin_email, self._admin_token = _admin_options(context.options)
        #: Decides for all modules of this process. The host closes it.
        self.gate = AccessGate(
            context.database,
            context.clock,
            permissions=permissions.values(),
            system_actions=system_actions,
            secret=context.secret,
            jwt_verifier=verifier_of(context.options, context.secret),
        )
        permission_sets = PermissionSets(permissions.values())
        self._commands = AccessCommands(permission_sets)
        self.services = {
            "bank.access.v1.AccessService": AccessApi(self._commands, permission_sets, self.gate)
        }
        self.encoders = {
            User: user_message,
            Role: role_message,
            Token: lambda token: token_message(token, context.clock.now()),
        }
        self.callers: dict[str, Any] = {}

    async def set_up(self, unit: Unit) -> None:
        """Bring the predefined roles to what the code says, and make the first administrator."""
        await self._commands.set_up(unit, self._admin_email, self._admin_token)

    async def on_outcome(self, unit: Unit, call: Call, outcome: Outcome) -> None:
        """Make no calls."""
        raise NotImplementedError

    async def on_event(self, unit: Unit, event: Envelope) -> None:
        """Follow nobody."""
        raise NotImplementedError

    async def on_tick(self, _unit: Unit, _now: dt.datetime) -> bool:
        """Do nothing: what expires is seen when it is asked for."""
        return False


def build(context: ModuleContext) -> AccessModule:
    """Make the module.

    Args:
        context: with the options `admin_email`, `admin_token`, `jwt_key_file`, `jwt_issuer` and
            `jwt_audience`, each of which may be missing.

    Raises:
        AccessOptionsError, JwtOptionsError: an option is wrong.
    """
    return AccessModule(context, context.permissions, context.system_actions)


def _admin_options(options: Mapping[str, str]) -> tuple[str, str]:
    """Return address and token of the first administrator."""
    try:
        email = fields.email_of("admin_email", options.get("admin_email") or ADMIN_EMAIL_DEFAULT)
    except FieldInvalidError as error:
        raise AccessOptionsError(str(error)) from error
    token = options.get("admin_token", "")
    is_sendable = token.isascii() and token.isprintable() and " " not in token
    is_long_enough = ADMIN_TOKEN_LENGTH_MIN <= len(token) <= ADMIN_TOKEN_LENGTH_MAX
    # Two dots are the form of a JWT, and are read as one.
    if token and not (is_sendable and is_long_enough and token.count(".") != 2):
        raise AccessOptionsError(
            f"admin_token: {ADMIN_TOKEN_LENGTH_MIN} to {ADMIN_TOKEN_LENGTH_MAX} characters of"
            " ASCII without blanks, and not two dots"
        )
    return email, token

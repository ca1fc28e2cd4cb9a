"""What each RPC of access needs."""

from collections.abc import Mapping
from typing import Final

from ledger_client.banking.foundation.permissions import Permission

#: Everybody who is known has this set; it cannot be given or taken.
EVERYONE: Final = "everyone"
#: Sets of such a name are for modules: no role has one, and no user gets in by one.
MODULE_SET_SUFFIX: Final = "_system"
SYSTEM: Final = f"access{MODULE_SET_SUFFIX}"

_VIEWER: Final = "access_viewer"
_WRITER: Final = "access_writer"

CHECK: Final = Permission(SYSTEM, "access/permission", "access:permission:check")
WHO_AM_I: Final = Permission(EVERYONE, "access/self", "access:self:read")

PERMISSIONS: Final[Mapping[str, Permission]] = {
    f"bank.access.v1.AccessService/{rpc}": permission
    for rpc, permission in {
        "CreateUser": Permission(_WRITER, "access/user", "access:user:create"),
        "RemoveUser": Permission(_WRITER, "access/user", "access:user:remove"),
        "SetExternalSubject": Permission(_WRITER, "access/user", "access:user:identify"),
        "AssignRole": Permission(_WRITER, "access/user", "access:user:assign-role"),
        "UnassignRole": Permission(_WRITER, "access/user", "access:user:unassign-role"),
        "GetUser": Permission(_VIEWER, "access/user", "access:user:read"),
        "ListUsers": Permission(_VIEWER, "access/user", "access:user:list"),
        "CreateRole": Permission(_WRITER, "access/role", "access:role:create"),
        "RenameRole": Permission(_WRITER, "access/role", "access:role:rename"),
        "AddPermissionSets": Permission(_WRITER, "access/role", "access:role:add-sets"),
        "RemovePermissionSets": Permission(_WRITER, "access/role", "access:role:remove-sets"),
        "GetRole": Permission(_VIEWER, "access/role", "access:role:read"),
        "ListRoles": Permission(_VIEWER, "access/role", "access:role:list"),
        "ListPermissionSets": Permission(
            _VIEWER, "access/permission-set", "access:permission-set:list"
        ),
        "CreateToken": Permission(_WRITER, "access/token", "access:token:create"),
        "RevokeToken": Permission(_WRITER, "access/token", "access:token:revoke"),
        "ListTokens": Permission(_VIEWER, "access/token", "access:token:list"),
        "WhoAmI": WHO_AM_I,
        "CheckPermission": CHECK,
    }.items()
}

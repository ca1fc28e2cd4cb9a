"""What may happen to users, roles and tokens. Pure: entities in, stored events out."""

import datetime as dt
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.access.entities import (
    ExternalSubjectSet,
    PermissionSetsAdded,
    PermissionSetsRemoved,
    Role,
    RoleAssigned,
    RoleEvent,
    RoleRenamed,
    RoleUnassigned,
    Token,
    TokenCreated,
    TokenEvent,
    TokenRevoked,
    User,
    UserEvent,
    UserRemoved,
)
from ledger_client.banking.access.errors import (
    LastAdminError,
    RolePredefinedError,
    TooManyRolesError,
    UserRemovedError,
)
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, FieldInvalidError

ROLES_MAX: Final = 50
ADMIN: Final = "Admin"
BANK_MANAGER: Final = "Bank Manager"
ACCOUNTANT: Final = "Accountant"


def predefined_role_id(tenant: str, name: str) -> UUID:
    """Return the id of a role that the bank brings along."""
    return derived_id(tenant, "predefined-role", name)


def permission_set_id(name: str) -> UUID:
    """Return the id by which domain events name a permission set."""
    return derived_id("permission-set", name)


def predefined_roles(sets: Iterable[str]) -> Mapping[str, frozenset[str]]:
    """Return which of the sets for people each predefined role has."""
    known = frozenset(sets)
    return {
        ADMIN: known,
        BANK_MANAGER: frozenset(
            name for name in known if not name.startswith(("access_", "custody_"))
        ),
        ACCOUNTANT: frozenset(
            name for name in known if name.endswith("_viewer") or name.startswith("accounting_")
        ),
    }


def assign(user: User, role_id: UUID) -> Sequence[UserEvent]:
    """Give a user one more role.

    Raises:
        UserRemovedError: the user was removed.
        TooManyRolesError: the user has `ROLES_MAX` already.
    """
    _must_be_active(user)
    if role_id in user.role_ids:
        return []
    if len(user.role_ids) >= ROLES_MAX:
        raise TooManyRolesError(user.id, ROLES_MAX)
    return [RoleAssigned(role_id=role_id)]


def unassign(user: User, role_id: UUID, admins: Collection[UUID]) -> Sequence[UserEvent]:
    """Take a role from a user.

    Args:
        user: has it, or nothing happens.
        role_id: the role.
        admins: all active users who have the role Admin.

    Raises:
        UserRemovedError: the user was removed.
        LastAdminError: it is the role Admin, and nobody else has it.
    """
    _must_be_active(user)
    if role_id not in user.role_ids:
        return []
    if role_id == predefined_role_id(user.tenant, ADMIN):
        _must_not_be_last(user, admins)
    return [RoleUnassigned(role_id=role_id)]


def remove(user: User, admins: Collection[UUID]) -> Sequence[UserEvent]:
    """Remove a user for good.

    Raises:
        LastAdminError: nobody else has the role Admin.
    """
    if user.is_removed:
        return []
    if predefined_role_id(user.tenant, ADMIN) in user.role_ids:
        _must_not_be_last(user, admins)
    return [UserRemoved()]


def set_external_subject(user: User, subject: str) -> Sequence[UserEvent]:
    """Know a user by another `sub`; empty for the address.

    Raises:
        UserRemovedError: the user was removed.
    """
    _must_be_active(user)
    if subject == user.external_subject:
        return []
    return [ExternalSubjectSet(external_subject=subject)]


def rename(role: Role, name: str) -> Sequence[RoleEvent]:
    """Give a role another name.

    Raises:
        RolePredefinedError: the bank brings it along.
    """
    _must_be_own(role)
    return [] if name == role.name else [RoleRenamed(name=name)]


def add_sets(role: Role, names: Iterable[str], known: Collection[str]) -> Sequence[RoleEvent]:
    """Give a role more permission sets, which must be `known`.

    Raises:
        RolePredefinedError: the bank brings it along.
        EntityNotFoundError: there is no such set.
    """
    _must_be_own(role)
    wanted = set(names)
    check_sets(wanted, known)
    return _added(wanted - role.permission_sets)


def remove_sets(role: Role, names: Iterable[str], known: Collection[str]) -> Sequence[RoleEvent]:
    """Take permission sets from a role, also such as are not `known` any more.

    Raises:
        RolePredefinedError: the bank brings it along.
        EntityNotFoundError: there is no such set.
    """
    _must_be_own(role)
    unwanted = set(names)
    check_sets(unwanted - role.permission_sets, known)
    return _removed(unwanted & role.permission_sets)


def synchronise(role: Role, wanted: frozenset[str], known: Collection[str]) -> Sequence[RoleEvent]:
    """Bring a predefined role to what the code says.

    Sets that this code does not know stay: during an upgrade an older program may start last, and
    must not take away what the newer one gave. They permit nothing that this code could do.
    """
    surplus = (role.permission_sets - wanted) & set(known)
    return [*_added(wanted - role.permission_sets), *_removed(surplus)]


def check_sets(names: Iterable[str], known: Collection[str]) -> None:
    """Refuse names that are no permission set's.

    Raises:
        EntityNotFoundError: for the first by name.
    """
    if unknown := sorted(set(names) - set(known)):
        raise EntityNotFoundError("permission_set", unknown[0])


def revoke(token: Token) -> Sequence[TokenEvent]:
    """Stop a token."""
    return [] if token.is_revoked else [TokenRevoked()]


def create_token(
    user: User, name: str, digest: str, expires_at: dt.datetime | None, now: dt.datetime
) -> TokenCreated:
    """Make a token for a user.

    Raises:
        UserRemovedError: the user was removed.
        FieldInvalidError: it would be expired from the start.
    """
    _must_be_active(user)
    if expires_at is not None and expires_at <= now:
        raise FieldInvalidError("expire_time", "must be later than now")
    return TokenCreated(user_id=user.id, name=name, digest=digest, expires_at=expires_at, at=now)


def _added(names: Collection[str]) -> list[RoleEvent]:
    return [PermissionSetsAdded(names=tuple(sorted(names)))] if names else []


def _removed(names: Collection[str]) -> list[RoleEvent]:
    return [PermissionSetsRemoved(names=tuple(sorted(names)))] if names else []


def _must_be_active(user: User) -> None:
    if user.is_removed:
        raise UserRemovedError(user.id)


def _must_be_own(role: Role) -> None:
    if role.is_predefined:
        raise RolePredefinedError(role.name)


def _must_not_be_last(user: User, admins: Collection[UUID]) -> None:
    if not set(admins) - {user.id}:
        raise LastAdminError(user.id)

"""Domain events of access: part of its API."""

from typing import ClassVar
from uuid import UUID

from ledger_client.banking.foundation.events import DomainEvent


class UserCreated(DomainEvent):
    """A new user was created."""

    TYPE: ClassVar[str] = "core.access.user-created"

    id: UUID
    email: str
    #: The first of its roles; each further one is told by `core.access.user-updated-role`.
    role_id: UUID


class UserRemoved(DomainEvent):
    """A user was removed, for good."""

    TYPE: ClassVar[str] = "core.access.user-removed"

    id: UUID


class UserUpdatedRole(DomainEvent):
    """A user has one more role."""

    TYPE: ClassVar[str] = "core.access.user-updated-role"

    id: UUID
    role_id: UUID


class UserLostRole(DomainEvent):
    """A user has one role less."""

    TYPE: ClassVar[str] = "core.access.user-lost-role"

    id: UUID
    role_id: UUID


class RoleCreated(DomainEvent):
    """A new role was created; each set in it is told by a `role-gained-permission-set`."""

    TYPE: ClassVar[str] = "core.access.role-created"

    id: UUID
    name: str


class RoleRenamed(DomainEvent):
    """A role has another name."""

    TYPE: ClassVar[str] = "core.access.role-renamed"

    id: UUID
    name: str


class RoleGainedPermissionSet(DomainEvent):
    """A role has one permission set more."""

    TYPE: ClassVar[str] = "core.access.role-gained-permission-set"

    id: UUID
    permission_set_id: UUID


class RoleLostPermissionSet(DomainEvent):
    """A role has one permission set less."""

    TYPE: ClassVar[str] = "core.access.role-lost-permission-set"

    id: UUID
    permission_set_id: UUID

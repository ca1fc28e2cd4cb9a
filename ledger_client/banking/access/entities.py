"""Users, roles and tokens as folds of their stored events. Pure; `rules` decides on events."""

import dataclasses
import datetime as dt
from typing import Annotated, Any, ClassVar, Final, Literal, Self, TypeAlias
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.foundation.entity import Entity, StoredEvent

#: How it is before anything.
_NEVER: Final = dt.datetime.min.replace(tzinfo=dt.UTC)
_NOBODY: Final = UUID(int=0)


class UserCreated(StoredEvent):
    """A user was created."""

    type: Literal["created"] = "created"
    email: str
    external_subject: str
    role_ids: tuple[UUID, ...]
    at: dt.datetime


class RoleAssigned(StoredEvent):
    """The user has one more role."""

    type: Literal["role_assigned"] = "role_assigned"
    role_id: UUID


class RoleUnassigned(StoredEvent):
    """The user has one role less."""

    type: Literal["role_unassigned"] = "role_unassigned"
    role_id: UUID


class ExternalSubjectSet(StoredEvent):
    """The user is known by another `sub`."""

    type: Literal["external_subject_set"] = "external_subject_set"
    external_subject: str


class UserRemoved(StoredEvent):
    """The user was removed, for good."""

    type: Literal["removed"] = "removed"


UserEvent: TypeAlias = (
    UserCreated | RoleAssigned | RoleUnassigned | ExternalSubjectSet | UserRemoved
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class User(Entity[UserEvent]):
    """Somebody who operates the bank."""

    KIND: ClassVar[str] = "user"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(
        Annotated[UserEvent, Field(discriminator="type")]
    )

    email: str = ""
    external_subject: str = ""
    #: In the order in which they were assigned.
    role_ids: tuple[UUID, ...] = ()
    is_removed: bool = False
    created_at: dt.datetime = _NEVER

    def apply(self, event: UserEvent) -> Self:
        """Return the user after an event."""
        match event:
            case UserCreated():
                return dataclasses.replace(
                    self,
                    email=event.email,
                    external_subject=event.external_subject,
                    role_ids=event.role_ids,
                    created_at=event.at,
                )
            case RoleAssigned(role_id=role_id):
                return dataclasses.replace(self, role_ids=(*self.role_ids, role_id))
            case RoleUnassigned(role_id=role_id):
                left = tuple(each for each in self.role_ids if each != role_id)
                return dataclasses.replace(self, role_ids=left)
            case ExternalSubjectSet(external_subject=subject):
                return dataclasses.replace(self, external_subject=subject)
            case UserRemoved():
                return dataclasses.replace(self, is_removed=True)

    @property
    def key(self) -> str | None:
        """The address, which another one may have once the user is removed."""
        return None if self.is_removed else email_key(self.email)

    @property
    def state(self) -> str:
        """`active` or `removed`."""
        return "removed" if self.is_removed else "active"


class RoleCreated(StoredEvent):
    """A role was created."""

    type: Literal["created"] = "created"
    name: str
    permission_sets: tuple[str, ...]
    is_predefined: bool
    at: dt.datetime


class RoleRenamed(StoredEvent):
    """The role has another name."""

    type: Literal["renamed"] = "renamed"
    name: str


class PermissionSetsAdded(StoredEvent):
    """The role has more permission sets."""

    type: Literal["permission_sets_added"] = "permission_sets_added"
    names: tuple[str, ...]


class PermissionSetsRemoved(StoredEvent):
    """The role has fewer permission sets."""

    type: Literal["permission_sets_removed"] = "permission_sets_removed"
    names: tuple[str, ...]


RoleEvent: TypeAlias = RoleCreated | RoleRenamed | PermissionSetsAdded | PermissionSetsRemoved


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Role(Entity[RoleEvent]):
    """A named collection of permission sets."""

    KIND: ClassVar[str] = "role"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(
        Annotated[RoleEvent, Field(discriminator="type")]
    )

    name: str = ""
    permission_sets: frozenset[str] = frozenset()
    is_predefined: bool = False
    created_at: dt.datetime = _NEVER

    def apply(self, event: RoleEvent) -> Self:
        """Return the role after an event."""
        match event:
            case RoleCreated():
                return dataclasses.replace(
                    self,
                    name=event.name,
                    permission_sets=frozenset(event.permission_sets),
                    is_predefined=event.is_predefined,
                    created_at=event.at,
                )
            case RoleRenamed(name=name):
                return dataclasses.replace(self, name=name)
            case PermissionSetsAdded(names=names):
                return dataclasses.replace(self, permission_sets=self.permission_sets | set(names))
            case PermissionSetsRemoved(names=names):
                return dataclasses.replace(self, permission_sets=self.permission_sets - set(names))

    @property
    def key(self) -> str | None:
        """The name, whatever its case."""
        return self.name.casefold()


class TokenCreated(StoredEvent):
    """A token was made for a user."""

    type: Literal["created"] = "created"
    user_id: UUID
    name: str
    #: SHA-256 of the text, in hexadecimal digits.
    digest: str
    expires_at: dt.datetime | None
    at: dt.datetime


class TokenRevoked(StoredEvent):
    """The token stopped."""

    type: Literal["revoked"] = "revoked"


TokenEvent: TypeAlias = TokenCreated | TokenRevoked


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Token(Entity[TokenEvent]):
    """What a user calls with; only a hash of its text is kept."""

    KIND: ClassVar[str] = "token"
    EVENTS: ClassVar[TypeAdapter[Any]] = TypeAdapter(
        Annotated[TokenEvent, Field(discriminator="type")]
    )

    user_id: UUID = _NOBODY
    name: str = ""
    digest: str = ""
    expires_at: dt.datetime | None = None
    is_revoked: bool = False
    created_at: dt.datetime = _NEVER

    def apply(self, event: TokenEvent) -> Self:
        """Return the token after an event."""
        match event:
            case TokenCreated():
                return dataclasses.replace(
                    self,
                    user_id=event.user_id,
                    name=event.name,
                    digest=event.digest,
                    expires_at=event.expires_at,
                    created_at=event.at,
                )
            case TokenRevoked():
                return dataclasses.replace(self, is_revoked=True)

    @property
    def parent_id(self) -> UUID | None:
        """Its user."""
        return self.user_id

    @property
    def state(self) -> str:
        """`active` or `revoked`; whether it is expired depends on the time."""
        return "revoked" if self.is_revoked else "active"

    def is_expired(self, now: dt.datetime) -> bool:
        """Tell whether its time is over."""
        return self.expires_at is not None and self.expires_at <= now


def email_key(email: str) -> str:
    """Return what two addresses have in common that are the same but for case."""
    return email.casefold()

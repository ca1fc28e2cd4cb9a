"""Refusals of access."""

import dataclasses
from uuid import UUID

from ledger_client.banking.foundation.errors import BankError, Kind


@dataclasses.dataclass(eq=False)
class UserRemovedError(BankError):
    """The user was removed, for good."""

    reason = "USER_REMOVED"
    kind = Kind.REFUSED

    user_id: UUID

    def __str__(self) -> str:
        """Name the user."""
        return f"user {self.user_id} was removed; a new user may have the same address"


@dataclasses.dataclass(eq=False)
class LastAdminError(BankError):
    """Nobody would be left who may give roles."""

    reason = "LAST_ADMIN"
    kind = Kind.REFUSED

    user_id: UUID

    def __str__(self) -> str:
        """Say what to do first."""
        return f"user {self.user_id} is the last with the role Admin; give it to another one first"


@dataclasses.dataclass(eq=False)
class RolePredefinedError(BankError):
    """The bank brings the role along and says what is in it."""

    reason = "ROLE_PREDEFINED"
    kind = Kind.REFUSED

    role: str

    def __str__(self) -> str:
        """Say what to do instead."""
        return f"the role {self.role!r} is predefined and never changed by hand; create another"


@dataclasses.dataclass(eq=False)
class TooManyRolesError(BankError):
    """The user has as many roles as a user may have."""

    reason = "TOO_MANY_ROLES"
    kind = Kind.REFUSED

    user_id: UUID
    roles_max: int

    def __str__(self) -> str:
        """Say what is possible."""
        return f"user {self.user_id} has {self.roles_max} roles, and no user may have more"

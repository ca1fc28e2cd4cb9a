"""Commands of access. Each holds the tenant's policy first, decides, and writes the policy last."""

import datetime as dt
import secrets
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.access import events, policies, rules
from ledger_client.banking.access.catalogue import PermissionSets
from ledger_client.banking.access.entities import (
    PermissionSetsAdded,
    PermissionSetsRemoved,
    Role,
    RoleAssigned,
    RoleCreated,
    RoleEvent,
    RoleRenamed,
    RoleUnassigned,
    Token,
    User,
    UserCreated,
    UserEvent,
    UserRemoved,
    email_key,
)
from ledger_client.banking.access.gate import token_digest
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import EntityNotFoundError, KeyTakenError
from ledger_client.banking.foundation.unit import Answer, Unit

TOKEN_PREFIX: Final = "bank_"  # noqa: S105  # no secret
TOKEN_BYTES: Final = 32
#: Of the token that the option `admin_token` sets.
SET_UP_TOKEN_NAME: Final = "option admin_token"  # noqa: S105  # no secret


class AccessCommands:
    """What changes users, roles and tokens."""

    def __init__(self, permission_sets: PermissionSets) -> None:
        """Take the sets that there are."""
        self._sets = permission_sets

    async def create_user(
        self, unit: Unit, user_id: UUID, email: str, role_ids: Sequence[UUID], subject: str
    ) -> User:
        """Create a user with one or more roles.

        Raises:
            EntityNotFoundError: a role is not there.
            KeyTakenError: another user has the address or the external subject.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        found = await unit.find_many(Role, role_ids)
        for role_id in role_ids:
            if role_id not in found:
                raise EntityNotFoundError(Role.KIND, role_id)
        if await unit.find_by_key(User, email_key(email)):
            raise KeyTakenError(User.KIND, email)
        await self._subject_must_be_free(unit, user_id, subject)
        created = UserCreated(
            email=email, external_subject=subject, role_ids=tuple(role_ids), at=unit.now
        )
        return await self._change_user(unit, User(id=user_id, tenant=unit.tenant), [created])

    async def remove_user(self, unit: Unit, user_id: UUID) -> User:
        """Remove a user and revoke all its tokens.

        Raises:
            EntityNotFoundError, LastAdminError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        user = await unit.load(User, user_id)
        decided = rules.remove(user, await self._admins(unit))
        if decided:
            for token in await unit.all_of(Token, parent_id=user_id, state="active"):
                unit.change(token, *rules.revoke(token))
        return await self._change_user(unit, user, decided)

    async def set_external_subject(self, unit: Unit, user_id: UUID, subject: str) -> User:
        """Know a user by another `sub`; empty for the address.

        Raises:
            EntityNotFoundError, UserRemovedError, KeyTakenError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        user = await unit.load(User, user_id)
        decided = rules.set_external_subject(user, subject)
        await self._subject_must_be_free(unit, user_id, subject)
        return await self._change_user(unit, user, decided)

    async def assign_role(self, unit: Unit, user_id: UUID, role_id: UUID) -> User:
        """Give a user one more role.

        Raises:
            EntityNotFoundError, UserRemovedError, TooManyRolesError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        user = await unit.load(User, user_id)
        await unit.load(Role, role_id)
        return await self._change_user(unit, user, rules.assign(user, role_id))

    async def unassign_role(self, unit: Unit, user_id: UUID, role_id: UUID) -> User:
        """Take a role from a user.

        Raises:
            EntityNotFoundError, UserRemovedError, LastAdminError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        user = await unit.load(User, user_id)
        await unit.load(Role, role_id)
        decided = rules.unassign(user, role_id, await self._admins(unit))
        return await self._change_user(unit, user, decided)

    async def create_role(
        self, unit: Unit, role_id: UUID, name: str, permission_sets: Collection[str]
    ) -> Role:
        """Create a role.

        Raises:
            EntityNotFoundError, KeyTakenError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        rules.check_sets(permission_sets, self._sets.names)
        await self._name_must_be_free(unit, role_id, name)
        return await self._create_role(unit, role_id, name, permission_sets, is_predefined=False)

    async def rename_role(self, unit: Unit, role_id: UUID, name: str) -> Role:
        """Give a role another name.

        Raises:
            EntityNotFoundError, RolePredefinedError, KeyTakenError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        role = await unit.load(Role, role_id)
        decided = rules.rename(role, name)
        await self._name_must_be_free(unit, role_id, name)
        return await self._change_role(unit, role, decided)

    async def add_permission_sets(self, unit: Unit, role_id: UUID, names: Collection[str]) -> Role:
        """Give a role more permission sets.

        Raises:
            EntityNotFoundError, RolePredefinedError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        role = await unit.load(Role, role_id)
        return await self._change_role(unit, role, rules.add_sets(role, names, self._sets.names))

    async def remove_permission_sets(
        self, unit: Unit, role_id: UUID, names: Collection[str]
    ) -> Role:
        """Take permission sets from a role.

        Raises:
            EntityNotFoundError, RolePredefinedError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        role = await unit.load(Role, role_id)
        return await self._change_role(unit, role, rules.remove_sets(role, names, self._sets.names))

    async def create_token(
        self,
        unit: Unit,
        token_id: UUID,
        user_id: UUID,
        name: str,
        expires_at: dt.datetime | None,
    ) -> Answer:
        """Make a token; its text is in the answer and nowhere else.

        Raises:
            EntityNotFoundError, UserRemovedError, FieldInvalidError: as they say.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        user = await unit.load(User, user_id)
        text = TOKEN_PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
        token = await self._create_token(
            unit, token_id, user, name=name, text=text, expires_at=expires_at
        )
        return Answer(entity=token, extras={"secret": text})

    async def revoke_token(self, unit: Unit, token_id: UUID) -> Token:
        """Stop a token.

        Raises:
            EntityNotFoundError: the tenant has none such.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        token = await unit.load(Token, token_id)
        decided = rules.revoke(token)
        token = unit.change(token, *decided)
        if decided:
            await policies.write_in_tx(unit.connection, token)
        return token

    async def set_up(self, unit: Unit, admin_email: str, admin_token: str) -> None:
        """Bring the predefined roles to what the code says, and make the first administrator.

        Args:
            unit: of the module itself.
            admin_email: of the first administrator; looked at only when there is none yet.
            admin_token: a token of that user; empty for none. One that was revoked stays revoked.

        Raises:
            KeyTakenError: a role of the tenant's own has the name of a predefined one.
        """
        await policies.lock_in_tx(unit.connection, unit.tenant)
        for name, wanted in rules.predefined_roles(self._sets.names).items():
            role_id = rules.predefined_role_id(unit.tenant, name)
            role = await unit.find(Role, role_id)
            if role is None:
                await self._name_must_be_free(unit, role_id, name)
                await self._create_role(unit, role_id, name, wanted, is_predefined=True)
            else:
                decided = rules.synchronise(role, wanted, self._sets.names)
                await self._change_role(unit, role, decided)
        admin_id = derived_id(unit.tenant, "first-admin")
        admin = await unit.find(User, admin_id)
        if admin is None:
            role_id = rules.predefined_role_id(unit.tenant, rules.ADMIN)
            admin = await self.create_user(unit, admin_id, admin_email, [role_id], "")
        if admin_token and not admin.is_removed:
            token_id = derived_id(unit.tenant, "admin-token", token_digest(admin_token))
            if await unit.find(Token, token_id) is None:
                await self._create_token(
                    unit, token_id, admin, name=SET_UP_TOKEN_NAME, text=admin_token, expires_at=None
                )

    async def _admins(self, unit: Unit) -> set[UUID]:
        role_id = rules.predefined_role_id(unit.tenant, rules.ADMIN)
        return await policies.users_having_in_tx(unit.connection, unit.tenant, role_id)

    async def _subject_must_be_free(self, unit: Unit, user_id: UUID, subject: str) -> None:
        holder = await policies.user_by_subject_in_tx(unit.connection, unit.tenant, subject)
        if holder not in {None, user_id}:
            raise KeyTakenError("external_subject", subject)

    async def _name_must_be_free(self, unit: Unit, role_id: UUID, name: str) -> None:
        holder = await unit.find_by_key(Role, name.casefold())
        if holder is not None and holder.id != role_id:
            raise KeyTakenError(Role.KIND, name)

    async def _create_role(
        self,
        unit: Unit,
        role_id: UUID,
        name: str,
        permission_sets: Collection[str],
        *,
        is_predefined: bool,
    ) -> Role:
        created = RoleCreated(
            name=name,
            permission_sets=tuple(sorted(permission_sets)),
            is_predefined=is_predefined,
            at=unit.now,
        )
        return await self._change_role(unit, Role(id=role_id, tenant=unit.tenant), [created])

    async def _create_token(
        self,
        unit: Unit,
        token_id: UUID,
        user: User,
        *,
        name: str,
        text: str,
        expires_at: dt.datetime | None,
    ) -> Token:
        created = rules.create_token(user, name, token_digest(text), expires_at, unit.now)
        token = unit.change(Token(id=token_id, tenant=unit.tenant), created)
        await policies.write_in_tx(unit.connection, token)
        return token

    async def _change_user(self, unit: Unit, user: User, decided: Sequence[UserEvent]) -> User:
        user = unit.change(user, *decided)
        for event in decided:
            _publish_of_user(unit, user.id, event)
        if decided:
            await policies.write_in_tx(unit.connection, user)
        return user

    async def _change_role(self, unit: Unit, role: Role, decided: Sequence[RoleEvent]) -> Role:
        role = unit.change(role, *decided)
        for event in decided:
            _publish_of_role(unit, role.id, event)
        if decided:
            await policies.write_in_tx(unit.connection, role)
        return role


def _publish_of_user(unit: Unit, user_id: UUID, event: UserEvent) -> None:
    match event:
        case UserCreated(email=email, role_ids=(first, *others)):
            unit.publish(events.UserCreated(id=user_id, email=email, role_id=first), about=user_id)
            for role_id in others:
                gained = events.UserUpdatedRole(id=user_id, role_id=role_id)
                unit.publish(gained, about=user_id)
        case RoleAssigned(role_id=role_id):
            unit.publish(events.UserUpdatedRole(id=user_id, role_id=role_id), about=user_id)
        case RoleUnassigned(role_id=role_id):
            unit.publish(events.UserLostRole(id=user_id, role_id=role_id), about=user_id)
        case UserRemoved():
            unit.publish(events.UserRemoved(id=user_id), about=user_id)
        case _:
            # By what a JWT knows a user is nobody else's business.
            pass


def _publish_of_role(unit: Unit, role_id: UUID, event: RoleEvent) -> None:
    gained: Sequence[str] = ()
    lost: Sequence[str] = ()
    match event:
        case RoleCreated(name=name, permission_sets=gained):
            unit.publish(events.RoleCreated(id=role_id, name=name), about=role_id)
        case RoleRenamed(name=name):
            unit.publish(events.RoleRenamed(id=role_id, name=name), about=role_id)
        case PermissionSetsAdded(names=gained):
            pass
        case PermissionSetsRemoved(names=lost):
            pass
    for name in gained:
        set_id = rules.permission_set_id(name)
        one = events.RoleGainedPermissionSet(id=role_id, permission_set_id=set_id)
        unit.publish(one, about=role_id)
    for name in lost:
        set_id = rules.permission_set_id(name)
        other = events.RoleLostPermissionSet(id=role_id, permission_set_id=set_id)
        unit.publish(other, about=role_id)

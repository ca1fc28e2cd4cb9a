"""From the contract's messages to commands and queries, and back."""

import datetime as dt
from typing import Final
from uuid import UUID

from bank_proto.access.v1 import access_pb2 as pb
from ledger_client.banking.access import fields, rules
from ledger_client.banking.access.catalogue import PermissionSets
from ledger_client.banking.access.entities import Role, Token, User
from ledger_client.banking.access.jwts import SUBJECT_LENGTH_MAX
from ledger_client.banking.access.service import AccessCommands
from ledger_client.banking.foundation.entity import derived_id
from ledger_client.banking.foundation.errors import FieldInvalidError, UnauthenticatedError
from ledger_client.banking.foundation.fields import uuid_of
from ledger_client.banking.foundation.gate import Gate
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.timestamps import time_of, timestamp_of
from ledger_client.banking.foundation.unit import Answer, Unit

_STATES: Final = {
    pb.USER_STATUS_UNSPECIFIED: "",
    pb.USER_STATUS_ACTIVE: "active",
    pb.USER_STATUS_REMOVED: "removed",
}


class AccessApi:
    """`bank.access.v1.AccessService`."""

    def __init__(
        self, commands: AccessCommands, permission_sets: PermissionSets, gate: Gate
    ) -> None:
        """Hand over to commands; `gate` decides for modules elsewhere."""
        self._commands = commands
        self._sets = permission_sets
        self._gate = gate

    async def CreateUser(self, unit: Unit, request: pb.CreateUserRequest) -> User:
        """Create a user."""
        return await self._commands.create_user(
            unit,
            _new_id(unit, "CreateUser", request.request_id),
            fields.email_of("email", request.email),
            fields.uuids_of("role_ids", request.role_ids, count_max=rules.ROLES_MAX),
            _subject(request.external_subject),
        )

    async def RemoveUser(self, unit: Unit, request: pb.RemoveUserRequest) -> User:
        """Remove a user."""
        return await self._commands.remove_user(unit, uuid_of("user_id", request.user_id))

    async def SetExternalSubject(self, unit: Unit, request: pb.SetExternalSubjectRequest) -> User:
        """Know a user by another `sub`."""
        return await self._commands.set_external_subject(
            unit, uuid_of("user_id", request.user_id), _subject(request.external_subject)
        )

    async def AssignRole(self, unit: Unit, request: pb.AssignRoleRequest) -> User:
        """Give a user one more role."""
        return await self._commands.assign_role(
            unit, uuid_of("user_id", request.user_id), uuid_of("role_id", request.role_id)
        )

    async def UnassignRole(self, unit: Unit, request: pb.UnassignRoleRequest) -> User:
        """Take a role from a user."""
        return await self._commands.unassign_role(
            unit, uuid_of("user_id", request.user_id), uuid_of("role_id", request.role_id)
        )

    async def GetUser(self, unit: Unit, request: pb.GetUserRequest) -> pb.GetUserResponse:
        """Return a user."""
        user = await unit.load(User, uuid_of("user_id", request.user_id))
        return pb.GetUserResponse(user=user_message(user))

    async def ListUsers(self, unit: Unit, request: pb.ListUsersRequest) -> pb.ListUsersResponse:
        """Return a page of users."""
        if request.status not in _STATES:
            raise FieldInvalidError("status", "is no UserStatus")
        page = await unit.list(
            User,
            state=_STATES[request.status],
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListUsersResponse(
            users=[user_message(user) for user in page.items], next_page_token=page.next_page_token
        )

    async def CreateRole(self, unit: Unit, request: pb.CreateRoleRequest) -> Role:
        """Create a role."""
        return await self._commands.create_role(
            unit,
            _new_id(unit, "CreateRole", request.request_id),
            fields.name_of("name", request.name),
            fields.set_names_of("permission_sets", request.permission_sets, may_be_empty=True),
        )

    async def RenameRole(self, unit: Unit, request: pb.RenameRoleRequest) -> Role:
        """Give a role another name."""
        return await self._commands.rename_role(
            unit, uuid_of("role_id", request.role_id), fields.name_of("name", request.name)
        )

    async def AddPermissionSets(self, unit: Unit, request: pb.AddPermissionSetsRequest) -> Role:
        """Give a role more permission sets."""
        return await self._commands.add_permission_sets(
            unit,
            uuid_of("role_id", request.role_id),
            fields.set_names_of("permission_sets", request.permission_sets, may_be_empty=False),
        )

    async def RemovePermissionSets(
        self, unit: Unit, request: pb.RemovePermissionSetsRequest
    ) -> Role:
        """Take permission sets from a role."""
        return await self._commands.remove_permission_sets(
            unit,
            uuid_of("role_id", request.role_id),
            fields.set_names_of("permission_sets", request.permission_sets, may_be_empty=False),
        )

    async def GetRole(self, unit: Unit, request: pb.GetRoleRequest) -> pb.GetRoleResponse:
        """Return a role."""
        role = await unit.load(Role, uuid_of("role_id", request.role_id))
        return pb.GetRoleResponse(role=role_message(role))

    async def ListRoles(self, unit: Unit, request: pb.ListRolesRequest) -> pb.ListRolesResponse:
        """Return a page of roles."""
        page = await unit.list(
            Role,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListRolesResponse(
            roles=[role_message(role) for role in page.items], next_page_token=page.next_page_token
        )

    async def ListPermissionSets(
        self, _unit: Unit, _request: pb.ListPermissionSetsRequest
    ) -> pb.ListPermissionSetsResponse:
        """Return all permission sets."""
        return pb.ListPermissionSetsResponse(
            permission_sets=[
                pb.PermissionSet(
                    id=str(rules.permission_set_id(name)),
                    name=name,
                    permissions=[pb.AllowedAction(object=o, action=a) for o, a in permitted],
                )
                for name, permitted in self._sets.permitted()
            ]
        )

    async def CreateToken(self, unit: Unit, request: pb.CreateTokenRequest) -> Answer:
        """Create a token."""
        expires_at = None
        if request.HasField("expire_time"):
            expires_at = time_of("expire_time", request.expire_time)
        return await self._commands.create_token(
            unit,
            _new_id(unit, "CreateToken", request.request_id),
            uuid_of("user_id", request.user_id),
            fields.text_of("name", request.name),
            expires_at,
        )

    async def RevokeToken(self, unit: Unit, request: pb.RevokeTokenRequest) -> Token:
        """Stop a token."""
        return await self._commands.revoke_token(unit, uuid_of("token_id", request.token_id))

    async def ListTokens(self, unit: Unit, request: pb.ListTokensRequest) -> pb.ListTokensResponse:
        """Return a page of a user's tokens."""
        user = await unit.load(User, uuid_of("user_id", request.user_id))
        page = await unit.list(
            Token,
            parent_id=user.id,
            page_size=request.page_size,
            page_token=request.page_token,
        )
        return pb.ListTokensResponse(
            tokens=[token_message(token, unit.now) for token in page.items],
            next_page_token=page.next_page_token,
        )

    async def WhoAmI(self, unit: Unit, _request: pb.WhoAmIRequest) -> pb.WhoAmIResponse:
        """Return who calls."""
        subject = unit.cause.subject
        if not subject.startswith("user:"):
            return pb.WhoAmIResponse(subject=subject)
        user = await unit.load(User, UUID(subject.removeprefix("user:")))
        found = await unit.find_many(Role, user.role_ids)
        sets = {name for role in found.values() for name in role.permission_sets}
        return pb.WhoAmIResponse(
            subject=subject,
            user=user_message(user),
            roles=[role_message(found[role_id]) for role_id in user.role_ids],
            permission_sets=sorted(sets),
        )

    async def CheckPermission(
        self, _unit: Unit, request: pb.CheckPermissionRequest
    ) -> pb.CheckPermissionResponse:
        """Decide for a module elsewhere."""
        permission = Permission(request.permission_set, request.object, request.action)
        try:
            decision = await self._gate.check(request.token, permission, request.tenant)
        except UnauthenticatedError as error:
            return pb.CheckPermissionResponse(problem=error.problem)
        return pb.CheckPermissionResponse(
            subject=decision.subject,
            subject_tenant=decision.tenant,
            is_allowed=decision.is_allowed,
        )


def user_message(user: User) -> pb.User:
    """Show a user."""
    return pb.User(
        id=str(user.id),
        email=user.email,
        external_subject=user.external_subject,
        role_ids=[str(role_id) for role_id in user.role_ids],
        status=pb.USER_STATUS_REMOVED if user.is_removed else pb.USER_STATUS_ACTIVE,
        create_time=timestamp_of(user.created_at),
    )


def role_message(role: Role) -> pb.Role:
    """Show a role."""
    return pb.Role(
        id=str(role.id),
        name=role.name,
        permission_sets=sorted(role.permission_sets),
        is_predefined=role.is_predefined,
        create_time=timestamp_of(role.created_at),
    )


def token_message(token: Token, now: dt.datetime) -> pb.Token:
    """Show a token as it is at a time."""
    status = pb.TOKEN_STATUS_ACTIVE
    if token.is_revoked:
        status = pb.TOKEN_STATUS_REVOKED
    elif token.is_expired(now):
        status = pb.TOKEN_STATUS_EXPIRED
    return pb.Token(
        id=str(token.id),
        user_id=str(token.user_id),
        name=token.name,
        status=status,
        expire_time=timestamp_of(token.expires_at),
        create_time=timestamp_of(token.created_at),
    )


def _new_id(unit: Unit, rpc: str, request_id: str) -> UUID:
    # Two spellings of one request id are one request.
    return derived_id(unit.tenant, rpc, request_id.lower())


def _subject(value: str) -> str:
    return fields.text_of("external_subject", value, length_max=SUBJECT_LENGTH_MAX)

"""The API of access in a running bank, guarded by its own gate."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from bank_proto.access.v1 import access_pb2 as pb
from bank_proto.access.v1.access_pb2_grpc import AccessServiceStub
from bank_proto.events.v1.domain_events_pb2 import ListEventsRequest
from bank_proto.events.v1.domain_events_pb2_grpc import DomainEventServiceStub
from ledger_client.banking.access import rules
from ledger_client.banking.access.module import ADMIN_EMAIL_DEFAULT, AccessOptionsError
from ledger_client.banking.access.permissions import PERMISSIONS
from ledger_client.banking.foundation.errors import UnauthenticatedError
from ledger_client.banking.foundation.event_messages import envelope_of
from ledger_client.banking.foundation.remote_gate import RemoteGate
from ledger_client.banking.foundation.serving import find_service
from ledger_client.banking.foundation.system_tokens import token_maker
from tests.banking.bank import SECRET, START, TENANT, TestBank, bank_in_process

ADMIN_TOKEN = "the-first-administrator-s-token"
SECOND = "BANK-2"


class Caller:
    """Calls access as one who has a token."""

    def __init__(self, bank: TestBank, token: str) -> None:
        self.bank = bank
        self.token = token
        self.stub = AccessServiceStub(bank.channel)

    async def send(self, request: Any) -> Any:
        method = type(request).__name__.removesuffix("Request")
        return await self.bank.call(getattr(self.stub, method), request, token=self.token)

    async def refusal(self, request: Any) -> tuple[str, dict[str, str]]:
        """Return reason and facts."""
        with pytest.raises(grpc.aio.AioRpcError) as failure:
            await self.send(request)
        status = rpc_status.from_call(failure.value)  # type: ignore[arg-type]
        assert status is not None, failure.value
        info = error_details_pb2.ErrorInfo()
        assert status.details[0].Unpack(info)
        return info.reason, dict(info.metadata)

    async def reason(self, request: Any) -> str:
        return (await self.refusal(request))[0]


@contextlib.asynccontextmanager
async def admin_of(ledger_dsn: str, bank_dsn: str) -> AsyncIterator[Caller]:
    async with bank_in_process(
        ledger_dsn,
        bank_dsn,
        "access",
        gate="access",
        options={"admin_token": ADMIN_TOKEN},
        tenants=(TENANT, SECOND),
    ) as bank:
        yield Caller(bank, ADMIN_TOKEN)


async def events_of(admin: Caller, after: int = 0) -> list[tuple[str, dict[str, Any]]]:
    stub = DomainEventServiceStub(admin.bank.channel)
    request = ListEventsRequest(module="access", after_sequence=after, page_size=500)
    answer = await admin.bank.call(stub.ListEvents, request, token=admin.token)
    found = [envelope_of(event) for event in answer.events]
    assert [event.sequence for event in found] == list(range(after + 1, after + 1 + len(found)))
    return [(event.event_type.removeprefix("core.access."), event.payload) for event in found]


async def test_users_and_roles(ledger_dsn: str, bank_dsn: str) -> None:
    async with admin_of(ledger_dsn, bank_dsn) as admin:
        me = await admin.send(pb.WhoAmIRequest())
        assert (me.user.email, me.roles[0].name) == (ADMIN_EMAIL_DEFAULT, rules.ADMIN)
        listed = await admin.send(pb.ListPermissionSetsRequest())
        sets = {one.name: one for one in listed.permission_sets}
        assert set(me.permission_sets) == set(sets)
        viewer = sets["access_viewer"]
        assert ("access/user", "access:user:list") in {
            (one.object, one.action) for one in viewer.permissions
        }
        before = len(await events_of(admin))

        create = pb.CreateRoleRequest(name="Clerk", permission_sets=["access_viewer"])
        clerk = (await admin.send(create)).role
        assert (await admin.send(create)).role == clerk, "a repetition"
        other = (await admin.send(pb.CreateRoleRequest(name="Other"))).role
        create_user = pb.CreateUserRequest(
            email="Kim@bank", role_ids=[clerk.id, other.id], external_subject="sub of Kim"
        )
        kim = (await admin.send(create_user)).user
        assert list(kim.role_ids) == [clerk.id, other.id]
        request = pb.AddPermissionSetsRequest(
            role_id=other.id, permission_sets=["access_writer", "access_viewer"]
        )
        changed = (await admin.send(request)).role
        assert list(changed.permission_sets) == ["access_viewer", "access_writer"]
        remove_sets = pb.RemovePermissionSetsRequest(
            role_id=other.id, permission_sets=["access_viewer", "events_viewer"]
        )
        assert list((await admin.send(remove_sets)).role.permission_sets) == ["access_writer"]
        renamed = pb.RenameRoleRequest(role_id=other.id, name="OTHER")
        assert (await admin.send(renamed)).role.name == "OTHER"
        unassign = pb.UnassignRoleRequest(user_id=kim.id, role_id=other.id)
        assert list((await admin.send(unassign)).user.role_ids) == [clerk.id]
        for _ in range(2):
            assign = pb.AssignRoleRequest(user_id=kim.id, role_id=other.id)
            assert list((await admin.send(assign)).user.role_ids) == [clerk.id, other.id]
        removed = (await admin.send(pb.RemoveUserRequest(user_id=kim.id))).user
        assert removed.status == pb.USER_STATUS_REMOVED
        assert (await admin.send(pb.RemoveUserRequest(user_id=kim.id))).user == removed
        assert (await admin.send(pb.GetUserRequest(user_id=kim.id))).user == removed
        active = pb.ListUsersRequest(status=pb.USER_STATUS_ACTIVE)
        assert kim.id not in {user.id for user in (await admin.send(active)).users}

        names = {name: str(one.id) for name, one in sets.items()}
        assert await events_of(admin, before) == expected_events(clerk.id, other.id, kim.id, names)


def expected_events(
    clerk: str, other: str, kim: str, sets: dict[str, str]
) -> list[tuple[str, dict[str, Any]]]:
    viewer, writer = sets["access_viewer"], sets["access_writer"]
    return [
        ("role-created", {"id": clerk, "name": "Clerk"}),
        ("role-gained-permission-set", {"id": clerk, "permission_set_id": viewer}),
        ("role-created", {"id": other, "name": "Other"}),
        ("user-created", {"id": kim, "email": "Kim@bank", "role_id": clerk}),
        ("user-updated-role", {"id": kim, "role_id": other}),
        ("role-gained-permission-set", {"id": other, "permission_set_id": viewer}),
        ("role-gained-permission-set", {"id": other, "permission_set_id": writer}),
        ("role-lost-permission-set", {"id": other, "permission_set_id": viewer}),
        ("role-renamed", {"id": other, "name": "OTHER"}),
        ("user-lost-role", {"id": kim, "role_id": other}),
        ("user-updated-role", {"id": kim, "role_id": other}),
        ("user-removed", {"id": kim}),
    ]


async def test_tokens(ledger_dsn: str, bank_dsn: str) -> None:
    async with admin_of(ledger_dsn, bank_dsn) as admin:
        role = (
            await admin.send(pb.CreateRoleRequest(name="Reader", permission_sets=["access_viewer"]))
        ).role
        user = (await admin.send(pb.CreateUserRequest(email="lee@bank", role_ids=[role.id]))).user
        end = Timestamp()
        end.FromDatetime(START + dt.timedelta(hours=1))
        create = pb.CreateTokenRequest(user_id=user.id, name="of a test", expire_time=end)
        made = await admin.send(create)
        assert made.secret.startswith("bank_")
        assert len(made.secret) == 48
        repeated = await admin.send(create)
        assert (repeated.token, repeated.secret) == (made.token, ""), "shown once"
        await no_text_is_kept(bank_dsn, made.secret)

        lee = Caller(admin.bank, made.secret)
        assert (await lee.send(pb.WhoAmIRequest())).subject == f"user:{user.id}"
        assert len((await lee.send(pb.ListUsersRequest())).users) >= 2
        assert await lee.refusal(pb.RemoveUserRequest(user_id=user.id)) == (
            "PERMISSION_DENIED",
            {
                "subject": f"user:{user.id}",
                "action": "access:user:remove",
                "object": "access/user/*",
            },
        )
        assert await lee.reason(pb.ListUsersRequest(tenant=SECOND)) == "OTHER_TENANT"
        assert await Caller(admin.bank, "bank_nobody").reason(pb.WhoAmIRequest()) == (
            "UNAUTHENTICATED"
        )
        admin.bank.clock.set(START + dt.timedelta(hours=1))
        assert await lee.reason(pb.WhoAmIRequest()) == "UNAUTHENTICATED"
        another = await admin.send(pb.CreateTokenRequest(user_id=user.id))
        lee = Caller(admin.bank, another.secret)
        assert (await lee.send(pb.WhoAmIRequest())).user == user
        await admin.send(pb.RevokeTokenRequest(token_id=another.token.id))
        assert await lee.reason(pb.WhoAmIRequest()) == "UNAUTHENTICATED"
        third = await admin.send(pb.CreateTokenRequest(user_id=user.id))
        await admin.send(pb.RemoveUserRequest(user_id=user.id))
        assert await Caller(admin.bank, third.secret).reason(pb.WhoAmIRequest()) == (
            "UNAUTHENTICATED"
        )
        listed = await admin.send(pb.ListTokensRequest(user_id=user.id))
        assert [token.status for token in listed.tokens] == [pb.TOKEN_STATUS_REVOKED] * 3


async def test_what_is_refused(ledger_dsn: str, bank_dsn: str) -> None:
    async with admin_of(ledger_dsn, bank_dsn) as admin:
        me = (await admin.send(pb.WhoAmIRequest())).user
        (admin_role,) = me.role_ids
        role = (await admin.send(pb.CreateRoleRequest(name="Some"))).role
        nobody = str(uuid.uuid4())
        assert [
            await admin.reason(request)
            for request in (
                pb.RemoveUserRequest(user_id=me.id),
                pb.UnassignRoleRequest(user_id=me.id, role_id=admin_role),
                pb.RenameRoleRequest(role_id=admin_role, name="Root"),
                pb.AddPermissionSetsRequest(role_id=admin_role, permission_sets=["access_viewer"]),
                pb.CreateRoleRequest(name="SOME"),
                pb.RenameRoleRequest(role_id=role.id, name="admin"),
                pb.CreateUserRequest(email="ADMIN@bank", role_ids=[role.id]),
                pb.CreateUserRequest(email="x@bank", role_ids=[nobody]),
                pb.CreateRoleRequest(name="Bad", permission_sets=["everyone"]),
                pb.CreateRoleRequest(name="Bad", permission_sets=["access_system"]),
                pb.GetUserRequest(user_id=nobody),
                pb.CreateTokenRequest(user_id=nobody),
                pb.CheckPermissionRequest(token=ADMIN_TOKEN),
            )
        ] == [
            "LAST_ADMIN",
            "LAST_ADMIN",
            "ROLE_PREDEFINED",
            "ROLE_PREDEFINED",
            "KEY_TAKEN",
            "KEY_TAKEN",
            "KEY_TAKEN",
            "NOT_FOUND",
            "NOT_FOUND",
            "NOT_FOUND",
            "NOT_FOUND",
            "NOT_FOUND",
            "PERMISSION_DENIED",
        ]
        past = Timestamp()
        past.FromDatetime(START)
        wrong: list[tuple[Any, str]] = [
            (pb.CreateUserRequest(email="x", role_ids=[role.id]), "email"),
            (pb.CreateUserRequest(email="x@b"), "role_ids"),
            (pb.CreateUserRequest(email="x@b", role_ids=["1"]), "role_ids"),
            (
                pb.CreateUserRequest(email="x@b", role_ids=[role.id], external_subject="a\0"),
                "external_subject",
            ),
            (pb.ListUsersRequest(status=7), "status"),  # type: ignore[arg-type]
            (pb.ListUsersRequest(page_size=-1), "page_size"),
            (pb.ListUsersRequest(page_token="x"), "page_token"),
            (pb.CreateRoleRequest(name=""), "name"),
            (pb.CreateRoleRequest(name=" x"), "name"),
            (pb.CreateRoleRequest(name="x", permission_sets=[""]), "permission_sets"),
            (pb.AddPermissionSetsRequest(role_id=role.id), "permission_sets"),
            (pb.CreateTokenRequest(user_id=me.id, name="\n"), "name"),
            (pb.CreateTokenRequest(user_id=me.id, expire_time=past), "expire_time"),
            (
                pb.CreateTokenRequest(user_id=me.id, expire_time=Timestamp(seconds=10**15)),
                "expire_time",
            ),
            (pb.RevokeTokenRequest(token_id="x"), "token_id"),
            (pb.GetRoleRequest(role_id=""), "role_id"),
            (pb.WhoAmIRequest(tenant="\0"), "tenant"),
        ]
        for request, field in wrong:
            reason, facts = await admin.refusal(request)
            assert (reason, facts["field"]) == ("FIELD_INVALID", field), request


async def test_a_module_elsewhere_asks(ledger_dsn: str, bank_dsn: str) -> None:
    async with admin_of(ledger_dsn, bank_dsn) as admin:
        deposit = Caller(admin.bank, token_maker("deposit", SECRET)())
        permission = PERMISSIONS["bank.access.v1.AccessService/CreateUser"]
        request = pb.CheckPermissionRequest(
            token=ADMIN_TOKEN,
            permission_set=permission.permission_set,
            object=permission.object,
            action=permission.action,
        )
        answer = await deposit.send(request)
        me = await admin.send(pb.WhoAmIRequest())
        assert answer == pb.CheckPermissionResponse(
            subject=me.subject, subject_tenant=TENANT, is_allowed=True
        )
        credentials = (("authorization", f"Bearer {deposit.token}"),)
        gate = RemoteGate(admin.bank.channel, lambda: credentials)
        decision = await gate.check(ADMIN_TOKEN, permission, TENANT)
        assert (decision.subject, decision.is_allowed) == (me.subject, True)
        with pytest.raises(UnauthenticatedError):
            await gate.check("", permission, TENANT)
        request.action = "access:user:invent"
        assert not (await deposit.send(request)).is_allowed
        request.token = "nobody's"
        assert (await deposit.send(request)).problem
        assert await deposit.reason(pb.ListUsersRequest()) == "PERMISSION_DENIED"
        assert (await deposit.send(pb.WhoAmIRequest())).subject == "system:deposit"


async def test_many_at_once(ledger_dsn: str, bank_dsn: str) -> None:
    """Changes of one policy wait for each other, and none is lost."""
    async with admin_of(ledger_dsn, bank_dsn) as admin:
        names = [f"Crowd {number}" for number in range(10)]
        made = await asyncio.gather(
            *(admin.send(pb.CreateRoleRequest(name=name)) for name in names)
        )
        user = (
            await admin.send(pb.CreateUserRequest(email="crowd@bank", role_ids=[made[0].role.id]))
        ).user
        await asyncio.gather(
            *(
                admin.send(pb.AssignRoleRequest(user_id=user.id, role_id=one.role.id))
                for one in made
            )
        )
        user = (await admin.send(pb.GetUserRequest(user_id=user.id))).user
        assert set(user.role_ids) == {one.role.id for one in made}


async def test_options_that_are_wrong(ledger_dsn: str, bank_dsn: str) -> None:
    for options in ({"admin_token": "short"}, {"admin_token": "a b" * 9}, {"admin_email": "no"}):
        with pytest.raises(AccessOptionsError):
            async with bank_in_process(
                ledger_dsn, bank_dsn, "access", gate="access", options=options
            ):
                pass


def test_every_rpc_has_its_permission() -> None:
    service = find_service("bank.access.v1.AccessService")
    assert PERMISSIONS.keys() == {f"{service.full_name}/{one.name}" for one in service.methods}


async def no_text_is_kept(bank_dsn: str, secret: str) -> None:
    connection = await asyncpg.connect(bank_dsn)
    try:
        tables = await connection.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'bank_access'"
        )
        assert len(tables) > 5
        for table in tables:
            name = f"bank_access.{table['tablename']}"
            found = await connection.fetchval(
                f"SELECT count(*) FROM {name} AS row WHERE strpos(row::text, $1) > 0", secret
            )
            assert found == 0, name
    finally:
        await connection.close()

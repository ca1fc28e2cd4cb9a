"""The authorisation matrix: every RPC, every role, the caller's own tenant and another.

It is made from the descriptors of the contract, so a new RPC is in it by itself, and one without a
permission fails here and keeps the bank from starting.
"""

import asyncio
import importlib
import uuid
from collections.abc import Iterator, Mapping
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.protobuf.descriptor import MethodDescriptor

from bank_proto.access.v1 import access_pb2 as access
from bank_proto.access.v1.access_pb2_grpc import AccessServiceStub
from ledger_client.banking.foundation.serving import UnguardedError, service_handlers
from ledger_client.banking.host import MODULES
from ledger_client.banking.permission_catalogue import PERMISSIONS
from tests.banking.bank import TENANT, TestBank, bank_in_process, bearer

ADMIN_TOKEN = "bank_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
OTHER_TENANT = "OTHER"
#: Everybody who is known has this set.
EVERYONE = "everyone"
for name in MODULES:  # so that their contracts are known
    importlib.import_module(f"ledger_client.banking.{name}.module")

BROKEN = (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNIMPLEMENTED, grpc.StatusCode.UNKNOWN)
DENIED = (grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.UNAUTHENTICATED)


def rpcs() -> Iterator[MethodDescriptor]:
    """Give every RPC of the bank's contracts."""
    pool = descriptor_pool.Default()
    for service in sorted({name.partition("/")[0] for name in PERMISSIONS}):
        file = pool.FindFileContainingSymbol(service)
        for each in file.services_by_name.values():
            yield from each.methods


def full_name(rpc: MethodDescriptor) -> str:
    return f"{rpc.containing_service.full_name}/{rpc.name}"


def test_each_rpc_has_a_permission_and_no_other_has() -> None:
    names = [full_name(rpc) for rpc in rpcs()]
    assert sorted(set(names)) == sorted(PERMISSIONS)


def test_each_request_names_its_tenant_and_each_command_its_id() -> None:
    for rpc in rpcs():
        fields = rpc.input_type.fields_by_name
        assert fields["tenant"].number == 1, full_name(rpc)
        if "request_id" in fields:
            assert fields["request_id"].number == 2, full_name(rpc)


async def test_an_rpc_without_permission_keeps_the_bank_from_starting(
    ledger_dsn: str, bank_dsn: str
) -> None:
    async with bank_in_process(ledger_dsn, bank_dsn, "time") as bank:
        runner = bank.bank.runners["time"]
        unguarded: Any = type(
            "Unguarded",
            (),
            {"services": runner.module.services, "permissions": {}, "encoders": {}},
        )()
        with pytest.raises(UnguardedError, match="has no permission"):
            service_handlers(unguarded, runner.serving)


async def test_the_matrix(ledger_dsn: str, bank_dsn: str) -> None:
    async with bank_in_process(
        ledger_dsn,
        bank_dsn,
        *MODULES,
        gate="access",
        tenants=(TENANT, OTHER_TENANT),
        options={"admin_token": ADMIN_TOKEN},
    ) as bank:
        sets_of = await _tokens(bank)
        wrong = []
        for rpc in rpcs():
            needed = PERMISSIONS[full_name(rpc)].permission_set
            for token, sets in _telling(sets_of, needed):
                # A set for modules lets no person in who has it.
                expected = needed in sets and not needed.endswith("_system")
                for tenant in (TENANT, OTHER_TENANT):
                    is_allowed = await _is_allowed(bank, rpc, token, tenant)
                    if is_allowed != (expected and tenant == TENANT):
                        wrong.append((full_name(rpc), sorted(sets)[:3], tenant, is_allowed))
        assert wrong == []


def _telling(
    sets_of: Mapping[str, frozenset[str]], needed: str
) -> Iterator[tuple[str, frozenset[str]]]:
    """Give the tokens that tell: predefined roles, nobody, the set alone, another set."""
    others = 0
    for token, sets in sets_of.items():
        is_other = len(sets) == 2 and needed not in sets
        others += is_other
        if not is_other or others == 1:
            yield token, sets


async def _tokens(bank: TestBank) -> Mapping[str, frozenset[str]]:
    """Return a token for each role, with the sets that the role has; one that nobody knows."""
    stub = AccessServiceStub(bank.channel)

    async def call(method: Any, request: Any) -> Any:
        return await bank.call(method, request, token=ADMIN_TOKEN)

    listed = await call(stub.ListPermissionSets, access.ListPermissionSetsRequest())
    names = [each.name for each in listed.permission_sets]
    for name in names:
        await call(
            stub.CreateRole, access.CreateRoleRequest(name=f"only {name}", permission_sets=[name])
        )
    await call(stub.CreateRole, access.CreateRoleRequest(name="nothing"))
    roles = (await call(stub.ListRoles, access.ListRolesRequest(page_size=500))).roles
    assert {role.name for role in roles} >= {"Admin", "Bank Manager", "Accountant"}

    async def token_of(role: access.Role) -> str:
        user = await call(
            stub.CreateUser,
            access.CreateUserRequest(email=f"{uuid.uuid4().hex}@example.org", role_ids=[role.id]),
        )
        answer = await call(stub.CreateToken, access.CreateTokenRequest(user_id=user.user.id))
        secret: str = answer.secret
        return secret

    tokens = {await token_of(role): frozenset(role.permission_sets) | {EVERYONE} for role in roles}
    return {**tokens, "nobody": frozenset()}


async def _is_allowed(bank: TestBank, rpc: MethodDescriptor, token: str, tenant: str) -> bool:
    """Send a request that is well-formed in what every request has, and nothing else."""
    request = message_factory.GetMessageClass(rpc.input_type)(tenant=tenant)
    if hasattr(request, "request_id"):
        request.request_id = str(uuid.uuid4())
    if hasattr(request, "module"):
        request.module = "time"
    if hasattr(request, "heartbeat_seconds"):
        request.heartbeat_seconds = 1
    arguments: Any = {
        "request_serializer": lambda message: message.SerializeToString(),
        "response_deserializer": bytes,
    }
    path = f"/{full_name(rpc)}"
    try:
        if rpc.server_streaming:
            stream = bank.channel.unary_stream(path, **arguments)(request, metadata=bearer(token))
            reading = asyncio.ensure_future(stream.read())
            done, _ = await asyncio.wait({reading}, timeout=1.5)
            if done:
                await reading
            stream.cancel()
            await asyncio.gather(reading, return_exceptions=True)
        else:
            await bank.channel.unary_unary(path, **arguments)(request, metadata=bearer(token))
    except grpc.aio.AioRpcError as error:
        refusal = error
    else:
        return True
    assert refusal.code() not in BROKEN, f"{full_name(rpc)}: {refusal.details()}"
    # Refused for what it says, it was allowed.
    return refusal.code() not in DENIED

"""The gate on PostgreSQL: in force at once, on every instance, without reading the policy again."""

import asyncio
import contextlib
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
import jwt
import pytest

from ledger_client.banking import access, foundation
from ledger_client.banking.access import policies, rules
from ledger_client.banking.access.catalogue import PermissionSets
from ledger_client.banking.access.entities import Role, User
from ledger_client.banking.access.errors import LastAdminError
from ledger_client.banking.access.gate import AccessGate
from ledger_client.banking.access.jwts import JwtVerifier
from ledger_client.banking.access.permissions import CHECK, WHO_AM_I
from ledger_client.banking.access.service import AccessCommands
from ledger_client.banking.foundation.clock import ManualClock
from ledger_client.banking.foundation.database import ModuleDatabase, open_database
from ledger_client.banking.foundation.errors import (
    FieldInvalidError,
    UnauthenticatedError,
)
from ledger_client.banking.foundation.own_work import OwnWork
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.system_tokens import token_maker
from ledger_client.banking.foundation.unit import Unit

SECRET = b"a secret of the bank in these tests, long enough"
START = dt.datetime(2026, 1, 31, 9, tzinfo=dt.UTC)
PAY = Permission("deposit_writer", "deposit/withdrawal", "deposit:withdrawal:initiate")
READ = Permission("deposit_viewer", "deposit/withdrawal", "deposit:withdrawal:read")
LATER = Permission("loan_writer", "loan/loan", "loan:loan:create")
PERMISSIONS = (PAY, READ, CHECK, WHO_AM_I)
ADMIN_TOKEN = "token of the first administrator".replace(" ", "-")
MIGRATIONS = [
    *sorted((Path(str(foundation.__file__)).parent / "sql").glob("*.sql")),
    *sorted((Path(str(access.__file__)).parent / "sql").glob("*.sql")),
]


class Instance:
    """One process of the bank, as far as access goes."""

    def __init__(
        self, database: ModuleDatabase, clock: ManualClock, permissions: Iterable[Permission]
    ) -> None:
        self.database = database
        self.clock = clock
        self.sets = PermissionSets(permissions)
        self.commands = AccessCommands(self.sets)
        self.gate = AccessGate(
            database,
            clock,
            permissions=permissions,
            system_actions={"system:deposit": frozenset({READ.action})},
            secret=SECRET,
            jwt_verifier=JwtVerifier(b"p" * 32, "https://login.bank", "bank"),
        )

    @contextlib.asynccontextmanager
    async def unit(self, tenant: str) -> AsyncIterator[Unit]:
        work = OwnWork("access", self.clock)
        async with (
            self.database.transaction() as connection,
            work.unit(connection, tenant, CHECK) as unit,
        ):
            yield unit

    async def set_up(self, tenant: str) -> None:
        async with self.unit(tenant) as unit:
            await self.commands.set_up(unit, "admin@bank", ADMIN_TOKEN)

    async def user(self, tenant: str, *sets: str, subject: str = "") -> tuple[User, Role, str]:
        """Make a user with a role of these sets, and a token."""
        name = str(uuid.uuid4())
        async with self.unit(tenant) as unit:
            role = await self.commands.create_role(unit, uuid.uuid4(), name, sets)
            user = await self.commands.create_user(
                unit, uuid.uuid4(), f"{name}@bank", [role.id], subject
            )
            answer = await self.commands.create_token(unit, uuid.uuid4(), user.id, "", None)
        return user, role, answer.extras["secret"]

    async def allows(self, token: str, permission: Permission, tenant: str) -> bool:
        return (await self.gate.check(token, permission, tenant)).is_allowed


@pytest.fixture
async def instances(bank_dsn: str) -> AsyncIterator[tuple[Instance, Instance]]:
    async with two_instances(bank_dsn) as both:
        yield both


@contextlib.asynccontextmanager
async def two_instances(
    dsn: str, *more: Permission, clock: ManualClock | None = None
) -> AsyncIterator[tuple[Instance, Instance]]:
    """Two with the same database; the second knows `more` permissions."""
    clock = clock or ManualClock(START)
    async with contextlib.AsyncExitStack() as stack:
        both = []
        for permissions in (PERMISSIONS, (*PERMISSIONS, *more)):
            database = await open_database(dsn, "access", MIGRATIONS)
            stack.push_async_callback(database.close)
            both.append(Instance(database, clock, permissions))
            stack.push_async_callback(both[-1].gate.close)
        yield both[0], both[1]


@pytest.fixture
def tenant() -> str:
    return f"BANK-{uuid.uuid4().hex[:8]}"


async def test_a_change_is_in_force_for_the_very_next_check_elsewhere(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, there = instances
    await here.set_up(tenant)
    user, role, token = await here.user(tenant, "deposit_writer")
    for _ in range(3):
        assert await there.allows(token, PAY, tenant)
        async with here.unit(tenant) as unit:
            await here.commands.remove_permission_sets(unit, role.id, {"deposit_writer"})
        assert not await there.allows(token, PAY, tenant)
        assert await there.allows(token, WHO_AM_I, tenant)
        async with here.unit(tenant) as unit:
            await here.commands.add_permission_sets(unit, role.id, {"deposit_writer"})
        assert await there.allows(token, PAY, tenant)
        async with here.unit(tenant) as unit:
            await here.commands.unassign_role(unit, user.id, role.id)
        assert not await there.allows(token, PAY, tenant)
        async with here.unit(tenant) as unit:
            await here.commands.assign_role(unit, user.id, role.id)
    assert await there.allows(token, PAY, tenant)
    async with here.unit(tenant) as unit:
        other = await here.commands.create_token(unit, uuid.uuid4(), user.id, "", None)
    assert await there.allows(other.extras["secret"], PAY, tenant)
    async with here.unit(tenant) as unit:
        await here.commands.revoke_token(unit, other.entity.id)
    with pytest.raises(UnauthenticatedError):
        await there.allows(other.extras["secret"], PAY, tenant)
    assert await there.allows(token, PAY, tenant)
    async with here.unit(tenant) as unit:
        await here.commands.remove_user(unit, user.id)
    for instance in instances:
        with pytest.raises(UnauthenticatedError):
            await instance.allows(token, WHO_AM_I, tenant)


async def test_a_change_that_is_not_committed_is_not_there(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, there = instances
    await here.set_up(tenant)
    _, role, token = await here.user(tenant, "deposit_writer")

    async def fail_after_the_change() -> None:
        async with here.unit(tenant) as unit:
            await here.commands.remove_permission_sets(unit, role.id, {"deposit_writer"})
            assert await there.allows(token, PAY, tenant)
            raise KeyError

    with pytest.raises(KeyError):
        await fail_after_the_change()
    assert await there.allows(token, PAY, tenant)


async def test_checks_do_not_read_the_policy(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, _ = instances
    await here.set_up(tenant)
    _, _, token = await here.user(tenant, "deposit_writer")
    for _ in range(500):
        assert await here.allows(token, PAY, tenant)
    assert here.gate.reloads == 1
    assert here.gate.version_statements == 500
    answers = await asyncio.gather(*(here.allows(token, READ, tenant) for _ in range(500)))
    assert set(answers) == {False}
    assert here.gate.reloads == 1
    assert here.gate.version_statements <= 502, "those who wait at the same time ask together"


async def test_an_answer_that_was_on_its_way_is_not_for_later_checks(
    instances: tuple[Instance, Instance], tenant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = instances
    await here.set_up(tenant)
    _, role, token = await here.user(tenant, "deposit_writer")
    assert await there.allows(token, PAY, tenant)
    fetch = there.gate._versions._fetch
    fetched, go_on = asyncio.Event(), asyncio.Event()

    async def slow(connection: Any, tenants: list[str]) -> dict[str, int]:
        answer = await fetch(connection, tenants)
        fetched.set()
        await go_on.wait()
        return answer

    monkeypatch.setattr(there.gate._versions, "_fetch", slow)
    earlier = asyncio.create_task(there.allows(token, PAY, tenant))
    await fetched.wait()
    async with here.unit(tenant) as unit:
        await here.commands.remove_permission_sets(unit, role.id, {"deposit_writer"})
    later = asyncio.create_task(there.allows(token, PAY, tenant))
    given_up = asyncio.create_task(there.allows(token, PAY, tenant))
    await asyncio.sleep(0)
    given_up.cancel()
    go_on.set()
    assert await earlier, "it began before the change"
    assert not await later


async def test_tokens_expire_by_the_bank_s_clock(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, there = instances
    await here.set_up(tenant)
    user, _, _ = await here.user(tenant, "deposit_writer")
    end = here.clock.now() + dt.timedelta(hours=1)
    async with here.unit(tenant) as unit:
        answer = await here.commands.create_token(unit, uuid.uuid4(), user.id, "", end)
    token = answer.extras["secret"]
    here.clock.set(end - dt.timedelta(microseconds=1))
    assert await there.allows(token, PAY, tenant)
    here.clock.set(end)
    with pytest.raises(UnauthenticatedError):
        await there.allows(token, PAY, tenant)


async def test_a_user_of_another_tenant_is_denied_by_name(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, there = instances
    await here.set_up(tenant)
    await here.set_up(f"{tenant}-2")
    user, _, token = await here.user(tenant, "deposit_writer", subject=f"sub of {tenant}")
    mine = provider_token(f"sub of {tenant}")
    for elsewhere in (f"{tenant}-2", f"{tenant}-unknown", ""):
        for credentials in (token, mine):
            decision = await there.gate.check(credentials, WHO_AM_I, elsewhere)
            assert decision.subject == f"user:{user.id}"
            assert (decision.tenant, decision.is_allowed) == (tenant, False)
    assert await there.allows(ADMIN_TOKEN, PAY, tenant), "the same in each tenant"
    assert await there.allows(ADMIN_TOKEN, PAY, f"{tenant}-2")
    with pytest.raises(FieldInvalidError):
        await there.gate.check(token, PAY, "a\0b")


async def test_users_of_jwts(instances: tuple[Instance, Instance], tenant: str) -> None:
    here, there = instances
    await here.set_up(tenant)
    user, _, _ = await here.user(tenant, "deposit_writer")
    unlinked = provider_token("someone", email=user.email.upper(), email_verified=True)
    linked = provider_token(f"sub of {user.id}")
    assert await there.allows(unlinked, PAY, tenant)
    for nobody in (linked, provider_token("someone", email=user.email, email_verified=False)):
        with pytest.raises(UnauthenticatedError):
            await there.allows(nobody, PAY, tenant)
    async with here.unit(tenant) as unit:
        await here.commands.set_external_subject(unit, user.id, f"sub of {user.id}")
    assert await there.allows(linked, PAY, tenant)
    with pytest.raises(UnauthenticatedError):
        await there.allows(unlinked, PAY, tenant)
    async with here.unit(tenant) as unit:
        await here.commands.remove_user(unit, user.id)
    with pytest.raises(UnauthenticatedError):
        await there.allows(linked, PAY, tenant)


async def test_modules_may_what_the_code_lists(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, _ = instances
    deposit = token_maker("deposit", SECRET)()
    assert await here.allows(deposit, READ, tenant)
    assert await here.allows(deposit, CHECK, tenant)
    assert not await here.allows(deposit, PAY, tenant)
    assert not await here.allows(token_maker("loan", SECRET)(), READ, tenant)
    decision = await here.gate.check(deposit, READ, tenant)
    assert (decision.subject, decision.tenant) == ("system:deposit", "")
    forged = token_maker("deposit", b"f" * 48)()
    # The provider's own key makes no module, whatever the JWT calls itself.
    pretended = provider_token("system:deposit")
    for wrong in ("", "nonsense", "bank_", "x" * 20_000, forged, pretended):
        with pytest.raises(UnauthenticatedError):
            await here.allows(wrong, READ, tenant)


async def test_sets_and_actions_of_new_code_are_in_force_after_its_start(
    bank_dsn: str, tenant: str
) -> None:
    async with two_instances(bank_dsn, LATER) as (old, new):
        await old.set_up(tenant)
        assert not await old.allows(ADMIN_TOKEN, LATER, tenant)
        assert not await new.allows(ADMIN_TOKEN, LATER, tenant), "not set up yet"
        await new.set_up(tenant)
        assert await new.allows(ADMIN_TOKEN, LATER, tenant)
        await old.set_up(tenant)
        assert await new.allows(ADMIN_TOKEN, LATER, tenant), "started last, during an upgrade"
    added = Permission("deposit_writer", "deposit/withdrawal", "deposit:withdrawal:hurry")
    async with two_instances(bank_dsn, added) as (old, new):
        _, _, token = await old.user(tenant, "deposit_writer")
        assert not await old.allows(token, added, tenant)
        assert await new.allows(token, added, tenant)


async def test_setting_up_again_changes_nothing(
    instances: tuple[Instance, Instance], tenant: str
) -> None:
    here, there = instances
    await asyncio.gather(here.set_up(tenant), there.set_up(tenant))
    assert await here.allows(ADMIN_TOKEN, PAY, tenant)
    async with here.unit(tenant) as unit:
        await here.commands.set_up(unit, "other@bank", ADMIN_TOKEN)
        assert unit._work.changes.is_empty
    async with here.unit(tenant) as unit:
        (admin,) = await unit.all_of(User)
        assert admin.email == "admin@bank"


async def test_two_admins_removed_at_once(
    instances: tuple[Instance, Instance], tenant: str, postgres_dsn: str
) -> None:
    here, there = instances
    await here.set_up(tenant)
    role_id = rules.predefined_role_id(tenant, rules.ADMIN)
    async with here.unit(tenant) as unit:
        (first,) = await unit.all_of(User)
        second = await here.commands.create_user(unit, uuid.uuid4(), "2@bank", [role_id], "")

    async def remove_second() -> None:
        async with there.unit(tenant) as unit:
            await there.commands.remove_user(unit, second.id)

    async with here.unit(tenant) as unit:
        await policies.lock_in_tx(unit.connection, tenant)
        # The other comes while this one has looked and not written yet.
        other = asyncio.create_task(remove_second())
        await until_one_waits_for_a_lock(postgres_dsn, there.database.dsn)
        await here.commands.remove_user(unit, first.id)
    with pytest.raises(LastAdminError):
        await other
    async with here.unit(tenant) as unit:
        (left,) = await unit.all_of(User, state="active")
        with pytest.raises(LastAdminError):
            await here.commands.unassign_role(unit, left.id, role_id)


async def test_a_connection_that_was_cut(
    instances: tuple[Instance, Instance], tenant: str, postgres_dsn: str
) -> None:
    here, _ = instances
    await here.set_up(tenant)
    assert await here.allows(ADMIN_TOKEN, PAY, tenant)
    pid = here.gate._versions._connection.get_server_pid()  # type: ignore[union-attr]
    connection = await asyncpg.connect(postgres_dsn)
    try:
        assert await connection.fetchval("SELECT pg_terminate_backend($1, 5000)", pid)
    finally:
        await connection.close()
    assert await here.allows(ADMIN_TOKEN, PAY, tenant)
    assert here.gate.reloads == 2, "another database may answer now"


def provider_token(subject: str, **claims: Any) -> str:
    end = START + dt.timedelta(days=1)
    usual = {"iss": "https://login.bank", "aud": "bank", "sub": subject, "exp": end}
    return jwt.encode(usual | claims, b"p" * 32, "HS256")


async def until_one_waits_for_a_lock(postgres_dsn: str, dsn: str) -> None:
    connection = await asyncpg.connect(postgres_dsn)
    try:
        async with asyncio.timeout(10):
            while not await connection.fetchval(  # noqa: ASYNC110  # another process's state
                "SELECT true FROM pg_stat_activity"
                " WHERE datname = $1 AND wait_event_type = 'Lock' LIMIT 1",
                urlsplit(dsn).path.lstrip("/"),
            ):
                await asyncio.sleep(0.01)
    finally:
        await connection.close()

"""The policy in PostgreSQL, derived from users, roles and tokens. Statements only."""

import dataclasses
import datetime as dt
from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.access.entities import Role, Token, User, email_key
from ledger_client.banking.foundation.database import Connection

_ENSURE_VERSION: Final = """
INSERT INTO policy_versions (tenant, version) VALUES ($1, 0) ON CONFLICT (tenant) DO NOTHING"""
_LOCK: Final = "SELECT version FROM policy_versions WHERE tenant = $1 FOR UPDATE"
_NEXT_VERSION: Final = "UPDATE policy_versions SET version = version + 1 WHERE tenant = $1"
_VERSION: Final = "SELECT version FROM policy_versions WHERE tenant = $1"
_RULES: Final = "SELECT member, container FROM policy_rules WHERE tenant = $1"
_USERS: Final = "SELECT user_id, email_key, external_subject FROM policy_users WHERE tenant = $1"
_TOKENS: Final = "SELECT digest, user_id, expires_at FROM policy_tokens WHERE tenant = $1"
_HAVING: Final = "SELECT member FROM policy_rules WHERE tenant = $1 AND container = $2"
_BY_SUBJECT: Final = """
SELECT user_id FROM policy_users WHERE tenant = $1 AND external_subject = $2"""
_BEARER_ELSEWHERE: Final = """
SELECT tenant, user_id FROM policy_tokens
 WHERE digest = $1 AND (expires_at IS NULL OR expires_at > $2) ORDER BY tenant LIMIT 1"""
_USER_ELSEWHERE: Final = """
SELECT tenant, user_id FROM policy_users
 WHERE external_subject = $1 OR (external_subject IS NULL AND email_key = $2)
 ORDER BY tenant LIMIT 1"""
_DROP_RULES: Final = """
DELETE FROM policy_rules WHERE tenant = $1 AND member = $2 AND container <> ALL($3::text[])"""
_ADD_RULES: Final = """
INSERT INTO policy_rules (tenant, member, container)
SELECT $1, $2, unnest($3::text[]) ON CONFLICT DO NOTHING"""
_DROP_BEARERS: Final = "DELETE FROM policy_tokens WHERE user_id = $1"
_DROP_USER: Final = "DELETE FROM policy_users WHERE user_id = $1"
_PUT_USER: Final = """
INSERT INTO policy_users (user_id, tenant, email_key, external_subject) VALUES ($1, $2, $3, $4)
    ON CONFLICT (user_id) DO UPDATE SET external_subject = excluded.external_subject"""
_PUT_BEARER: Final = """
INSERT INTO policy_tokens (digest, tenant, user_id, expires_at) VALUES ($1, $2, $3, $4)"""
_DROP_BEARER: Final = "DELETE FROM policy_tokens WHERE digest = $1 AND tenant = $2"
_SNAPSHOT: Final = "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """All that decisions in a tenant depend on, as it was at one version."""

    #: 0 for a tenant that has none.
    version: int
    #: `user:<id>` and its `role:<id>`, `role:<id>` and its `set:<name>`.
    rules: Sequence[tuple[str, str]]
    #: Active users.
    users: Collection[UUID]
    users_by_subject: dict[str, UUID]
    #: Only users without an external subject.
    users_by_email: dict[str, UUID]
    #: User and end, by the digest of the text.
    tokens: dict[str, tuple[UUID, dt.datetime | None]]


def user_member(user_id: UUID) -> str:
    """Return how rules, decisions and audit logs name a user."""
    return f"user:{user_id}"


def role_member(role_id: UUID) -> str:
    """Return how rules name a role."""
    return f"role:{role_id}"


def set_container(name: str) -> str:
    """Return how rules name a permission set."""
    return f"set:{name}"


async def lock_in_tx(connection: Connection, tenant: str) -> None:
    """Hold a tenant's policy until the transaction ends.

    Every command begins with it, before it looks at anything: what it then reads, such as who else
    is an administrator, nobody can change before it has committed.
    """
    await connection.execute(_ENSURE_VERSION, tenant)
    await connection.execute(_LOCK, tenant)


async def users_having_in_tx(connection: Connection, tenant: str, role_id: UUID) -> set[UUID]:
    """Return the active users that have a role."""
    rows = await connection.fetch(_HAVING, tenant, role_member(role_id))
    return {UUID(row["member"].removeprefix("user:")) for row in rows}


async def user_by_subject_in_tx(connection: Connection, tenant: str, subject: str) -> UUID | None:
    """Return the active user with an external subject."""
    found: UUID | None = await connection.fetchval(_BY_SUBJECT, tenant, subject)
    return found


async def write_in_tx(connection: Connection, *entities: User | Role | Token) -> None:
    """Bring the policy to entities as they are now, and to its next version.

    The last thing that a command does: until then nothing of it is written.
    """
    for entity in entities:
        match entity:
            case User():
                await _write_user(connection, entity)
            case Role():
                sets = [set_container(name) for name in sorted(entity.permission_sets)]
                await _write_rules(connection, entity.tenant, role_member(entity.id), sets)
            case Token():
                await _write_token(connection, entity)
    for tenant in {entity.tenant for entity in entities}:
        await connection.execute(_NEXT_VERSION, tenant)


async def _write_user(connection: Connection, user: User) -> None:
    roles = [] if user.is_removed else [role_member(role_id) for role_id in user.role_ids]
    await _write_rules(connection, user.tenant, user_member(user.id), roles)
    if user.is_removed:
        await connection.execute(_DROP_BEARERS, user.id)
        await connection.execute(_DROP_USER, user.id)
    else:
        subject = user.external_subject or None
        await connection.execute(_PUT_USER, user.id, user.tenant, email_key(user.email), subject)


async def _write_token(connection: Connection, token: Token) -> None:
    if token.is_revoked:
        await connection.execute(_DROP_BEARER, token.digest, token.tenant)
    else:
        await connection.execute(
            _PUT_BEARER, token.digest, token.tenant, token.user_id, token.expires_at
        )


async def _write_rules(
    connection: Connection, tenant: str, member: str, containers: list[str]
) -> None:
    await connection.execute(_DROP_RULES, tenant, member, containers)
    await connection.execute(_ADD_RULES, tenant, member, containers)


async def read_in_new_tx(connection: Connection, tenant: str) -> Policy:
    """Return a tenant's policy; the transaction must not have looked at anything yet.

    Version and content are of one moment: read under READ COMMITTED, the content could be older
    than the version, and would then be believed for as long as the version stands.
    """
    await connection.execute(_SNAPSHOT)
    version = await connection.fetchval(_VERSION, tenant)
    rules = await connection.fetch(_RULES, tenant)
    users = await connection.fetch(_USERS, tenant)
    tokens = await connection.fetch(_TOKENS, tenant)
    return Policy(
        version=version or 0,
        rules=[(row["member"], row["container"]) for row in rules],
        users={row["user_id"] for row in users},
        users_by_subject={
            row["external_subject"]: row["user_id"] for row in users if row["external_subject"]
        },
        users_by_email={
            row["email_key"]: row["user_id"] for row in users if not row["external_subject"]
        },
        tokens={row["digest"]: (row["user_id"], row["expires_at"]) for row in tokens},
    )


async def token_elsewhere_in_tx(
    connection: Connection, digest: str, now: dt.datetime
) -> tuple[str, UUID] | None:
    """Return a tenant where a token is good, and its user."""
    row = await connection.fetchrow(_BEARER_ELSEWHERE, digest, now)
    return None if row is None else (row["tenant"], row["user_id"])


async def user_elsewhere_in_tx(
    connection: Connection, subject: str, email: str | None
) -> tuple[str, UUID] | None:
    """Return a tenant where a user is known by a subject, or by a verified address."""
    key = None if email is None else email_key(email)
    row = await connection.fetchrow(_USER_ELSEWHERE, subject, key)
    return None if row is None else (row["tenant"], row["user_id"])

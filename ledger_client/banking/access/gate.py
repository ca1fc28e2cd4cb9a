"""The gate: who calls, and may he. Casbin decides; PostgreSQL says if the policy is current."""

import asyncio
import datetime as dt
import hashlib
import logging
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Final
from uuid import UUID

import casbin
from casbin.model import Model

from ledger_client.banking.access import policies
from ledger_client.banking.access.catalogue import people_s
from ledger_client.banking.access.entities import email_key
from ledger_client.banking.access.jwts import Claims, JwtVerifier
from ledger_client.banking.access.permissions import CHECK, EVERYONE, WHO_AM_I
from ledger_client.banking.access.policies import Policy, set_container, user_member
from ledger_client.banking.access.versions import PolicyVersions
from ledger_client.banking.foundation.clock import Clock
from ledger_client.banking.foundation.database import ModuleDatabase
from ledger_client.banking.foundation.errors import FieldInvalidError, UnauthenticatedError
from ledger_client.banking.foundation.gate import Decision
from ledger_client.banking.foundation.permissions import Permission
from ledger_client.banking.foundation.system_tokens import system_subject

TOKEN_LENGTH_MAX: Final = 16_384
#: Of the code of a journal.
TENANT_LENGTH_MAX: Final = 255

_MODEL: Final = """
[request_definition]
r = sub, obj, act
[policy_definition]
p = sub, obj, act
[role_definition]
g = _, _
[policy_effect]
e = some(where (p.eft == allow))
[matchers]
m = g(r.sub, p.sub) && keyMatch(r.obj, p.obj) && r.act == p.act
"""
#: What every module may do.
_OF_ALL_MODULES: Final = frozenset({CHECK, WHO_AM_I})


class AccessGate:
    """Decides by the policy as it is when the check begins, on any number of instances.

    A tenant's policy is kept as it was at a version, with the decisions made by it. Each check asks
    PostgreSQL for the version only, and the policy is read again when that has moved.
    """

    def __init__(
        self,
        database: ModuleDatabase,
        clock: Clock,
        *,
        permissions: Iterable[Permission],
        system_actions: Mapping[str, Collection[str]],
        secret: bytes,
        jwt_verifier: JwtVerifier | None = None,
    ) -> None:
        """Connect when first asked.

        Args:
            database: of access.
            clock: tells what is expired.
            permissions: all that there are, of all modules.
            system_actions: by `system:<module>`, the actions that the module may use.
            secret: signs the credentials of modules.
            jwt_verifier: for JWTs of users; None knows users by tokens only.
        """
        self._database = database
        self._clock = clock
        self._permissions = frozenset(permissions)
        self._system_actions = system_actions
        self._secret = secret
        self._jwts = jwt_verifier
        self._versions = PolicyVersions(database)
        self._books: dict[str, _Book] = {}
        self._reading: dict[str, asyncio.Lock] = {}
        #: How often a policy was read.
        self.reloads = 0

    @property
    def version_statements(self) -> int:
        """How often PostgreSQL was asked for versions."""
        return self._versions.statements

    async def check(self, token: str, permission: Permission, tenant: str) -> Decision:
        """Tell whether the bearer of a token may use a permission in a tenant; as `Gate` says.

        Raises:
            FieldInvalidError: the tenant is no code of a journal.
            UnauthenticatedError: nobody is known by this token.
            UnavailableError: the database does not answer.
        """
        if len(tenant) > TENANT_LENGTH_MAX or not tenant.isprintable():
            # A NUL would fail the statement that others share.
            raise FieldInvalidError("tenant", "must be the code of a journal")
        if not token:
            raise UnauthenticatedError("no token was sent")
        if len(token) > TOKEN_LENGTH_MAX:
            raise UnauthenticatedError("the token is too long")
        if token.count(".") == 2:  # the form of a JWT
            if subject := system_subject(token, self._secret):
                return self._for_module(subject, permission)
            return await self._for_claims(self._claims(token), permission, tenant)
        digest = token_digest(token)
        now = self._clock.now()
        book = await self._book(tenant)
        if user_id := book.user_by_token(digest, now):
            return book.decide(user_id, permission, tenant)
        async with self._database.transaction() as connection:
            elsewhere = await policies.token_elsewhere_in_tx(connection, digest, now)
        return _outsider(elsewhere, tenant, "the token is unknown, revoked or expired")

    async def close(self) -> None:
        """Close the gate's own connection."""
        await self._versions.close()

    def _claims(self, token: str) -> Claims:
        if self._jwts is None:
            raise UnauthenticatedError("JWTs are not set up here")
        return self._jwts.verify(token, self._clock.now())

    def _for_module(self, subject: str, permission: Permission) -> Decision:
        actions = self._system_actions.get(subject, ())
        is_allowed = permission in _OF_ALL_MODULES or permission.action in actions
        return Decision(subject=subject, tenant="", is_allowed=is_allowed)

    async def _for_claims(self, claims: Claims, permission: Permission, tenant: str) -> Decision:
        book = await self._book(tenant)
        if user_id := book.user_by_claims(claims):
            return book.decide(user_id, permission, tenant)
        async with self._database.transaction() as connection:
            elsewhere = await policies.user_elsewhere_in_tx(
                connection, claims.subject, claims.email
            )
        return _outsider(elsewhere, tenant, "nobody is known by the JWT's sub or verified email")

    async def _book(self, tenant: str) -> "_Book":
        """Return a tenant's policy, no older than the call of this."""
        epoch, version = await self._versions.version_of(tenant)
        book = self._books.get(tenant)
        if book is not None and book.is_current(epoch, version):
            return book
        if version == 0:
            # No policy: not kept, since anybody may send any name of a tenant.
            return _Book(_NO_POLICY, self._permissions, epoch)
        async with self._reading.setdefault(tenant, asyncio.Lock()):
            book = self._books.get(tenant)
            if book is None or not book.is_current(epoch, version):
                book = await self._read(tenant, epoch)
            return book

    async def _read(self, tenant: str, epoch: int) -> "_Book":
        async with self._database.transaction() as connection:
            policy = await policies.read_in_new_tx(connection, tenant)
        self.reloads += 1
        book = self._books[tenant] = _Book(policy, self._permissions, epoch)
        return book


class _Book:
    """A tenant's policy at one version, and the decisions made by it."""

    def __init__(self, policy: Policy, permissions: frozenset[Permission], epoch: int) -> None:
        self._epoch = epoch
        self._policy = policy
        self._permissions = permissions
        self._enforcer: Any = None
        self._decisions: dict[tuple[UUID, Permission], bool] = {}

    def is_current(self, epoch: int, version: int) -> bool:
        """Tell whether this is no older than a version that was just asked for.

        After a loss of the connection another database may answer, which has lost the last changes
        and counts them again: numbers of two epochs cannot be compared.
        """
        return self._epoch == epoch and self._policy.version >= version

    def user_by_token(self, digest: str, now: dt.datetime) -> UUID | None:
        """Return whose token it is, if it is good at a time."""
        user_id, expires_at = self._policy.tokens.get(digest, (None, None))
        return user_id if expires_at is None or expires_at > now else None

    def user_by_claims(self, claims: Claims) -> UUID | None:
        """Return who is known by the subject or else by the verified address."""
        if user_id := self._policy.users_by_subject.get(claims.subject):
            return user_id
        return self._policy.users_by_email.get(email_key(claims.email)) if claims.email else None

    def decide(self, user_id: UUID, permission: Permission, tenant: str) -> Decision:
        """Tell whether a user of the tenant may."""
        is_allowed = self._decisions.get((user_id, permission))
        if is_allowed is None:
            is_allowed = self._enforce(user_id, permission)
            # What no code asks for is not kept: modules elsewhere may send anything.
            if permission in self._permissions:
                self._decisions[user_id, permission] = is_allowed
        return Decision(subject=user_member(user_id), tenant=tenant, is_allowed=is_allowed)

    def _enforce(self, user_id: UUID, permission: Permission) -> bool:
        if self._enforcer is None:
            self._enforcer = _enforcer(self._policy, self._permissions)
        is_allowed: bool = self._enforcer.enforce(
            user_member(user_id), f"{permission.object}/*", permission.action
        )
        return is_allowed


def token_digest(text: str) -> str:
    """Return what is kept of a token: SHA-256 in hexadecimal digits."""
    return hashlib.sha256(text.encode()).hexdigest()


def _enforcer(policy: Policy, permissions: Iterable[Permission]) -> Any:
    """Return Casbin with users and roles of the policy, and with the sets of the code."""
    # Casbin logs each decision with its subject, denials as warnings. It disables its loggers, and
    # whoever configures logging later enables them; decisions belong in the audit log alone.
    logging.getLogger("casbin").setLevel(logging.ERROR)
    model = Model()
    model.load_model_from_text(_MODEL)
    enforcer = casbin.Enforcer(model)
    enforcer.add_policies(
        [
            [set_container(one.permission_set), f"{one.object}/*", one.action]
            for one in people_s(permissions)
        ]
    )
    everyone = [[user_member(user_id), set_container(EVERYONE)] for user_id in policy.users]
    enforcer.add_grouping_policies([*map(list, policy.rules), *everyone])
    return enforcer


def _outsider(elsewhere: tuple[str, UUID] | None, tenant: str, problem: str) -> Decision:
    """Deny a user of another tenant.

    Raises:
        UnauthenticatedError: it is nobody's user, or became this tenant's a moment ago.
    """
    if elsewhere is None or elsewhere[0] == tenant:
        raise UnauthenticatedError(problem)
    return Decision(subject=user_member(elsewhere[1]), tenant=elsewhere[0], is_allowed=False)


_NO_POLICY: Final = Policy(
    version=0, rules=(), users=frozenset(), users_by_subject={}, users_by_email={}, tokens={}
)

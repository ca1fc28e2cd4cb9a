"""Calls of the `LimitService`."""

from collections.abc import AsyncIterator
from decimal import Decimal

from ledger_client.connection import Connection, request_key
from ledger_client.convert import encode, limits
from ledger_client.models import (
    Limit,
    LimitAttachment,
    LimitRule,
    LimitScope,
    LimitUse,
    Reference,
)
from ledger_proto.v1 import limits_pb2 as pb


class LimitCalls(Connection):
    """Keeps limits and what they bind."""

    async def create_limit(
        self,
        journal: Reference,
        code: str,
        *,
        currency: str,
        rule: LimitRule,
        name: str = "",
        request_id: str | None = None,
    ) -> Limit:
        """Create a limit that binds nothing yet.

        Args:
            journal: code or id.
            code: unique in the journal, 1 to 64 of letters, digits, `.`, `_` and `-`.
            currency: what it is about.
            rule: what it bounds, a `StandingLimit` or a `VelocityLimit`.
            name: title; empty takes the code.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: the code is taken (`LIMIT_EXISTS`).
            InvalidRequestError: the condition does not compile (`LIMIT_INVALID`), or the bound
                is not an amount of the currency.
            NotFoundError: there is no such journal.
            TypeError: the bound is a float.
        """
        key = request_key(request_id)
        request = pb.CreateLimitRequest(
            journal=encode.reference(journal),
            limit=limits.message(code, name=name, currency=currency, rule=rule),
            request_id=key,
        )
        response = await self._call(self._limits.CreateLimit, request, key=key)
        return limits.limit(response.limit)

    async def update_limit(
        self,
        journal: Reference,
        code: str,
        *,
        name: str | None = None,
        bound: Decimal | None = None,
        request_id: str | None = None,
    ) -> Limit:
        """Change a limit's name, its bound or both, in force from then on; None leaves it.

        Args:
            journal: code or id.
            code: of the limit.
            name: the new title.
            bound: the new `available_min` or `amount_max`.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: neither is given, or one is malformed.
            NotFoundError: there is no such limit (`LIMIT_NOT_FOUND`) or journal.
            TypeError: the bound is a float.
        """
        key = request_key(request_id)
        request = pb.UpdateLimitRequest(
            journal=encode.reference(journal),
            code=code,
            name=name or "",
            bound="" if bound is None else limits.bound(bound, "bound"),
            request_id=key,
        )
        response = await self._call(self._limits.UpdateLimit, request, key=key)
        return limits.limit(response.limit)

    async def get_limit(self, journal: Reference, code: str) -> Limit:
        """Return a limit; `list_limit_attachments` gives what it binds.

        Raises:
            NotFoundError: there is none (`LIMIT_NOT_FOUND`), or no such journal.
        """
        request = pb.GetLimitRequest(journal=encode.reference(journal), code=code, page_size=1)
        response = await self._call(self._limits.GetLimit, request)
        return limits.limit(response.limit)

    def list_limit_attachments(
        self, journal: Reference, code: str
    ) -> AsyncIterator[LimitAttachment]:
        """Give what a limit was attached to: accounts by id, then sets by id."""
        request = pb.GetLimitRequest(journal=encode.reference(journal), code=code)
        return self._items(
            self._limits.GetLimit, request, lambda page: map(limits.attachment, page.attachments)
        )

    def list_limits(self, journal: Reference) -> AsyncIterator[Limit]:
        """Give all limits by code."""
        return self._items(
            self._limits.ListLimits,
            pb.ListLimitsRequest(journal=encode.reference(journal)),
            lambda page: map(limits.limit, page.limits),
        )

    async def attach_limit(
        self,
        journal: Reference,
        limit: str,
        *,
        account: Reference | None = None,
        account_set: Reference | None = None,
        scope: LimitScope = LimitScope.EACH_ACCOUNT,
        request_id: str | None = None,
    ) -> LimitAttachment:
        """Have a limit bind an account or a set; what is there already counts.

        Args:
            journal: code or id.
            limit: code.
            account: code or id; None for a set.
            account_set: code or id; None for an account.
            scope: WHOLE_SET binds the sum of a set instead of each account in it.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: the scope does not fit (`LIMIT_INVALID`), or not exactly one of
                account and set is given.
            NotFoundError: limit, account, set or journal is not there.
        """
        key = request_key(request_id)
        request = pb.AttachLimitRequest(
            journal=encode.reference(journal),
            limit=limit,
            account=encode.optional_reference(account),
            account_set=encode.optional_reference(account_set),
            scope=encode.limit_scope(scope),
            request_id=key,
        )
        response = await self._call(self._limits.AttachLimit, request, key=key)
        return limits.attachment(response.attachment)

    async def detach_limit(
        self,
        journal: Reference,
        limit: str,
        *,
        account: Reference | None = None,
        account_set: Reference | None = None,
        request_id: str | None = None,
    ) -> LimitAttachment:
        """Have a limit bind an account or a set no longer; return how it was attached.

        Args:
            journal: code or id.
            limit: code.
            account: code or id; None for a set.
            account_set: code or id; None for an account.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: not exactly one of account and set is given.
            NotFoundError: it was not attached to it (`LIMIT_NOT_ATTACHED`), or limit, account,
                set or journal is not there.
        """
        key = request_key(request_id)
        request = pb.DetachLimitRequest(
            journal=encode.reference(journal),
            limit=limit,
            account=encode.optional_reference(account),
            account_set=encode.optional_reference(account_set),
            request_id=key,
        )
        response = await self._call(self._limits.DetachLimit, request, key=key)
        return limits.attachment(response.attachment)

    async def list_limit_uses(self, journal: Reference, account: Reference) -> list[LimitUse]:
        """Return what binds an account, by limit code, how much is used and what is left.

        Raises:
            NotFoundError: there is no such account or journal.
        """
        request = pb.ListLimitUsesRequest(
            journal=encode.reference(journal), account=encode.reference(account)
        )
        response = await self._call(self._limits.ListLimitUses, request)
        return [limits.use(use) for use in response.uses]

"""Calls of the `AccountSetService`."""

from collections.abc import AsyncIterator, Iterable, Mapping
from uuid import UUID

from ledger_client.connection import Connection, request_key
from ledger_client.convert import decode, encode
from ledger_client.models import (
    AccountCategory,
    AccountSet,
    AccountSetMember,
    Direction,
    Reference,
)
from ledger_proto.v1 import account_sets_pb2 as pb


class AccountSetCalls(Connection):
    """Keeps account sets, of which charts of accounts are made."""

    async def create_account_set(
        self,
        journal: Reference,
        code: str,
        *,
        name: str = "",
        category: AccountCategory | None = None,
        normal_side: Direction | None = None,
        id: UUID | None = None,  # noqa: A002  # what the API calls it
        metadata: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> AccountSet:
        """Create a set.

        Args:
            journal: code or id.
            code: unique among the journal's sets; never changes.
            name: title; empty takes the code.
            category: where it belongs in the statements; None inherits.
            normal_side: None if it has none of its own.
            id: None lets the server choose.
            metadata: the caller's own facts.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: code or id is taken (`ACCOUNT_SET_EXISTS`).
            InvalidRequestError: a field is malformed.
            NotFoundError: there is no such journal.
        """
        key = request_key(request_id)
        request = pb.CreateAccountSetRequest(
            journal=encode.reference(journal),
            id=encode.optional_id(id),
            code=code,
            name=name,
            category=encode.account_category(category),
            normal_side=encode.direction(normal_side),
            metadata=encode.metadata(metadata),
            request_id=key,
        )
        response = await self._call(self._account_sets.CreateAccountSet, request, key=key)
        return decode.account_set(response.account_set)

    async def get_account_set(self, journal: Reference, account_set: Reference) -> AccountSet:
        """Return a set.

        Raises:
            NotFoundError: there is none (`ACCOUNT_SET_NOT_FOUND`), or no such journal.
        """
        request = pb.GetAccountSetRequest(
            journal=encode.reference(journal), account_set=encode.reference(account_set)
        )
        response = await self._call(self._account_sets.GetAccountSet, request)
        return decode.account_set(response.account_set)

    def list_account_sets(self, journal: Reference) -> AsyncIterator[AccountSet]:
        """Give all sets by code."""
        return self._items(
            self._account_sets.ListAccountSets,
            pb.ListAccountSetsRequest(journal=encode.reference(journal)),
            lambda page: map(decode.account_set, page.account_sets),
        )

    async def add_account_set_members(
        self,
        journal: Reference,
        account_set: Reference,
        *,
        accounts: Iterable[Reference] = (),
        member_sets: Iterable[Reference] = (),
        request_id: str | None = None,
    ) -> int:
        """Put accounts and sets into a set, all or none; return how many were not there before.

        Raises:
            NotFoundError: the set or a member is not there.
            RefusedError: the set would come to contain itself (`ACCOUNT_SET_CYCLE`).
        """
        key = request_key(request_id)
        request = pb.AddAccountSetMembersRequest(
            journal=encode.reference(journal),
            account_set=encode.reference(account_set),
            accounts=map(encode.reference, accounts),
            member_sets=map(encode.reference, member_sets),
            request_id=key,
        )
        response = await self._call(self._account_sets.AddAccountSetMembers, request, key=key)
        return response.added_count

    async def remove_account_set_members(
        self,
        journal: Reference,
        account_set: Reference,
        *,
        accounts: Iterable[Reference] = (),
        member_sets: Iterable[Reference] = (),
        request_id: str | None = None,
    ) -> int:
        """Take accounts and sets out of a set, all or none; return how many left.

        Raises:
            NotFoundError: one is not a direct member (`MEMBER_NOT_FOUND`).
        """
        key = request_key(request_id)
        request = pb.RemoveAccountSetMembersRequest(
            journal=encode.reference(journal),
            account_set=encode.reference(account_set),
            accounts=map(encode.reference, accounts),
            member_sets=map(encode.reference, member_sets),
            request_id=key,
        )
        response = await self._call(self._account_sets.RemoveAccountSetMembers, request, key=key)
        return response.removed_count

    def list_account_set_members(
        self, journal: Reference, account_set: Reference
    ) -> AsyncIterator[AccountSetMember]:
        """Give the direct members of a set: sets first, each kind by code."""
        request = pb.ListAccountSetMembersRequest(
            journal=encode.reference(journal), account_set=encode.reference(account_set)
        )
        return self._items(
            self._account_sets.ListAccountSetMembers,
            request,
            lambda page: map(decode.account_set_member, page.members),
        )

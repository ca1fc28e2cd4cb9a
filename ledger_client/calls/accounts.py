"""Calls of the `AccountService`."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from uuid import UUID

from ledger_client.connection import Connection, request_key
from ledger_client.convert import decode, encode
from ledger_client.models import Account, AccountStatus, Direction, NewAccount, Reference
from ledger_proto.v1 import accounts_pb2 as pb


class AccountCalls(Connection):
    """Keeps the accounts of a journal."""

    async def create_account(
        self,
        journal: Reference,
        code: str,
        *,
        normal_side: Direction,
        name: str = "",
        id: UUID | None = None,  # noqa: A002  # what the API calls it
        metadata: Mapping[str, str] | None = None,
        account_sets: Sequence[Reference] = (),
        request_id: str | None = None,
    ) -> Account:
        """Create an account.

        Args:
            journal: code or id.
            code: unique in the journal, 1 to 255 printable characters; never changes.
            normal_side: DEBIT for assets and expenses, CREDIT for the others.
            name: title; empty takes the code.
            id: None lets the server choose.
            metadata: the caller's own facts.
            account_sets: codes or ids of sets in which it is to stand, without sets below them.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: code or id is taken (`ACCOUNT_EXISTS`).
            InvalidRequestError: a field is malformed.
            NotFoundError: there is no such journal or set.
            RefusedError: a set has sets below it (`ACCOUNT_SET_NOT_LEAF`).
        """
        key = request_key(request_id)
        account = NewAccount(
            code=code,
            normal_side=normal_side,
            name=name,
            id=id,
            metadata=metadata or {},
            account_sets=account_sets,
        )
        request = pb.CreateAccountRequest(
            journal=encode.reference(journal), account=encode.new_account(account), request_id=key
        )
        response = await self._call(self._accounts.CreateAccount, request, key=key)
        return decode.account(response.account)

    async def batch_create_accounts(
        self, journal: Reference, accounts: Iterable[NewAccount], *, request_id: str | None = None
    ) -> list[Account]:
        """Create 1 to 1,000 accounts, all or none, and return them in order.

        Raises:
            ConflictError: a code or id is taken (`ACCOUNT_EXISTS`).
            InvalidRequestError: a field is malformed, or there are too many or none.
            NotFoundError: there is no such journal.
        """
        key = request_key(request_id)
        request = pb.BatchCreateAccountsRequest(
            journal=encode.reference(journal),
            accounts=[encode.new_account(account) for account in accounts],
            request_id=key,
        )
        response = await self._call(self._accounts.BatchCreateAccounts, request, key=key)
        return [decode.account(account) for account in response.accounts]

    async def get_account(self, journal: Reference, account: Reference) -> Account:
        """Return an account.

        Raises:
            NotFoundError: there is none (`ACCOUNT_NOT_FOUND`), or no such journal.
        """
        request = pb.GetAccountRequest(
            journal=encode.reference(journal), account=encode.reference(account)
        )
        response = await self._call(self._accounts.GetAccount, request)
        return decode.account(response.account)

    def list_accounts(
        self, journal: Reference, *, code_prefix: str = "", status: AccountStatus | None = None
    ) -> AsyncIterator[Account]:
        """Give accounts by code: those whose code begins with the prefix, in the status given."""
        request = pb.ListAccountsRequest(
            journal=encode.reference(journal),
            code_prefix=code_prefix,
            status=encode.account_status(status),
        )
        return self._items(
            self._accounts.ListAccounts, request, lambda page: map(decode.account, page.accounts)
        )

    async def update_account(
        self,
        journal: Reference,
        account: Reference,
        *,
        name: str | None = None,
        metadata: Mapping[str, str] | None = None,
        request_id: str | None = None,
    ) -> Account:
        """Change an account's name, metadata (as a whole) or both; None leaves as it is.

        Raises:
            InvalidRequestError: neither is given, or one is malformed.
            NotFoundError: there is no such account or journal.
        """
        key = request_key(request_id)
        request = pb.UpdateAccountRequest(
            journal=encode.reference(journal),
            account=encode.reference(account),
            name=name or "",
            metadata=encode.metadata(metadata),
            request_id=key,
        )
        request.update_mask.paths.extend(["name"] if name is not None else [])
        request.update_mask.paths.extend(["metadata"] if metadata is not None else [])
        response = await self._call(self._accounts.UpdateAccount, request, key=key)
        return decode.account(response.account)

    async def lock_account(
        self,
        journal: Reference,
        account: Reference,
        *,
        allow_hold_ends: bool = False,
        request_id: str | None = None,
    ) -> Account:
        """Stop an account from taking entries; one that is locked may be locked otherwise.

        Args:
            journal: code or id.
            account: code or id.
            allow_hold_ends: lets captures and releases of holds placed before still post; an
                expiry always does.
            request_id: idempotency key; None makes one for this call.

        Raises:
            NotFoundError: there is no such account or journal.
            RefusedError: it is closed (`ACCOUNT_CLOSED`).
        """
        key = request_key(request_id)
        request = pb.LockAccountRequest(
            journal=encode.reference(journal),
            account=encode.reference(account),
            request_id=key,
            allow_hold_ends=allow_hold_ends,
        )
        response = await self._call(self._accounts.LockAccount, request, key=key)
        return decode.account(response.account)

    async def unlock_account(
        self, journal: Reference, account: Reference, *, request_id: str | None = None
    ) -> Account:
        """Let a locked account take entries again.

        Raises:
            NotFoundError: there is no such account or journal.
            RefusedError: it is closed (`ACCOUNT_CLOSED`).
        """
        key = request_key(request_id)
        request = pb.UnlockAccountRequest(
            journal=encode.reference(journal), account=encode.reference(account), request_id=key
        )
        response = await self._call(self._accounts.UnlockAccount, request, key=key)
        return decode.account(response.account)

    async def close_account(
        self, journal: Reference, account: Reference, *, request_id: str | None = None
    ) -> Account:
        """Close an account for good.

        Raises:
            NotFoundError: there is no such account or journal.
            RefusedError: it is not at zero in every layer and currency (`ACCOUNT_NOT_EMPTY`).
        """
        key = request_key(request_id)
        request = pb.CloseAccountRequest(
            journal=encode.reference(journal), account=encode.reference(account), request_id=key
        )
        response = await self._call(self._accounts.CloseAccount, request, key=key)
        return decode.account(response.account)

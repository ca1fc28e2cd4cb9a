"""AccountService: decodes, hands over, encodes."""

from ledger_proto.v1 import accounts_pb2 as pb
from ledger_proto.v1.accounts_pb2_grpc import AccountServiceServicer
from ledger_server.api.fields import (
    CODE_LENGTH_MAX,
    NAME_LENGTH_MAX,
    code_field,
    direction_field,
    metadata_field,
    mutation,
    optional_uuid_field,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.accounts import (
    create_accounts,
    get_account_in_tx,
    set_account_status,
    update_account,
)
from ledger_server.application.journals import get_journal
from ledger_server.domain.account import (
    ACCOUNTS_MAX_PER_REQUEST,
    SETS_MAX_PER_ACCOUNT,
    AccountStatus,
    NewAccount,
)
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.store import accounts
from ledger_server.store.codec import account_message
from ledger_server.store.database import Database


class AccountServicer(AccountServiceServicer):
    """The accounts of journals."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the accounts of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def CreateAccount(
        self, request: pb.CreateAccountRequest, _context: object
    ) -> pb.CreateAccountResponse:
        """Create an account."""
        return await create_accounts(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.CreateAccountResponse),
            [_new_account("account", request.account)],
            lambda created: pb.CreateAccountResponse(account=account_message(created[0])),
        )

    async def BatchCreateAccounts(
        self, request: pb.BatchCreateAccountsRequest, _context: object
    ) -> pb.BatchCreateAccountsResponse:
        """Create accounts, all or none."""
        if not 1 <= len(request.accounts) <= ACCOUNTS_MAX_PER_REQUEST:
            raise FieldInvalidError("accounts", f"not 1 to {ACCOUNTS_MAX_PER_REQUEST} accounts")
        new_accounts = [
            _new_account(f"accounts[{index}]", account)
            for index, account in enumerate(request.accounts)
        ]
        return await create_accounts(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.BatchCreateAccountsResponse),
            new_accounts,
            lambda created: pb.BatchCreateAccountsResponse(accounts=map(account_message, created)),
        )

    async def GetAccount(
        self, request: pb.GetAccountRequest, _context: object
    ) -> pb.GetAccountResponse:
        """Return one account."""
        reference = reference_field("account", request.account)
        journal = await self._journal(request.journal)
        async with self._database.look_up_connection() as tx:
            account = await get_account_in_tx(tx, journal, reference)
        return pb.GetAccountResponse(account=account_message(account))

    async def ListAccounts(
        self, request: pb.ListAccountsRequest, _context: object
    ) -> pb.ListAccountsResponse:
        """Return a page of accounts."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        prefix = text_field("code_prefix", request.code_prefix, CODE_LENGTH_MAX)
        status = _status_filter(request.status)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await accounts.list_in_tx(
                tx,
                journal.id,
                after_code=str(after),
                code_prefix=prefix,
                status=status,
                limit=size + 1,
            )
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.code])
        return pb.ListAccountsResponse(accounts=map(account_message, shown), next_page_token=token)

    async def UpdateAccount(
        self, request: pb.UpdateAccountRequest, _context: object
    ) -> pb.UpdateAccountResponse:
        """Change an account's name or metadata."""
        # Before the mutation is made: its canonical text cannot hold an ill-formed mask.
        paths = _update_paths(request)
        name = text_field("name", request.name, NAME_LENGTH_MAX)
        metadata = metadata_field("metadata", request.metadata)
        return await update_account(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.UpdateAccountResponse),
            reference_field("account", request.account),
            name=name if "name" in paths else None,
            metadata=metadata if "metadata" in paths else None,
        )

    async def LockAccount(
        self, request: pb.LockAccountRequest, _context: object
    ) -> pb.LockAccountResponse:
        """Stop an account from taking new entries."""
        return await set_account_status(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.LockAccountResponse),
            reference_field("account", request.account),
            status=AccountStatus.LOCKED,
            lock_allows_hold_ends=request.allow_hold_ends,
            answer=lambda account: pb.LockAccountResponse(account=account_message(account)),
        )

    async def UnlockAccount(
        self, request: pb.UnlockAccountRequest, _context: object
    ) -> pb.UnlockAccountResponse:
        """Let a locked account take entries again."""
        return await set_account_status(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.UnlockAccountResponse),
            reference_field("account", request.account),
            status=AccountStatus.ACTIVE,
            answer=lambda account: pb.UnlockAccountResponse(account=account_message(account)),
        )

    async def CloseAccount(
        self, request: pb.CloseAccountRequest, _context: object
    ) -> pb.CloseAccountResponse:
        """Close an account for good."""
        return await set_account_status(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.CloseAccountResponse),
            reference_field("account", request.account),
            status=AccountStatus.CLOSED,
            answer=lambda account: pb.CloseAccountResponse(account=account_message(account)),
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _new_account(field: str, message: pb.NewAccount) -> NewAccount:
    code = code_field(f"{field}.code", message.code)
    if len(message.account_sets) > SETS_MAX_PER_ACCOUNT:
        raise FieldInvalidError(f"{field}.account_sets", f"more than {SETS_MAX_PER_ACCOUNT}")
    return NewAccount(
        id=optional_uuid_field(f"{field}.id", message.id),
        code=code,
        name=text_field(f"{field}.name", message.name, NAME_LENGTH_MAX) or code,
        normal_side=direction_field(f"{field}.normal_side", message.normal_side),
        metadata=metadata_field(f"{field}.metadata", message.metadata),
        account_sets=[
            reference_field(f"{field}.account_sets[{index}]", reference)
            for index, reference in enumerate(message.account_sets)
        ],
    )


def _status_filter(number: int) -> AccountStatus | None:
    if not number:
        return None
    try:
        return AccountStatus(number)
    except ValueError as error:
        raise FieldInvalidError("status", "not a status of accounts") from error


def _update_paths(request: pb.UpdateAccountRequest) -> set[str]:
    paths = set(request.update_mask.paths)
    if not paths or paths - {"name", "metadata"}:
        raise FieldInvalidError("update_mask", "name, metadata or both; nothing else can change")
    return paths

"""AccountSetService: decodes, hands over, encodes."""

from collections.abc import Sequence

from ledger_proto.v1 import account_sets_pb2 as pb
from ledger_proto.v1.account_sets_pb2_grpc import AccountSetServiceServicer
from ledger_server.api.fields import (
    NAME_LENGTH_MAX,
    category_field,
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
from ledger_server.application.account_sets import (
    MemberReferences,
    add_members,
    create_account_set,
    get_account_set_in_tx,
    remove_members,
)
from ledger_server.application.journals import get_journal
from ledger_server.domain.account import (
    ACCOUNTS_MAX_PER_REQUEST,
    Member,
    NewAccountSet,
)
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.store import account_sets
from ledger_server.store.codec import account_set_message
from ledger_server.store.database import Database


class AccountSetServicer(AccountSetServiceServicer):
    """The account sets of journals and their members."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the account sets of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def CreateAccountSet(
        self, request: pb.CreateAccountSetRequest, _context: object
    ) -> pb.CreateAccountSetResponse:
        """Create a set."""
        new = _new_account_set(request)
        return await create_account_set(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.CreateAccountSetResponse),
            new,
        )

    async def GetAccountSet(
        self, request: pb.GetAccountSetRequest, _context: object
    ) -> pb.GetAccountSetResponse:
        """Return one set."""
        reference = reference_field("account_set", request.account_set)
        journal = await self._journal(request.journal)
        async with self._database.look_up_connection() as tx:
            account_set = await get_account_set_in_tx(tx, journal, reference)
        return pb.GetAccountSetResponse(account_set=account_set_message(account_set))

    async def ListAccountSets(
        self, request: pb.ListAccountSetsRequest, _context: object
    ) -> pb.ListAccountSetsResponse:
        """Return a page of sets."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await account_sets.list_in_tx(tx, journal.id, str(after), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.code])
        return pb.ListAccountSetsResponse(
            account_sets=map(account_set_message, shown), next_page_token=token
        )

    async def AddAccountSetMembers(
        self, request: pb.AddAccountSetMembersRequest, _context: object
    ) -> pb.AddAccountSetMembersResponse:
        """Put accounts and sets into a set."""
        return await add_members(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.AddAccountSetMembersResponse),
            reference_field("account_set", request.account_set),
            _members(request.accounts, request.member_sets),
        )

    async def RemoveAccountSetMembers(
        self, request: pb.RemoveAccountSetMembersRequest, _context: object
    ) -> pb.RemoveAccountSetMembersResponse:
        """Take accounts and sets out of a set."""
        return await remove_members(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.RemoveAccountSetMembersResponse),
            reference_field("account_set", request.account_set),
            _members(request.accounts, request.member_sets),
        )

    async def ListAccountSetMembers(
        self, request: pb.ListAccountSetMembersRequest, _context: object
    ) -> pb.ListAccountSetMembersResponse:
        """Return a page of a set's direct members."""
        size = page_size_field(request.page_size)
        kind, code = self._page_tokens.read(request, request.page_token) or [0, ""]
        reference = reference_field("account_set", request.account_set)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            account_set = await get_account_set_in_tx(tx, journal, reference)
            rows = await account_sets.list_members_in_tx(
                tx, journal.id, account_set.id, (int(kind), str(code)), size + 1
            )
        shown, token = self._page_tokens.cut(
            request, rows, size, lambda row: [0 if row.is_set else 1, row.code]
        )
        return pb.ListAccountSetMembersResponse(
            members=map(_member_message, shown), next_page_token=token
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _new_account_set(request: pb.CreateAccountSetRequest) -> NewAccountSet:
    code = code_field("code", request.code)
    side = request.normal_side
    return NewAccountSet(
        id=optional_uuid_field("id", request.id),
        code=code,
        name=text_field("name", request.name, NAME_LENGTH_MAX) or code,
        category=category_field("category", request.category),
        normal_side=direction_field("normal_side", side) if side else None,
        metadata=metadata_field("metadata", request.metadata),
    )


def _members(accounts: Sequence[str], sets: Sequence[str]) -> MemberReferences:
    if not 1 <= len(accounts) + len(sets) <= ACCOUNTS_MAX_PER_REQUEST:
        raise FieldInvalidError(
            "accounts", f"with member_sets not 1 to {ACCOUNTS_MAX_PER_REQUEST} members"
        )
    return MemberReferences(
        accounts=[reference_field(f"accounts[{i}]", text) for i, text in enumerate(accounts)],
        sets=[reference_field(f"member_sets[{i}]", text) for i, text in enumerate(sets)],
    )


def _member_message(member: Member) -> pb.AccountSetMember:
    return pb.AccountSetMember(
        id=str(member.id), code=member.code, name=member.name, is_account_set=member.is_set
    )

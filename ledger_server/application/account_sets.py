"""Account sets: created, and their members added and removed."""

import dataclasses
from collections.abc import Sequence
from uuid import UUID

from ledger_proto.v1 import account_sets_pb2, events_pb2
from ledger_server.application.ids import new_id
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.account import AccountSet, NewAccountSet
from ledger_server.domain.errors import (
    AccountNotFoundError,
    AccountSetCycleError,
    AccountSetExistsError,
    AccountSetNotFoundError,
    MemberNotFoundError,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import AccountId
from ledger_server.store import account_sets, accounts, limit_movements, limits
from ledger_server.store.codec import account_set_message
from ledger_server.store.database import Database, Tx


@dataclasses.dataclass(frozen=True, slots=True)
class MemberReferences:
    """Members as a caller names them: codes or ids."""

    accounts: Sequence[str]
    sets: Sequence[str]


async def get_account_set_in_tx(tx: Tx, journal: Journal, reference: str) -> AccountSet:
    """Return the set whose code or id is `reference`.

    Raises:
        AccountSetNotFoundError: there is none.
    """
    account_set = await account_sets.find_in_tx(tx, journal.id, reference)
    if account_set is None:
        raise AccountSetNotFoundError(reference)
    return account_set


async def create_account_set(
    database: Database,
    journal: Journal,
    request: Request[account_sets_pb2.CreateAccountSetResponse],
    new: NewAccountSet,
) -> account_sets_pb2.CreateAccountSetResponse:
    """Create a set without members.

    Raises:
        AccountSetExistsError: the code or id is taken.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> account_sets_pb2.CreateAccountSetResponse:
        references = [new.code, *([str(new.id)] if new.id else [])]
        taken = await account_sets.codes_of_sets_in_tx(change.tx, journal.id, references)
        for reference in references:
            if reference in taken:
                raise AccountSetExistsError(reference)
        created = await account_sets.insert_in_tx(change.tx, journal.id, new.id or new_id(), new)
        message = account_set_message(created)
        change.record(
            events_pb2.Event(account_set_created=events_pb2.AccountSetCreated(account_set=message))
        )
        return account_sets_pb2.CreateAccountSetResponse(account_set=message)

    return await change_journal(database, journal, request, work)


async def add_members(
    database: Database,
    journal: Journal,
    request: Request[account_sets_pb2.AddAccountSetMembersResponse],
    reference: str,
    references: MemberReferences,
) -> account_sets_pb2.AddAccountSetMembersResponse:
    """Put accounts and sets into a set, all or none. One that is there already stays.

    Raises:
        AccountSetNotFoundError: the set, or a set to be added, is not there.
        AccountNotFoundError: an account to be added is not there.
        AccountSetCycleError: the set would come to contain itself.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> account_sets_pb2.AddAccountSetMembersResponse:
        tx = change.tx
        account_set = await get_account_set_in_tx(tx, journal, reference)
        account_ids = await _account_ids_in_tx(tx, journal, references.accounts)
        set_ids = await _set_ids_in_tx(tx, journal, references.sets)
        await _refuse_cycle_in_tx(tx, journal, account_set, set_ids)
        new_accounts = await account_sets.add_accounts_in_tx(
            tx, journal.id, account_set.id, list(account_ids.values())
        )
        new_sets = await account_sets.add_sets_in_tx(
            tx, journal.id, account_set.id, list(set_ids.values())
        )
        if new_accounts or new_sets:
            change.config_changed = True
            change.record(
                events_pb2.Event(
                    account_set_members_added=events_pb2.AccountSetMembersAdded(
                        account_set_id=str(account_set.id),
                        account_ids=_in_order(account_ids, new_accounts),
                        member_set_ids=_in_order(set_ids, new_sets),
                    )
                )
            )
        return account_sets_pb2.AddAccountSetMembersResponse(
            added_count=len(new_accounts) + len(new_sets)
        )

    return await change_journal(database, journal, request, work)


async def remove_members(
    database: Database,
    journal: Journal,
    request: Request[account_sets_pb2.RemoveAccountSetMembersResponse],
    reference: str,
    references: MemberReferences,
) -> account_sets_pb2.RemoveAccountSetMembersResponse:
    """Take accounts and sets out of a set, all or none.

    Raises:
        AccountSetNotFoundError: the set, or a set to be removed, is not there.
        AccountNotFoundError: an account to be removed is not there.
        MemberNotFoundError: one is there and is not a direct member.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> account_sets_pb2.RemoveAccountSetMembersResponse:
        tx = change.tx
        account_set = await get_account_set_in_tx(tx, journal, reference)
        account_ids = await _account_ids_in_tx(tx, journal, references.accounts)
        set_ids = await _set_ids_in_tx(tx, journal, references.sets)
        old_accounts = await account_sets.remove_accounts_in_tx(
            tx, journal.id, account_set.id, list(account_ids.values())
        )
        old_sets = await account_sets.remove_sets_in_tx(
            tx, journal.id, account_set.id, list(set_ids.values())
        )
        for named, removed in ((account_ids, old_accounts), (set_ids, old_sets)):
            for member, member_id in named.items():
                if member_id not in removed:
                    raise MemberNotFoundError(account_set.code, member)
        # What has left is not counted any more, and what it moves meanwhile would be missing if it
        # came back: limits that no longer bind it count the past anew.
        for code in await limits.velocity_codes_of_set_in_tx(tx, journal.id, account_set.id):
            await limit_movements.forget_in_tx(tx, journal.id, code)
        change.config_changed = True
        change.record(
            events_pb2.Event(
                account_set_members_removed=events_pb2.AccountSetMembersRemoved(
                    account_set_id=str(account_set.id),
                    account_ids=_in_order(account_ids, old_accounts),
                    member_set_ids=_in_order(set_ids, old_sets),
                )
            )
        )
        return account_sets_pb2.RemoveAccountSetMembersResponse(
            removed_count=len(old_accounts) + len(old_sets)
        )

    return await change_journal(database, journal, request, work)


async def _account_ids_in_tx(
    tx: Tx, journal: Journal, references: Sequence[str]
) -> dict[str, AccountId]:
    found = await accounts.facts_by_reference_in_tx(tx, journal.id, references)
    for reference in references:
        if reference not in found:
            raise AccountNotFoundError(reference)
    return {reference: facts.id for reference, facts in found.items()}


async def _set_ids_in_tx(tx: Tx, journal: Journal, references: Sequence[str]) -> dict[str, UUID]:
    found = await account_sets.ids_by_reference_in_tx(tx, journal.id, references)
    for reference in references:
        if reference not in found:
            raise AccountSetNotFoundError(reference)
    return found


async def _refuse_cycle_in_tx(
    tx: Tx, journal: Journal, account_set: AccountSet, set_ids: dict[str, UUID]
) -> None:
    """Name the member that closes a cycle. The database would refuse too, and name only the set."""
    containers = await account_sets.containers_among_in_tx(
        tx, journal.id, account_set.id, list(set_ids.values())
    )
    for member, set_id in set_ids.items():
        if set_id in containers:
            raise AccountSetCycleError(account_set.code, member)


def _in_order(named: dict[str, UUID], chosen: set[UUID]) -> list[str]:
    """Return the chosen ids as texts, each once, in the order in which they were named."""
    return [str(member_id) for member_id in dict.fromkeys(named.values()) if member_id in chosen]

"""Accounts: created, renamed, locked, unlocked, closed."""

from collections.abc import Callable, Sequence
from typing import Final

from ledger_proto.v1 import accounts_pb2, events_pb2
from ledger_server.application.ids import new_id
from ledger_server.application.mutation import A, Change, Request, change_journal
from ledger_server.domain.account import Account, AccountStatus, NewAccount
from ledger_server.domain.errors import (
    AccountClosedError,
    AccountExistsError,
    AccountNotEmptyError,
    AccountNotFoundError,
    AccountSetNotFoundError,
    AccountSetNotLeafError,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import AccountId, fixed
from ledger_server.store import account_sets, accounts, balances
from ledger_server.store.codec import account_message
from ledger_server.store.database import Database, Tx


async def get_account_in_tx(tx: Tx, journal: Journal, reference: str) -> Account:
    """Return the account whose code or id is `reference`.

    Raises:
        AccountNotFoundError: there is none.
    """
    account = await accounts.find_in_tx(tx, journal.id, reference)
    if account is None:
        raise AccountNotFoundError(reference)
    return account


async def create_accounts(
    database: Database,
    journal: Journal,
    request: Request[A],
    new_accounts: Sequence[NewAccount],
    answer: Callable[[list[Account]], A],
) -> A:
    """Create accounts, all or none, and return what `answer` makes of them.

    The configuration version stays: a server that meets a code that it does not know looks it up.

    Raises:
        AccountExistsError: a code or id is taken, or comes twice.
        AccountSetNotFoundError: a set that one is to stand in is not there.
        AccountSetNotLeafError: it has sets below it.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> A:
        numbered = [(new.id or new_id(), new) for new in new_accounts]
        _refuse_repeats(numbered)
        await _refuse_taken_in_tx(change.tx, journal, numbered)
        created = await accounts.insert_in_tx(change.tx, journal.id, numbered)
        for account in created:
            change.record(
                events_pb2.Event(
                    account_created=events_pb2.AccountCreated(account=account_message(account))
                )
            )
        await _join_sets_in_tx(change, numbered)
        return answer(created)

    return await change_journal(database, journal, request, work)


async def update_account(
    database: Database,
    journal: Journal,
    request: Request[accounts_pb2.UpdateAccountResponse],
    reference: str,
    *,
    name: str | None,
    metadata: dict[str, str] | None,
) -> accounts_pb2.UpdateAccountResponse:
    """Change the name, the metadata or both; None leaves one as it is, an empty name is the code.

    Raises:
        AccountNotFoundError: no account has this code or id.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> accounts_pb2.UpdateAccountResponse:
        account = await get_account_in_tx(change.tx, journal, reference)
        new_name = account.name if name is None else name or account.code
        new_metadata = account.metadata if metadata is None else metadata
        if (new_name, new_metadata) != (account.name, account.metadata):
            before = account
            account = await accounts.update_in_tx(
                change.tx, journal.id, account.id, new_name, new_metadata
            )
            change.record(
                events_pb2.Event(
                    account_updated=events_pb2.AccountUpdated(
                        account=account_message(account), previous=account_message(before)
                    )
                )
            )
        return accounts_pb2.UpdateAccountResponse(account=account_message(account))

    return await change_journal(database, journal, request, work)


async def set_account_status(
    database: Database,
    journal: Journal,
    request: Request[A],
    reference: str,
    *,
    status: AccountStatus,
    answer: Callable[[Account], A],
    lock_allows_hold_ends: bool = False,
) -> A:
    """Lock, unlock or close an account; one that is so already stays, without an event.

    A lock on a locked account is a change if it allows something else.

    Closing reads the balances without locking them: the head is held, so a posting has committed
    already, or will find another configuration version and decide again.

    Raises:
        AccountNotFoundError: no account has this code or id.
        AccountClosedError: it is closed, and `status` is another.
        AccountNotEmptyError: it is to be closed and not at zero.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> A:
        account = await get_account_in_tx(change.tx, journal, reference)
        if (account.status, account.lock_allows_hold_ends) == (status, lock_allows_hold_ends):
            return answer(account)
        if account.status is AccountStatus.CLOSED:
            raise AccountClosedError(account.code)
        if status is AccountStatus.CLOSED:
            await _refuse_not_empty_in_tx(change.tx, journal, account)
        account = await accounts.set_status_in_tx(
            change.tx,
            journal.id,
            account.id,
            status,
            change.next_config_version,
            lock_allows_hold_ends=lock_allows_hold_ends,
        )
        change.config_changed = True
        change.record(_STATUS_EVENTS[status](account_message(account)))
        return answer(account)

    return await change_journal(database, journal, request, work)


_STATUS_EVENTS: Final[dict[AccountStatus, Callable[[accounts_pb2.Account], events_pb2.Event]]] = {
    AccountStatus.ACTIVE: lambda account: events_pb2.Event(
        account_unlocked=events_pb2.AccountUnlocked(account=account)
    ),
    AccountStatus.LOCKED: lambda account: events_pb2.Event(
        account_locked=events_pb2.AccountLocked(account=account)
    ),
    AccountStatus.CLOSED: lambda account: events_pb2.Event(
        account_closed=events_pb2.AccountClosed(account=account)
    ),
}


def _refuse_repeats(numbered: Sequence[tuple[AccountId, NewAccount]]) -> None:
    codes: set[str] = set()
    ids: set[AccountId] = set()
    for account_id, new in numbered:
        if new.code in codes:
            raise AccountExistsError(new.code)
        if account_id in ids:
            raise AccountExistsError(str(account_id))
        codes.add(new.code)
        ids.add(account_id)


async def _join_sets_in_tx(
    change: Change, numbered: Sequence[tuple[AccountId, NewAccount]]
) -> None:
    """Put new accounts into the sets that they name, which must have no sets below them.

    The configuration version stays here too: what binds an account is looked up with its first
    posting, and there can be none before this commits.
    """
    members: dict[str, list[AccountId]] = {}
    for account_id, new in numbered:
        for reference in new.account_sets:
            members.setdefault(reference, []).append(account_id)
    if not members:
        return
    tx, journal_id = change.tx, change.journal.id
    ids = await account_sets.ids_by_reference_in_tx(tx, journal_id, list(members))
    inner = await account_sets.with_sets_in_tx(tx, journal_id, list(ids.values()))
    for reference, account_ids in members.items():
        if reference not in ids:
            raise AccountSetNotFoundError(reference)
        if ids[reference] in inner:
            raise AccountSetNotLeafError(reference)
        # Nothing is new if the same set was named by its code and by its id.
        joined = await account_sets.add_accounts_in_tx(tx, journal_id, ids[reference], account_ids)
        if joined:
            added = events_pb2.AccountSetMembersAdded(
                account_set_id=str(ids[reference]),
                account_ids=[str(one) for one in dict.fromkeys(account_ids) if one in joined],
            )
            change.record(events_pb2.Event(account_set_members_added=added))


async def _refuse_taken_in_tx(
    tx: Tx, journal: Journal, numbered: Sequence[tuple[AccountId, NewAccount]]
) -> None:
    """Name the first code or id that is taken; nobody can take one while the head is held."""
    taken = await accounts.facts_in_tx(
        tx,
        journal.id,
        [account_id for account_id, _ in numbered],
        [new.code for _, new in numbered],
    )
    codes = {facts.code for facts in taken}
    ids = {facts.id for facts in taken}
    for account_id, new in numbered:
        if new.code in codes:
            raise AccountExistsError(new.code)
        if account_id in ids:
            raise AccountExistsError(str(account_id))


async def _refuse_not_empty_in_tx(tx: Tx, journal: Journal, account: Account) -> None:
    for balance in await balances.list_of_account_in_tx(tx, journal.id, account):
        residue = balance.residue()
        if residue is not None:
            layer, net_debit = residue
            raise AccountNotEmptyError(
                account.code,
                layer.name,
                balance.currency,
                fixed(net_debit, balance.exponent),
            )

"""What an export needs of a journal beside its transactions."""

import dataclasses
import datetime as dt
from collections import deque
from collections.abc import AsyncIterator, Mapping
from uuid import UUID

from ledger_client.client import LedgerClient
from ledger_client.models import (
    Account,
    AccountCategory,
    AccountSet,
    Currency,
    Transaction,
    TransactionKind,
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PlainBooks:
    """The accounts and currencies of a journal at one position."""

    #: Code of the journal.
    journal: str
    #: The journal's head when the export began: nothing recorded later is in it.
    position: int
    #: In the order of their codes.
    accounts: tuple[Account, ...]
    #: By code.
    currencies: Mapping[str, Currency]
    #: Of the accounts that stand in a set with a category, at any depth.
    categories: Mapping[UUID, AccountCategory]


async def read_books(ledger: LedgerClient, journal: str) -> PlainBooks:
    """Return what an export needs of `journal` beside its transactions.

    Raises:
        LedgerError: a call failed.
    """
    head = await ledger.get_journal(journal)
    accounts = [account async for account in ledger.list_accounts(journal)]
    return PlainBooks(
        journal=head.code,
        position=head.head_sequence,
        accounts=tuple(sorted(accounts, key=lambda account: account.code)),
        currencies={each.code: each async for each in ledger.list_currencies(journal)},
        categories=await _categories(ledger, journal),
    )


async def transactions_up_to(
    ledger: LedgerClient, journal: str, position: int, to_date: dt.date | None = None
) -> AsyncIterator[tuple[Transaction, bool]]:
    """Give the transactions recorded up to `position`, by effective date, then sequence.

    Each comes with whether it closes a fiscal year, or takes such a close back.
    """
    closing: set[UUID] = set()
    async for transaction in ledger.list_transactions(journal, to_date=to_date):
        if transaction.sequence is None or transaction.sequence > position:
            continue
        # A close is taken back on its own day and later in sequence: it was seen before.
        if transaction.kind is TransactionKind.CLOSING or transaction.reverses in closing:
            closing.add(transaction.id)
        yield transaction, transaction.id in closing


async def _categories(ledger: LedgerClient, journal: str) -> dict[UUID, AccountCategory]:
    """Return each account's category: of the nearest set above it that has one.

    An account below two sets with different categories takes the one whose set comes first by
    code: it is exported once, and under one heading.
    """
    sets = {each.id: each async for each in ledger.list_account_sets(journal)}
    members = {
        each: [member async for member in ledger.list_account_set_members(journal, each)]
        for each in sets
    }
    below = {member.id for each in members.values() for member in each if member.is_account_set}
    found: dict[UUID, AccountCategory] = {}
    tops = sorted((sets[each] for each in sets.keys() - below), key=lambda top: top.code)
    waiting: deque[tuple[AccountSet, AccountCategory | None]] = deque((top, None) for top in tops)
    seen: set[tuple[UUID, AccountCategory | None]] = set()
    while waiting:
        node, inherited = waiting.popleft()
        category = node.category or inherited
        if (node.id, category) in seen:
            continue
        seen.add((node.id, category))
        for member in members[node.id]:
            if member.is_account_set:
                waiting.append((sets[member.id], category))
            elif category is not None:
                found.setdefault(member.id, category)
    return found

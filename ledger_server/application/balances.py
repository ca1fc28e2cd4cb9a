"""Balances, all read at one moment."""

import dataclasses
from collections.abc import Sequence
from datetime import date

from ledger_server.domain.balance import Balance
from ledger_server.domain.errors import AccountNotFoundError, CurrencyUnknownError
from ledger_server.domain.journal import Journal
from ledger_server.store import accounts, balances, journals
from ledger_server.store.balances import Missing
from ledger_server.store.database import Database


@dataclasses.dataclass(frozen=True, slots=True)
class BalanceReference:
    """A balance as a caller names it."""

    #: Code or id.
    account: str
    currency: str


async def read_balances(
    database: Database,
    journal: Journal,
    references: Sequence[BalanceReference],
    as_of: date | None,
) -> tuple[list[Balance], int]:
    """Return the balances named, in order, and the head's sequence at the moment of reading.

    Raises:
        AccountNotFoundError: for the first account that is not there.
        CurrencyUnknownError: for the first currency that is not registered.
    """
    named = [(reference.account, reference.currency) for reference in references]
    async with database.look_up_connection() as tx:
        rows, sequence = await balances.find_in_tx(tx, journal.id, named, as_of)
    found: list[Balance] = []
    for reference, row in zip(references, rows, strict=True):
        if row is Missing.ACCOUNT:
            raise AccountNotFoundError(reference.account)
        if row is Missing.CURRENCY:
            raise CurrencyUnknownError(reference.currency)
        found.append(row)
    return found, sequence


async def list_balances(
    database: Database,
    journal: Journal,
    *,
    account: str,
    as_of: date | None,
    after: tuple[str, str],
    limit: int,
) -> tuple[list[Balance], int]:
    """Return up to `limit` balances with entries after (account code, currency), and the head.

    Args:
        database: where to read.
        journal: whose balances.
        account: only those of this account; empty for all.
        as_of: counts only what is effective on or before this day; None counts everything.
        after: account code and currency of the last balance seen.
        limit: how many at most.

    Raises:
        AccountNotFoundError: no account has this code or id.
    """
    async with database.snapshot() as tx:
        head = await journals.read_head_in_tx(tx, journal.id)
        account_id = None
        if account:
            found = await accounts.facts_by_reference_in_tx(tx, journal.id, [account])
            if account not in found:
                raise AccountNotFoundError(account)
            account_id = found[account].id
        rows = await balances.list_in_tx(
            tx, journal.id, account_id=account_id, as_of=as_of, after=after, limit=limit
        )
        return rows, head.sequence

"""Balances as readers see them. Postings lock and write theirs in `store/postings.py`."""

from collections.abc import Sequence
from datetime import date

from ledger_server.domain.account import Account, AccountFacts
from ledger_server.domain.balance import Balance
from ledger_server.domain.primitives import AccountId, Currency, Direction, JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("balances")


async def list_of_account_in_tx(tx: Tx, journal_id: JournalId, account: Account) -> list[Balance]:
    """Return all balances of an account, by currency."""
    rows = await tx.fetch(_SQL["balances_of_account"], journal_id, account.id)
    return [_balance(row, account.code, account.normal_side, row["exponent"]) for row in rows]


async def find_in_tx(
    tx: Tx,
    journal_id: JournalId,
    keys: Sequence[tuple[AccountFacts, Currency]],
    as_of: date | None,
) -> list[Balance]:
    """Return the balances of `keys` in their order, zero where nothing was posted.

    With `as_of` they count what is effective on or before that day, and have no version.
    """
    account_ids = [account.id for account, _ in keys]
    codes = [currency.code for _, currency in keys]
    if as_of is None:
        rows = await tx.fetch(_SQL["find_balances"], journal_id, account_ids, codes)
    else:
        rows = await tx.fetch(_SQL["find_balances_as_of"], journal_id, account_ids, codes, as_of)
    found = {(row["account_id"], row["currency"]): row for row in rows}
    return [
        _balance(row, account.code, account.normal_side, currency.exponent)
        if (row := found.get((account.id, currency.code)))
        else _zero(account, currency)
        for account, currency in keys
    ]


async def list_in_tx(
    tx: Tx,
    journal_id: JournalId,
    *,
    account_id: AccountId | None,
    as_of: date | None,
    after: tuple[str, str],
    limit: int,
) -> list[Balance]:
    """Return up to `limit` balances with entries after (account code, currency), in that order."""
    if as_of is None:
        rows = await tx.fetch(_SQL["list_balances"], journal_id, account_id, *after, limit)
    else:
        rows = await tx.fetch(
            _SQL["list_balances_as_of"], journal_id, account_id, *after, limit, as_of
        )
    return [
        _balance(row, row["code"], Direction(row["normal_side"]), row["exponent"]) for row in rows
    ]


def _zero(account: AccountFacts, currency: Currency) -> Balance:
    return Balance(
        account_id=account.id,
        account_code=account.code,
        normal_side=account.normal_side,
        currency=currency.code,
        exponent=currency.exponent,
    )


def _balance(row: Row, code: str, normal_side: Direction, exponent: int) -> Balance:
    return Balance(
        account_id=row["account_id"],
        account_code=code,
        normal_side=normal_side,
        currency=row["currency"],
        exponent=exponent,
        settled_debit=row["settled_debit"],
        settled_credit=row["settled_credit"],
        pending_debit=row["pending_debit"],
        pending_credit=row["pending_credit"],
        encumbrance_debit=row["encumbrance_debit"],
        encumbrance_credit=row["encumbrance_credit"],
        held_debit=row["held_debit"],
        held_credit=row["held_credit"],
        version=row["version"],
    )

"""Balances as readers see them. Postings lock and write theirs in `store/postings.py`."""

import enum
from collections.abc import Sequence
from datetime import date

from ledger_server.domain.account import Account
from ledger_server.domain.balance import Balance
from ledger_server.domain.primitives import AccountId, Direction, JournalId, parse_uuid
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("balances")


class Missing(enum.Enum):
    """Why there is no balance of a name: the first of these that the journal does not have."""

    ACCOUNT = enum.auto()
    CURRENCY = enum.auto()


async def list_of_account_in_tx(tx: Tx, journal_id: JournalId, account: Account) -> list[Balance]:
    """Return all balances of an account, by currency."""
    rows = await tx.fetch(_SQL["balances_of_account"], journal_id, account.id)
    return [_balance(row, account.code, account.normal_side, row["exponent"]) for row in rows]


async def find_in_tx(
    tx: Tx, journal_id: JournalId, references: Sequence[tuple[str, str]], as_of: date | None
) -> tuple[list[Balance | Missing], int]:
    """Return the head's sequence and the balances named, in order, all of one moment.

    One statement: it needs no transaction around it.

    Args:
        tx: where to read.
        journal_id: whose balances.
        references: code or id of the account and code of the currency of each, at least one.
        as_of: counts only what is effective on or before this day, and then balances have no
            version; None counts everything.
    """
    ids = [parse_uuid(account) for account, _ in references]
    codes = [
        None if account_id else account
        for account_id, (account, _) in zip(ids, references, strict=True)
    ]
    named = (journal_id, ids, codes, [currency for _, currency in references])
    if as_of is None:
        rows = await tx.fetch(_SQL["find_balances"], *named)
    else:
        rows = await tx.fetch(_SQL["find_balances_as_of"], *named, as_of)
    assert len(rows) == len(references), f"journal {journal_id} has no head"
    return [_found(row) for row in rows], rows[0]["sequence"]


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


def _found(row: Row) -> Balance | Missing:
    if row["account_id"] is None:
        return Missing.ACCOUNT
    if row["exponent"] is None:
        return Missing.CURRENCY
    side = Direction(row["normal_side"])
    if row["version"] is not None:
        return _balance(row, row["code"], side, row["exponent"])
    return Balance(
        account_id=row["account_id"],
        account_code=row["code"],
        normal_side=side,
        currency=row["currency"],
        exponent=row["exponent"],
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

"""Accounts: what entries are posted to."""

import json
from collections.abc import Mapping, Sequence
from uuid import UUID

from ledger_server.domain.account import Account, AccountFacts, AccountStatus, NewAccount
from ledger_server.domain.primitives import AccountId, Direction, JournalId, parse_uuid
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("accounts")


async def facts_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID], codes: Sequence[str]
) -> list[AccountFacts]:
    """Return what a posting needs of the accounts with these ids or codes, each account once."""
    return [_facts(row) for row in await tx.fetch(_SQL["account_facts"], journal_id, ids, codes)]


async def facts_by_reference_in_tx(
    tx: Tx, journal_id: JournalId, references: Sequence[str]
) -> dict[str, AccountFacts]:
    """Return the accounts that `references`, codes or ids, name; what names none is left out."""
    ids = {reference: parse_uuid(reference) for reference in references}
    found = await facts_in_tx(
        tx,
        journal_id,
        [account_id for account_id in ids.values() if account_id],
        [reference for reference, account_id in ids.items() if not account_id],
    )
    known: dict[UUID | str, AccountFacts] = {}
    for facts in found:
        known[facts.id] = facts
        known[facts.code] = facts
    return {
        reference: known[account_id or reference]
        for reference, account_id in ids.items()
        if (account_id or reference) in known
    }


async def facts_changed_since_in_tx(
    tx: Tx, journal_id: JournalId, config_version: int
) -> list[AccountFacts]:
    """Return the accounts whose status a later configuration version changed."""
    rows = await tx.fetch(_SQL["account_facts_changed"], journal_id, config_version)
    return [_facts(row) for row in rows]


async def find_in_tx(tx: Tx, journal_id: JournalId, reference: str) -> Account | None:
    """Return the account whose id or code is `reference`; the form of a UUID is always an id."""
    account_id = parse_uuid(reference)
    code = None if account_id else reference
    row = await tx.fetch_one(_SQL["find_account"], journal_id, account_id, code)
    return _account(row) if row else None


async def list_in_tx(
    tx: Tx,
    journal_id: JournalId,
    *,
    after_code: str,
    code_prefix: str,
    status: AccountStatus | None,
    limit: int,
) -> list[Account]:
    """Return up to `limit` accounts whose code is above `after_code`, by code."""
    rows = await tx.fetch(_SQL["list_accounts"], journal_id, after_code, code_prefix, status, limit)
    return [_account(row) for row in rows]


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, accounts: Sequence[tuple[AccountId, NewAccount]]
) -> list[Account]:
    """Create active accounts under the ids given and return them in the same order.

    Raises:
        ConstraintError: `accounts_pkey` or `accounts_code_key` if an id or code is taken.
    """
    rows = await tx.fetch(
        _SQL["insert_accounts"],
        journal_id,
        [account_id for account_id, _ in accounts],
        [new.code for _, new in accounts],
        [new.name for _, new in accounts],
        [new.normal_side for _, new in accounts],
        [json.dumps(new.metadata) for _, new in accounts],
    )
    inserted = {row["id"]: _account(row) for row in rows}
    return [inserted[account_id] for account_id, _ in accounts]


async def update_in_tx(
    tx: Tx, journal_id: JournalId, account_id: AccountId, name: str, metadata: Mapping[str, str]
) -> Account:
    """Give an account that is there another name and other metadata."""
    row = await tx.fetch_one(
        _SQL["update_account"], journal_id, account_id, name, json.dumps(dict(metadata))
    )
    assert row is not None, f"account {account_id} was read under the head"
    return _account(row)


async def set_status_in_tx(
    tx: Tx,
    journal_id: JournalId,
    account_id: AccountId,
    status: AccountStatus,
    config_version: int,
    *,
    lock_allows_hold_ends: bool = False,
) -> Account:
    """Give an account that is there another status, as of the configuration version given."""
    row = await tx.fetch_one(
        _SQL["set_account_status"],
        journal_id,
        account_id,
        status,
        config_version,
        lock_allows_hold_ends,
    )
    assert row is not None, f"account {account_id} was read under the head"
    return _account(row)


def _facts(row: Row) -> AccountFacts:
    return AccountFacts(
        id=row["id"],
        code=row["code"],
        normal_side=Direction(row["normal_side"]),
        status=AccountStatus(row["status"]),
        holds_may_end=row["holds_may_end"],
    )


def _account(row: Row) -> Account:
    return Account(
        id=row["id"],
        code=row["code"],
        name=row["name"],
        normal_side=Direction(row["normal_side"]),
        status=AccountStatus(row["status"]),
        metadata=json.loads(row["metadata"]),
        created_at=row["created_at"],
        lock_allows_hold_ends=row["lock_allows_hold_ends"],
    )

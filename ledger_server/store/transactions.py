"""Transactions in the books: found by id, listed by account, date and the callers' own ids."""

import dataclasses
from collections.abc import Sequence
from datetime import date
from typing import Final
from uuid import UUID

from ledger_proto.v1 import transactions_pb2
from ledger_server.domain.primitives import AccountId, JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load
from ledger_server.store.transaction_codec import read_transaction

_SQL = load("transactions")

_ASCENDING: Final = {"order": "ASC", "beyond": ">"}
_DESCENDING: Final = {"order": "DESC", "beyond": "<"}
_LISTS: Final = {
    (name, newest_first): _SQL[name].format(**(_DESCENDING if newest_first else _ASCENDING))
    for name in ("list_transactions", "list_transactions_of_account")
    for newest_first in (False, True)
}
_SEQUENCE_END: Final = 2**63 - 1


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which transactions to list; all that is given must hold."""

    account_id: AccountId | None = None
    from_date: date | None = None
    to_date: date | None = None
    external_id: str | None = None
    correlation_id: str | None = None
    newest_first: bool = False


async def find_in_tx(
    tx: Tx, journal_id: JournalId, transaction_id: UUID
) -> transactions_pb2.Transaction | None:
    """Return one transaction, with those that took it back, oldest first."""
    row = await tx.fetch_one(_SQL["find_transaction"], journal_id, transaction_id)
    if row is None:
        return None
    transaction = _transaction(row)
    transaction.reversed_by.extend(str(one) for one in row["reversed_by"])
    return transaction


async def find_many_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID]
) -> dict[UUID, transactions_pb2.Transaction]:
    """Return the transactions that are there, by id."""
    rows = await tx.fetch(_SQL["find_transactions"], journal_id, ids)
    return {row["id"]: _transaction(row) for row in rows}


async def list_in_tx(
    tx: Tx,
    journal_id: JournalId,
    wanted: Filter,
    after: tuple[date, int] | None,
    limit: int,
) -> list[transactions_pb2.Transaction]:
    """Return up to `limit` transactions beyond `after`, by effective date, then sequence."""
    if after is None:
        after = (date.max, _SEQUENCE_END) if wanted.newest_first else (date.min, 0)
    name = "list_transactions" + ("_of_account" if wanted.account_id else "")
    rows = await tx.fetch(
        _LISTS[name, wanted.newest_first],
        journal_id,
        wanted.from_date or date.min,
        wanted.to_date or date.max,
        *after,
        wanted.external_id,
        wanted.correlation_id,
        limit,
        *([wanted.account_id] if wanted.account_id else []),
    )
    return [_transaction(row) for row in rows]


def _transaction(row: Row) -> transactions_pb2.Transaction:
    return read_transaction(row["payload"], row["sequence"], row["recorded_at"])

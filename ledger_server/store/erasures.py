"""Personal data: where it lies, and taking it away."""

from collections.abc import Collection, Sequence
from typing import Any, Final
from uuid import UUID

from ledger_proto.v1 import accounts_pb2, events_pb2
from ledger_server.domain.primitives import AccountId, JournalId
from ledger_server.store.codec import blank_account
from ledger_server.store.database import Tx
from ledger_server.store.queries import load
from ledger_server.store.transaction_codec import event_transaction

_SQL = load("erasures")

#: Answers with one account; `BatchCreateAccountsResponse` has many.
_ANSWERS: Final[dict[str, Any]] = {
    message.DESCRIPTOR.full_name: message
    for message in (
        accounts_pb2.CreateAccountResponse,
        accounts_pb2.UpdateAccountResponse,
        accounts_pb2.LockAccountResponse,
        accounts_pb2.UnlockAccountResponse,
        accounts_pb2.CloseAccountResponse,
    )
}
_BATCH_ANSWER: Final = accounts_pb2.BatchCreateAccountsResponse.DESCRIPTOR.full_name


async def sequences_of_in_tx(
    tx: Tx, journal_id: JournalId, ids: Collection[UUID]
) -> dict[UUID, int]:
    """Return the sequences of those transactions that are there, by id."""
    rows = await tx.fetch(_SQL["sequences_of_transactions"], journal_id, list(ids))
    return {row["id"]: row["sequence"] for row in rows}


async def copies_of_in_tx(tx: Tx, journal_id: JournalId, ids: Collection[UUID]) -> list[int]:
    """Return the sequences of transactions that took personal data over from others.

    They are what ended the hold that one of `ids` placed, and what took one of them, or such an
    end, back.
    """
    found: list[int] = []
    originals = list(ids)
    for row in await tx.fetch(_SQL["ends_of_holds"], journal_id, list(ids)):
        transaction = event_transaction(events_pb2.Event.FromString(row["payload"]))
        if transaction.hold_id == str(row["id"]):
            found.append(row["sequence"])
            originals.append(UUID(transaction.id))
    rows = await tx.fetch(_SQL["reversals_of_transactions"], journal_id, originals)
    return found + [row["sequence"] for row in rows]


async def account_events_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Collection[AccountId]
) -> list[int]:
    """Return the sequences of events that tell accounts' names and metadata."""
    rows = await tx.fetch(_SQL["account_events"], journal_id, _as_stored(account_ids))
    wanted = set(map(str, account_ids))
    found = []
    for row in rows:
        event = events_pb2.Event.FromString(row["payload"])
        fact: Any = getattr(event, event.WhichOneof("fact") or "")
        if fact.account.id in wanted:
            found.append(row["sequence"])
    return found


async def erase_parts_in_tx(tx: Tx, journal_id: JournalId, sequences: Collection[int]) -> list[int]:
    """Erase the personal parts of events; return the sequences of those that had one, in order."""
    rows = await tx.fetch(_SQL["erase_parts"], journal_id, list(sequences))
    return [row["sequence"] for row in rows]


async def blank_accounts_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Collection[AccountId]
) -> None:
    """Give accounts their codes for names and no metadata, also in answers that were kept."""
    await tx.execute(_SQL["blank_accounts"], journal_id, list(account_ids))
    rows = await tx.fetch(
        _SQL["answers_with_accounts"],
        journal_id,
        _as_stored(account_ids),
        list(_ANSWERS),
        _BATCH_ANSWER,
    )
    wanted = set(map(str, account_ids))
    for row in rows:
        left = _without(row["answer"], row["response"], wanted)
        if left != row["response"]:
            await tx.execute(_SQL["erase_answer"], journal_id, row["request_id"], left)


def _without(answer: str, response: bytes, account_ids: set[str]) -> bytes:
    """Return a kept answer without the names and metadata of accounts."""
    if answer == _BATCH_ANSWER:
        batch = accounts_pb2.BatchCreateAccountsResponse.FromString(response)
        for account in batch.accounts:
            if account.id in account_ids:
                blank_account(account)
        return batch.SerializeToString()
    if answer in _ANSWERS:
        one = _ANSWERS[answer].FromString(response)
        if one.account.id in account_ids:
            blank_account(one.account)
        left: bytes = one.SerializeToString()
        return left
    # Kept before answers had names: nobody can tell what is in it.
    return b""


def _as_stored(account_ids: Collection[AccountId]) -> Sequence[bytes]:
    return [str(account_id).encode() for account_id in account_ids]

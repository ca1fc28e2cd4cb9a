"""Erasing personal data: from events, accounts and kept answers, under the journal's head."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from ledger_proto.v1 import erasures_pb2, events_pb2
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.errors import TransactionNotFoundError
from ledger_server.domain.journal import Journal
from ledger_server.store import erasures
from ledger_server.store.database import Database

#: Transactions and accounts of one request. All of it is done under the head, so postings wait.
SUBJECTS_MAX: Final = 1_000


async def erase_personal_data(
    database: Database,
    journal: Journal,
    request: Request[erasures_pb2.ErasePersonalDataResponse],
    *,
    transaction_ids: Sequence[UUID],
    accounts: Sequence[str],
    reason: str,
) -> erasures_pb2.ErasePersonalDataResponse:
    """Erase the personal data of transactions and accounts, and record that it was done.

    Args:
        database: holds the journal.
        journal: whose they are.
        request: the request, for when it comes again.
        transaction_ids: with each goes what took its personal data over.
        accounts: codes or ids.
        reason: kept in the event.

    Raises:
        AccountNotFoundError: no account has one of the codes or ids; nothing is erased then.
        TransactionNotFoundError: one of the transactions is not there; nothing is erased then.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> erasures_pb2.ErasePersonalDataResponse:
        tx = change.tx
        sequences: list[int] = []
        if transaction_ids:
            found = await erasures.sequences_of_in_tx(tx, journal.id, transaction_ids)
            for transaction_id in transaction_ids:
                if transaction_id not in found:
                    raise TransactionNotFoundError(str(transaction_id))
            sequences += found.values()
            sequences += await erasures.copies_of_in_tx(tx, journal.id, transaction_ids)
        account_ids = [(await get_account_in_tx(tx, journal, one)).id for one in accounts]
        if account_ids:
            sequences += await erasures.account_events_in_tx(tx, journal.id, account_ids)
            await erasures.blank_accounts_in_tx(tx, journal.id, account_ids)
        erased = await erasures.erase_parts_in_tx(tx, journal.id, sequences)
        if not erased:
            return erasures_pb2.ErasePersonalDataResponse()
        # What is on its way to the books may have taken a copy already: as if the configuration had
        # changed, its batch writes nothing and is prepared again, from what is left.
        change.config_changed = True
        answer = erasures_pb2.ErasePersonalDataResponse(
            sequence=change.next_sequence, erased_sequences=erased
        )
        change.record(
            events_pb2.Event(
                personal_data_erased=events_pb2.PersonalDataErased(sequences=erased, reason=reason)
            )
        )
        return answer

    return await change_journal(database, journal, request, work)

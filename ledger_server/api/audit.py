"""AuditService: stored rows out, as they are."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from ledger_proto.v1 import audit_pb2 as pb
from ledger_proto.v1.audit_pb2_grpc import AuditServiceServicer
from ledger_server.api.fields import reference_field
from ledger_server.application.journals import get_journal
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import JournalId
from ledger_server.store import audit, journals
from ledger_server.store.database import Database, Row, Tx

#: Readers at one time; others wait. Each holds a connection of the pool, and a snapshot that keeps
#: the database from tidying up, for as long as it reads.
READERS_MAX: Final = 4


class AuditServicer(AuditServiceServicer):
    """The books as they are stored."""

    def __init__(self, database: Database) -> None:
        """Read from `database`."""
        self._database = database
        self._gate = asyncio.Semaphore(READERS_MAX)

    async def ReadBooks(
        self, request: pb.ReadBooksRequest, _context: object
    ) -> AsyncIterator[pb.ReadBooksResponse]:
        """Send the rows of a journal, a chunk a message, all of one snapshot."""
        if request.after_sequence < 0:
            raise FieldInvalidError("after_sequence", "negative")
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._gate, self._database.snapshot() as tx:
            head = (await journals.read_head_in_tx(tx, journal.id)).sequence
            yield pb.ReadBooksResponse(head_sequence=head)
            async for rows in audit.balances_in_tx(tx, journal.id):
                yield pb.ReadBooksResponse(
                    head_sequence=head, balances=[pb.StoredBalance(**row) for row in rows]
                )
            async for rows in audit.days_in_tx(tx, journal.id):
                yield pb.ReadBooksResponse(
                    head_sequence=head, days=[pb.StoredDay(**row) for row in rows]
                )
            async for response in _side_by_side(tx, journal.id, request.after_sequence, head):
                yield response


async def _side_by_side(
    tx: Tx, journal_id: JournalId, after: int, head: int
) -> AsyncIterator[pb.ReadBooksResponse]:
    """Send entries and transactions, each time of the kind that is behind."""
    entries = audit.entries_in_tx(tx, journal_id, after)
    transactions = audit.transactions_in_tx(tx, journal_id, after)
    entries_at: int | None = after
    transactions_at: int | None = after
    while entries_at is not None or transactions_at is not None:
        if transactions_at is None or (entries_at is not None and entries_at <= transactions_at):
            rows = await anext(entries, None)
            entries_at = rows[-1]["sequence"] if rows else None
            sent = pb.ReadBooksResponse(entries=[_entry(row) for row in rows or ()])
        else:
            rows = await anext(transactions, None)
            transactions_at = rows[-1]["sequence"] if rows else None
            sent = pb.ReadBooksResponse(transactions=[_transaction(row) for row in rows or ()])
        if rows:
            sent.head_sequence = head
            yield sent


def _entry(row: Row) -> pb.StoredEntry:
    sequence, position, account_id, direction, layer, units, currency, effective = row.values()
    return pb.StoredEntry(
        sequence=sequence,
        position=position,
        account_id=account_id,
        direction=direction,
        layer=layer,
        units=units,
        currency=currency,
        effective_date=effective,
    )


def _transaction(row: Row) -> pb.StoredTransaction:
    return pb.StoredTransaction(
        id=row["id"],
        sequence=row["sequence"],
        effective_date=row["effective"],
        external_id=row["external_id"] or "",
        correlation_id=row["correlation_id"] or "",
    )

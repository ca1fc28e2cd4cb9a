"""What is stored of a journal beside its events, row by row, for those who check it."""

from collections.abc import AsyncIterator, Sequence
from typing import Final

from ledger_server.domain.primitives import JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("audit")

#: Rows of a chunk: about 300 kB as a message.
CHUNK_ROWS_MAX: Final = 2_000

Chunks = AsyncIterator[Sequence[Row]]


def balances_in_tx(tx: Tx, journal_id: JournalId) -> Chunks:
    """Give all balances, by account and currency."""
    return tx.chunks(_SQL["stored_balances"], journal_id, rows_max=CHUNK_ROWS_MAX)


def days_in_tx(tx: Tx, journal_id: JournalId) -> Chunks:
    """Give all daily sums, in no order."""
    return tx.chunks(_SQL["stored_days"], journal_id, rows_max=CHUNK_ROWS_MAX)


def entries_in_tx(tx: Tx, journal_id: JournalId, after: int) -> Chunks:
    """Give the entries after a sequence, by sequence and position."""
    return tx.chunks(_SQL["stored_entries"], journal_id, after, rows_max=CHUNK_ROWS_MAX)


def transactions_in_tx(tx: Tx, journal_id: JournalId, after: int) -> Chunks:
    """Give the transactions after a sequence, by sequence."""
    return tx.chunks(_SQL["stored_transactions"], journal_id, after, rows_max=CHUNK_ROWS_MAX)

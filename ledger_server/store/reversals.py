"""Reversals: which transactions take which back, and how much of each entry is gone."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from ledger_server.domain.books import Posting
from ledger_server.domain.primitives import JournalId, TransactionId
from ledger_server.domain.reversal import Reversible
from ledger_server.store.database import Tx
from ledger_server.store.queries import load

_SQL = load("reversals")


async def reversed_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID]
) -> dict[TransactionId, dict[int, Decimal]]:
    """Return how much of each entry of these transactions is gone, by position."""
    gone: dict[TransactionId, dict[int, Decimal]] = {}
    for row in await tx.fetch(_SQL["find_reversed"], journal_id, ids):
        gone.setdefault(row["transaction_id"], {})[row["position"]] = row["reversed"]
    return gone


async def write_in_tx(
    tx: Tx, journal_id: JournalId, postings: Iterable[Posting], base: int
) -> None:
    """Write what the postings of a batch, at the sequences from `base` + 1 on, take back."""
    links: list[tuple[UUID, UUID, int]] = []
    originals: dict[UUID, Reversible] = {}
    for sequence, posting in enumerate(postings, base + 1):
        if posting.reversal_step is not None:
            original = posting.reversal_step.original
            links.append((posting.draft.command.transaction_id, original.id, sequence))
            originals[original.id] = original
    if not links:
        return
    await tx.execute(_SQL["insert_reversals"], journal_id, *zip(*links, strict=True))
    rows = [
        (original.id, position, original.entries[position].units, units)
        for original in originals.values()
        for position, units in original.reversed.items()
    ]
    await tx.execute(_SQL["write_reversed"], journal_id, *zip(*rows, strict=True))

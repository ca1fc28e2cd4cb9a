"""Reversals: which transactions take which back, and how much of each entry is gone."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from uuid import UUID

from ledger_server.domain.books import Posting
from ledger_server.domain.primitives import JournalId, TransactionId
from ledger_server.domain.reversal import Reversible
from ledger_server.domain.transaction import ENTRIES_MAX
from ledger_server.store.array_text import amount_array, plain_array
from ledger_server.store.database import Tx
from ledger_server.store.queries import load

_SQL = load("reversals")


async def reversed_in_tx(
    tx: Tx, journal_id: JournalId, ids: Sequence[UUID]
) -> dict[TransactionId, dict[int, Decimal]]:
    """Return how much of each entry of these transactions is gone, by position."""
    gone: dict[TransactionId, dict[int, Decimal]] = {}
    for row in await tx.fetch(_SQL["find_reversed"], journal_id, ids, ENTRIES_MAX):
        gone.setdefault(row["transaction_id"], {})[row["position"]] = row["reversed"]
    return gone


def reversal_columns(postings: Iterable[Posting]) -> tuple[str, ...]:
    """Return what the postings of a batch take back, as arrays for `write_rules`."""
    links: list[tuple[str, str, str]] = []
    originals: dict[UUID, Reversible] = {}
    for ordinal, posting in enumerate(postings, 1):
        if posting.reversal_step is not None:
            original = posting.reversal_step.original
            reversal_id = posting.draft.command.transaction_id
            links.append((str(reversal_id), str(original.id), str(ordinal)))
            originals[original.id] = original
    rows = [
        (str(original.id), str(position), original.entries[position].units, units)
        for original in originals.values()
        for position, units in original.reversed.items()
    ]
    return (
        plain_array([reversal_id for reversal_id, _, _ in links]),
        plain_array([original_id for _, original_id, _ in links]),
        plain_array([ordinal for _, _, ordinal in links]),
        plain_array([original_id for original_id, *_ in rows]),
        plain_array([position for _, position, *_ in rows]),
        amount_array([units for _, _, units, _ in rows]),
        amount_array([gone for *_, gone in rows]),
    )

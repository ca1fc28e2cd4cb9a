"""Exchange rates: recorded once, found by pair and moment."""

from collections.abc import Iterable, Sequence

from ledger_server.domain.primitives import JournalId, plain
from ledger_server.domain.rate import NewRate, Rate, RateInForce, RateKey, in_force
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("rates")


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, first_sequence: int, rates: Sequence[NewRate]
) -> list[Rate]:
    """Record rates and return them in the same order.

    The caller holds the head and records an event for each, from `first_sequence` on.
    """
    rows = await tx.fetch(
        _SQL["insert_rates"],
        journal_id,
        first_sequence,
        [rate.base for rate in rates],
        [rate.quote for rate in rates],
        [rate.effective_at for rate in rates],
        [plain(rate.rate) for rate in rates],
        [rate.source for rate in rates],
    )
    return sorted(map(_rate, rows), key=lambda rate: rate.sequence)


async def in_force_in_tx(
    tx: Tx,
    journal_id: JournalId,
    wanted: Iterable[RateKey],
    *,
    source: str | None = None,
    as_known_at: int | None = None,
) -> dict[RateKey, RateInForce]:
    """Return the rate in force for each pair and moment; where there is none, no item.

    One statement, whatever the number of keys. A day's rate is that of its last moment
    (`domain.rate.last_moment`).

    Args:
        tx: any transaction.
        journal_id: of the rates.
        wanted: each once or more often.
        source: only rates of this one; None for any.
        as_known_at: only rates recorded up to this sequence; None for all.
    """
    keys = list(dict.fromkeys(wanted))
    both = [*keys, *(RateKey(key.quote, key.base, key.moment) for key in keys)]
    if not both:
        return {}
    rows = await tx.fetch(
        _SQL["rates_in_force"], journal_id, *zip(*both, strict=True), source, as_known_at
    )
    rates = {row["ordinal"]: _rate(row) for row in rows}
    found = {
        key: in_force(rates.get(ordinal), rates.get(ordinal + len(keys)))
        for ordinal, key in enumerate(keys, 1)
    }
    return {key: rate for key, rate in found.items() if rate is not None}


async def list_in_tx(
    tx: Tx,
    journal_id: JournalId,
    *,
    base: str | None,
    quote: str | None,
    source: str | None,
    before_sequence: int | None,
    limit: int,
) -> list[Rate]:
    """Return up to `limit` rates recorded before a sequence, the latest first; None is no bound."""
    rows = await tx.fetch(
        _SQL["list_rates"], journal_id, base, quote, source, before_sequence, limit
    )
    return [_rate(row) for row in rows]


def _rate(row: Row) -> Rate:
    return Rate(
        base=row["base"],
        quote=row["quote"],
        effective_at=row["effective_at"],
        rate=row["rate"],
        source=row["source"],
        sequence=row["sequence"],
        recorded_at=row["recorded_at"],
    )

"""Reversals: a transaction taken back, whole or in parts that never exceed what is left."""

import dataclasses
from collections.abc import Mapping, Sequence
from decimal import Decimal

from ledger_server.domain.errors import (
    AlreadyReversedError,
    NotReversibleError,
    ReversalExceedsError,
)
from ledger_server.domain.primitives import EXACT, ZERO, Layer, TransactionId, plain
from ledger_server.domain.taking import take_from
from ledger_server.domain.transaction import DraftEntry, Kind

_add, _subtract = EXACT.add, EXACT.subtract


@dataclasses.dataclass(frozen=True, slots=True)
class Reversible:
    """A transaction that may be taken back: its entries by position, and what is gone of each."""

    id: TransactionId
    kind: Kind
    entries: Mapping[int, DraftEntry]
    reversed: Mapping[int, Decimal]

    def left(self, position: int) -> Decimal:
        """Return how much of an entry has not been taken back."""
        return _subtract(self.entries[position].units, self.reversed.get(position, ZERO))


@dataclasses.dataclass(frozen=True, slots=True)
class ReversalStep:
    """What a reversal does: the entries it posts and the original after it."""

    entries: list[DraftEntry]
    original: Reversible


def reversible_entries(kind: Kind, entries: Sequence[DraftEntry]) -> dict[int, DraftEntry]:
    """Return what of a transaction can be taken back, by position.

    Of a capture only what it settled: what it took from PENDING is gone with the hold.
    """
    return {
        position: entry
        for position, entry in enumerate(entries)
        if kind is not Kind.CAPTURE or entry.layer is Layer.SETTLED
    }


def reverse(
    original: Reversible, wanted: Sequence[DraftEntry] | None, *, reopens: bool = False
) -> ReversalStep:
    """Return what taking a transaction back does.

    Args:
        original: as it stands.
        wanted: the part to take back, with the sides of the original; None for all that is left.
        reopens: whether what closed a fiscal year is taken back, and nothing else.

    Raises:
        NotReversibleError: a reversal, what places or ends a hold, or what closed a year.
        AlreadyReversedError: nothing is left.
        ReversalExceedsError: an entry does not fit in what is left.
    """
    if original.kind not in ({Kind.CLOSING} if reopens else {Kind.POSTING, Kind.CAPTURE}):
        raise NotReversibleError(str(original.id), original.kind.name)
    if not any(original.left(position) for position in original.entries):
        raise AlreadyReversedError(str(original.id))
    if wanted is None:
        taken = {position: original.left(position) for position in original.entries}
    else:
        taken = _spread(original, wanted)
    entries = [
        original.entries[position]._replace(
            direction=original.entries[position].direction.opposite, units=units
        )
        for position, units in taken.items()
        if units
    ]
    gone = {
        position: _add(original.reversed.get(position, ZERO), units)
        for position, units in taken.items()
        if units
    }
    return ReversalStep(
        entries, dataclasses.replace(original, reversed={**original.reversed, **gone})
    )


def _spread(original: Reversible, wanted: Sequence[DraftEntry]) -> dict[int, Decimal]:
    """Spread the entries of a part over those of the same account, currency, side and layer."""
    left = {position: original.left(position) for position in original.entries}
    for entry in wanted:
        fits = [
            position
            for position, leg in original.entries.items()
            if (leg.key, leg.direction, leg.layer) == (entry.key, entry.direction, entry.layer)
        ]
        got = take_from(left, fits, entry.units)
        if got != entry.units:
            raise ReversalExceedsError(
                transaction_id=str(original.id),
                account=entry.account_code,
                currency=entry.key.currency,
                asked=plain(entry.units),
                left=plain(got),
            )
    return {position: _subtract(original.left(position), left[position]) for position in left}

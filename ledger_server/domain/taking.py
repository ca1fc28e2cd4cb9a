"""Taking an amount from several places in turn: what captures and partial reversals share."""

from collections.abc import Iterable, MutableMapping
from decimal import Decimal
from typing import TypeVar

from ledger_server.domain.primitives import EXACT, ZERO

P = TypeVar("P")


def take_from(left: MutableMapping[P, Decimal], places: Iterable[P], units: Decimal) -> Decimal:
    """Take up to `units` from what is left at `places`, in their order.

    Args:
        left: what is left at each place; less afterwards.
        places: where to take from.
        units: how much is asked for.

    Returns:
        How much there was to take: `units`, or less.
    """
    got = ZERO
    for place in places:
        fits = min(EXACT.subtract(units, got), left[place])
        left[place] = EXACT.subtract(left[place], fits)
        got = EXACT.add(got, fits)
    return got

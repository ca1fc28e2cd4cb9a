"""The rule that gives double entry its name."""

from collections.abc import Sequence
from decimal import Decimal

from ledger_server.domain.errors import UnbalancedError
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer, plain
from ledger_server.domain.transaction import DraftEntry


def check_balanced(entries: Sequence[DraftEntry]) -> None:
    """Refuse entries that do not balance in each layer and currency.

    There is no tolerance: rounding is the template's task, and one that loses a cent must fail
    here, not be forgiven.

    Raises:
        UnbalancedError: for the first unequal (layer, currency), in entry order.
    """
    if len(entries) == 2:
        first, second = entries
        if (
            first.units == second.units
            and first.direction is not second.direction
            and first.key.currency == second.key.currency
            and first.layer is second.layer
        ):
            return
    nets: dict[tuple[Layer, str], Decimal] = {}
    for entry in entries:
        book = (entry.layer, entry.key.currency)
        # Methods of EXACT, never operators: a minus sign rounds to the context of the thread.
        move = EXACT.add if entry.direction is Direction.DEBIT else EXACT.subtract
        nets[book] = move(nets.get(book, ZERO), entry.units)
    for (layer, currency), net in nets.items():
        if net:
            debits, credits_ = _sums(entries, layer, currency)
            raise UnbalancedError(layer.name, currency, plain(debits), plain(credits_))


def _sums(entries: Sequence[DraftEntry], layer: Layer, currency: str) -> tuple[Decimal, Decimal]:
    sums = {Direction.DEBIT: ZERO, Direction.CREDIT: ZERO}
    for entry in entries:
        if (entry.layer, entry.key.currency) == (layer, currency):
            sums[entry.direction] = EXACT.add(sums[entry.direction], entry.units)
    return sums[Direction.DEBIT], sums[Direction.CREDIT]

"""Balances: what the entries of an account in a currency add up to."""

import dataclasses
from decimal import Decimal

from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, Layer


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """The sums of an account in one currency, in whole currency units."""

    account_id: AccountId
    account_code: str
    normal_side: Direction
    #: Code of the currency.
    currency: str
    #: Decimals of the currency.
    exponent: int
    settled_debit: Decimal = ZERO
    settled_credit: Decimal = ZERO
    pending_debit: Decimal = ZERO
    pending_credit: Decimal = ZERO
    encumbrance_debit: Decimal = ZERO
    encumbrance_credit: Decimal = ZERO
    #: What is left of open holds on each side.
    held_debit: Decimal = ZERO
    held_credit: Decimal = ZERO
    #: Counts the entries, over all layers; 0 for a balance as of a date.
    version: int = 0

    def debit(self, layer: Layer) -> Decimal:
        """Return the sum of all debits in `layer`."""
        return {
            Layer.SETTLED: self.settled_debit,
            Layer.PENDING: self.pending_debit,
            Layer.ENCUMBRANCE: self.encumbrance_debit,
        }[layer]

    def credit(self, layer: Layer) -> Decimal:
        """Return the sum of all credits in `layer`."""
        return {
            Layer.SETTLED: self.settled_credit,
            Layer.PENDING: self.pending_credit,
            Layer.ENCUMBRANCE: self.encumbrance_credit,
        }[layer]

    def net(self, layer: Layer) -> Decimal:
        """Return what stands on the account's normal side; negative if it is the other side."""
        if self.normal_side is Direction.DEBIT:
            return EXACT.subtract(self.debit(layer), self.credit(layer))
        return EXACT.subtract(self.credit(layer), self.debit(layer))

    def available(self) -> Decimal:
        """Return what can be drawn: settled less what open holds take out.

        Only holds on the side opposite to the normal one take anything out. What a hold would
        bring in is not there until it is captured.
        """
        held = self.held_credit if self.normal_side is Direction.DEBIT else self.held_debit
        return EXACT.subtract(self.net(Layer.SETTLED), held)

    def residue(self) -> tuple[Layer, Decimal] | None:
        """Return the first layer that is not at zero and its debits less credits, if any is not.

        What open holds have left counts as PENDING, even where the two sides are equal.
        """
        for layer in Layer:
            net_debit = EXACT.subtract(self.debit(layer), self.credit(layer))
            if net_debit:
                return layer, net_debit
        if self.held_debit or self.held_credit:
            return Layer.PENDING, EXACT.subtract(self.held_debit, self.held_credit)
        return None

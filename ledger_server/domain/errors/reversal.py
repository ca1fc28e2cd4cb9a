"""Refusals about reversals. Amounts are in whole currency units."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class AlreadyReversedError(LedgerError):
    """Nothing is left of a transaction that could be taken back."""

    reason = "ALREADY_REVERSED"
    kind = Kind.REFUSED

    transaction_id: str

    def __str__(self) -> str:
        """Name the transaction."""
        return f"transaction {self.transaction_id} has been reversed in full"


@dataclasses.dataclass(eq=False)
class ReversalExceedsError(LedgerError):
    """A reversal asks for more than is left of a transaction's entry."""

    reason = "REVERSAL_EXCEEDS"
    kind = Kind.REFUSED

    transaction_id: str
    account: str
    currency: str
    asked: str
    left: str

    def __str__(self) -> str:
        """State what was asked and what is left."""
        return (
            f"transaction {self.transaction_id} has {self.left} {self.currency} left to reverse "
            f"on account {self.account!r}, not {self.asked}"
        )


@dataclasses.dataclass(eq=False)
class NotReversibleError(LedgerError):
    """A transaction of this kind cannot be taken back, such as a reversal."""

    reason = "NOT_REVERSIBLE"
    kind = Kind.REFUSED

    transaction_id: str
    #: What the transaction is.
    kind_of: str

    def __str__(self) -> str:
        """Name the transaction and what it is."""
        return f"transaction {self.transaction_id} is a {self.kind_of} and cannot be reversed"

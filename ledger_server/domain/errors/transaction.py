"""Refusals of transactions by the rules of the books."""

import dataclasses

from ledger_server.domain.errors.refusal import Kind, LedgerError


@dataclasses.dataclass(eq=False)
class UnbalancedError(LedgerError):
    """The debits and credits of a transaction differ in one layer and currency."""

    reason = "UNBALANCED"
    kind = Kind.INVALID

    layer: str
    currency: str
    debits: str
    credits: str

    def __str__(self) -> str:
        """State the sums and the rule."""
        return (
            f"{self.layer} {self.currency}: debits {self.debits} != credits {self.credits}; "
            "entries must balance in each layer and currency"
        )


@dataclasses.dataclass(eq=False)
class TransactionIdReusedError(LedgerError):
    """A transaction id was used before for another request."""

    reason = "TRANSACTION_ID_REUSED"
    kind = Kind.CONFLICT

    transaction_id: str
    field: str

    def __str__(self) -> str:
        """Name the id and the first field that differs."""
        return (
            f"transaction {self.transaction_id} is there already, posted by another request: "
            f"the first field that differs is {self.field}"
        )


@dataclasses.dataclass(eq=False)
class ExternalIdReusedError(LedgerError):
    """An external id belongs to another transaction."""

    reason = "EXTERNAL_ID_REUSED"
    kind = Kind.CONFLICT

    external_id: str
    transaction_id: str

    def __str__(self) -> str:
        """Name the external id and its owner."""
        return f"external id {self.external_id!r} belongs to transaction {self.transaction_id}"


@dataclasses.dataclass(eq=False)
class TransactionNotFoundError(LedgerError):
    """No transaction of the journal has this id."""

    reason = "TRANSACTION_NOT_FOUND"
    kind = Kind.NOT_FOUND

    transaction_id: str

    def __str__(self) -> str:
        """Name the id."""
        return f"no transaction has the id {self.transaction_id}"


@dataclasses.dataclass(eq=False)
class BalanceOverflowError(LedgerError):
    """A sum would grow beyond what a balance can hold."""

    reason = "BALANCE_OVERFLOW"
    kind = Kind.REFUSED

    account: str
    currency: str

    def __str__(self) -> str:
        """Name the balance."""
        return f"the sums of account {self.account!r} in {self.currency} would pass 60 digits"

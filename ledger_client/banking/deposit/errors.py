"""What this module refuses, and how refusals of the ledger are passed on."""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from typing import Final
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from ledger_client.amounts import EXACT
from ledger_client.banking.foundation.calls import Outcome
from ledger_client.banking.foundation.errors import BankError, Kind, LedgerRefusedError

#: Begins the code of the limit that keeps accounts from being overdrawn; then the currency.
OVERDRAFT_LIMIT: Final = "deposit-overdraft-"


@dataclasses.dataclass(eq=False)
class AccountNotActiveError(BankError):
    """The account is frozen, closed, or not opened."""

    reason = "ACCOUNT_NOT_ACTIVE"
    kind = Kind.REFUSED

    account: UUID
    #: Such as `frozen`.
    status: str

    def __str__(self) -> str:
        """Say how it stands."""
        return f"deposit account {self.account} is {self.status}"


@dataclasses.dataclass(eq=False)
class AccountNotEmptyError(BankError):
    """An account can be closed at zero only."""

    reason = "ACCOUNT_NOT_EMPTY"
    kind = Kind.REFUSED

    account: UUID

    def __str__(self) -> str:
        """Say what is to be done first."""
        return (
            f"deposit account {self.account} is not at zero, or money on it is held; "
            "an account is closed when nothing is on it"
        )


@dataclasses.dataclass(eq=False)
class InsufficientFundsError(BankError):
    """More would leave the account than is available on it."""

    reason = "INSUFFICIENT_FUNDS"
    kind = Kind.REFUSED

    account: UUID
    #: Whole currency units.
    amount: str
    currency: str
    #: Whole currency units: what was available when the ledger decided; pending withdrawals are
    #: taken off already.
    available: str

    def __str__(self) -> str:
        """State both amounts."""
        return (
            f"{self.amount} {self.currency} of deposit account {self.account}: "
            f"{self.available} is available"
        )


@dataclasses.dataclass(eq=False)
class DepositStateError(BankError):
    """The deposit does not stand so that this can be done."""

    reason = "DEPOSIT_STATE"
    kind = Kind.REFUSED

    deposit: UUID
    #: How it stands, such as `pending`.
    status: str

    def __str__(self) -> str:
        """Say how it stands."""
        return f"deposit {self.deposit} is {self.status}"


@dataclasses.dataclass(eq=False)
class WithdrawalStateError(BankError):
    """The withdrawal does not stand so that this can be done."""

    reason = "WITHDRAWAL_STATE"
    kind = Kind.REFUSED

    withdrawal: UUID
    #: How it stands, such as `confirmed`.
    status: str

    def __str__(self) -> str:
        """Say how it stands."""
        return f"withdrawal {self.withdrawal} is {self.status.replace('-', ' ')}"


@dataclasses.dataclass(eq=False)
class CustomerNotEligibleError(BankError):
    """The customer may not have an account."""

    reason = "CUSTOMER_NOT_ELIGIBLE"
    kind = Kind.REFUSED

    customer: UUID
    #: What the customer module says, such as `KYC_NOT_VERIFIED`.
    why: str

    def __str__(self) -> str:
        """Say why."""
        return f"customer {self.customer} may have no deposit account: {self.why}"


class Refusal(BaseModel):
    """A refusal of the ledger as it is stored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    #: The ledger's own reason and sentence.
    reason: str
    message: str
    #: The ledger's facts, by name.
    facts: Mapping[str, str] = {}

    @classmethod
    def of(cls, outcome: Outcome) -> "Refusal":
        """Return what an outcome that is none says."""
        return cls(reason=outcome.reason, message=outcome.message, facts=dict(outcome.facts))

    def __str__(self) -> str:
        """As `REASON: sentence`."""
        return f"{self.reason}: {self.message}"

    def error(self, account_id: UUID, *, amount: str = "", currency: str = "") -> BankError:
        """Return what a command is refused with that asked the ledger for this.

        Args:
            account_id: the deposit account.
            amount: what was to leave it, or come to it, in whole currency units.
            currency: of the amount.
        """
        limit = self.facts.get("limit", "")
        if self.reason == "LIMIT_EXCEEDED" and limit.startswith(OVERDRAFT_LIMIT):
            # With as many decimals as the amount has: those of the currency.
            current = EXACT.quantize(Decimal(self.facts["current"]), Decimal(amount))
            available = format(current, "f")
            return InsufficientFundsError(account_id, amount, currency, available)
        if self.reason == "ACCOUNT_NOT_ACTIVE" and self.facts.get("account") == code_of(account_id):
            status = "frozen" if self.facts.get("status") == "LOCKED" else "closed"
            return AccountNotActiveError(account_id, status)
        if self.reason == "ACCOUNT_NOT_EMPTY":
            return AccountNotEmptyError(account_id)
        return LedgerRefusedError(self.reason, self.message)


def code_of(account_id: UUID) -> str:
    """Return the ledger's code of a deposit account."""
    return f"deposit:{account_id}"

"""What the module tells the world: its domain events, which are part of its API."""

from typing import ClassVar, Final
from uuid import UUID

from ledger_client.banking.foundation.events import DomainEvent, MinorUnits


class AccountEvent(DomainEvent):
    """Something about an account."""

    #: The customer.
    account_holder_id: UUID
    #: The account.
    id: UUID


class DepositAccountCreated(AccountEvent):
    """An account was opened, at the ledger too."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-created"


class DepositAccountFrozen(AccountEvent):
    """An account was frozen: the ledger moves nothing on it any more."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-frozen"


class DepositAccountUnfrozen(AccountEvent):
    """An account is frozen no longer, at the ledger either."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-unfrozen"


class DepositAccountClosed(AccountEvent):
    """An account was closed for good."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-closed"


class MoneyEvent(DomainEvent):
    """Something about a deposit or a withdrawal."""

    #: Minor units of the account's currency.
    amount: MinorUnits
    #: The account.
    deposit_account_id: UUID
    #: The deposit or withdrawal.
    id: UUID


class DepositInitialized(MoneyEvent):
    """A deposit was posted: the money is the customer's."""

    TYPE: ClassVar[str] = "core.deposit.deposit-initialized"


class DepositRefused(MoneyEvent):
    """The ledger refused a deposit; nothing was posted."""

    TYPE: ClassVar[str] = "core.deposit.deposit-refused"


class DepositReverted(MoneyEvent):
    """A deposit was taken back."""

    TYPE: ClassVar[str] = "core.deposit.deposit-reverted"


class WithdrawalInitiated(MoneyEvent):
    """Money is held for a withdrawal, which waits for approval."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-initiated"


class WithdrawalRefused(MoneyEvent):
    """The ledger refused to hold the money of a withdrawal; nothing was held."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-refused"


class WithdrawalConfirmed(MoneyEvent):
    """A withdrawal was paid out."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-confirmed"


class WithdrawalDenied(MoneyEvent):
    """A withdrawal was denied, and its money is available again."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-denied"


class WithdrawalCancelled(MoneyEvent):
    """A withdrawal was cancelled, and its money is available again."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-cancelled"


class WithdrawalReverted(MoneyEvent):
    """A withdrawal that was paid out was taken back."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-reverted"


EVENTS: Final[tuple[type[DomainEvent], ...]] = (
    DepositAccountCreated,
    DepositAccountFrozen,
    DepositAccountUnfrozen,
    DepositAccountClosed,
    DepositInitialized,
    DepositRefused,
    DepositReverted,
    WithdrawalInitiated,
    WithdrawalRefused,
    WithdrawalConfirmed,
    WithdrawalDenied,
    WithdrawalCancelled,
    WithdrawalReverted,
)

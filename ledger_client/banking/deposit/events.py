"""What the module tells the world: its domain events, which are part of its API."""

from typing import ClassVar, Final
from uuid import UUID

from ledger_client.banking.foundation.events import DomainEvent, MinorUnits


class _OfAccount(DomainEvent):
    #: The customer.
    account_holder_id: UUID
    #: The account.
    id: UUID


class DepositAccountCreated(_OfAccount):
    """An account was opened, at the ledger too."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-created"


class DepositAccountFrozen(_OfAccount):
    """An account was frozen: the ledger moves nothing on it any more."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-frozen"


class DepositAccountUnfrozen(_OfAccount):
    """An account is frozen no longer, at the ledger either."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-unfrozen"


class DepositAccountClosed(_OfAccount):
    """An account was closed for good."""

    TYPE: ClassVar[str] = "core.deposit.deposit-account-closed"


class _OfMoney(DomainEvent):
    #: Minor units of the account's currency.
    amount: MinorUnits
    #: The account.
    deposit_account_id: UUID
    #: The deposit or withdrawal.
    id: UUID


class DepositInitialized(_OfMoney):
    """A deposit was posted: the money is the customer's."""

    TYPE: ClassVar[str] = "core.deposit.deposit-initialized"


class DepositRefused(_OfMoney):
    """The ledger refused a deposit; nothing was posted."""

    TYPE: ClassVar[str] = "core.deposit.deposit-refused"


class DepositReverted(_OfMoney):
    """A deposit was taken back."""

    TYPE: ClassVar[str] = "core.deposit.deposit-reverted"


class WithdrawalInitiated(_OfMoney):
    """Money is held for a withdrawal, which waits for approval."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-initiated"


class WithdrawalRefused(_OfMoney):
    """The ledger refused to hold the money of a withdrawal; nothing was held."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-refused"


class WithdrawalConfirmed(_OfMoney):
    """A withdrawal was paid out."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-confirmed"


class WithdrawalDenied(_OfMoney):
    """A withdrawal was denied, and its money is available again."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-denied"


class WithdrawalCancelled(_OfMoney):
    """A withdrawal was cancelled, and its money is available again."""

    TYPE: ClassVar[str] = "core.deposit.withdrawal-cancelled"


class WithdrawalReverted(_OfMoney):
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

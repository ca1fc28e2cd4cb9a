"""Deposit accounts, and what may happen to them: pure.

What the ledger is asked for about one account is asked one after another: `next_step` compares how
it is to stand with how the ledger has it, and says nothing while an answer is awaited. So a lock
that was delayed can never end up after the unlock that was decided later.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.deposit.errors import AccountNotActiveError, Refusal
from ledger_client.banking.foundation.entity import Entity, StoredEvent
from ledger_client.banking.foundation.errors import BankError, LedgerRefusedError

#: Of what has not happened to an entity.
NO_ID: Final = UUID(int=0)
BEGINNING: Final = dt.datetime.min.replace(tzinfo=dt.UTC)


class CustomerType(enum.StrEnum):
    """What a customer is."""

    INDIVIDUAL = "individual"
    GOVERNMENT_ENTITY = "government-entity"
    PRIVATE_COMPANY = "private-company"
    BANK = "bank"
    FINANCIAL_INSTITUTION = "financial-institution"
    FOREIGN_AGENCY_OR_SUBSIDIARY = "foreign-agency-or-subsidiary"
    NON_DOMICILED_COMPANY = "non-domiciled-company"


class FreezeReason(enum.StrEnum):
    """Why an account is frozen; it is as long as a reason is left."""

    BY_HAND = "by-hand"
    KYC = "kyc"
    SUSPENDED = "suspended"


class AccountStatus(enum.StrEnum):
    """How an account stands."""

    PENDING = "pending"
    ACTIVE = "active"
    FROZEN = "frozen"
    CLOSING = "closing"
    CLOSED = "closed"
    REFUSED = "refused"


class LedgerStep(enum.StrEnum):
    """What the ledger is asked for about an account."""

    OPEN = "open"
    LOCK = "lock"
    UNLOCK = "unlock"
    CLOSE = "close"


class Initialized(StoredEvent):
    """An account was asked for, and the ledger to open it."""

    type: Literal["initialized"] = "initialized"
    customer_id: UUID
    customer_type: CustomerType
    currency: str
    #: Of the currency.
    decimals: int
    #: Reasons of the customer's.
    freeze_reasons: tuple[FreezeReason, ...]
    at: dt.datetime


class ReasonAdded(StoredEvent):
    """There is a reason for the account to be frozen."""

    type: Literal["reason-added"] = "reason-added"
    reason: FreezeReason
    note: str = ""


class ReasonRemoved(StoredEvent):
    """A reason for the account to be frozen is gone."""

    type: Literal["reason-removed"] = "reason-removed"
    reason: FreezeReason


class CloseWanted(StoredEvent):
    """Somebody wants the account closed."""

    type: Literal["close-wanted"] = "close-wanted"
    request_id: UUID


class StepAsked(StoredEvent):
    """The ledger was asked for something."""

    type: Literal["step-asked"] = "step-asked"
    step: LedgerStep


class StepDone(StoredEvent):
    """The ledger did it."""

    type: Literal["step-done"] = "step-done"
    step: LedgerStep


class StepRefused(StoredEvent):
    """The ledger refused it."""

    type: Literal["step-refused"] = "step-refused"
    step: LedgerStep
    refusal: Refusal


class CaptureAwaited(StoredEvent):
    """A withdrawal was approved while the account is frozen."""

    type: Literal["capture-awaited"] = "capture-awaited"
    withdrawal_id: UUID


class AwaitedTaken(StoredEvent):
    """Withdrawals that waited for the account are paid out, if they were not cancelled."""

    type: Literal["awaited-taken"] = "awaited-taken"


AccountEvent = Annotated[
    Initialized
    | ReasonAdded
    | ReasonRemoved
    | CloseWanted
    | StepAsked
    | StepDone
    | StepRefused
    | CaptureAwaited
    | AwaitedTaken,
    Field(discriminator="type"),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class DepositAccount(Entity[Any]):
    """An account of a customer. At the ledger it has the same id."""

    KIND: ClassVar = "deposit_account"
    EVENTS: ClassVar = TypeAdapter(AccountEvent)

    customer_id: UUID = NO_ID
    customer_type: CustomerType = CustomerType.INDIVIDUAL
    currency: str = ""
    #: Of the currency.
    decimals: int = 0
    create_time: dt.datetime = BEGINNING
    freeze_reasons: frozenset[FreezeReason] = frozenset()
    #: Given with the freeze by hand.
    freeze_note: str = ""
    #: How the ledger has it.
    is_open: bool = False
    is_locked: bool = False
    is_closed: bool = False
    #: What the ledger was asked for and has not answered.
    asked: LedgerStep | None = LedgerStep.OPEN
    #: The request that wants it closed.
    close_request: UUID | None = None
    open_refusal: Refusal | None = None
    #: By the request that asked.
    close_refusals: Mapping[UUID, Refusal] = dataclasses.field(default_factory=dict)
    #: Withdrawals that were approved while it was frozen.
    awaiting: frozenset[UUID] = frozenset()

    def apply(self, event: AccountEvent) -> Self:
        """Return the account after an event."""
        match event:
            case Initialized():
                return dataclasses.replace(
                    self,
                    customer_id=event.customer_id,
                    customer_type=event.customer_type,
                    currency=event.currency,
                    decimals=event.decimals,
                    freeze_reasons=frozenset(event.freeze_reasons),
                    create_time=event.at,
                )
            case ReasonAdded():
                note = event.note if event.reason is FreezeReason.BY_HAND else self.freeze_note
                reasons = self.freeze_reasons | {event.reason}
                return dataclasses.replace(self, freeze_reasons=reasons, freeze_note=note)
            case ReasonRemoved():
                note = "" if event.reason is FreezeReason.BY_HAND else self.freeze_note
                reasons = self.freeze_reasons - {event.reason}
                return dataclasses.replace(self, freeze_reasons=reasons, freeze_note=note)
            case CloseWanted():
                return dataclasses.replace(self, close_request=event.request_id)
            case StepAsked():
                return dataclasses.replace(self, asked=event.step)
            case StepDone():
                return self._after_step(event.step)
            case StepRefused():
                return self._after_refusal(event)
            case CaptureAwaited():
                awaiting = self.awaiting | {event.withdrawal_id}
                return dataclasses.replace(self, awaiting=awaiting)
            case AwaitedTaken():
                return dataclasses.replace(self, awaiting=frozenset())

    def _after_step(self, step: LedgerStep) -> Self:
        after = dataclasses.replace(self, asked=None)
        match step:
            case LedgerStep.OPEN:
                return dataclasses.replace(after, is_open=True, open_refusal=None)
            case LedgerStep.LOCK:
                return dataclasses.replace(after, is_locked=True)
            case LedgerStep.UNLOCK:
                return dataclasses.replace(after, is_locked=False)
            case LedgerStep.CLOSE:
                return dataclasses.replace(after, is_closed=True, close_request=None)

    def _after_refusal(self, event: StepRefused) -> Self:
        after = dataclasses.replace(self, asked=None)
        if event.step is LedgerStep.OPEN:
            return dataclasses.replace(after, open_refusal=event.refusal)
        if event.step is LedgerStep.CLOSE and self.close_request is not None:
            refusals = {**self.close_refusals, self.close_request: event.refusal}
            return dataclasses.replace(after, close_refusals=refusals, close_request=None)
        return after

    @property
    def parent_id(self) -> UUID | None:
        """Accounts are listed under their customer."""
        return self.customer_id

    @property
    def status(self) -> AccountStatus:
        """How it stands."""
        if self.is_closed:
            return AccountStatus.CLOSED
        if self.open_refusal is not None:
            return AccountStatus.REFUSED
        if self.close_request is not None:
            return AccountStatus.CLOSING
        if self.freeze_reasons:
            return AccountStatus.FROZEN
        return AccountStatus.ACTIVE if self.is_open else AccountStatus.PENDING

    @property
    def state(self) -> str:
        """Lists are filtered by the status."""
        return self.status.value

    @property
    def refusal(self) -> BankError | None:
        """What its creation is refused with."""
        if self.open_refusal is None:
            return None
        return LedgerRefusedError(self.open_refusal.reason, self.open_refusal.message)

    def refusal_of(self, request_id: UUID) -> BankError | None:
        """Return what a request is refused with; a closing that failed says nothing of others."""
        refused = self.close_refusals.get(request_id)
        return self.refusal if refused is None else refused.error(self.id)


def require_active(account: DepositAccount) -> None:
    """Refuse what needs an account that takes deposits and withdrawals.

    Raises:
        AccountNotActiveError: it stands otherwise.
    """
    if account.status is not AccountStatus.ACTIVE:
        raise AccountNotActiveError(account.id, account.status.value)


def freeze(account: DepositAccount, reason: FreezeReason, note: str = "") -> list[AccountEvent]:
    """Give an account a reason to be frozen; nothing if it has it, with whatever note.

    Raises:
        AccountNotActiveError: it is closed, or was never opened.
    """
    _require_alive(account)
    if reason in account.freeze_reasons:
        return []
    return [ReasonAdded(reason=reason, note=note)]


def unfreeze(account: DepositAccount, reason: FreezeReason) -> list[AccountEvent]:
    """Take a reason to be frozen from an account; nothing if it has it not.

    Raises:
        AccountNotActiveError: it is closed, or was never opened.
    """
    _require_alive(account)
    if reason not in account.freeze_reasons:
        return []
    return [ReasonRemoved(reason=reason)]


def is_alive(account: DepositAccount) -> bool:
    """Tell whether an account can still be frozen: it is not closed, nor refused by the ledger."""
    return account.status not in {AccountStatus.CLOSED, AccountStatus.REFUSED}


def _require_alive(account: DepositAccount) -> None:
    if not is_alive(account):
        raise AccountNotActiveError(account.id, account.status.value)


def close(account: DepositAccount, request_id: UUID) -> list[AccountEvent]:
    """Want an account closed; whether it is at zero, the ledger decides.

    Raises:
        AccountNotActiveError: it is frozen, or not opened.
    """
    if account.status in {AccountStatus.CLOSED, AccountStatus.CLOSING}:
        return []
    require_active(account)
    return [CloseWanted(request_id=request_id)]


def next_step(account: DepositAccount) -> LedgerStep | None:
    """Return what the ledger is to be asked for now, so that it has the account as it is to be."""
    if account.asked is not None or not account.is_open or account.is_closed:
        return None
    if account.close_request is not None:
        return LedgerStep.CLOSE
    if bool(account.freeze_reasons) == account.is_locked:
        return None
    return LedgerStep.UNLOCK if account.is_locked else LedgerStep.LOCK

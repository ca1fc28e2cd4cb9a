"""Withdrawals: state that is the fold of stored events. What may happen: `withdrawal_rules`."""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.deposit.account_rules import BEGINNING, NO_ID
from ledger_client.banking.deposit.errors import Refusal
from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id
from ledger_client.banking.foundation.errors import BankError


class WithdrawalStatus(enum.StrEnum):
    """How a withdrawal stands."""

    INITIATED = "initiated"
    PENDING_APPROVAL = "pending-approval"
    APPROVED = "approved"
    CAPTURING = "capturing"
    CONFIRMED = "confirmed"
    DENYING = "denying"
    DENIED = "denied"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    REFUSED = "refused"
    REVERTING = "reverting"
    REVERTED = "reverted"


S = WithdrawalStatus


class Initiated(StoredEvent):
    """Money was asked for, and the ledger to hold it."""

    type: Literal["initiated"] = "initiated"
    account_id: UUID
    #: Whole currency units.
    amount: str
    currency: str
    #: Of the currency.
    decimals: int
    reference: str
    #: Who asked.
    initiator: str
    at: dt.datetime


class HoldPlaced(StoredEvent):
    """The ledger holds the money."""

    type: Literal["hold-placed"] = "hold-placed"


class HoldRefused(StoredEvent):
    """The ledger refused to hold it."""

    type: Literal["hold-refused"] = "hold-refused"
    refusal: Refusal


class Approved(StoredEvent):
    """It may be paid out."""

    type: Literal["approved"] = "approved"


class CaptureAsked(StoredEvent):
    """The ledger is asked to post it."""

    type: Literal["capture-asked"] = "capture-asked"


class Captured(StoredEvent):
    """The ledger posted it."""

    type: Literal["captured"] = "captured"
    transaction_id: UUID


class CaptureRefused(StoredEvent):
    """The ledger refused to post it, for now."""

    type: Literal["capture-refused"] = "capture-refused"
    refusal: Refusal


class ReleaseAsked(StoredEvent):
    """The ledger is asked to give the money back."""

    type: Literal["release-asked"] = "release-asked"
    is_denial: bool
    #: Of a denial.
    reason: str = ""
    #: Of a cancellation; None if nobody waits for it.
    request_id: UUID | None = None


class Released(StoredEvent):
    """The ledger gave the money back."""

    type: Literal["released"] = "released"


class ReleaseRefused(StoredEvent):
    """The ledger refused to give the money back, for now."""

    type: Literal["release-refused"] = "release-refused"
    refusal: Refusal


class RevertAsked(StoredEvent):
    """The ledger is asked to take it back after it was paid out."""

    type: Literal["revert-asked"] = "revert-asked"
    request_id: UUID


class Reverted(StoredEvent):
    """The ledger took it back."""

    type: Literal["reverted"] = "reverted"


class RevertRefused(StoredEvent):
    """The ledger refused to take it back."""

    type: Literal["revert-refused"] = "revert-refused"
    refusal: Refusal


WithdrawalEvent = Annotated[
    Initiated
    | HoldPlaced
    | HoldRefused
    | Approved
    | CaptureAsked
    | Captured
    | CaptureRefused
    | ReleaseAsked
    | Released
    | ReleaseRefused
    | RevertAsked
    | Reverted
    | RevertRefused,
    Field(discriminator="type"),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal(Entity[Any]):
    """Money that a customer asked for. The ledger's hold has the same id."""

    KIND: ClassVar = "withdrawal"
    EVENTS: ClassVar = TypeAdapter(WithdrawalEvent)

    account_id: UUID = NO_ID
    #: Whole currency units.
    amount: str = ""
    currency: str = ""
    decimals: int = 0
    reference: str = ""
    initiator: str = ""
    create_time: dt.datetime = BEGINNING
    status: WithdrawalStatus = S.INITIATED
    denied_reason: str = ""
    #: What the ledger refused last; None once it did what it was asked for.
    refused: Refusal | None = None
    #: How often each was asked for.
    captures: int = 0
    releases: int = 0
    reverts: int = 0
    #: Of the capture.
    capture_id: UUID = NO_ID
    #: The request that asked for the last release or reversal.
    request_id: UUID | None = None
    #: By the request that asked.
    refusals: Mapping[UUID, Refusal] = dataclasses.field(default_factory=dict)

    def apply(self, event: WithdrawalEvent) -> Self:  # noqa: C901, PLR0912  # a case an event
        """Return the withdrawal after an event."""
        match event:
            case Initiated():
                return dataclasses.replace(
                    self,
                    account_id=event.account_id,
                    amount=event.amount,
                    currency=event.currency,
                    decimals=event.decimals,
                    reference=event.reference,
                    initiator=event.initiator,
                    create_time=event.at,
                )
            case HoldPlaced():
                return self._as(S.PENDING_APPROVAL)
            case HoldRefused():
                return dataclasses.replace(self, status=S.REFUSED, refused=event.refusal)
            case Approved():
                return self._as(S.APPROVED)
            case CaptureAsked():
                return dataclasses.replace(self._as(S.CAPTURING), captures=self.captures + 1)
            case Captured():
                return dataclasses.replace(self._as(S.CONFIRMED), capture_id=event.transaction_id)
            case CaptureRefused():
                return dataclasses.replace(self, status=S.APPROVED, refused=event.refusal)
            case ReleaseAsked():
                return dataclasses.replace(
                    self._as(S.DENYING if event.is_denial else S.CANCELLING),
                    denied_reason=event.reason,
                    request_id=event.request_id,
                    releases=self.releases + 1,
                )
            case Released():
                is_denied = self.status is S.DENYING
                return self._as(S.DENIED if is_denied else S.CANCELLED)
            case ReleaseRefused():
                return self._refused(self.status, event.refusal)
            case RevertAsked():
                return dataclasses.replace(
                    self._as(S.REVERTING), reverts=self.reverts + 1, request_id=event.request_id
                )
            case Reverted():
                return self._as(S.REVERTED)
            case RevertRefused():
                return self._refused(S.CONFIRMED, event.refusal)

    def _as(self, status: WithdrawalStatus) -> Self:
        return dataclasses.replace(self, status=status, refused=None)

    def _refused(self, status: WithdrawalStatus, refusal: Refusal) -> Self:
        refusals = dict(self.refusals)
        if self.request_id is not None:
            refusals[self.request_id] = refusal
        return dataclasses.replace(self, status=status, refused=refusal, refusals=refusals)

    @property
    def parent_id(self) -> UUID | None:
        """Withdrawals are listed under their account."""
        return self.account_id

    @property
    def state(self) -> str:
        """Lists are filtered by the status."""
        return self.status.value

    @property
    def capture_call_id(self) -> UUID:
        """Id of the capture that was asked for last."""
        return _attempt_id(self.id, "capture", self.captures)

    @property
    def release_call_id(self) -> UUID:
        """Id of the release that was asked for last, for a denial and a cancellation alike."""
        return _attempt_id(self.id, "release", self.releases)

    @property
    def revert_call_id(self) -> UUID:
        """Id of the reversal that was asked for last."""
        return _attempt_id(self.id, "revert", self.reverts)

    @property
    def refusal(self) -> BankError | None:
        """What its initiation is refused with."""
        return self._error(self.refused) if self.status is S.REFUSED else None

    def refusal_of(self, request_id: UUID) -> BankError | None:
        """Return what a request is refused with, unless what it asked for was done later."""
        refused = self.refusals.get(request_id)
        is_done = self.status in {S.CANCELLED, S.REVERTED}
        return self.refusal if refused is None or is_done else self._error(refused)

    def _error(self, refused: Refusal | None) -> BankError | None:
        if refused is None:
            return None
        return refused.error(self.account_id, amount=self.amount, currency=self.currency)


def _attempt_id(withdrawal_id: UUID, deed: str, attempt: int) -> UUID:
    """Return the ledger's id of an attempt: one that was refused is never made again."""
    parts = (withdrawal_id, deed) if attempt <= 1 else (withdrawal_id, deed, attempt)
    return derived_id(*parts)

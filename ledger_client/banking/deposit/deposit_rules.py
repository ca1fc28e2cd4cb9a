"""Deposits, and what may happen to them: pure.

What the ledger did is noted whatever was known before: one attempt at a call can be refused and
another one, made meanwhile by somebody else, succeed. Then money has moved, and that counts.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.deposit.account_rules import (
    BEGINNING,
    NO_ID,
    DepositAccount,
    require_active,
)
from ledger_client.banking.deposit.errors import DepositStateError, Refusal
from ledger_client.banking.foundation.entity import Entity, StoredEvent, derived_id
from ledger_client.banking.foundation.errors import BankError


class DepositStatus(enum.StrEnum):
    """How a deposit stands."""

    PENDING = "pending"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    REVERTING = "reverting"
    REVERTED = "reverted"


class Recorded(StoredEvent):
    """Money arrived, and the ledger is asked to post it."""

    type: Literal["recorded"] = "recorded"
    account_id: UUID
    #: Whole currency units.
    amount: str
    currency: str
    #: Of the currency.
    decimals: int
    reference: str
    at: dt.datetime


class Confirmed(StoredEvent):
    """The ledger posted it."""

    type: Literal["confirmed"] = "confirmed"


class Refused(StoredEvent):
    """The ledger refused it."""

    type: Literal["refused"] = "refused"
    refusal: Refusal


class RevertAsked(StoredEvent):
    """The ledger is asked to take it back."""

    type: Literal["revert-asked"] = "revert-asked"
    request_id: UUID


class Reverted(StoredEvent):
    """The ledger took it back."""

    type: Literal["reverted"] = "reverted"


class RevertRefused(StoredEvent):
    """The ledger refused to take it back."""

    type: Literal["revert-refused"] = "revert-refused"
    refusal: Refusal


DepositEvent = Annotated[
    Recorded | Confirmed | Refused | RevertAsked | Reverted | RevertRefused,
    Field(discriminator="type"),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Deposit(Entity[Any]):
    """Money that arrived. The ledger's transaction has the same id."""

    KIND: ClassVar = "deposit"
    EVENTS: ClassVar = TypeAdapter(DepositEvent)

    account_id: UUID = NO_ID
    #: Whole currency units.
    amount: str = ""
    currency: str = ""
    decimals: int = 0
    reference: str = ""
    create_time: dt.datetime = BEGINNING
    status: DepositStatus = DepositStatus.PENDING
    #: Of the posting.
    refused: Refusal | None = None
    #: How often its reversal was asked for.
    reverts: int = 0
    #: The request that asked last.
    revert_request: UUID = NO_ID
    #: By the request that asked.
    revert_refusals: Mapping[UUID, Refusal] = dataclasses.field(default_factory=dict)

    def apply(self, event: DepositEvent) -> Self:
        """Return the deposit after an event."""
        match event:
            case Recorded():
                return dataclasses.replace(
                    self,
                    account_id=event.account_id,
                    amount=event.amount,
                    currency=event.currency,
                    decimals=event.decimals,
                    reference=event.reference,
                    create_time=event.at,
                )
            case Confirmed():
                return dataclasses.replace(self, status=DepositStatus.CONFIRMED, refused=None)
            case Refused():
                status = DepositStatus.REFUSED
                return dataclasses.replace(self, status=status, refused=event.refusal)
            case RevertAsked():
                return dataclasses.replace(
                    self,
                    status=DepositStatus.REVERTING,
                    reverts=self.reverts + 1,
                    revert_request=event.request_id,
                )
            case Reverted():
                return dataclasses.replace(self, status=DepositStatus.REVERTED)
            case RevertRefused():
                refusals = {**self.revert_refusals, self.revert_request: event.refusal}
                return dataclasses.replace(
                    self, status=DepositStatus.CONFIRMED, revert_refusals=refusals
                )

    @property
    def parent_id(self) -> UUID | None:
        """Deposits are listed under their account."""
        return self.account_id

    @property
    def state(self) -> str:
        """Lists are filtered by the status."""
        return self.status.value

    @property
    def revert_id(self) -> UUID:
        """Id of the reversal that was asked for last: each attempt has its own."""
        return derived_id(self.id, "revert", self.reverts)

    @property
    def refusal(self) -> BankError | None:
        """What its recording is refused with."""
        return self._error(self.refused)

    def refusal_of(self, request_id: UUID) -> BankError | None:
        """Return what a request is refused with; a reversal that failed says nothing of others."""
        refused = self.revert_refusals.get(request_id)
        if refused is None or self.status is DepositStatus.REVERTED:
            return self.refusal
        return self._error(refused)

    def _error(self, refused: Refusal | None) -> BankError | None:
        if refused is None:
            return None
        return refused.error(self.account_id, amount=self.amount, currency=self.currency)


def record(
    account: DepositAccount, amount: str, reference: str, now: dt.datetime
) -> list[DepositEvent]:
    """Record money that arrived for an account; `amount` in whole currency units.

    Raises:
        AccountNotActiveError: the account takes none.
    """
    require_active(account)
    recorded = Recorded(
        account_id=account.id,
        amount=amount,
        currency=account.currency,
        decimals=account.decimals,
        reference=reference,
        at=now,
    )
    return [recorded]


def posted(deposit: Deposit) -> list[DepositEvent]:
    """Note that the ledger posted it."""
    is_news = deposit.status in {DepositStatus.PENDING, DepositStatus.REFUSED}
    return [Confirmed()] if is_news else []


def not_posted(deposit: Deposit, refusal: Refusal) -> list[DepositEvent]:
    """Note that the ledger refused to post it."""
    return [Refused(refusal=refusal)] if deposit.status is DepositStatus.PENDING else []


def revert(deposit: Deposit, account: DepositAccount, request_id: UUID) -> list[DepositEvent]:
    """Take a deposit back; nothing if it is so already, or under way.

    Raises:
        DepositStateError: it was not posted.
        AccountNotActiveError: nothing may leave the account now.
    """
    if deposit.status in {DepositStatus.REVERTING, DepositStatus.REVERTED}:
        return []
    if deposit.status is not DepositStatus.CONFIRMED:
        raise DepositStateError(deposit.id, deposit.status.value)
    require_active(account)
    return [RevertAsked(request_id=request_id)]


def taken_back(deposit: Deposit) -> list[DepositEvent]:
    """Note that the ledger took it back."""
    return [] if deposit.status is DepositStatus.REVERTED else [Reverted()]


def not_taken_back(deposit: Deposit, refusal: Refusal) -> list[DepositEvent]:
    """Note that the ledger refused to take it back: it is as before."""
    is_awaited = deposit.status is DepositStatus.REVERTING
    return [RevertRefused(refusal=refusal)] if is_awaited else []

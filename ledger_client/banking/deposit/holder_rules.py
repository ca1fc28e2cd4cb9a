"""Who has deposit accounts: what is about all accounts of a customer. Pure."""

import dataclasses
from typing import Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, TypeAdapter

from ledger_client.banking.deposit.account_rules import FreezeReason
from ledger_client.banking.foundation.entity import Entity, StoredEvent


class HolderReasonAdded(StoredEvent):
    """There is a reason for all accounts of a customer to be frozen, also later ones."""

    type: Literal["holder-reason-added"] = "holder-reason-added"
    reason: FreezeReason


class HolderReasonRemoved(StoredEvent):
    """A reason for all accounts of a customer to be frozen is gone."""

    type: Literal["holder-reason-removed"] = "holder-reason-removed"
    reason: FreezeReason


class AccountAdded(StoredEvent):
    """A customer was given an account."""

    type: Literal["account-added"] = "account-added"
    account_id: UUID


class AllChanged(StoredEvent):
    """All accounts that a customer had were frozen by hand, or unfrozen."""

    type: Literal["all-changed"] = "all-changed"
    is_freeze: bool


HolderEvent = Annotated[
    HolderReasonAdded | HolderReasonRemoved | AccountAdded | AllChanged,
    Field(discriminator="type"),
]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountHolder(Entity[Any]):
    """A customer as this module knows one; has the customer's id.

    Whatever is about all accounts of a customer changes it, and so does the making of an account:
    of two at once one is decided anew, so no account escapes a freeze of all.
    """

    KIND: ClassVar = "account_holder"
    EVENTS: ClassVar = TypeAdapter(HolderEvent)

    account_ids: tuple[UUID, ...] = ()
    #: Reasons of the customer's, which a new account takes over.
    freeze_reasons: frozenset[FreezeReason] = frozenset()

    def apply(self, event: HolderEvent) -> Self:
        """Return the holder after an event."""
        match event:
            case HolderReasonAdded():
                reasons = self.freeze_reasons | {event.reason}
                return dataclasses.replace(self, freeze_reasons=reasons)
            case HolderReasonRemoved():
                reasons = self.freeze_reasons - {event.reason}
                return dataclasses.replace(self, freeze_reasons=reasons)
            case AccountAdded():
                return dataclasses.replace(self, account_ids=(*self.account_ids, event.account_id))
            case AllChanged():
                return self


def add_reason(holder: AccountHolder, reason: FreezeReason) -> list[HolderEvent]:
    """Have all accounts of a customer frozen for a reason of the customer's."""
    return [] if reason in holder.freeze_reasons else [HolderReasonAdded(reason=reason)]


def remove_reason(holder: AccountHolder, reason: FreezeReason) -> list[HolderEvent]:
    """Have no account of a customer frozen for this reason."""
    return [HolderReasonRemoved(reason=reason)] if reason in holder.freeze_reasons else []

"""Calls that a command decided on: stored with it, made after it, carried out exactly once.

A call is an intent. It has the id that the callee will know it by, derived and never random, so it
can be made again after any crash. For what moves money that id is the ledger's transaction id, and
the outcome is read from the journal; for all else the answer of the call is the outcome.
"""

import dataclasses
import datetime as dt
import enum
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from ledger_client.banking.foundation.entity import Entity, derived_id


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One call to be made. The functions below make those to the ledger."""

    #: For money: the id of the transaction.
    id: UUID
    #: `ledger.post`, or such as `governance.start` that a module declares itself.
    kind: str
    #: JSON: all that the call needs.
    body: Mapping[str, Any]
    #: What is told of the outcome.
    entity_kind: str
    entity_id: UUID


class OutcomeKind(enum.Enum):
    """How a call ended."""

    DONE = "done"
    REFUSED = "refused"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a call ended."""

    kind: OutcomeKind
    #: For a transaction: its place in the journal.
    sequence: int | None = None
    #: For a refusal: the callee's stable reason and its sentence.
    reason: str = ""
    message: str = ""
    #: Its variable facts, by name.
    facts: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: JSON that a call of a module's own kind gave back.
    answer: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def is_done(self) -> bool:
        """Tell whether it happened."""
        return self.kind is OutcomeKind.DONE


def post(
    entity: Entity[Any],
    transaction_id: UUID,
    template: str,
    params: Mapping[str, str],
    *,
    effective_date: dt.date,
    correlation_id: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Call:
    """Return a posting through a template.

    Args:
        entity: is told the outcome.
        transaction_id: derived.
        template: its code.
        params: amounts as text in whole currency units, accounts by code or id.
        effective_date: the bank's day, decided once, so that a repetition is the same request.
        correlation_id: ties transactions together; empty takes the entity's id.
        metadata: facts for readers of the books.
    """
    return _money(
        "ledger.post",
        entity,
        transaction_id,
        template=template,
        params=dict(params),
        effective_date=effective_date.isoformat(),
        correlation_id=correlation_id or str(entity.id),
        metadata=dict(metadata or {}),
    )


def place_hold(
    entity: Entity[Any],
    hold_id: UUID,
    template: str,
    params: Mapping[str, str],
    *,
    effective_date: dt.date,
    correlation_id: str = "",
    metadata: Mapping[str, str] | None = None,
) -> Call:
    """Return the placing of a hold; as `post`."""
    posting = post(
        entity,
        hold_id,
        template,
        params,
        effective_date=effective_date,
        correlation_id=correlation_id,
        metadata=metadata,
    )
    return dataclasses.replace(posting, kind="ledger.place_hold")


def capture_hold(
    entity: Entity[Any], capture_id: UUID, hold_id: UUID, *, effective_date: dt.date
) -> Call:
    """Return the capture of all that is left of a hold."""
    return _money(
        "ledger.capture_hold",
        entity,
        capture_id,
        hold_id=str(hold_id),
        effective_date=effective_date.isoformat(),
    )


def release_hold(
    entity: Entity[Any], release_id: UUID, hold_id: UUID, *, effective_date: dt.date
) -> Call:
    """Return the release of all that is left of a hold."""
    return _money(
        "ledger.release_hold",
        entity,
        release_id,
        hold_id=str(hold_id),
        effective_date=effective_date.isoformat(),
    )


def reverse(
    entity: Entity[Any], reversal_id: UUID, reverses: UUID, *, effective_date: dt.date
) -> Call:
    """Return the reversal of a whole transaction."""
    return _money(
        "ledger.reverse",
        entity,
        reversal_id,
        reverses=str(reverses),
        effective_date=effective_date.isoformat(),
    )


def create_account(
    entity: Entity[Any],
    account_id: UUID,
    code: str,
    *,
    name: str,
    is_credit_normal: bool,
    account_sets: list[str],
) -> Call:
    """Return the creation of an account of the ledger in sets, given by their codes."""
    return _other(
        "ledger.create_account",
        entity,
        account_id,
        account=str(account_id),
        code=code,
        name=name,
        is_credit_normal=is_credit_normal,
        account_sets=account_sets,
    )


def lock_account(entity: Entity[Any], account_id: UUID) -> Call:
    """Return the locking of an account: nothing moves on it but what ends holds."""
    return _other("ledger.lock_account", entity, account_id, account=str(account_id))


def unlock_account(entity: Entity[Any], account_id: UUID) -> Call:
    """Return the unlocking of an account."""
    return _other("ledger.unlock_account", entity, account_id, account=str(account_id))


def close_account(entity: Entity[Any], account_id: UUID) -> Call:
    """Return the closing of an account for good; refused unless it is at zero."""
    return _other("ledger.close_account", entity, account_id, account=str(account_id))


def _money(kind: str, entity: Entity[Any], call_id: UUID, **body: Any) -> Call:
    return Call(id=call_id, kind=kind, body=body, entity_kind=entity.KIND, entity_id=entity.id)


def _other(kind: str, entity: Entity[Any], account_id: UUID, **body: Any) -> Call:
    # An account may be locked many times: what makes each time its own is the entity's version.
    call_id = derived_id(kind, account_id, entity.id, entity.version)
    return Call(id=call_id, kind=kind, body=body, entity_kind=entity.KIND, entity_id=entity.id)

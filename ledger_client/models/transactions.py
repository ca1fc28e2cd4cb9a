"""Postings, what becomes of them, and transactions."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from uuid import UUID

import grpc

from ledger_client.ids import new_id
from ledger_client.models.words import Direction, Layer, ParamValue, TransactionKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Posting:
    """One transaction to post in a batch."""

    #: Code of a template.
    template_code: str
    #: A value for each param that has no default.
    params: Mapping[str, ParamValue]
    #: The idempotency key and the transaction's id: keep the Posting to repeat it safely.
    transaction_id: UUID = dataclasses.field(default_factory=new_id)
    #: None takes the newest version.
    template_version: int | None = None
    #: None leaves it to the template, then to the journal's today.
    effective_date: dt.date | None = None
    #: None leaves it to the template.
    description: str | None = None
    #: Unique in the journal. None leaves it to the template.
    external_id: str | None = None
    #: Ties transactions together. None leaves it to the template.
    correlation_id: str | None = None
    #: Wins over the template's as a whole. None leaves it to the template.
    metadata: Mapping[str, str] | None = None
    #: Posts also on a day behind the journal's soft lock.
    behind_soft_lock: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceAfter:
    """An account's sums in one currency and layer right after an entry."""

    #: Sum of all debits.
    debit: Decimal
    #: Sum of all credits.
    credit: Decimal
    #: Counts the account's entries in this currency, over all layers, from 1.
    version: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One leg of a transaction."""

    #: Id of the account.
    account_id: UUID
    #: Code of the account.
    account_code: str
    #: Which side.
    direction: Direction
    #: Which book.
    layer: Layer
    #: Above zero, in whole currency units.
    units: Decimal
    #: Code of the currency.
    currency: str
    #: None when the posting was only validated.
    balance_after: BalanceAfter | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """A posted transaction. Nothing of it ever changes."""

    #: The caller's.
    id: UUID
    #: Its place among the journal's events; None when it was only validated.
    sequence: int | None
    #: Code of the template that it was posted from.
    template_code: str
    #: Version of that template.
    template_version: int
    #: The civil date of the books on which it counts.
    effective_date: dt.date
    #: When it was recorded; None when it was only validated.
    record_time: dt.datetime | None
    #: For people.
    description: str
    #: The caller's own id, unique in the journal; may be empty.
    external_id: str
    #: Ties transactions together; may be empty.
    correlation_id: str
    #: The caller's own facts.
    metadata: Mapping[str, str]
    #: As given, in their JSON form: amounts are strings.
    params: Mapping[str, Any]
    #: In the order of the template; they balance in each layer and currency.
    entries: tuple[Entry, ...]
    #: What it does.
    kind: TransactionKind
    #: The hold that it places, captures or gives back; else None.
    hold_id: UUID | None
    #: The transaction that it takes back; else None.
    reverses: UUID | None
    #: The transactions that took it back, oldest first. Filled by `get_transaction` alone.
    reversed_by: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PostResult:
    """What came of a posting that was not refused."""

    #: As posted.
    transaction: Transaction
    #: True if this is the first result of an earlier, equal request.
    replayed: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a posting was refused, or would be."""

    #: Stable name of the rule, such as UNBALANCED.
    reason: str
    #: One sentence for people; do not parse it.
    message: str
    #: The variable facts of the message.
    facts: Mapping[str, str]
    #: The status that a call refused for this reason alone would have.
    status: grpc.StatusCode


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceChange:
    """How a balance would change."""

    #: Id of the account.
    account_id: UUID
    #: Code of the account.
    account_code: str
    #: Code of the currency.
    currency: str
    #: Which book.
    layer: Layer
    #: Debits less credits before; negative for a net credit.
    net_debit_before: Decimal
    #: Debits less credits after.
    net_debit_after: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What a posting would do, had it not been only validated."""

    #: As it would be: without sequence, record time and balances after.
    transaction: Transaction
    #: One for each account, currency and layer that it touches.
    balance_changes: tuple[BalanceChange, ...]
    #: Why a real posting would be refused now; None if it would not.
    refusal: Refusal | None
    #: True if it is posted already: posting it again would change nothing.
    replayed: bool

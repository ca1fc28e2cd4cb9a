"""Events: the facts of a journal, once, in order."""

import dataclasses
import datetime as dt
from collections.abc import Mapping
from typing import Any, TypeAlias
from uuid import UUID

from ledger_client.models.books import Account, AccountSet, Currency, Journal
from ledger_client.models.fiscal_years import FiscalYear, YearClose, YearReopening
from ledger_client.models.limits import Limit, LimitAttachment
from ledger_client.models.periods import Period
from ledger_client.models.rates import Rate
from ledger_client.models.transactions import BalanceAfter, Transaction
from ledger_client.models.tx_templates import TxTemplate
from ledger_client.models.words import Layer
from ledger_proto.v1 import events_pb2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class MembersChange:
    """Accounts and sets that came into a set or left it."""

    account_set_id: UUID
    account_ids: tuple[UUID, ...]
    member_set_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceUpdate:
    """What one entry made of one layer of a balance."""

    transaction_id: UUID
    account_id: UUID
    account_code: str
    currency: str
    layer: Layer
    #: The sums of the layer; the version is that of the whole balance and comes once each.
    balance: BalanceAfter


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountUpdated(Account):
    """An account after a change of its name or metadata, and before."""

    #: As it stood before; None if the event does not say.
    previous: Account | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldCreated(Transaction):
    """The transaction that placed a hold, and when the hold ends by itself."""

    #: When what is left is given back by itself; None for never.
    expire_time: dt.datetime | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HoldCaptured(Transaction):
    """A transaction that captured a hold, whole or in part."""

    #: True if nothing is left of the hold.
    ended: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class PersonalDataErased:
    """Personal parts of earlier events were erased."""

    #: The events that lost theirs.
    sequences: tuple[int, ...]
    #: Why, for the record.
    reason: str


#: What an event states. A fact of a newer server that this client does not know comes as a mapping:
#: protobuf's JSON form of it, or an empty one.
Fact: TypeAlias = (
    Journal
    | Currency
    | Account
    | AccountSet
    | MembersChange
    | TxTemplate
    | Transaction
    | BalanceUpdate
    | Period
    | Limit
    | LimitAttachment
    | PersonalDataErased
    | Rate
    | FiscalYear
    | YearClose
    | YearReopening
    | Mapping[str, Any]
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One fact of a journal."""

    #: Its place: gap-free from 1. A `balance.updated` has that of the event it follows from.
    sequence: int
    #: By the database's clock; never decreases with the sequence.
    record_time: dt.datetime
    #: Who caused it; empty while the server runs without authentication.
    actor: str
    #: Such as `journal.posted` or `account_set.members_added`.
    type: str
    fact: Fact
    #: The contract's own message, for who passes the event on whole. A transaction in it carries
    #: the event's sequence and record time.
    message: events_pb2.Event = dataclasses.field(repr=False, compare=False)
    #: True if what was personal in it (an account's name and metadata, a transaction's description,
    #: params and metadata) was erased: those fields are then empty.
    is_erased: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventBatch:
    """Some events of a stream, in order; none in a heartbeat."""

    events: tuple[Event, ...]
    #: Everything up to here was sent, or not asked for: where to subscribe again.
    position: int
    #: The journal's head as the server saw it last.
    head_sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class EventFilter:
    """Which events are wanted; all that is given must hold."""

    #: Such as `journal.posted`; empty for all.
    types: tuple[str, ...] = ()
    #: Codes or ids; events about one of them. Empty for all.
    accounts: tuple[str | UUID, ...] = ()
    #: Code or id; events about the set, or about an account in it at any depth.
    account_set: str | UUID | None = None
    #: Transactions from this template.
    template_code: str = ""
    #: Transactions with this correlation id.
    correlation_id: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """Where a journal stands."""

    #: Of the last event.
    sequence: int
    #: When it was recorded.
    record_time: dt.datetime

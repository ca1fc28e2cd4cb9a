"""Transactions on their way into the books: asked for, evaluated, decided.

The classes of this page live for one batch and are made by the thousand; they are plain slotted
classes that nobody changes once they are handed on.
"""

import dataclasses
import enum
from collections.abc import Callable, Collection, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.primitives import (
    AccountId,
    Direction,
    Layer,
    TransactionId,
    plain_members,
)
from ledger_server.domain.template import Json

#: Entries of one transaction: its event must stay a message that every broker takes.
ENTRIES_MAX: Final = 1_000
#: Transactions of one call.
TRANSACTIONS_MAX_PER_CALL: Final = 1_000
#: Entries of one call: what one batch can lock and write in a fraction of a second.
ENTRIES_MAX_PER_CALL: Final = 20_000


@plain_members
class Kind(enum.IntEnum):
    """What a transaction does. The contract's numbers."""

    POSTING = 1
    HOLD = 2
    CAPTURE = 3
    RELEASE = 4
    EXPIRY = 5
    REVERSAL = 6
    CLOSING = 7


@plain_members
class RequestField(enum.IntEnum):
    """An optional field of a posting request. The contract's numbers."""

    TEMPLATE_VERSION = 1
    EFFECTIVE_DATE = 2
    DESCRIPTION = 3
    EXTERNAL_ID = 4
    CORRELATION_ID = 5
    METADATA = 6
    PARAMS = 7
    FINAL = 8


@dataclasses.dataclass(slots=True, kw_only=True)
class PostCommand:
    """What a caller asks for. A field that is None was not given."""

    transaction_id: TransactionId
    template_code: str
    template_version: int | None
    params: Mapping[str, Json]
    effective: date | None = None
    description: str | None = None
    external_id: str | None = None
    correlation_id: str | None = None
    metadata: Mapping[str, str] | None = None
    #: The params as they came, echoed into the record; opaque here.
    params_as_given: object = None
    kind: Kind = Kind.POSTING
    #: Of a hold: when it expires by itself.
    expire_at: datetime | None = None
    #: The hold that is captured or given back.
    hold_id: UUID | None = None
    #: The transaction that is taken back.
    reverses: TransactionId | None = None
    #: Of a capture: whether it gives back what it leaves.
    final: bool = False
    #: Of a reversal: whether it may pass standing limits.
    force: bool = False
    #: Whether it may post behind the soft lock of the journal.
    behind_soft_lock: bool = False
    #: Of a reversal: whether it takes back what closed a fiscal year, which no caller may.
    reopens: bool = False

    @property
    def is_year_end(self) -> bool:
        """Whether it closes or reopens a fiscal year.

        It moves nothing that anybody owns, so locks of accounts and limits do not stop it.
        """
        return self.kind is Kind.CLOSING or self.reopens

    def requested(self) -> list[RequestField]:
        """Return which optional fields were given."""
        # Written out: every posting asks.
        given = []
        if self.template_version is not None:
            given.append(RequestField.TEMPLATE_VERSION)
        if self.effective is not None:
            given.append(RequestField.EFFECTIVE_DATE)
        if self.description is not None:
            given.append(RequestField.DESCRIPTION)
        if self.external_id is not None:
            given.append(RequestField.EXTERNAL_ID)
        if self.correlation_id is not None:
            given.append(RequestField.CORRELATION_ID)
        if self.metadata is not None:
            given.append(RequestField.METADATA)
        if self.is_part():
            given.append(RequestField.PARAMS)
        if self.final:
            given.append(RequestField.FINAL)
        return given

    def origin_decides_params(self) -> bool:
        """Tell whether its params are another transaction's, with changes if it gives any."""
        return self.kind is not Kind.POSTING and self.kind is not Kind.HOLD

    def is_part(self) -> bool:
        """Tell whether a capture or reversal gives params of its own, and so asks for a part."""
        return bool(self.params) and self.origin_decides_params()


class BalanceKey(NamedTuple):
    """What a balance row is found by within a journal."""

    account_id: AccountId
    currency: str


class DraftEntry(NamedTuple):
    """One leg of a draft: checked by itself, its account known to exist."""

    key: BalanceKey
    account_code: str
    direction: Direction
    layer: Layer
    #: Above zero, with exactly as many decimals as the currency has.
    units: Decimal


@dataclasses.dataclass(slots=True, kw_only=True)
class Draft:
    """A transaction as evaluated: balanced, and not yet held against the books.

    The entries of a capture, release or reversal are those of the template, on SETTLED and with
    the sides of the original; None if it takes all that is left. What is posted is decided later.
    """

    command: PostCommand
    template_version: int
    #: Gives params their types by its template, those of another request too.
    bind: Callable[[Mapping[str, Json]], Mapping[str, object]]
    effective: date
    description: str
    external_id: str
    correlation_id: str
    metadata: Mapping[str, str]
    entries: list[DraftEntry] | None
    #: Every balance that it may touch, some of them more than once.
    keys: Collection[BalanceKey]
    #: Whether its accounts are known to have been active all of them, under the configuration that
    #: it is good for.
    on_active: bool = False
    #: The recorded transaction that it captures, gives back or takes back; opaque here.
    origin: object = None
    #: What limits' conditions see of it: of what ends a hold, that of its placing.
    seen_by_limits: Mapping[str, object] = dataclasses.field(default_factory=dict)


class BalanceAfter(NamedTuple):
    """Sums of one layer right after an entry."""

    debit: Decimal
    credit: Decimal
    version: int


#: Make one of a tuple of its fields, without the call in Python that a class of named fields costs.
balance_key_of: Final[Callable[[tuple[AccountId, str]], BalanceKey]] = partial(
    tuple.__new__, BalanceKey
)
draft_entry_of: Final[Callable[[tuple[BalanceKey, str, Direction, Layer, Decimal]], DraftEntry]] = (
    partial(tuple.__new__, DraftEntry)
)
balance_after_of: Final[Callable[[tuple[Decimal, Decimal, int]], BalanceAfter]] = partial(
    tuple.__new__, BalanceAfter
)


class HeldChange(NamedTuple):
    """What a posting adds to, or takes from, what open holds hold on one side of a balance."""

    key: BalanceKey
    direction: Direction
    units: Decimal

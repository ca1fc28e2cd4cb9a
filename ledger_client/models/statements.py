"""Statements of accounts, the general ledger and the journal."""

import dataclasses
import datetime as dt
from decimal import Decimal
from uuid import UUID

from ledger_client.models.transactions import Transaction
from ledger_client.models.words import Direction, Layer, TransactionKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatementBalance:
    """Opening, movement and closing in one currency, over the whole range of a statement."""

    #: Code of the currency.
    currency: str
    #: Balance before the first day, positive on the statement's normal side.
    opening: Decimal
    #: Sum of the debits of the range.
    debits: Decimal
    #: Sum of the credits of the range.
    credits: Decimal
    #: Balance after the last day, positive on the statement's normal side.
    closing: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatementEntry:
    """One entry of a statement, and enough of its transaction to go on to it."""

    #: Of the transaction.
    sequence: int
    #: Its place among the transaction's entries, from 0.
    position: int
    transaction_id: UUID
    #: The day on which it counts.
    effective_date: dt.date
    record_time: dt.datetime
    account_id: UUID
    account_code: str
    direction: Direction
    #: Whole currency units, above zero.
    units: Decimal
    currency: str
    #: Balance in this currency after the entry, positive on the statement's normal side.
    balance: Decimal
    description: str
    #: Empty if the transaction has none.
    external_id: str
    #: Empty if the transaction has none.
    correlation_id: str
    #: What it was posted from; a reversal has that of what it takes back.
    template_code: str
    #: What the transaction does.
    kind: TransactionKind
    #: Codes of the accounts on the other side of the same layer and currency, at most 10.
    counterparts: tuple[str, ...]
    #: How many counterparts there are.
    counterpart_count: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatementHold:
    """What is left of an open hold on an account."""

    hold_id: UUID
    account_id: UUID
    account_code: str
    #: Side on which a capture will post.
    direction: Direction
    currency: str
    #: What is left of it.
    left: Decimal
    place_time: dt.datetime
    #: None if it does not end by itself.
    expire_time: dt.datetime | None
    #: Of the transaction that placed it.
    sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountStatement:
    """A page of the statement of an account or a set, at one position of the journal."""

    #: Of the account or set.
    id: UUID
    code: str
    #: Its title, at the position.
    name: str
    is_account_set: bool
    #: The side on which balances are positive.
    normal_side: Direction
    #: By currency, over the whole range.
    balances: tuple[StatementBalance, ...]
    #: By effective date, then sequence, then position.
    entries: tuple[StatementEntry, ...]
    #: Open holds at the position, oldest first; on the first page alone, at most 1,000.
    holds: tuple[StatementHold, ...]
    #: True if there are more holds than those.
    has_more_holds: bool
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded.
    record_time: dt.datetime | None
    from_date: dt.date | None
    as_of: dt.date | None
    #: Which book.
    layer: Layer
    #: Asks for the next page; empty at the end.
    next_page_token: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerAccount:
    """One account's part of a page of the general ledger."""

    id: UUID
    code: str
    #: Its title, at the position.
    name: str
    #: The side on which its balances are positive.
    normal_side: Direction
    #: By currency, over the whole range.
    balances: tuple[StatementBalance, ...]
    #: By effective date, then sequence, then position.
    entries: tuple[StatementEntry, ...]
    #: True if entries of this account stand on the page before.
    is_continued: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GeneralLedger:
    """A page of the general ledger, at one position of the journal."""

    #: By code.
    accounts: tuple[LedgerAccount, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded.
    record_time: dt.datetime | None
    from_date: dt.date | None
    as_of: dt.date | None
    #: Which book.
    layer: Layer
    #: Asks for the next page; empty at the end.
    next_page_token: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class JournalPage:
    """A page of the journal, at one position of it."""

    #: By effective date, then sequence.
    transactions: tuple[Transaction, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded.
    record_time: dt.datetime | None
    #: Asks for the next page; empty at the end. A page of a narrow filter may be short or empty.
    next_page_token: str

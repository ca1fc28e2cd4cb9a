"""Journals, currencies, accounts and account sets."""

import dataclasses
import datetime as dt
from collections.abc import Mapping, Sequence
from uuid import UUID

from ledger_client.models.words import AccountCategory, AccountStatus, Direction, Reference


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Journal:
    """One set of books."""

    #: Given by the server.
    id: UUID
    #: Unique on the server; never changes.
    code: str
    #: Title.
    name: str
    #: IANA zone in which the journal's days begin and end.
    time_zone: str
    #: When it was created.
    create_time: dt.datetime
    #: Sequence of its last event when it was read.
    head_sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Currency:
    """A unit of account."""

    #: Such as USD or BTC.
    code: str
    #: Number of decimals: USD 2, BTC 8, JPY 0.
    exponent: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What entries are posted to. It holds balances in any number of currencies."""

    #: The caller's, or given by the server.
    id: UUID
    #: Unique in the journal; never changes.
    code: str
    #: Title.
    name: str
    #: The side on which its balance normally stands.
    normal_side: Direction
    #: Whether it takes entries.
    status: AccountStatus
    #: The caller's own facts.
    metadata: Mapping[str, str]
    #: When it was created.
    create_time: dt.datetime
    #: Of a locked account: captures and releases of holds placed before may still post.
    lock_allows_hold_ends: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account to create."""

    #: Unique in the journal; 1 to 255 printable characters.
    code: str
    #: DEBIT for assets and expenses, CREDIT for liabilities, equity and revenue.
    normal_side: Direction
    #: Title; empty takes the code.
    name: str = ""
    #: None lets the server choose.
    id: UUID | None = None
    #: The caller's own facts: at most 64 keys.
    metadata: Mapping[str, str] = dataclasses.field(default_factory=dict)
    #: Codes or ids of sets in which it is to stand; each without sets below it, at most 16.
    account_sets: Sequence[Reference] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountSet:
    """A group of accounts and of other sets; its balance is its members'."""

    #: The caller's, or given by the server.
    id: UUID
    #: Unique among the journal's sets; never changes.
    code: str
    #: Title.
    name: str
    #: None inherits from the set above.
    category: AccountCategory | None
    #: None if it has no side of its own.
    normal_side: Direction | None
    #: The caller's own facts.
    metadata: Mapping[str, str]
    #: When it was created.
    create_time: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountSetMember:
    """One direct member of an account set."""

    #: Id of the account or set.
    id: UUID
    #: Code of the account or set.
    code: str
    #: Its title.
    name: str
    #: True for a set, False for an account.
    is_account_set: bool

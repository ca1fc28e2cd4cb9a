"""Accounts and account sets."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple
from uuid import UUID

from ledger_server.domain.primitives import AccountId, Direction, plain_members

#: Accounts, or members of sets, in one request: what one short transaction can take.
ACCOUNTS_MAX_PER_REQUEST: Final = 1_000
#: Sets that an account is created into: a chart, and some groups.
SETS_MAX_PER_ACCOUNT: Final = 16


@plain_members
class AccountStatus(enum.IntEnum):
    """Whether an account takes entries. Stored as its number."""

    ACTIVE = 1
    LOCKED = 2
    CLOSED = 3


class AccountCategory(enum.IntEnum):
    """Where a set of the chart belongs in the statements. Stored as its number."""

    INHERITED = 0
    ASSET = 1
    LIABILITY = 2
    EQUITY = 3
    REVENUE = 4
    EXPENSE = 5
    OFF_BALANCE = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """What entries are posted to. Holds balances in any number of currencies."""

    id: AccountId
    #: Name for people, unique in the journal; never changes.
    code: str
    name: str
    normal_side: Direction
    status: AccountStatus
    metadata: Mapping[str, str]
    created_at: datetime
    #: Of a locked account: captures and releases of holds placed before may still post.
    lock_allows_hold_ends: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewAccount:
    """An account that is to be created."""

    #: None lets the server choose.
    id: AccountId | None
    code: str
    name: str
    normal_side: Direction
    metadata: Mapping[str, str]
    #: Codes or ids of sets without sets below them, in which it is to stand.
    account_sets: Sequence[str] = ()


class AccountFacts(NamedTuple):
    """What a posting needs to know of an account."""

    id: AccountId
    code: str
    normal_side: Direction
    status: AccountStatus
    #: Whether captures and releases of holds placed before may post.
    holds_may_end: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewAccountSet:
    """A set that is to be created."""

    #: None lets the server choose.
    id: UUID | None
    code: str
    name: str
    category: AccountCategory
    #: None if it has none of its own.
    normal_side: Direction | None
    metadata: Mapping[str, str]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class AccountSet:
    """A group of accounts and of other sets. Takes no entries."""

    id: UUID
    #: Name for people, unique among the journal's sets; never changes.
    code: str
    name: str
    category: AccountCategory
    #: None if it has none of its own.
    normal_side: Direction | None
    metadata: Mapping[str, str]
    created_at: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A direct member of a set: another set or an account."""

    id: UUID
    code: str
    name: str
    is_set: bool

"""Fiscal years and their close."""

import dataclasses
import datetime as dt
import enum
from decimal import Decimal
from uuid import UUID

from ledger_client.models.words import AccountCategory, Direction


class FiscalYearStatus(enum.StrEnum):
    """Whether a year's books are closed."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"  # what comes late can be closed too


class DayState(enum.StrEnum):
    """Whether days take postings."""

    OPEN = "OPEN"
    LOCKED = "LOCKED"  # only those that say `behind_soft_lock`
    CLOSED = "CLOSED"


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYear:
    """A year, and the change that made it what it is."""

    code: str
    first_day: dt.date
    last_day: dt.date
    #: Code of the account that its result goes to; empty if none was named yet.
    retained_earnings: str
    status: FiscalYearStatus
    #: Sequence of the last change.
    sequence: int
    #: When it was made.
    change_time: dt.datetime | None
    #: Who made it; empty while the server runs without authentication.
    actor: str
    reason: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClosedAmount:
    """What revenue and expense come to in one currency."""

    currency: str
    #: Net credit of revenue accounts.
    revenue: Decimal
    #: Net debit of expense accounts.
    expense: Decimal
    #: Revenue less expense.
    net_income: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FiscalMonth:
    """A civil month of a year, or the part of one that is in it."""

    first_day: dt.date
    last_day: dt.date
    #: Of its last day.
    state: DayState


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class FiscalYearDetails:
    """A year, what is left to do for it, and its history."""

    year: FiscalYear
    months: tuple[FiscalMonth, ...]
    #: Last day of the first month that is open; None if none is.
    next_month_end: dt.date | None
    #: True once its last day has passed in the journal's time zone.
    ended: bool
    #: What is not closed; after a close, what came late.
    unclosed: tuple[ClosedAmount, ...]
    #: Open holds that were placed on a day of the year or before.
    open_hold_count: int
    #: Accounts with postings that stand in no node of the chart; not closed.
    unmapped_accounts: tuple[str, ...]
    #: Accounts in revenue or expense that also stand elsewhere.
    ambiguous_accounts: tuple[str, ...]
    #: Why a close would be refused now, and its reason; empty if it would not.
    refusal: str
    refusal_reason: str
    #: Newest first.
    changes: tuple[FiscalYear, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ClosingEntry:
    """One entry that a close would post."""

    account_id: UUID
    account_code: str
    #: Equity for retained earnings.
    category: AccountCategory
    direction: Direction
    units: Decimal
    currency: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class YearClosePreview:
    """What a close would post now."""

    #: The first 20,000.
    entries: tuple[ClosingEntry, ...]
    amounts: tuple[ClosedAmount, ...]
    #: How many accounts would be brought to zero, each currency counted.
    balance_count: int
    transaction_count: int
    #: Every event up to this sequence counts, none after.
    sequence: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class YearClose:
    """What a close did."""

    year: FiscalYear
    amounts: tuple[ClosedAmount, ...]
    transaction_ids: tuple[UUID, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class YearReopening:
    """What a reopening did."""

    year: FiscalYear
    #: Of the reversals.
    transaction_ids: tuple[UUID, ...]

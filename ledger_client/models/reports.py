"""Reports of the books."""

import dataclasses
import datetime as dt
from decimal import Decimal
from uuid import UUID

from ledger_client.models.words import Layer, TrialBalanceRowKind


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceColumns:
    """The six columns of a trial balance."""

    #: Net debit before the period; one of the two openings is zero.
    opening_debit: Decimal
    #: Net credit before the period.
    opening_credit: Decimal
    #: Sum of the debits of the period.
    debit: Decimal
    #: Sum of the credits of the period.
    credit: Decimal
    #: Net debit at the end; one of the two closings is zero.
    closing_debit: Decimal
    #: Net credit at the end.
    closing_credit: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceRow:
    """An account or a set in one currency."""

    #: What it stands for.
    kind: TrialBalanceRowKind
    #: Id of the account or set.
    id: UUID
    #: Code of the account or set.
    code: str
    #: Its title.
    name: str
    #: How many sets it stands below.
    depth: int
    #: Code of the currency.
    currency: str
    #: The six columns.
    columns: TrialBalanceColumns


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceTotal:
    """The totals of one currency, over accounts."""

    #: Code of the currency.
    currency: str
    #: Sums over all accounts, also those that have no row.
    columns: TrialBalanceColumns
    #: True if debits equal credits in all three pairs of columns.
    balanced: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalance:
    """Opening, movement and closing of every account, at one position of the journal."""

    #: Accounts by code, then currency; with sets in the order of the chart.
    rows: tuple[TrialBalanceRow, ...]
    #: By currency.
    totals: tuple[TrialBalanceTotal, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded; None for a journal without events.
    record_time: dt.datetime | None
    #: First day of the movement; None for the beginning of the books.
    from_date: dt.date | None
    #: Last day that counts; None for everything.
    as_of: dt.date | None
    #: Which book.
    layer: Layer

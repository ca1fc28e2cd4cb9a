"""Reports of the books: trial balance, balance sheet, income statement."""

import dataclasses
import datetime as dt
from decimal import Decimal
from uuid import UUID

from ledger_client.models.words import (
    AccountCategory,
    ComparisonInterval,
    Layer,
    SectionKind,
    TrialBalanceForm,
    TrialBalanceRowKind,
)


@dataclasses.dataclass(frozen=True, slots=True)
class ReportPeriod:
    """The days that one column of a report is about."""

    #: First day; None for the beginning of the books.
    from_date: dt.date | None = None
    #: Last day; None for everything posted.
    as_of: dt.date | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """More columns: earlier periods beside that of a report. Either `count` or `periods`."""

    #: How many, at most 36.
    count: int = 0
    #: How far apart; None for the length of the report's own range, for a balance sheet a year.
    interval: ComparisonInterval | None = None
    #: Periods of any kind instead, in the order of their columns.
    periods: tuple[ReportPeriod, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceColumns:
    """The six columns of a trial balance; in the gross form openings and closings are gross."""

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
    #: The same of each earlier period.
    earlier: tuple[TrialBalanceColumns, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceTotal:
    """The totals of one currency, over accounts."""

    #: Code of the currency.
    currency: str
    #: Sums over all accounts, also those that have no row.
    columns: TrialBalanceColumns
    #: True if debits equal credits in all three pairs of columns.
    balanced: bool
    #: The same sums of each earlier period.
    earlier: tuple[TrialBalanceColumns, ...] = ()


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
    #: The periods of the columns: first that of the report, then the earlier ones.
    periods: tuple[ReportPeriod, ...] = ()
    #: How openings and closings are written.
    form: TrialBalanceForm = TrialBalanceForm.NET
    #: True if closing transactions were left out.
    without_closing: bool = False


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SectionLine:
    """One line of a section: an account or a set in one currency."""

    #: True for the sum of a set, False for an account.
    is_account_set: bool
    #: Id of the account or set.
    id: UUID
    #: Code of the account or set.
    code: str
    #: Its title.
    name: str
    #: How many sets of the section it stands below.
    depth: int
    #: Code of the currency; empty for an account that never had an entry.
    currency: str
    #: One for each period of the report, positive on the side of the section.
    amounts: tuple[Decimal, ...]
    #: True if accounts in it were shown above already; totals count each once.
    is_repeated: bool
    #: Of an unmapped account: the several categories of the sets that it stands below, or none.
    categories: tuple[AccountCategory, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CurrencyAmounts:
    """Amounts of one currency, one for each period of the report."""

    #: Code of the currency.
    currency: str
    #: In the order of the periods.
    amounts: tuple[Decimal, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """A part of a statement."""

    #: Which.
    kind: SectionKind
    #: In the order of the chart.
    lines: tuple[SectionLine, ...]
    #: By currency, over the section's accounts, each once.
    totals: tuple[CurrencyAmounts, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheetTotal:
    """The sums of a balance sheet in one currency; each has an amount for each period."""

    #: Code of the currency.
    currency: str
    assets: tuple[Decimal, ...]
    liabilities: tuple[Decimal, ...]
    equity: tuple[Decimal, ...]
    #: Revenue less expense of the fiscal year.
    current_earnings: tuple[Decimal, ...]
    #: Revenue less expense before it, as far as no closing moved it to equity.
    earlier_earnings: tuple[Decimal, ...]
    #: Assets - liabilities - equity - both earnings.
    difference: tuple[Decimal, ...]
    #: Of the section UNMAPPED, as net debit.
    unmapped: tuple[Decimal, ...]
    #: Of the section OFF_BALANCE, as net debit.
    off_balance: tuple[Decimal, ...]
    #: Difference + unmapped + off balance: anything but zero means that the ledger is broken.
    unexplained: tuple[Decimal, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalanceSheet:
    """What is owned, owed and the owners', at one position of the journal."""

    #: ASSETS, LIABILITIES, EQUITY, UNMAPPED, OFF_BALANCE.
    sections: tuple[Section, ...]
    #: By currency.
    totals: tuple[BalanceSheetTotal, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded; None for a journal without events.
    record_time: dt.datetime | None
    #: The periods of the columns, each from the first day of its fiscal year on.
    periods: tuple[ReportPeriod, ...]
    #: Which book.
    layer: Layer
    #: True if closing transactions were left out.
    without_closing: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomeStatementTotal:
    """The sums of an income statement in one currency; each has an amount for each period."""

    #: Code of the currency.
    currency: str
    revenue: tuple[Decimal, ...]
    expenses: tuple[Decimal, ...]
    #: Revenue less expenses.
    net_income: tuple[Decimal, ...]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class IncomeStatement:
    """What was earned and spent in a range of days, at one position of the journal."""

    #: REVENUE, EXPENSES, UNMAPPED.
    sections: tuple[Section, ...]
    #: By currency.
    totals: tuple[IncomeStatementTotal, ...]
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When the event at `sequence` was recorded; None for a journal without events.
    record_time: dt.datetime | None
    #: The periods of the columns.
    periods: tuple[ReportPeriod, ...]
    #: Which book.
    layer: Layer
    #: True if closing transactions were left out.
    without_closing: bool

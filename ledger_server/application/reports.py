"""Reports of the books by sums, each read in one snapshot."""

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from ledger_server.application.conversion import ConversionAsked, find_terms_in_tx
from ledger_server.domain.errors import CurrencyUnknownError, PositionUnavailableError
from ledger_server.domain.journal import Journal
from ledger_server.domain.report.chart import Chart, rewind
from ledger_server.domain.report.conversion import (
    Conversion,
    ReportingCurrency,
    Terms,
    converted,
)
from ledger_server.domain.report.periods import (
    Cut,
    FiscalCalendar,
    Period,
    SumsByKey,
    taken_off,
)
from ledger_server.store import journals, reports
from ledger_server.store.database import Database, Tx

#: Gives the periods of the columns from the day of the position and the journal's fiscal years.
Periods = Callable[[date, FiscalCalendar], Sequence[Period]]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The moment of the journal that a report shows."""

    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When that event was recorded; None at sequence 0.
    recorded_at: datetime | None
    #: That moment's day in the journal's time zone; of the journal's creation at sequence 0.
    day: date
    #: Whether nothing came after it yet.
    is_head: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What a report by sums is asked for."""

    scope: reports.Scope
    #: 0 for now.
    as_known_at: int
    #: Leaves out the transactions that close fiscal years.
    without_closing: bool
    periods: Periods
    #: What to convert to; empty for nothing.
    reporting_currency: str = ""
    #: Whether what stands is converted, or what moved within the periods alone.
    with_balances: bool = True


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that a report by sums is made of."""

    position: Position
    periods: Sequence[Period]
    #: For each period; converted if that was asked for.
    sums: Sequence[SumsByKey]
    #: As it was at the position.
    chart: Chart
    #: Decimals of each currency of the journal.
    exponents: dict[str, int]
    #: How the sums were converted; None if they were not.
    conversion: Conversion | None


async def find_position_in_tx(tx: Tx, journal: Journal, as_known_at: int) -> Position:
    """Return the position asked for, 0 for the head.

    Raises:
        PositionUnavailableError: it lies beyond the head.
    """
    head, recorded_at = await reports.head_and_event_time_in_tx(tx, journal.id, as_known_at)
    sequence = as_known_at or head
    if sequence > head:
        raise PositionUnavailableError(sequence, head)
    day = (recorded_at or journal.created_at).astimezone(ZoneInfo(journal.time_zone)).date()
    return Position(
        sequence=sequence,
        recorded_at=recorded_at,
        day=day,
        is_head=sequence == head,
    )


async def find_exponents_in_tx(tx: Tx, journal: Journal, currency: str | None) -> dict[str, int]:
    """Return the decimals of each currency of the journal.

    Raises:
        CurrencyUnknownError: `currency` is given and not among them.
    """
    found = await journals.list_currencies_in_tx(tx, journal.id)
    exponents = {one.code: one.exponent for one in found}
    if currency and currency not in exponents:
        raise CurrencyUnknownError(currency)
    return exponents


async def chart_at_in_tx(tx: Tx, journal: Journal, position: Position) -> Chart:
    """Return the chart as it was at a position."""
    rows = await reports.chart_rows_in_tx(tx, journal.id)
    return await _rewound_in_tx(tx, journal, position, await asyncio.to_thread(rows.chart))


async def _rewound_in_tx(tx: Tx, journal: Journal, position: Position, chart: Chart) -> Chart:
    """Return `chart`, which is as it stands, as it was at a position."""
    if not position.is_head:
        changes = await reports.chart_changes_after_in_tx(tx, journal.id, position.sequence)
        rewind(chart, changes)
    return chart


async def read_facts(database: Database, journal: Journal, question: Question) -> Facts:
    """Return what a report is made of, as it was known at a position.

    Raises:
        PositionUnavailableError: the position lies beyond the head.
        CurrencyUnknownError: the journal does not have a currency asked for.
        FieldInvalidError: an amount is too large to be converted.
    """
    scope = question.scope
    terms: Terms | None = None
    async with database.snapshot() as tx:
        position = await find_position_in_tx(tx, journal, question.as_known_at)
        exponents = await find_exponents_in_tx(tx, journal, scope.currency)
        years = await reports.fiscal_years_in_tx(tx, journal.id, position.sequence)
        periods = question.periods(position.day, FiscalCalendar(years))
        cut = Cut(periods)
        # The chart is made while the database sums, which takes longer.
        rows = await reports.chart_rows_in_tx(tx, journal.id)
        stood, chart = await asyncio.gather(
            reports.sums_in_tx(tx, journal.id, scope, cut),
            asyncio.to_thread(rows.chart),
        )
        off: list[Sequence[SumsByKey]] = []
        until = position.sequence
        if not position.is_head:
            off.append(await reports.sums_after_in_tx(tx, journal.id, scope, cut, until))
        if question.without_closing:
            off.append(await reports.closing_sums_in_tx(tx, journal.id, scope, cut, until))
        chart = await _rewound_in_tx(tx, journal, position, chart)
        if question.reporting_currency:
            terms = await find_terms_in_tx(
                tx,
                journal,
                ConversionAsked(
                    scope=scope,
                    target=_target(journal, question.reporting_currency, exponents),
                    periods=periods,
                    sequence=position.sequence,
                    currencies={currency for each in stood for _, currency in each},
                    without_closing=question.without_closing,
                    with_balances=question.with_balances,
                ),
                chart,
            )
    sums = await asyncio.to_thread(_sums, stood, off)
    conversion = None
    if terms is not None:
        sums, conversion = await asyncio.to_thread(converted, sums, periods, terms)
    return Facts(
        position=position,
        periods=periods,
        sums=sums,
        chart=chart,
        exponents=exponents,
        conversion=conversion,
    )


def _target(journal: Journal, currency: str, exponents: dict[str, int]) -> ReportingCurrency:
    if currency not in exponents:
        raise CurrencyUnknownError(currency)
    return ReportingCurrency(currency, exponents[currency], ZoneInfo(journal.time_zone))


def _sums(stood: Sequence[SumsByKey], off: Sequence[Sequence[SumsByKey]]) -> Sequence[SumsByKey]:
    """Return the sums of each column: as they stand, less those that do not count."""
    return [taken_off(*each) for each in zip(stood, *off, strict=True)]

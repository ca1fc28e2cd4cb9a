"""Reports of the books, each read in one snapshot."""

import dataclasses
from datetime import datetime

from ledger_server.domain.errors import CurrencyUnknownError, PositionUnavailableError
from ledger_server.domain.journal import Journal
from ledger_server.domain.report.chart import rewind
from ledger_server.domain.report.trial_balance import SumsByKey, TrialBalance, trial_balance
from ledger_server.store import journals, reports
from ledger_server.store.database import Database


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class TrialBalanceReport:
    """A trial balance with its position."""

    books: TrialBalance
    #: Every event up to this sequence counts, none after.
    sequence: int
    #: When that event was recorded; None at sequence 0.
    recorded_at: datetime | None
    #: Decimals of each currency of the journal.
    exponents: dict[str, int]


async def get_trial_balance(
    database: Database,
    journal: Journal,
    period: reports.Period,
    *,
    as_known_at: int,
    set_depth: int,
    include_zero_rows: bool,
) -> TrialBalanceReport:
    """Return the trial balance as it was known at a sequence, 0 for now.

    Raises:
        PositionUnavailableError: the sequence lies beyond the head.
        CurrencyUnknownError: the journal does not have the currency asked for.
    """
    async with database.snapshot() as tx:
        head = await journals.read_head_in_tx(tx, journal.id)
        sequence = as_known_at or head.sequence
        if sequence > head.sequence:
            raise PositionUnavailableError(sequence, head.sequence)
        currencies = await journals.list_currencies_in_tx(tx, journal.id)
        exponents = {currency.code: currency.exponent for currency in currencies}
        if period.currency and period.currency not in exponents:
            raise CurrencyUnknownError(period.currency)
        sums = await reports.sums_in_tx(tx, journal.id, period)
        chart = await reports.chart_in_tx(tx, journal.id)
        recorded_at = await reports.event_time_in_tx(tx, journal.id, sequence)
        later: SumsByKey = {}
        if sequence < head.sequence:
            later = await reports.sums_after_in_tx(tx, journal.id, period, sequence)
            rewind(chart, await reports.chart_changes_after_in_tx(tx, journal.id, sequence))
    return TrialBalanceReport(
        books=trial_balance(
            sums,
            later,
            chart,
            set_depth=set_depth,
            include_zero_rows=include_zero_rows,
            currency=period.currency or "",
        ),
        sequence=sequence,
        recorded_at=recorded_at,
        exponents=exponents,
    )

"""What the conversion of a report goes by, read in the report's own snapshot."""

import asyncio
import dataclasses
from collections.abc import Sequence
from collections.abc import Set as AbstractSet

from ledger_server.domain.journal import Journal
from ledger_server.domain.report.chart import Chart
from ledger_server.domain.report.conversion import ReportingCurrency, Terms, wanted_rates
from ledger_server.domain.report.periods import Period
from ledger_server.domain.report.section import Classified, SectionKind
from ledger_server.store import rates, reports
from ledger_server.store.database import Tx


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ConversionAsked:
    """Which report is converted, and to what."""

    scope: reports.Scope
    target: ReportingCurrency
    periods: Sequence[Period]
    #: Position of the report: neither entries nor rates after it count.
    sequence: int
    #: All that the report may have anything in.
    currencies: AbstractSet[str]
    without_closing: bool
    with_balances: bool


async def find_terms_in_tx(tx: Tx, journal: Journal, asked: ConversionAsked, chart: Chart) -> Terms:
    """Return what each day earned and the rates that were known at the position."""
    members = (await asyncio.to_thread(Classified, chart)).members
    earning = members[SectionKind.REVENUE] | members[SectionKind.EXPENSES]
    bounds = [period.bounds() for period in asked.periods]
    without: AbstractSet[int] = frozenset()
    if asked.without_closing:
        without = await reports.closing_sequences_in_tx(tx, journal.id, asked.sequence)
    days = await reports.nets_by_day_in_tx(
        tx,
        journal.id,
        asked.scope,
        days=(min(first for first, _ in bounds), max(last for _, last in bounds)),
        accounts=earning,
        sequence=asked.sequence,
        without=without,
    )
    wanted = wanted_rates(asked.currencies, days, asked.periods, asked.target)
    return Terms(
        target=asked.target,
        earning=earning,
        days=days,
        rates=await rates.in_force_in_tx(
            tx, journal.id, sorted(wanted), as_known_at=asked.sequence
        ),
        with_balances=asked.with_balances,
        left_out=frozenset()
        if asked.with_balances
        else chart.accounts.keys() - earning - members[SectionKind.UNMAPPED],
    )

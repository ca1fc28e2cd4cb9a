"""What reports are made from: sums by SQL, and the chart as it was."""

import dataclasses
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from functools import partial
from typing import Any, Final, cast
from uuid import UUID

from ledger_proto.v1 import events_pb2
from ledger_server.domain.account import AccountCategory
from ledger_server.domain.primitives import AccountId, JournalId, Layer
from ledger_server.domain.report.chart import Chart, ChartChange, Named
from ledger_server.domain.report.conversion import DayRow
from ledger_server.domain.report.periods import Cut, SegmentRow
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("reports")

#: Makes one of its fields, without the call in Python that a class of named fields costs.
_named_of: Final[Callable[[Iterable[object]], Named]] = partial(tuple.__new__, Named)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """Which book a report is about."""

    layer: Layer
    #: None for all.
    currency: str | None


async def sums_in_tx(tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut) -> Sequence[SegmentRow]:
    """Return the sums of each account and currency as they stand, by segment."""
    if not cut.boundaries:
        rows: Any = await tx.fetch(
            _SQL["sums_of_one_segment"], journal_id, scope.layer, cut.last_day, scope.currency
        )
        return cast("Sequence[SegmentRow]", rows)
    return await _sums(tx, "sums_by_segment", journal_id, scope, cut)


async def sums_after_in_tx(
    tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut, sequence: int
) -> Sequence[SegmentRow]:
    """Return the sums of the entries after `sequence` alone, by segment."""
    return await _sums(tx, "sums_by_segment_later", journal_id, scope, cut, sequence)


async def closing_sums_in_tx(
    tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut, sequence: int
) -> Sequence[SegmentRow]:
    """Return the sums of what closes fiscal years up to `sequence`, by segment."""
    closing = list(await closing_sequences_in_tx(tx, journal_id, sequence))
    return await _sums(tx, "sums_by_segment_closing", journal_id, scope, cut, closing)


async def closing_sequences_in_tx(tx: Tx, journal_id: JournalId, sequence: int) -> frozenset[int]:
    """Return the transactions up to `sequence` that close fiscal years or take that back."""
    rows = await tx.fetch(_SQL["closing_sequences"], journal_id, sequence)
    return frozenset(row["sequence"] for row in rows)


async def nets_by_day_in_tx(
    tx: Tx,
    journal_id: JournalId,
    scope: Scope,
    *,
    days: tuple[date, date],
    accounts: Collection[AccountId],
    sequence: int,
    without: Collection[int],
) -> Sequence[DayRow]:
    """Return what moved on accounts in each currency on each day, in no order.

    Args:
        tx: any transaction.
        journal_id: of the accounts.
        scope: which book.
        days: the first and the last.
        accounts: which ones.
        sequence: entries after it do not count.
        without: sequences up to it of transactions that do not count either.
    """
    rows: Any = await tx.fetch(
        _SQL["nets_by_day"],
        journal_id,
        scope.layer,
        *days,
        scope.currency,
        list(accounts),
        sequence,
        list(without),
    )
    return [DayRow(*row) for row in rows]


async def chart_in_tx(tx: Tx, journal_id: JournalId) -> Chart:
    """Return the chart as it stands."""
    set_accounts: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for row in await tx.fetch(_SQL["chart_set_accounts"], journal_id):
        set_accounts[row["set_id"]].add(row["member_id"])
    set_sets: defaultdict[UUID, set[UUID]] = defaultdict(set)
    for row in await tx.fetch(_SQL["chart_set_sets"], journal_id):
        set_sets[row["set_id"]].add(row["member_id"])
    sets = await tx.fetch(_SQL["chart_sets"], journal_id)
    return Chart(
        accounts=_named(await tx.fetch(_SQL["chart_accounts"], journal_id)),
        sets={row["id"]: Named(row["id"], row["code"], row["name"]) for row in sets},
        set_accounts=dict(set_accounts),
        set_sets=dict(set_sets),
        categories={row["id"]: AccountCategory(row["category"]) for row in sets if row["category"]},
    )


async def chart_changes_after_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int
) -> list[ChartChange]:
    """Return what changed the chart after `sequence`, the newest first."""
    rows = await tx.fetch(_SQL["configuration_after"], journal_id, sequence)
    return [_chart_change(events_pb2.Event.FromString(row["payload"])) for row in rows]


async def fiscal_years_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int
) -> list[tuple[date, date]]:
    """Return first and last day of the fiscal years that were there at a sequence, in order."""
    rows = await tx.fetch(_SQL["fiscal_years_at"], journal_id, sequence)
    return [(row["first_day"], row["last_day"]) for row in rows]


async def event_time_in_tx(tx: Tx, journal_id: JournalId, sequence: int) -> datetime | None:
    """Return when the event at `sequence` was recorded."""
    row = await tx.fetch_one(_SQL["event_time"], journal_id, sequence)
    return row["recorded_at"] if row else None


async def _sums(
    tx: Tx, query: str, journal_id: JournalId, scope: Scope, cut: Cut, *more: object
) -> Sequence[SegmentRow]:
    rows: Any = await tx.fetch(
        _SQL[query], journal_id, scope.layer, cut.boundaries, cut.last_day, scope.currency, *more
    )
    # A record gives its columns in the order of the statement, which is that of a `SegmentRow`.
    return cast("Sequence[SegmentRow]", rows)


def _named(rows: Sequence[Row]) -> dict[UUID, Named]:
    # A record gives its columns in the order of the statement, which is that of a `Named`.
    made = map(_named_of, cast("Sequence[tuple[UUID, str, str]]", rows))
    return {named[0]: named for named in made}


def _chart_change(event: events_pb2.Event) -> ChartChange:
    """Return what an event did to the chart; nothing for those that leave it alone."""
    fact = event.WhichOneof("fact")
    if fact == "account_created":
        return ChartChange(created_accounts=[UUID(event.account_created.account.id)])
    if fact == "account_updated":
        previous = event.account_updated.previous
        # Nameless once it was erased: then an account is called by its code, also in the past.
        name = previous.name or previous.code
        return ChartChange(renamed=Named(UUID(previous.id), previous.code, name))
    if fact == "account_set_created":
        return ChartChange(created_sets=[UUID(event.account_set_created.account_set.id)])
    if fact == "account_set_members_added":
        added = event.account_set_members_added
        return ChartChange(
            set_id=UUID(added.account_set_id),
            accounts_added=[UUID(one) for one in added.account_ids],
            sets_added=[UUID(one) for one in added.member_set_ids],
        )
    if fact == "account_set_members_removed":
        removed = event.account_set_members_removed
        return ChartChange(
            set_id=UUID(removed.account_set_id),
            accounts_removed=[UUID(one) for one in removed.account_ids],
            sets_removed=[UUID(one) for one in removed.member_set_ids],
        )
    return ChartChange()

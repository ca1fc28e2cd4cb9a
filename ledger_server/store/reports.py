"""What reports are made from: sums by SQL, and the chart as it was."""

import asyncio
import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from typing import Any, Final
from uuid import UUID

from ledger_proto.v1 import events_pb2
from ledger_server.domain.account import AccountCategory
from ledger_server.domain.primitives import AccountId, JournalId, Layer
from ledger_server.domain.report.chart import Chart, ChartChange, Named
from ledger_server.domain.report.conversion import DayRow
from ledger_server.domain.report.periods import Cut, SegmentRows, SumsByKey
from ledger_server.store.copy_text import columns
from ledger_server.store.database import Row, Tx, uuid_of
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


async def sums_in_tx(tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut) -> Sequence[SumsByKey]:
    """Return the sums of each account and currency as they stand, for each column.

    Whatever lies before the first cut, or up to the last day where nothing is cut, is summed up
    from the end of the books that is nearer to it.
    """
    is_late = await _is_late(tx, journal_id, cut.boundaries[0] if cut.boundaries else cut.last_day)
    if cut.boundaries:
        query = "sums_by_segment_from_end" if is_late else "sums_by_segment"
        return await _sums(tx, cut, query, _values(journal_id, scope, cut))
    query = "sums_of_one_segment_from_end" if is_late else "sums_of_one_segment"
    return await _sums(tx, cut, query, (journal_id, scope.layer, cut.last_day, scope.currency))


async def sums_after_in_tx(
    tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut, sequence: int
) -> Sequence[SumsByKey]:
    """Return the sums of the entries after `sequence` alone, for each column."""
    values = *_values(journal_id, scope, cut), sequence
    return await _sums(tx, cut, "sums_by_segment_later", values)


async def closing_sums_in_tx(
    tx: Tx, journal_id: JournalId, scope: Scope, cut: Cut, sequence: int
) -> Sequence[SumsByKey]:
    """Return the sums of what closes fiscal years up to `sequence`, for each column."""
    closing = list(await closing_sequences_in_tx(tx, journal_id, sequence))
    values = *_values(journal_id, scope, cut), closing
    return await _sums(tx, cut, "sums_by_segment_closing", values)


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


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ChartRows:
    """A chart as it was read. What is made of it takes a while, and no database."""

    #: As COPY writes them.
    accounts: Sequence[bytes]
    sets: Sequence[Row]

    def chart(self) -> Chart:
        """Make the chart, its accounts by code."""
        accounts: dict[AccountId, Named] = {}
        for data in self.accounts:
            texts, codes, names = columns(data, len(Named._fields))
            ids = list(map(uuid_of, texts))
            made = map(_named_of, zip(ids, codes, names, strict=True))
            accounts.update(zip(ids, made, strict=True))
        return Chart(
            accounts=accounts,
            sets={row["id"]: Named(row["id"], row["code"], row["name"]) for row in self.sets},
            set_accounts={
                row["id"]: set(row["account_ids"]) for row in self.sets if row["account_ids"]
            },
            set_sets={row["id"]: set(row["member_ids"]) for row in self.sets if row["member_ids"]},
            categories={
                row["id"]: AccountCategory(row["category"]) for row in self.sets if row["category"]
            },
        )


async def chart_rows_in_tx(tx: Tx, journal_id: JournalId) -> ChartRows:
    """Return the rows of the chart as it stands."""
    accounts: list[bytes] = []

    async def take(data: bytes) -> None:
        accounts.append(data)

    await tx.copy(_SQL["chart_accounts"], journal_id, take=take)
    return ChartRows(accounts=accounts, sets=await tx.fetch(_SQL["chart_sets"], journal_id))


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


async def head_and_event_time_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int
) -> tuple[int, datetime | None]:
    """Return the head's sequence and when the event at `sequence`, 0 for the last, was recorded."""
    row = await tx.fetch_one(_SQL["head_and_event_time"], journal_id, sequence)
    assert row is not None, f"journal {journal_id} has no head"
    return row["head_sequence"], row["recorded_at"]


def _values(journal_id: JournalId, scope: Scope, cut: Cut) -> tuple[object, ...]:
    """Return the parameters that all statements by segment begin with."""
    return journal_id, scope.layer, cut.boundaries, cut.last_day, scope.currency


async def _is_late(tx: Tx, journal_id: JournalId, day: date) -> bool:
    """Return whether a day lies, by the calendar, in the later half of those kept on their own.

    Of few days it does not matter.
    """
    if day == date.max:
        return True
    row = await tx.fetch_one(_SQL["days"], journal_id)
    assert row is not None, "it has no condition"
    return row["first"] is None or row["last"] - day < day - row["first"]


async def _sums(tx: Tx, cut: Cut, query: str, values: Sequence[object]) -> Sequence[SumsByKey]:
    """Return the sums of each column, added up while the database makes more of them."""
    sums = cut.nothing()

    async def take(data: bytes) -> None:
        await asyncio.to_thread(lambda: cut.add(sums, _segment_rows(data)))

    await tx.copy(_SQL[query], *values, take=take)
    return sums


def _segment_rows(data: bytes) -> SegmentRows:
    account_ids, currencies, segments, debits, credits_ = columns(data, len(SegmentRows._fields))
    return SegmentRows(
        map(uuid_of, account_ids),
        currencies,
        map(int, segments),
        map(Decimal, debits),
        map(Decimal, credits_),
    )


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

"""What closing a fiscal year reads and writes beside the postings themselves."""

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_proto.v1 import events_pb2
from ledger_server.domain.account import AccountCategory, AccountStatus
from ledger_server.domain.chart import Chart
from ledger_server.domain.fiscal_year import PROFIT_AND_LOSS, FiscalYear
from ledger_server.domain.primitives import AccountId, JournalId
from ledger_server.domain.transaction import BalanceKey
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("year_closes")

#: Open holds that are counted.
HOLDS_MAX: Final = 10_000

#: Events after which a close that was made ready may be about other accounts or another year.
_CHANGES: Final = (
    events_pb2.Event.ACCOUNT_SET_CREATED_FIELD_NUMBER,
    events_pb2.Event.ACCOUNT_SET_MEMBERS_ADDED_FIELD_NUMBER,
    events_pb2.Event.ACCOUNT_SET_MEMBERS_REMOVED_FIELD_NUMBER,
    events_pb2.Event.FISCAL_YEAR_OPENED_FIELD_NUMBER,
    events_pb2.Event.FISCAL_YEAR_CLOSED_FIELD_NUMBER,
    events_pb2.Event.FISCAL_YEAR_REOPENED_FIELD_NUMBER,
)


@dataclasses.dataclass(frozen=True, slots=True)
class ProfitAccount:
    """An account that stands in revenue or expense, and all categories that it stands in."""

    id: AccountId
    code: str
    status: AccountStatus
    categories: frozenset[AccountCategory]


@dataclasses.dataclass(frozen=True, slots=True)
class NetDebit:
    """Debits less credits of a balance through a day, and of that before another."""

    through: Decimal
    before: Decimal


async def profit_accounts_in_tx(
    tx: Tx, journal_id: JournalId, chart: Chart
) -> dict[AccountId, ProfitAccount]:
    """Return the accounts that stand in revenue or expense, by id."""
    rows = await tx.fetch(
        _SQL["profit_accounts"],
        journal_id,
        *_nodes(chart),
        list(chart.of_category(*PROFIT_AND_LOSS)),
    )
    return {
        row["id"]: ProfitAccount(
            row["id"],
            row["code"],
            AccountStatus(row["status"]),
            frozenset(map(AccountCategory, row["categories"])),
        )
        for row in rows
    }


async def account_categories_in_tx(
    tx: Tx, journal_id: JournalId, chart: Chart, account_id: AccountId
) -> set[AccountCategory]:
    """Return the categories that an account stands in."""
    rows = await tx.fetch(_SQL["account_categories"], journal_id, *_nodes(chart), account_id)
    return {AccountCategory(row["category"]) for row in rows}


async def sums_in_tx(
    tx: Tx, journal_id: JournalId, account_ids: Iterable[AccountId], year: FiscalYear
) -> dict[BalanceKey, NetDebit]:
    """Return what these accounts hold through the last day of a year."""
    rows = await tx.fetch(
        _SQL["profit_sums"], journal_id, list(account_ids), year.last_day, year.first_day
    )
    return _sums(rows)


async def sums_after_in_tx(
    tx: Tx, journal_id: JournalId, sequence: int, year: FiscalYear
) -> dict[BalanceKey, NetDebit]:
    """Return the same of all entries after a sequence, of whatever account."""
    rows = await tx.fetch(
        _SQL["profit_sums_after"], journal_id, sequence, year.last_day, year.first_day
    )
    return _sums(rows)


async def changed_after_in_tx(tx: Tx, journal_id: JournalId, sequence: int) -> bool:
    """Tell whether the chart or the fiscal years changed after a sequence."""
    row = await tx.fetch_one(_SQL["changed_after"], journal_id, sequence, list(_CHANGES))
    assert row is not None, "a question of EXISTS gives its row"
    return bool(row["changed"])


async def insert_in_tx(tx: Tx, journal_id: JournalId, sequences: Sequence[int]) -> None:
    """Note which transactions close a year."""
    if sequences:
        await tx.execute(_SQL["insert_closings"], journal_id, sequences)


async def open_closings_in_tx(
    tx: Tx, journal_id: JournalId, last_day: date, after_sequence: int = 0
) -> dict[UUID, int]:
    """Return the transactions that closed a year and were not taken back: id to sequence."""
    rows = await tx.fetch(_SQL["open_closings"], journal_id, last_day, after_sequence)
    return {row["id"]: row["sequence"] for row in rows}


async def reopenings_in_tx(
    tx: Tx, journal_id: JournalId, last_day: date, after_sequence: int
) -> list[UUID]:
    """Return the transactions after a sequence that took what closed a year back."""
    rows = await tx.fetch(_SQL["reopenings"], journal_id, last_day, after_sequence)
    return [row["id"] for row in rows]


async def closed_sums_in_tx(
    tx: Tx, journal_id: JournalId, sequences: Sequence[int]
) -> dict[BalanceKey, Decimal]:
    """Return the net debits that these transactions took away from each balance."""
    rows = await tx.fetch(_SQL["closed_sums"], journal_id, sequences)
    return {BalanceKey(row["account_id"], row["currency"]): row["net_debit"] for row in rows}


async def open_holds_in_tx(tx: Tx, journal_id: JournalId, last_day: date) -> int:
    """Count the open holds that were placed on or before a day, up to `HOLDS_MAX`."""
    row = await tx.fetch_one(_SQL["open_holds"], journal_id, last_day, HOLDS_MAX)
    assert row is not None, "a count gives its row"
    return int(row["count"])


async def unmapped_in_tx(
    tx: Tx, journal_id: JournalId, chart: Chart, last_day: date, limit: int
) -> list[str]:
    """Return codes of accounts with postings through a day that stand in no node, by code."""
    rows = await tx.fetch(
        _SQL["unmapped_accounts"], journal_id, list(chart.nodes()), last_day, limit
    )
    return [row["code"] for row in rows]


def _nodes(chart: Chart) -> tuple[list[UUID], list[AccountCategory]]:
    """Return nodes and their categories as two columns."""
    pairs = [
        (node, category) for node in chart.nodes() for category in sorted(chart.categories(node))
    ]
    return [node for node, _ in pairs], [category for _, category in pairs]


def _sums(rows: Sequence[Row]) -> dict[BalanceKey, NetDebit]:
    return {
        BalanceKey(row["account_id"], row["currency"]): NetDebit(
            row["net_debit"], row["net_debit_before"]
        )
        for row in rows
    }

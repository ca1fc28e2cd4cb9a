"""Fiscal years and every change of them; the last one is in force."""

from datetime import date, datetime
from typing import Final

from ledger_server.domain.fiscal_year import FiscalYear, FiscalYearStatus
from ledger_server.domain.primitives import AccountId, JournalId
from ledger_server.store.database import Row, Tx
from ledger_server.store.queries import load

_SQL = load("fiscal_years")

#: Changes of one year that are shown.
CHANGES_MAX: Final = 1_000


async def list_in_tx(
    tx: Tx, journal_id: JournalId, after: date | None = None, limit: int | None = None
) -> list[FiscalYear]:
    """Return up to `limit` years that begin after a day, by their days; None is no bound."""
    rows = await tx.fetch(_SQL["list_years"], journal_id, after, limit)
    return [_year(row) for row in rows]


async def list_changes_in_tx(tx: Tx, journal_id: JournalId, code: str) -> list[FiscalYear]:
    """Return a year as it stood after each of its changes, newest first; nothing of none."""
    rows = await tx.fetch(_SQL["list_year_changes"], journal_id, code, CHANGES_MAX)
    return [_year(row) for row in rows]


async def insert_in_tx(
    tx: Tx, journal_id: JournalId, code: str, first_day: date, last_day: date
) -> None:
    """Create a year; its first change must follow in the same transaction."""
    await tx.execute(_SQL["insert_year"], journal_id, code, first_day, last_day)


async def insert_change_in_tx(
    tx: Tx,
    journal_id: JournalId,
    sequence: int,
    code: str,
    *,
    status: FiscalYearStatus,
    retained_earnings: AccountId | None,
    actor: str,
    reason: str,
) -> datetime:
    """Put a change in force and return when. The caller holds the head and records its event."""
    row = await tx.fetch_one(
        _SQL["insert_year_change"],
        journal_id,
        sequence,
        code,
        status,
        retained_earnings,
        actor,
        reason,
    )
    assert row is not None, "INSERT ... RETURNING gives its row"
    changed_at: datetime = row["changed_at"]
    return changed_at


def _year(row: Row) -> FiscalYear:
    return FiscalYear(
        code=row["code"],
        first_day=row["first_day"],
        last_day=row["last_day"],
        retained_earnings_id=row["retained_earnings"],
        retained_earnings_code=row["retained_earnings_code"] or "",
        status=FiscalYearStatus(row["status"]),
        sequence=row["sequence"],
        changed_at=row["changed_at"],
        actor=row["actor"],
        reason=row["reason"],
    )

"""Fiscal years: opened, and shown with what is left to do."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from ledger_proto.v1 import events_pb2, fiscal_years_pb2
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.application.year_close_plan import (
    YearBooks,
    check_close_in_tx,
    read_year_in_tx,
)
from ledger_server.domain.errors import FieldInvalidError, LedgerError
from ledger_server.domain.fiscal_year import (
    FiscalYear,
    FiscalYearStatus,
    Month,
    Result,
    check_place,
    months,
    results,
)
from ledger_server.domain.journal import Journal
from ledger_server.store import fiscal_years, year_closes
from ledger_server.store.codec import fiscal_year_message
from ledger_server.store.database import Database

#: Accounts that a checklist names of each kind.
NAMES_MAX: Final = 100


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewFiscalYear:
    """A year as it was asked for."""

    code: str
    #: None takes the day after the last year.
    first_day: date | None
    last_day: date
    #: Code or id; empty takes that of the year before.
    retained: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Checklist:
    """What is left to do for a year."""

    read: YearBooks
    changes: Sequence[FiscalYear]
    months: Sequence[Month]
    ended: bool
    unclosed: Mapping[str, Result]
    open_holds: int
    unmapped: Sequence[str]
    ambiguous: Sequence[str]
    #: Why a close would be refused now.
    refusal: LedgerError | None


async def open_fiscal_year(
    database: Database,
    journal: Journal,
    request: Request[fiscal_years_pb2.OpenFiscalYearResponse],
    new: NewFiscalYear,
) -> fiscal_years_pb2.OpenFiscalYearResponse:
    """Open a year.

    The configuration version stays: no posting looks at fiscal years, only at closed days.

    Raises:
        FiscalYearExistsError: the code is taken.
        FiscalYearOrderError: it does not adjoin the years that are there.
        FieldInvalidError: the first year has no first day, or a year ends before it begins.
        AccountNotFoundError: the account named is not there.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> fiscal_years_pb2.OpenFiscalYearResponse:
        years = await fiscal_years.list_in_tx(change.tx, journal.id)
        first_day = new.first_day or _day_after(years)
        if first_day > new.last_day:
            raise FieldInvalidError("last_day", f"before {first_day}, the first")
        check_place(new.code, first_day, new.last_day, years)
        year = await _insert_in_tx(change, new, first_day, years)
        message = fiscal_year_message(year)
        told = events_pb2.FiscalYearOpened(year=message)
        change.record(events_pb2.Event(fiscal_year_opened=told))
        return fiscal_years_pb2.OpenFiscalYearResponse(year=message)

    return await change_journal(database, journal, request, work)


async def get_checklist(
    database: Database, journal: Journal, code: str, now: Callable[[], datetime]
) -> Checklist:
    """Return a year, its history and what is left to do for it.

    Raises:
        FiscalYearNotFoundError: there is no such year.
    """
    refusal: LedgerError | None = None
    async with database.snapshot() as tx:
        read = await read_year_in_tx(tx, journal, code)
        last_day = read.year.last_day
        changes = await fiscal_years.list_changes_in_tx(tx, journal.id, code)
        open_holds = await year_closes.open_holds_in_tx(tx, journal.id, last_day)
        unmapped = await year_closes.unmapped_in_tx(tx, journal.id, read.chart, last_day, NAMES_MAX)
        try:
            await check_close_in_tx(tx, journal, read, "")
        except LedgerError as error:
            refusal = error
    today = now().astimezone(ZoneInfo(journal.time_zone)).date()
    return Checklist(
        read=read,
        changes=changes,
        months=months(read.year, read.period),
        ended=today > last_day,
        unclosed=results(one for one in read.profits() if one.net_debit),
        open_holds=open_holds,
        unmapped=unmapped,
        ambiguous=[one.code for one in read.ambiguous()][:NAMES_MAX],
        refusal=refusal,
    )


def _day_after(years: Sequence[FiscalYear]) -> date:
    if not years:
        raise FieldInvalidError("first_day", "required for the first year")
    if years[-1].last_day == date.max:
        raise FieldInvalidError("first_day", "there is no day after the last year")
    return years[-1].last_day + timedelta(days=1)


async def _insert_in_tx(
    change: Change, new: NewFiscalYear, first_day: date, years: Sequence[FiscalYear]
) -> FiscalYear:
    retained_id, retained_code = None, ""
    if new.retained:
        account = await get_account_in_tx(change.tx, change.journal, new.retained)
        retained_id, retained_code = account.id, account.code
    elif years:
        retained_id = years[-1].retained_earnings_id
        retained_code = years[-1].retained_earnings_code
    year = FiscalYear(
        code=new.code,
        first_day=first_day,
        last_day=new.last_day,
        retained_earnings_id=retained_id,
        retained_earnings_code=retained_code,
        status=FiscalYearStatus.OPEN,
        sequence=change.next_sequence,
        changed_at=datetime.now(UTC),
        # No caller has a name while the server runs without authentication.
        actor="",
        reason="",
    )
    await fiscal_years.insert_in_tx(
        change.tx, change.journal.id, year.code, year.first_day, year.last_day
    )
    changed_at = await fiscal_years.insert_change_in_tx(
        change.tx,
        change.journal.id,
        year.sequence,
        year.code,
        status=year.status,
        retained_earnings=retained_id,
        actor=year.actor,
        reason=year.reason,
    )
    return dataclasses.replace(year, changed_at=changed_at)

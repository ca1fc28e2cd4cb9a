"""Taking the close of a fiscal year back."""

import dataclasses
from collections.abc import Sequence
from uuid import UUID

from ledger_proto.v1 import events_pb2, fiscal_years_pb2, transactions_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.loaded_books import StaleConfigurationError
from ledger_server.application.mutation import Request, keep_answer_in_tx, kept_answer_in_tx
from ledger_server.application.year_close_plan import check_day
from ledger_server.application.year_end import (
    ENTRIES_MAX_PER_STEP,
    Held,
    held,
    in_steps,
    post_in_tx,
    reopening_draft,
)
from ledger_server.domain.errors import (
    FiscalYearNotFoundError,
    FiscalYearOrderError,
    FiscalYearStateError,
)
from ledger_server.domain.fiscal_year import FiscalYear, FiscalYearStatus
from ledger_server.domain.transaction import Draft
from ledger_server.store import fiscal_years, journals, periods, transactions, year_closes
from ledger_server.store.codec import fiscal_year_message, stored_event
from ledger_server.store.database import Database, Tx
from ledger_server.store.transaction_codec import draft_entries

Response = fiscal_years_pb2.ReopenFiscalYearResponse


@dataclasses.dataclass(frozen=True, slots=True)
class Reopening:
    """A reopening as it was asked for."""

    year: str
    reason: str
    actor: str


async def reopen_fiscal_year(
    database: Database, books: JournalBooks, request: Request[Response], reopening: Reopening
) -> Response:
    """Reverse what closed a year and note that it is open again.

    In several transactions if it is more than `ENTRIES_MAX_PER_STEP` entries, as the close was.

    Raises:
        FiscalYearNotFoundError: there is no such year.
        FiscalYearStateError: it is not closed.
        FiscalYearOrderError: a later year is closed.
        PeriodClosedError: its last day is closed for good.
        RequestIdReusedError: the request id was used before for another request.
        ContentionError: the configuration changed too often meanwhile.
    """

    async def step() -> Response | None:
        return await _step(database, books, request, reopening)

    return await in_steps(books, step)


async def _step(
    database: Database, books: JournalBooks, request: Request[Response], reopening: Reopening
) -> Response | None:
    journal_id = books.journal.id
    async with database.snapshot() as tx:
        kept = await kept_answer_in_tx(tx, journal_id, request)
        if kept is not None:
            return kept
        year = await _year_in_tx(tx, books, reopening.year)
        closings = await year_closes.open_closings_in_tx(tx, journal_id, year.last_day)
        # A step's worth, the last first, as the entries of one are at most a tenth of it.
        last = list(closings)[::-1][: ENTRIES_MAX_PER_STEP // 1_000]
        records = await transactions.find_many_in_tx(tx, journal_id, last)
    drafts = _drafts(year, [records[one] for one in last])
    async with held(database, books, drafts) as journal:
        kept = await kept_answer_in_tx(journal.tx, journal_id, request)
        if kept is not None:
            return kept
        now = await year_closes.open_closings_in_tx(journal.tx, journal_id, year.last_day)
        if now != closings or await _year_in_tx(journal.tx, books, reopening.year) != year:
            raise StaleConfigurationError
        posted = await post_in_tx(journal, drafts, reopening.actor)
        if len(closings) > len(last):
            return None
        sequence = journal.head.sequence + len(posted) + 1
        return await _finish_in_tx(journal, request, reopening, year, sequence)


async def _year_in_tx(tx: Tx, books: JournalBooks, code: str) -> FiscalYear:
    """Return the year if it may be reopened."""
    years = await fiscal_years.list_in_tx(tx, books.journal.id)
    year = next((one for one in years if one.code == code), None)
    if year is None:
        raise FiscalYearNotFoundError(code)
    if year.status is not FiscalYearStatus.CLOSED:
        raise FiscalYearStateError(code, "it is not closed")
    check_day(year, await periods.current_in_tx(tx, books.journal.id))
    later = [
        one
        for one in years
        if one.first_day > year.first_day and one.status is FiscalYearStatus.CLOSED
    ]
    if later:
        raise FiscalYearOrderError("a later year is closed", code, later[-1].code)
    return year


def _drafts(year: FiscalYear, records: Sequence[transactions_pb2.Transaction]) -> list[Draft]:
    return [
        reopening_draft(
            year.code,
            year.last_day,
            record,
            frozenset(entry.key for entry in draft_entries(record)),
        )
        for record in records
    ]


async def _finish_in_tx(
    journal: Held, request: Request[Response], reopening: Reopening, year: FiscalYear, sequence: int
) -> Response:
    """Note that a year is open again; `sequence` is that of the note."""
    tx, journal_id = journal.tx, journal.books.journal.id
    changed_at = await fiscal_years.insert_change_in_tx(
        tx,
        journal_id,
        sequence,
        year.code,
        status=FiscalYearStatus.OPEN,
        retained_earnings=year.retained_earnings_id,
        actor=reopening.actor,
        reason=reopening.reason,
    )
    reversals: list[UUID] = await year_closes.reopenings_in_tx(
        tx, journal_id, year.last_day, year.sequence
    )
    answer = Response(
        year=fiscal_year_message(
            dataclasses.replace(
                year,
                status=FiscalYearStatus.OPEN,
                sequence=sequence,
                changed_at=changed_at,
                actor=reopening.actor,
                reason=reopening.reason,
            )
        ),
        transaction_ids=map(str, reversals),
    )
    fact = events_pb2.FiscalYearReopened(year=answer.year, transaction_ids=answer.transaction_ids)
    event = stored_event(events_pb2.Event(actor=reopening.actor, fiscal_year_reopened=fact))
    await journals.append_events_in_tx(tx, journal_id, [event], config_changed=False)
    await keep_answer_in_tx(tx, journal_id, request, answer)
    return answer

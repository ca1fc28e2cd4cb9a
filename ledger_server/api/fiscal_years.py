"""FiscalYearService: decodes, hands over, encodes."""

import re
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Final

from ledger_proto.v1 import fiscal_years_pb2 as pb
from ledger_proto.v1.fiscal_years_pb2_grpc import FiscalYearServiceServicer
from ledger_server.api.fields import (
    date_field,
    mutation,
    page_size_field,
    reason_field,
    reference_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.fiscal_years import (
    Checklist,
    NewFiscalYear,
    get_checklist,
    open_fiscal_year,
)
from ledger_server.application.journal_books import JournalBooks, Library
from ledger_server.application.journals import get_journal
from ledger_server.application.year_close import (
    Close,
    ClosePreview,
    close_fiscal_year,
    preview_close,
)
from ledger_server.application.year_reopen import Reopening, reopen_fiscal_year
from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.fiscal_year import DayState
from ledger_server.domain.journal import Journal
from ledger_server.domain.period import CLOSABLE_MAX
from ledger_server.domain.primitives import fixed
from ledger_server.store import fiscal_years
from ledger_server.store.codec import closed_amount_messages, fiscal_year_message
from ledger_server.store.database import Database

#: Entries that a preview shows: more than anybody reads, and what one answer carries well.
PREVIEW_ENTRIES_MAX: Final = 20_000

_CODE = re.compile(r"[A-Za-z0-9._-]{1,64}", re.ASCII)


class FiscalYearServicer(FiscalYearServiceServicer):
    """The fiscal years of journals."""

    def __init__(
        self,
        database: Database,
        page_tokens: PageTokens,
        library: Library,
        now: Callable[[], datetime],
    ) -> None:
        """Serve the years of `database`; closing entries are decided with what `library` knows."""
        self._database = database
        self._page_tokens = page_tokens
        self._library = library
        self._now = now

    async def OpenFiscalYear(
        self, request: pb.OpenFiscalYearRequest, _context: object
    ) -> pb.OpenFiscalYearResponse:
        """Open a year."""
        last_day = date_field("last_day", request.last_day)
        if last_day is None:
            raise FieldInvalidError("last_day", "required")
        if last_day > CLOSABLE_MAX:
            # A close locks the year's days, and one day must stay open.
            raise FieldInvalidError("last_day", f"after {CLOSABLE_MAX}: no day would be left open")
        new = NewFiscalYear(
            code=_code_field(request.code),
            first_day=date_field("first_day", request.first_day),
            last_day=last_day,
            retained=_retained_field(request.retained_earnings_account),
        )
        change = mutation(request, request.request_id, pb.OpenFiscalYearResponse)
        return await open_fiscal_year(
            self._database, await self._journal(request.journal), change, new
        )

    async def GetFiscalYear(
        self, request: pb.GetFiscalYearRequest, _context: object
    ) -> pb.GetFiscalYearResponse:
        """Return a year, its checklist and its history."""
        code = reference_field("year", request.year)
        journal = await self._journal(request.journal)
        checklist = await get_checklist(self._database, journal, code, self._now)
        return pb.GetFiscalYearResponse(
            year=fiscal_year_message(checklist.read.year),
            checklist=_checklist(checklist),
            changes=map(fiscal_year_message, checklist.changes),
            sequence=checklist.read.sequence,
        )

    async def ListFiscalYears(
        self, request: pb.ListFiscalYearsRequest, _context: object
    ) -> pb.ListFiscalYearsResponse:
        """Return a page of years."""
        size = page_size_field(request.page_size)
        last = self._page_tokens.read(request, request.page_token)
        after = date.fromisoformat(str(last[0])) if last else None
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await fiscal_years.list_in_tx(tx, journal.id, after, size + 1)
        shown, token = self._page_tokens.cut(
            request, rows, size, lambda row: [row.first_day.isoformat()]
        )
        return pb.ListFiscalYearsResponse(
            years=map(fiscal_year_message, shown), next_page_token=token
        )

    async def PreviewYearClose(
        self, request: pb.PreviewYearCloseRequest, _context: object
    ) -> pb.PreviewYearCloseResponse:
        """Tell what a close would post now."""
        code = reference_field("year", request.year)
        retained = _retained_field(request.retained_earnings_account)
        preview = await preview_close(
            self._database, await self._books(request.journal), code, retained
        )
        return pb.PreviewYearCloseResponse(
            entries=_entries(preview),
            amounts=closed_amount_messages(preview.results, preview.read.exponents),
            balance_count=len(preview.profits),
            transaction_count=len(preview.transactions),
            sequence=preview.read.sequence,
        )

    async def CloseFiscalYear(
        self, request: pb.CloseFiscalYearRequest, _context: object
    ) -> pb.CloseFiscalYearResponse:
        """Close the books of a year."""
        close = Close(
            year=reference_field("year", request.year),
            retained=_retained_field(request.retained_earnings_account),
            reason=reason_field(request.reason),
            # No caller has a name while the server runs without authentication.
            actor="",
        )
        change = mutation(request, request.request_id, pb.CloseFiscalYearResponse)
        return await close_fiscal_year(
            self._database, await self._books(request.journal), change, close
        )

    async def ReopenFiscalYear(
        self, request: pb.ReopenFiscalYearRequest, _context: object
    ) -> pb.ReopenFiscalYearResponse:
        """Take the close of a year back."""
        reopening = Reopening(
            year=reference_field("year", request.year),
            reason=reason_field(request.reason),
            actor="",
        )
        change = mutation(request, request.request_id, pb.ReopenFiscalYearResponse)
        return await reopen_fiscal_year(
            self._database, await self._books(request.journal), change, reopening
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))

    async def _books(self, reference: str) -> JournalBooks:
        return await self._library.books(reference_field("journal", reference))


def _code_field(code: str) -> str:
    if not _CODE.fullmatch(code):
        raise FieldInvalidError("code", "not 1 to 64 of A-Z a-z 0-9 . _ -")
    return code


def _retained_field(reference: str) -> str:
    return reference_field("retained_earnings_account", reference) if reference else ""


def _checklist(checklist: Checklist) -> pb.FiscalYearChecklist:
    open_months = [one for one in checklist.months if one.state is DayState.OPEN]
    return pb.FiscalYearChecklist(
        months=[
            pb.FiscalMonth(
                first_day=one.first_day.isoformat(),
                last_day=one.last_day.isoformat(),
                state=one.state.value,  # type: ignore[arg-type]  # same numbers
            )
            for one in checklist.months
        ],
        next_month_end=open_months[0].last_day.isoformat() if open_months else "",
        ended=checklist.ended,
        unclosed=closed_amount_messages(checklist.unclosed, checklist.read.exponents),
        open_hold_count=checklist.open_holds,
        unmapped_accounts=checklist.unmapped,
        ambiguous_accounts=checklist.ambiguous,
        refusal=str(checklist.refusal) if checklist.refusal else "",
        refusal_reason=checklist.refusal.reason if checklist.refusal else "",
    )


def _entries(preview: ClosePreview) -> Iterator[pb.ClosingEntry]:
    """Give the first so many entries, each with the category of its account."""
    categories = {one.key.account_id: one.category for one in preview.profits}
    entries = (entry for one in preview.transactions for entry in one)
    for _, entry in zip(range(PREVIEW_ENTRIES_MAX), entries, strict=False):
        category = categories.get(entry.key.account_id, AccountCategory.EQUITY)
        yield pb.ClosingEntry(
            account_id=str(entry.key.account_id),
            account_code=entry.account_code,
            category=category.value,  # type: ignore[arg-type]  # same numbers
            direction=entry.direction.value,  # type: ignore[arg-type]  # same numbers
            units=fixed(entry.units, preview.read.exponents[entry.key.currency]),
            currency=entry.key.currency,
        )

"""Calls of the `FiscalYearService`."""

import datetime as dt
from collections.abc import AsyncIterator

from ledger_client.connection import Connection, request_key
from ledger_client.convert import encode, fiscal_years
from ledger_client.models import (
    FiscalYear,
    FiscalYearDetails,
    Reference,
    YearClose,
    YearClosePreview,
    YearReopening,
)
from ledger_proto.v1 import fiscal_years_pb2 as pb


class FiscalYearCalls(Connection):
    """Keeps fiscal years and closes them."""

    async def open_fiscal_year(
        self,
        journal: Reference,
        code: str,
        *,
        last_day: dt.date,
        first_day: dt.date | None = None,
        retained_earnings: Reference | None = None,
        request_id: str | None = None,
    ) -> FiscalYear:
        """Open a year.

        Args:
            journal: code or id.
            code: unique in the journal, 1 to 64 of `A-Z a-z 0-9 . _ -`.
            last_day: its last day.
            first_day: None takes the day after the last year; required for the first one.
            retained_earnings: code or id of the account that its result goes to; None takes that
                of the year before.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: the code is taken (`FISCAL_YEAR_EXISTS`).
            InvalidRequestError: a field is malformed.
            NotFoundError: there is no such journal or account.
            RefusedError: it does not adjoin the other years (`FISCAL_YEAR_ORDER`).
        """
        key = request_key(request_id)
        request = pb.OpenFiscalYearRequest(
            journal=encode.reference(journal),
            code=code,
            first_day=encode.date(first_day),
            last_day=encode.date(last_day),
            retained_earnings_account=encode.optional_reference(retained_earnings),
            request_id=key,
        )
        response = await self._call(self._fiscal_years.OpenFiscalYear, request, key=key)
        return fiscal_years.year(response.year)

    async def get_fiscal_year(self, journal: Reference, year: str) -> FiscalYearDetails:
        """Return a year, what is left to do for it, and its history.

        Raises:
            NotFoundError: there is none (`FISCAL_YEAR_NOT_FOUND`), or no such journal.
        """
        request = pb.GetFiscalYearRequest(journal=encode.reference(journal), year=year)
        return fiscal_years.details(await self._call(self._fiscal_years.GetFiscalYear, request))

    def list_fiscal_years(self, journal: Reference) -> AsyncIterator[FiscalYear]:
        """Give all years by their days."""
        return self._items(
            self._fiscal_years.ListFiscalYears,
            pb.ListFiscalYearsRequest(journal=encode.reference(journal)),
            lambda page: map(fiscal_years.year, page.years),
        )

    async def preview_year_close(
        self, journal: Reference, year: str, *, retained_earnings: Reference | None = None
    ) -> YearClosePreview:
        """Return what a close would post now.

        Raises:
            NotFoundError: there is no such year, journal or account.
            RefusedError: a close would be refused; see `close_fiscal_year`.
        """
        request = pb.PreviewYearCloseRequest(
            journal=encode.reference(journal),
            year=year,
            retained_earnings_account=encode.optional_reference(retained_earnings),
        )
        response = await self._call(self._fiscal_years.PreviewYearClose, request)
        return fiscal_years.preview(response)

    async def close_fiscal_year(
        self,
        journal: Reference,
        year: str,
        *,
        reason: str,
        retained_earnings: Reference | None = None,
        request_id: str | None = None,
    ) -> YearClose:
        """Bring revenue and expense to zero at a year's last day, and lock its days.

        Args:
            journal: code or id.
            year: its code. One that was closed is closed again: that posts what came late.
            reason: why, up to 1,024 characters; it is kept.
            retained_earnings: code or id of the account that the result goes to, active and in
                equity; None takes the year's.
            request_id: idempotency key; None makes one for this call.

        Raises:
            NotFoundError: there is no such year, journal or account.
            RefusedError: its last day is closed for good (`PERIOD_CLOSED`), an earlier year has
                something to close (`FISCAL_YEAR_ORDER`), nothing is left to close
                (`FISCAL_YEAR_STATE`), `RETAINED_EARNINGS_INVALID`, `ACCOUNT_CATEGORY_AMBIGUOUS`.
        """
        key = request_key(request_id)
        request = pb.CloseFiscalYearRequest(
            journal=encode.reference(journal),
            year=year,
            retained_earnings_account=encode.optional_reference(retained_earnings),
            reason=reason,
            request_id=key,
        )
        response = await self._call(self._fiscal_years.CloseFiscalYear, request, key=key)
        return fiscal_years.close(response)

    async def reopen_fiscal_year(
        self, journal: Reference, year: str, *, reason: str, request_id: str | None = None
    ) -> YearReopening:
        """Take the close of a year back. Its days stay locked.

        Raises:
            NotFoundError: there is no such year or journal.
            RefusedError: it is not closed (`FISCAL_YEAR_STATE`), a later year is
                (`FISCAL_YEAR_ORDER`), or its last day is closed for good (`PERIOD_CLOSED`).
        """
        key = request_key(request_id)
        request = pb.ReopenFiscalYearRequest(
            journal=encode.reference(journal), year=year, reason=reason, request_id=key
        )
        response = await self._call(self._fiscal_years.ReopenFiscalYear, request, key=key)
        return fiscal_years.reopening(response)

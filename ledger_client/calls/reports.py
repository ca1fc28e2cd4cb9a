"""Calls of the `ReportService` that sum the books up."""

import datetime as dt
from typing import Final

from ledger_client.connection import Connection
from ledger_client.convert import encode, reports
from ledger_client.models import (
    BalanceSheet,
    Comparison,
    IncomeStatement,
    Layer,
    Reference,
    TrialBalance,
    TrialBalanceForm,
)
from ledger_proto.v1 import reports_pb2 as pb

#: The most that a page may have, of one period: some 6 MiB. Each page makes the report anew, so
#: there should be few.
ROWS_PER_PAGE: Final = 50_000


class ReportCalls(Connection):
    """Reads the reports of the books."""

    async def get_trial_balance(
        self,
        journal: Reference,
        *,
        from_date: dt.date | None = None,
        as_of: dt.date | None = None,
        layer: Layer = Layer.SETTLED,
        currency: str | None = None,
        include_zero_rows: bool = False,
        as_known_at: int | None = None,
        set_depth: int = 0,
        form: TrialBalanceForm = TrialBalanceForm.NET,
        without_closing: bool = False,
        comparison: Comparison | None = None,
    ) -> TrialBalance:
        """Return a trial balance, all of it at one position, however many pages it takes.

        Args:
            journal: code or id.
            from_date: first day of the movement; None for the beginning of the books.
            as_of: last day that counts; None for everything posted.
            layer: which book.
            currency: only this one; None for all.
            include_zero_rows: also shows accounts whose six columns are zero.
            as_known_at: counts only events up to this sequence; None for now.
            set_depth: adds a row for each account set, down to so many below the top; 0 for
                accounts only.
            form: whether openings and closings are net or gross.
            without_closing: leaves out the transactions that close fiscal years.
            comparison: earlier columns.

        Raises:
            InvalidRequestError: dates in the wrong order, or a position beyond the head.
            NotFoundError: journal or currency is not there.
        """
        periods = 1 + (max(comparison.count, len(comparison.periods)) if comparison else 0)
        request = pb.GetTrialBalanceRequest(
            journal=encode.reference(journal),
            from_date=encode.date(from_date),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            include_zero_rows=include_zero_rows,
            as_known_at=as_known_at or 0,
            set_depth=set_depth,
            page_size=max(ROWS_PER_PAGE // periods, 1),
            form=reports.trial_balance_form(form),
            without_closing=without_closing,
            comparison=reports.comparison(comparison),
        )
        page = first_page = await self._call(self._reports.GetTrialBalance, request)
        rows = [reports.trial_balance_row(row) for row in page.rows]
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = await self._call(self._reports.GetTrialBalance, request)
            rows += [reports.trial_balance_row(row) for row in page.rows]
        return reports.trial_balance(first_page, rows)

    async def get_balance_sheet(
        self,
        journal: Reference,
        *,
        as_of: dt.date | None = None,
        layer: Layer = Layer.SETTLED,
        currency: str | None = None,
        include_zero_rows: bool = False,
        as_known_at: int | None = None,
        set_depth: int = 0,
        fiscal_year_start: str = "",
        without_closing: bool = False,
        comparison: Comparison | None = None,
    ) -> BalanceSheet:
        """Return a balance sheet.

        Args:
            journal: code or id.
            as_of: the day; None for that on which the last event was recorded.
            layer: which book.
            currency: only this one; None for all.
            include_zero_rows: also shows lines whose amounts are all zero.
            as_known_at: counts only events up to this sequence; None for now.
            set_depth: levels of the chart to show; 0 for all with their accounts.
            fiscal_year_start: month and day, such as "07-01"; empty for the journal's own.
            without_closing: leaves out the transactions that close fiscal years.
            comparison: earlier columns.

        Raises:
            InvalidRequestError: a field's form, a position beyond the head, too many lines.
            NotFoundError: journal or currency is not there.
        """
        request = pb.GetBalanceSheetRequest(
            journal=encode.reference(journal),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            include_zero_rows=include_zero_rows,
            as_known_at=as_known_at or 0,
            set_depth=set_depth,
            fiscal_year_start=fiscal_year_start,
            without_closing=without_closing,
            comparison=reports.comparison(comparison),
        )
        return reports.balance_sheet(await self._call(self._reports.GetBalanceSheet, request))

    async def get_income_statement(
        self,
        journal: Reference,
        *,
        from_date: dt.date | None = None,
        as_of: dt.date | None = None,
        layer: Layer = Layer.SETTLED,
        currency: str | None = None,
        include_zero_rows: bool = False,
        as_known_at: int | None = None,
        set_depth: int = 0,
        fiscal_year_start: str = "",
        without_closing: bool = False,
        comparison: Comparison | None = None,
    ) -> IncomeStatement:
        """Return an income statement.

        Args:
            journal: code or id.
            from_date: first day; None for that of the fiscal year of `as_of`.
            as_of: last day; None for that on which the last event was recorded.
            layer: which book.
            currency: only this one; None for all.
            include_zero_rows: also shows lines whose amounts are all zero.
            as_known_at: counts only events up to this sequence; None for now.
            set_depth: levels of the chart to show; 0 for all with their accounts.
            fiscal_year_start: month and day, such as "07-01"; empty for the journal's own.
            without_closing: leaves out the transactions that close fiscal years; with them a year
                that was closed shows no income.
            comparison: earlier columns.

        Raises:
            InvalidRequestError: a field's form, a position beyond the head, too many lines.
            NotFoundError: journal or currency is not there.
        """
        request = pb.GetIncomeStatementRequest(
            journal=encode.reference(journal),
            from_date=encode.date(from_date),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            include_zero_rows=include_zero_rows,
            as_known_at=as_known_at or 0,
            set_depth=set_depth,
            fiscal_year_start=fiscal_year_start,
            without_closing=without_closing,
            comparison=reports.comparison(comparison),
        )
        return reports.income_statement(await self._call(self._reports.GetIncomeStatement, request))

"""Calls of the `ReportService`."""

import datetime as dt
from typing import Final

from ledger_client.connection import Connection
from ledger_client.convert import decode, encode
from ledger_client.models import Layer, Reference, TrialBalance
from ledger_proto.v1 import reports_pb2 as pb

#: The most that a page may have. A million rows are read in a hundred answers of 3 MiB or so.
ROWS_PER_PAGE: Final = 10_000


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

        Raises:
            InvalidRequestError: dates in the wrong order, or a position beyond the head.
            NotFoundError: journal or currency is not there.
        """
        request = pb.GetTrialBalanceRequest(
            journal=encode.reference(journal),
            from_date=encode.date(from_date),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            include_zero_rows=include_zero_rows,
            as_known_at=as_known_at or 0,
            set_depth=set_depth,
            page_size=ROWS_PER_PAGE,
        )
        page = first_page = await self._call(self._reports.GetTrialBalance, request)
        rows = [decode.trial_balance_row(row) for row in page.rows]
        while page.next_page_token:
            request.page_token = page.next_page_token
            page = await self._call(self._reports.GetTrialBalance, request)
            rows += [decode.trial_balance_row(row) for row in page.rows]
        return decode.trial_balance(first_page, rows)

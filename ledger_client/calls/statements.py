"""Calls of the `ReportService` that show entries: statements, general ledger, journal."""

import datetime as dt
from decimal import Decimal

from ledger_client.connection import Connection
from ledger_client.convert import encode, statements
from ledger_client.models import AccountStatement, GeneralLedger, JournalPage, Layer, Reference
from ledger_proto.v1 import reports_pb2 as pb


class StatementCalls(Connection):
    """Reads statements page by page; all pages show the position of the first."""

    async def get_account_statement(
        self,
        journal: Reference,
        *,
        account: Reference | None = None,
        account_set: Reference | None = None,
        from_date: dt.date | None = None,
        as_of: dt.date | None = None,
        layer: Layer = Layer.SETTLED,
        currency: str | None = None,
        as_known_at: int | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> AccountStatement:
        """Return a page of the statement of one account or one set.

        Args:
            journal: code or id.
            account: code or id; or `account_set`, never both.
            account_set: code or id; its entries are those of all accounts below it.
            from_date: first day; None for the beginning.
            as_of: last day; None for everything posted.
            layer: which book.
            currency: only this one; None for all.
            as_known_at: counts only events up to this sequence; None for now.
            page_size: entries, at most 1,000; 0 for 100.
            page_token: that of the page before, with all else as it was; empty for the first.

        Raises:
            InvalidRequestError: a field's form, or a position beyond the head.
            NotFoundError: journal, account, set or currency is not there.
        """
        request = pb.GetAccountStatementRequest(
            journal=encode.reference(journal),
            account=encode.optional_reference(account),
            account_set=encode.optional_reference(account_set),
            from_date=encode.date(from_date),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            as_known_at=as_known_at or 0,
            page_size=page_size,
            page_token=page_token,
        )
        return statements.account_statement(
            await self._call(self._reports.GetAccountStatement, request)
        )

    async def get_general_ledger(
        self,
        journal: Reference,
        *,
        from_date: dt.date | None = None,
        as_of: dt.date | None = None,
        layer: Layer = Layer.SETTLED,
        currency: str | None = None,
        as_known_at: int | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> GeneralLedger:
        """Return a page of the general ledger: the statements of all accounts, by code.

        Args:
            journal: code or id.
            from_date: first day; None for the beginning.
            as_of: last day; None for everything posted.
            layer: which book.
            currency: only this one; None for all.
            as_known_at: counts only events up to this sequence; None for now.
            page_size: entries, and accounts, at most 1,000; 0 for 100.
            page_token: that of the page before, with all else as it was; empty for the first.

        Raises:
            InvalidRequestError: a field's form, or a position beyond the head.
            NotFoundError: journal or currency is not there.
        """
        request = pb.GetGeneralLedgerRequest(
            journal=encode.reference(journal),
            from_date=encode.date(from_date),
            as_of=encode.date(as_of),
            layer=encode.layer(layer),
            currency=currency or "",
            as_known_at=as_known_at or 0,
            page_size=page_size,
            page_token=page_token,
        )
        return statements.general_ledger(await self._call(self._reports.GetGeneralLedger, request))

    async def search_journal(
        self,
        journal: Reference,
        *,
        from_date: dt.date | None = None,
        to_date: dt.date | None = None,
        account: Reference | None = None,
        template_code: str = "",
        text: str = "",
        currency: str | None = None,
        units_min: Decimal | None = None,
        units_max: Decimal | None = None,
        without_closing: bool = False,
        newest_first: bool = False,
        as_known_at: int | None = None,
        page_size: int = 0,
        page_token: str = "",
    ) -> JournalPage:
        """Return a page of the journal's transactions; all filters given must hold.

        Args:
            journal: code or id.
            from_date: only those effective on or after this day.
            to_date: only those effective on or before this day.
            account: code or id; only those with an entry on this account.
            template_code: only those posted from this template.
            text: in description, external id or correlation id, whatever the case.
            currency: of an entry.
            units_min: an entry, in `currency` if given, has at least so many whole units.
            units_max: the same entry has at most so many.
            without_closing: leaves out the transactions that close fiscal years.
            newest_first: turns the order around.
            as_known_at: counts only events up to this sequence; None for now.
            page_size: transactions, at most 1,000; 0 for 100. A page of a narrow filter may be
                short or empty and still have a next one.
            page_token: that of the page before, with all else as it was; empty for the first.

        Raises:
            InvalidRequestError: a field's form, or a position beyond the head.
            NotFoundError: journal or account is not there.
        """
        request = pb.SearchJournalRequest(
            journal=encode.reference(journal),
            from_date=encode.date(from_date),
            to_date=encode.date(to_date),
            account=encode.optional_reference(account),
            template_code=template_code,
            text=text,
            currency=currency or "",
            units_min="" if units_min is None else format(units_min, "f"),
            units_max="" if units_max is None else format(units_max, "f"),
            without_closing=without_closing,
            newest_first=newest_first,
            as_known_at=as_known_at or 0,
            page_size=page_size,
            page_token=page_token,
        )
        return statements.journal_page(await self._call(self._reports.SearchJournal, request))

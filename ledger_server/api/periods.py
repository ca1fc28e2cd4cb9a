"""PeriodService: decodes, hands over, encodes."""

from datetime import date

from ledger_proto.v1 import periods_pb2 as pb
from ledger_proto.v1.periods_pb2_grpc import PeriodServiceServicer
from ledger_server.api.fields import (
    date_field,
    mutation,
    page_size_field,
    reason_field,
    reference_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import get_journal
from ledger_server.application.periods import close_period, reopen_period
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.domain.period import CLOSABLE_MAX
from ledger_server.store import periods
from ledger_server.store.codec import period_message
from ledger_server.store.database import Database


class PeriodServicer(PeriodServiceServicer):
    """Which days of journals are closed."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the periods of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def ClosePeriod(
        self, request: pb.ClosePeriodRequest, _context: object
    ) -> pb.ClosePeriodResponse:
        """Close or lock days."""
        through = _day_to_close(request.through)
        reason = reason_field(request.reason)
        change = mutation(request, request.request_id, pb.ClosePeriodResponse)
        return await close_period(
            self._database,
            await self._journal(request.journal),
            change,
            through,
            soft=request.soft,
            reason=reason,
        )

    async def ReopenPeriod(
        self, request: pb.ReopenPeriodRequest, _context: object
    ) -> pb.ReopenPeriodResponse:
        """Open or unlock days again."""
        through = date_field("through", request.through)
        reason = reason_field(request.reason)
        change = mutation(request, request.request_id, pb.ReopenPeriodResponse)
        return await reopen_period(
            self._database,
            await self._journal(request.journal),
            change,
            through,
            soft=request.soft,
            reason=reason,
        )

    async def GetPeriod(
        self, request: pb.GetPeriodRequest, _context: object
    ) -> pb.GetPeriodResponse:
        """Return which days are closed and locked now."""
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            period = await periods.current_in_tx(tx, journal.id)
        return pb.GetPeriodResponse(period=period_message(period))

    async def ListPeriodChanges(
        self, request: pb.ListPeriodChangesRequest, _context: object
    ) -> pb.ListPeriodChangesResponse:
        """Return a page of changes, newest first."""
        size = page_size_field(request.page_size)
        last = self._page_tokens.read(request, request.page_token)
        before = int(last[0]) if last else None
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await periods.list_changes_in_tx(tx, journal.id, before, size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.sequence])
        return pb.ListPeriodChangesResponse(
            changes=map(period_message, shown), next_page_token=token
        )

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _day_to_close(text: str) -> date:
    through = date_field("through", text)
    if through is None:
        raise FieldInvalidError("through", "required")
    if through > CLOSABLE_MAX:
        raise FieldInvalidError("through", f"after {CLOSABLE_MAX}: no day would be left open")
    return through

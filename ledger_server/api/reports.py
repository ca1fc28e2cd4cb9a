"""ReportService: decodes, hands over, encodes."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ledger_proto.v1 import reports_pb2 as pb
from ledger_proto.v1.reports_pb2_grpc import ReportServiceServicer
from ledger_server.api.fields import (
    currency_field,
    date_field,
    page_size_field,
    reference_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import get_journal
from ledger_server.application.reports import get_trial_balance
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import Layer
from ledger_server.domain.report.trial_balance import Columns, Row
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database
from ledger_server.store.reports import Period

ROWS_MAX_PER_PAGE: Final = 10_000


class ReportServicer(ReportServiceServicer):
    """Reports of the books."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Report on the journals of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def GetTrialBalance(
        self, request: pb.GetTrialBalanceRequest, _context: object
    ) -> pb.GetTrialBalanceResponse:
        """Return the trial balance, or a page of it."""
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        period = _period(request)
        place = self._page_tokens.read(request, request.page_token)
        # Pages after the first show the position of the first, so that they fit together.
        first_row, as_known_at = (
            (int(place[0]), int(place[1])) if place else (0, request.as_known_at)
        )
        if as_known_at < 0:
            raise FieldInvalidError("as_known_at", "negative")
        if request.set_depth < 0:
            raise FieldInvalidError("set_depth", "negative")
        report = await get_trial_balance(
            self._database,
            journal,
            period,
            as_known_at=as_known_at,
            set_depth=request.set_depth,
            include_zero_rows=request.include_zero_rows,
        )
        rows = report.books.rows
        # 0 takes the whole report.
        size = page_size_field(request.page_size, len(rows), ROWS_MAX_PER_PAGE)
        size = len(rows) if request.page_size == 0 else size
        end = first_row + size
        return pb.GetTrialBalanceResponse(
            rows=[_row(row, report.exponents) for row in rows[first_row:end]],
            totals=[
                pb.TrialBalanceTotal(
                    currency=currency,
                    columns=_columns(columns, report.exponents[currency]),
                    balanced=columns.is_balanced(),
                )
                for currency, columns in report.books.totals.items()
            ],
            sequence=report.sequence,
            record_time=timestamp(report.recorded_at) if report.recorded_at else None,
            from_date=request.from_date,
            as_of=request.as_of,
            layer=period.layer.value,  # type: ignore[arg-type]  # same numbers
            next_page_token=self._page_tokens.make(request, [end, report.sequence])
            if end < len(rows)
            else "",
        )


def _period(request: pb.GetTrialBalanceRequest) -> Period:
    from_date = date_field("from_date", request.from_date)
    as_of = date_field("as_of", request.as_of)
    if from_date and as_of and from_date > as_of:
        raise FieldInvalidError("from_date", "after as_of")
    try:
        layer = Layer(request.layer or Layer.SETTLED)
    except ValueError as error:
        raise FieldInvalidError("layer", "none of settled, pending, encumbrance") from error
    return Period(
        layer=layer,
        from_date=from_date,
        as_of=as_of,
        currency=currency_field("currency", request.currency) if request.currency else None,
    )


def _row(row: Row, exponents: Mapping[str, int]) -> pb.TrialBalanceRow:
    return pb.TrialBalanceRow(
        kind=pb.TRIAL_BALANCE_ROW_KIND_ACCOUNT_SET
        if row.is_set
        else pb.TRIAL_BALANCE_ROW_KIND_ACCOUNT,
        id=str(row.named.id),
        code=row.named.code,
        name=row.named.name,
        depth=row.depth,
        currency=row.currency,
        columns=_columns(row.columns, exponents.get(row.currency, 0)),
    )


def _columns(columns: Columns, exponent: int) -> pb.TrialBalanceColumns:
    def text(value: Decimal) -> str:
        return f"{value:.{exponent}f}"

    return pb.TrialBalanceColumns(
        opening_debit=text(columns.opening_debit),
        opening_credit=text(columns.opening_credit),
        debit=text(columns.debit),
        credit=text(columns.credit),
        closing_debit=text(columns.closing_debit),
        closing_credit=text(columns.closing_credit),
    )

"""ReportService: decodes, hands over, encodes."""

import asyncio
from typing import Final

from google.protobuf import timestamp_pb2

from ledger_proto.v1 import common_pb2
from ledger_proto.v1 import reports_pb2 as pb
from ledger_proto.v1.reports_pb2_grpc import ReportServiceServicer
from ledger_server.api.fields import page_size_field, reference_field
from ledger_server.api.methods import Methods
from ledger_server.api.paging import PageTokens
from ledger_server.api.report_fields import (
    balance_sheet_periods,
    depth_field,
    form_field,
    income_statement_periods,
    position_field,
    range_fields,
    reporting_field,
    scope_field,
    trial_balance_periods,
)
from ledger_server.api.report_messages import (
    balance_sheet_total,
    income_statement_total,
    period_messages,
    section_message,
    trial_balance_total,
    used_rates,
)
from ledger_server.api.statement_fields import (
    ledger_mark,
    mark_token,
    place_token,
    search_fields,
    search_token,
    statement_place,
)
from ledger_server.api.statement_messages import (
    balance_message,
    entry_messages,
    hold_message,
    ledger_account_message,
)
from ledger_server.api.trial_balance_bytes import trial_balance_rows
from ledger_server.application.collector import large_answer
from ledger_server.application.general_ledger import LedgerPage, get_general_ledger
from ledger_server.application.journal_search import search_journal
from ledger_server.application.journals import get_journal
from ledger_server.application.reports import Facts, Periods, Position, Question, read_facts
from ledger_server.application.statements import Page, get_statement
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.report.balance_sheet import balance_sheet
from ledger_server.domain.report.income_statement import income_statement
from ledger_server.domain.report.section import Choice
from ledger_server.domain.report.trial_balance import TrialBalance, trial_balance
from ledger_server.store.codec import timestamp
from ledger_server.store.database import Database

_SERVICE: Final = pb.DESCRIPTOR.services_by_name["ReportService"]

#: What fits into one answer of up to 64 MiB, whatever the names of accounts.
ROWS_MAX_PER_PAGE: Final = 50_000


class ReportServicer(ReportServiceServicer):
    """Reports of the books."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Report on the journals of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def GetTrialBalance(  # type: ignore[override]  # bytes are sent as they are
        self, request: pb.GetTrialBalanceRequest, _context: object
    ) -> bytes:
        """Return the trial balance, or a page of it, serialised."""
        place = self._page_tokens.read(request, request.page_token)
        # Pages after the first show the position of the first, so that they fit together.
        first_row, as_known_at = (
            (int(place[0]), int(place[1])) if place else (0, request.as_known_at)
        )
        form, set_depth = form_field(request.form), depth_field(request.set_depth)
        size = page_size_field(request.page_size, 0, ROWS_MAX_PER_PAGE)
        periods = trial_balance_periods(request)

        def answer(facts: Facts) -> tuple[bytes, TrialBalance]:
            made = trial_balance(
                facts.sums,
                facts.chart,
                set_depth=set_depth,
                include_zero_rows=request.include_zero_rows,
                currency=request.currency,
                form=form,
            )
            # 0 takes the whole report.
            end = first_row + size if size else len(made.rows)
            sequence = facts.position.sequence
            message = pb.GetTrialBalanceResponse(
                totals=[
                    trial_balance_total(currency, columns, facts.exponents)
                    for currency, columns in made.totals.items()
                ],
                sequence=sequence,
                record_time=_record_time(facts.position),
                from_date=request.from_date,
                as_of=request.as_of,
                layer=request.layer or common_pb2.LAYER_SETTLED,
                next_page_token=self._page_tokens.make(request, [end, sequence])
                if end < len(made.rows)
                else "",
                periods=period_messages(facts.periods),
                form=form.value,  # type: ignore[arg-type]  # same numbers
                without_closing=request.without_closing,
            )
            rows = trial_balance_rows(made.rows[first_row:end], facts.exponents)
            # The rows are the first field; two messages one after the other are read as one.
            return rows + message.SerializeToString(), made

        with large_answer() as kept:
            facts = await self._facts(request, periods, as_known_at)
            # Large books take seconds, in which other callers are served.
            answered, made = await asyncio.to_thread(answer, facts)
            kept.extend((facts, made))
            return answered

    async def GetBalanceSheet(
        self, request: pb.GetBalanceSheetRequest, _context: object
    ) -> pb.GetBalanceSheetResponse:
        """Return the balance sheet."""
        choice = _choice(request)
        facts = await self._facts(
            request,
            balance_sheet_periods(request),
            request.as_known_at,
            reporting_currency=reporting_field(request),
        )
        made = await asyncio.to_thread(
            balance_sheet, facts.sums, facts.chart, choice, facts.conversion
        )
        return pb.GetBalanceSheetResponse(
            sections=[section_message(each, facts.exponents) for each in made.sections],
            totals=[
                balance_sheet_total(
                    currency,
                    total,
                    facts.exponents,
                    is_converted=currency == request.reporting_currency,
                )
                for currency, total in made.totals.items()
            ],
            sequence=facts.position.sequence,
            record_time=_record_time(facts.position),
            periods=period_messages(facts.periods),
            layer=request.layer or common_pb2.LAYER_SETTLED,
            without_closing=request.without_closing,
            reporting_currency=request.reporting_currency,
            used_rates=used_rates(facts.conversion),
            unconverted=facts.conversion.unconverted if facts.conversion else (),
        )

    async def GetIncomeStatement(
        self, request: pb.GetIncomeStatementRequest, _context: object
    ) -> pb.GetIncomeStatementResponse:
        """Return the income statement."""
        choice = _choice(request)
        facts = await self._facts(
            request,
            income_statement_periods(request),
            request.as_known_at,
            reporting_currency=reporting_field(request),
            with_balances=False,
        )
        made = await asyncio.to_thread(income_statement, facts.sums, facts.chart, choice)
        return pb.GetIncomeStatementResponse(
            sections=[section_message(each, facts.exponents) for each in made.sections],
            totals=[
                income_statement_total(currency, total, facts.exponents)
                for currency, total in made.totals.items()
            ],
            sequence=facts.position.sequence,
            record_time=_record_time(facts.position),
            periods=period_messages(facts.periods),
            layer=request.layer or common_pb2.LAYER_SETTLED,
            without_closing=request.without_closing,
            reporting_currency=request.reporting_currency,
            used_rates=used_rates(facts.conversion),
            unconverted=facts.conversion.unconverted if facts.conversion else (),
        )

    async def GetAccountStatement(
        self, request: pb.GetAccountStatementRequest, _context: object
    ) -> pb.GetAccountStatementResponse:
        """Return a page of the statement of an account or a set."""
        if bool(request.account) == bool(request.account_set):
            raise FieldInvalidError("account", "give either an account or an account_set")
        account, account_set = (
            reference_field(field, text) if text else ""
            for field, text in (("account", request.account), ("account_set", request.account_set))
        )
        place, as_known_at = statement_place(self._page_tokens.read(request, request.page_token))
        page = Page(
            scope=scope_field(request),
            days=range_fields(request.from_date, request.as_of),
            as_known_at=position_field(as_known_at or request.as_known_at),
            after=place,
            size=page_size_field(request.page_size),
        )
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        made = await get_statement(
            self._database, journal, page, account=account, account_set=account_set
        )
        token = ""
        if made.has_more:
            last = made.lines[-1].entry.movement.place
            token = self._page_tokens.make(request, place_token(last, made.position.sequence))
        return pb.GetAccountStatementResponse(
            id=str(made.named.id),
            code=made.named.code,
            name=made.named.name,
            is_account_set=made.is_set,
            normal_side=made.normal_side.value,  # type: ignore[arg-type]  # same numbers
            balances=[
                balance_message(currency, balance, made.exponents[currency])
                for currency, balance in made.balances.items()
            ],
            entries=entry_messages(made.lines, made.codes, made.exponents),
            holds=[
                hold_message(hold, made.codes[hold.account_id], made.exponents[hold.currency])
                for hold in made.holds
            ],
            has_more_holds=made.has_more_holds,
            sequence=made.position.sequence,
            record_time=_record_time(made.position),
            from_date=request.from_date,
            as_of=request.as_of,
            layer=request.layer or common_pb2.LAYER_SETTLED,
            next_page_token=token,
        )

    async def GetGeneralLedger(
        self, request: pb.GetGeneralLedgerRequest, _context: object
    ) -> pb.GetGeneralLedgerResponse:
        """Return a page of the general ledger."""
        mark, as_known_at = ledger_mark(self._page_tokens.read(request, request.page_token))
        page = LedgerPage(
            scope=scope_field(request),
            days=range_fields(request.from_date, request.as_of),
            as_known_at=position_field(as_known_at or request.as_known_at),
            after=mark,
            size=page_size_field(request.page_size),
        )
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        made = await get_general_ledger(self._database, journal, page)
        token = ""
        if made.mark is not None:
            token = self._page_tokens.make(request, mark_token(made.mark, made.position.sequence))
        return pb.GetGeneralLedgerResponse(
            accounts=[ledger_account_message(part, made.exponents) for part in made.parts],
            sequence=made.position.sequence,
            record_time=_record_time(made.position),
            from_date=request.from_date,
            as_of=request.as_of,
            layer=request.layer or common_pb2.LAYER_SETTLED,
            next_page_token=token,
        )

    async def SearchJournal(
        self, request: pb.SearchJournalRequest, _context: object
    ) -> pb.SearchJournalResponse:
        """Return a page of the journal."""
        search = search_fields(request, self._page_tokens.read(request, request.page_token))
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        found = await search_journal(self._database, journal, search)
        token = ""
        if found.mark is not None:
            last = search_token(found.mark, found.position.sequence)
            token = self._page_tokens.make(request, last)
        return pb.SearchJournalResponse(
            transactions=found.transactions,
            sequence=found.position.sequence,
            record_time=_record_time(found.position),
            next_page_token=token,
        )

    async def _facts(
        self,
        request: pb.GetTrialBalanceRequest
        | pb.GetBalanceSheetRequest
        | pb.GetIncomeStatementRequest,
        periods: Periods,
        as_known_at: int,
        *,
        reporting_currency: str = "",
        with_balances: bool = True,
    ) -> Facts:
        question = Question(
            scope=scope_field(request),
            as_known_at=position_field(as_known_at),
            without_closing=request.without_closing,
            periods=periods,
            reporting_currency=reporting_currency,
            with_balances=with_balances,
        )
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        return await read_facts(self._database, journal, question)


def add_report_servicer(servicer: ReportServicer, methods: Methods) -> None:
    """Serve `servicer`: a trial balance comes as bytes."""
    methods.add_servicer(_SERVICE, servicer, as_bytes={"GetTrialBalance"})


def _choice(request: pb.GetBalanceSheetRequest | pb.GetIncomeStatementRequest) -> Choice:
    return Choice(
        set_depth=depth_field(request.set_depth),
        include_zero_rows=request.include_zero_rows,
        currency=request.reporting_currency or request.currency,
    )


def _record_time(position: Position) -> timestamp_pb2.Timestamp | None:
    return timestamp(position.recorded_at) if position.recorded_at else None

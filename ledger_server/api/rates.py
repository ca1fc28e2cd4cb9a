"""RateService: decodes, hands over, encodes."""

from datetime import UTC, datetime

from ledger_proto.v1 import rates_pb2 as pb
from ledger_proto.v1.rates_pb2_grpc import RateServiceServicer
from ledger_server.api.fields import (
    currency_field,
    moment_field,
    mutation,
    page_size_field,
    position_field,
    reference_field,
    text_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import get_journal
from ledger_server.application.rates import get_rate, record_rates
from ledger_server.domain.errors import AmountInvalidError, FieldInvalidError
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import plain
from ledger_server.domain.rate import (
    RATES_MAX_PER_REQUEST,
    SOURCE_LENGTH_MAX,
    NewRate,
    parse_rate,
)
from ledger_server.store import rates
from ledger_server.store.codec import rate_message
from ledger_server.store.database import Database


class RateServicer(RateServiceServicer):
    """The exchange rates of journals."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the rates of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def RecordRates(
        self, request: pb.RecordRatesRequest, _context: object
    ) -> pb.RecordRatesResponse:
        """Record rates, all or none."""
        if not 1 <= len(request.rates) <= RATES_MAX_PER_REQUEST:
            raise FieldInvalidError("rates", f"not 1 to {RATES_MAX_PER_REQUEST} rates")
        new = [_new_rate(f"rates[{index}]", rate) for index, rate in enumerate(request.rates)]
        return await record_rates(
            self._database,
            await self._journal(request.journal),
            mutation(request, request.request_id, pb.RecordRatesResponse),
            new,
        )

    async def GetRate(self, request: pb.GetRateRequest, _context: object) -> pb.GetRateResponse:
        """Return the rate in force at a moment."""
        base, quote = _pair(request.base, request.quote, "")
        moment = datetime.now(UTC)
        if request.HasField("time"):
            moment = moment_field("time", request.time)
        found = await get_rate(
            self._database,
            await self._journal(request.journal),
            base,
            quote,
            moment,
            source=_optional_source(request.source),
            as_known_at=position_field("as_known_at", request.as_known_at),
        )
        return pb.GetRateResponse(
            rate=rate_message(found.rate), inverse=found.inverse, value=plain(found.value())
        )

    async def ListRates(
        self, request: pb.ListRatesRequest, _context: object
    ) -> pb.ListRatesResponse:
        """Return a page of rates, the latest recorded first."""
        size = page_size_field(request.page_size)
        last = self._page_tokens.read(request, request.page_token)
        base = currency_field("base", request.base) if request.base else None
        quote = currency_field("quote", request.quote) if request.quote else None
        source = _optional_source(request.source)
        journal = await self._journal(request.journal)
        async with self._database.reader_connection() as tx:
            rows = await rates.list_in_tx(
                tx,
                journal.id,
                base=base,
                quote=quote,
                source=source,
                before_sequence=int(last[0]) if last else None,
                limit=size + 1,
            )
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.sequence])
        return pb.ListRatesResponse(rates=map(rate_message, shown), next_page_token=token)

    async def _journal(self, reference: str) -> Journal:
        return await get_journal(self._database, reference_field("journal", reference))


def _new_rate(field: str, rate: pb.NewRate) -> NewRate:
    base, quote = _pair(rate.base, rate.quote, f"{field}.")
    if not rate.HasField("effective_time"):
        raise FieldInvalidError(f"{field}.effective_time", "required")
    if not rate.source.strip():
        raise FieldInvalidError(f"{field}.source", "required")
    try:
        value = parse_rate(rate.rate)
    except ValueError as error:
        raise AmountInvalidError(f"{field}.rate", str(error)) from error
    return NewRate(
        base=base,
        quote=quote,
        effective_at=moment_field(f"{field}.effective_time", rate.effective_time),
        rate=value,
        source=text_field(f"{field}.source", rate.source, SOURCE_LENGTH_MAX),
    )


def _pair(base: str, quote: str, prefix: str) -> tuple[str, str]:
    base_code = currency_field(f"{prefix}base", base)
    quote_code = currency_field(f"{prefix}quote", quote)
    if base_code == quote_code:
        raise FieldInvalidError(f"{prefix}quote", "the same as base")
    return base_code, quote_code


def _optional_source(text: str) -> str | None:
    return text_field("source", text, SOURCE_LENGTH_MAX) or None

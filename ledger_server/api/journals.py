"""JournalService: decodes, hands over, encodes."""

import itertools
import re
import zoneinfo
from functools import cache
from typing import Final

from ledger_proto.v1 import journals_pb2 as pb
from ledger_proto.v1.journals_pb2_grpc import JournalServiceServicer
from ledger_server.api.fields import (
    NAME_LENGTH_MAX,
    currency_field,
    mutation,
    page_size_field,
    reference_field,
    text_field,
)
from ledger_server.api.paging import PageTokens
from ledger_server.application.journals import create_journal, get_journal, register_currency
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import EXPONENT_MAX, Currency, parse_uuid
from ledger_server.store import journals
from ledger_server.store.codec import currency_message, journal_message
from ledger_server.store.database import Database

#: So that the built-in currencies come in one page.
_CURRENCY_PAGE_SIZE_DEFAULT: Final = 500

_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", re.ASCII)
#: What zoneinfo finds but no two machines agree on.
_LOCAL_ZONES: Final = frozenset({"localtime", "Factory"})


class JournalServicer(JournalServiceServicer):
    """Journals and their currencies."""

    def __init__(self, database: Database, page_tokens: PageTokens) -> None:
        """Serve the journals of `database`."""
        self._database = database
        self._page_tokens = page_tokens

    async def CreateJournal(
        self, request: pb.CreateJournalRequest, _context: object
    ) -> pb.CreateJournalResponse:
        """Create a journal."""
        code = _journal_code_field(request.code)
        return await create_journal(
            self._database,
            mutation(request, request.request_id, pb.CreateJournalResponse),
            code=code,
            name=text_field("name", request.name, NAME_LENGTH_MAX) or code,
            time_zone=_time_zone_field(request.time_zone),
        )

    async def GetJournal(
        self, request: pb.GetJournalRequest, _context: object
    ) -> pb.GetJournalResponse:
        """Return one journal and its head."""
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.reader_connection() as tx:
            head = await journals.read_head_in_tx(tx, journal.id)
        return pb.GetJournalResponse(journal=journal_message(journal, head.sequence))

    async def ListJournals(
        self, request: pb.ListJournalsRequest, _context: object
    ) -> pb.ListJournalsResponse:
        """Return a page of journals."""
        size = page_size_field(request.page_size)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        async with self._database.reader_connection() as tx:
            rows = await journals.list_in_tx(tx, str(after), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row[0].code])
        return pb.ListJournalsResponse(
            journals=itertools.starmap(journal_message, shown), next_page_token=token
        )

    async def RegisterCurrency(
        self, request: pb.RegisterCurrencyRequest, _context: object
    ) -> pb.RegisterCurrencyResponse:
        """Make a currency usable in a journal."""
        currency = _currency(request.currency)
        change = mutation(request, request.request_id, pb.RegisterCurrencyResponse)
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        return await register_currency(self._database, journal, change, currency)

    async def ListCurrencies(
        self, request: pb.ListCurrenciesRequest, _context: object
    ) -> pb.ListCurrenciesResponse:
        """Return a page of a journal's currencies."""
        size = page_size_field(request.page_size, _CURRENCY_PAGE_SIZE_DEFAULT)
        (after,) = self._page_tokens.read(request, request.page_token) or [""]
        journal = await get_journal(self._database, reference_field("journal", request.journal))
        async with self._database.reader_connection() as tx:
            rows = await journals.list_currencies_in_tx(tx, journal.id, str(after), size + 1)
        shown, token = self._page_tokens.cut(request, rows, size, lambda row: [row.code])
        return pb.ListCurrenciesResponse(
            currencies=map(currency_message, shown), next_page_token=token
        )


def _journal_code_field(text: str) -> str:
    if not _CODE.fullmatch(text):
        raise FieldInvalidError(
            "code", "not 1 to 64 of letters, digits, . _ and -, a letter or digit first"
        )
    if parse_uuid(text):
        raise FieldInvalidError("code", "has the form of a UUID, which could name another's id")
    return text


def _time_zone_field(text: str) -> str:
    name = text or "UTC"
    if name not in _time_zones():
        raise FieldInvalidError("time_zone", "not an IANA time zone such as Europe/Zurich")
    return name


@cache
def _time_zones() -> frozenset[str]:
    return frozenset(zoneinfo.available_timezones() - _LOCAL_ZONES)


def _currency(message: pb.Currency) -> Currency:
    code = currency_field("currency.code", message.code)
    if not 0 <= message.exponent <= EXPONENT_MAX:
        raise FieldInvalidError("currency.exponent", f"not 0 to {EXPONENT_MAX}")
    return Currency(code, message.exponent)

"""Calls of the `JournalService`."""

from collections.abc import AsyncIterator

from ledger_client.connection import Connection, request_key
from ledger_client.convert import decode, encode
from ledger_client.models import Currency, Journal, Reference
from ledger_proto.v1 import journals_pb2 as pb


class JournalCalls(Connection):
    """Keeps journals and their currencies."""

    async def create_journal(
        self, code: str, *, name: str = "", time_zone: str = "UTC", request_id: str | None = None
    ) -> Journal:
        """Create a journal with the currencies of ISO 4217 and BTC.

        Args:
            code: unique on the server; never changes.
            name: title; empty takes the code.
            time_zone: IANA zone in which the journal's days begin and end.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: the code is taken (`JOURNAL_EXISTS`).
            InvalidRequestError: code, name or time zone is malformed.
        """
        key = request_key(request_id)
        request = pb.CreateJournalRequest(code=code, name=name, time_zone=time_zone, request_id=key)
        response = await self._call(self._journals.CreateJournal, request, key=key)
        return decode.journal(response.journal)

    async def get_journal(self, journal: Reference) -> Journal:
        """Return a journal with its head.

        Raises:
            NotFoundError: there is none (`JOURNAL_NOT_FOUND`).
        """
        request = pb.GetJournalRequest(journal=encode.reference(journal))
        response = await self._call(self._journals.GetJournal, request)
        return decode.journal(response.journal)

    def list_journals(self) -> AsyncIterator[Journal]:
        """Give all journals by code."""
        return self._items(
            self._journals.ListJournals,
            pb.ListJournalsRequest(),
            lambda page: map(decode.journal, page.journals),
        )

    async def register_currency(
        self, journal: Reference, code: str, exponent: int, *, request_id: str | None = None
    ) -> Currency:
        """Make a currency usable in a journal; one that is there already stays.

        Args:
            journal: code or id.
            code: 1 to 16 of `A-Z 0-9 . _ -`, a letter first.
            exponent: number of decimals, 0 to 18; can never change.
            request_id: idempotency key; None makes one for this call.

        Raises:
            ConflictError: it is there with another exponent (`CURRENCY_CONFLICT`).
            InvalidRequestError: code or exponent is malformed.
            NotFoundError: there is no such journal.
        """
        key = request_key(request_id)
        request = pb.RegisterCurrencyRequest(
            journal=encode.reference(journal),
            currency=pb.Currency(code=code, exponent=exponent),
            request_id=key,
        )
        response = await self._call(self._journals.RegisterCurrency, request, key=key)
        return decode.currency(response.currency)

    def list_currencies(self, journal: Reference) -> AsyncIterator[Currency]:
        """Give the currencies of a journal by code, built-in ones included."""
        return self._items(
            self._journals.ListCurrencies,
            pb.ListCurrenciesRequest(journal=encode.reference(journal)),
            lambda page: map(decode.currency, page.currencies),
        )

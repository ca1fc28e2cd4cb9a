"""Calls of the `RateService`."""

import datetime as dt
from collections.abc import AsyncIterator, Iterable

from ledger_client.connection import Connection, request_key
from ledger_client.convert import encode, rates
from ledger_client.models import NewRate, Rate, RateInForce, Reference
from ledger_proto.v1 import rates_pb2 as pb


class RateCalls(Connection):
    """Keeps exchange rates."""

    async def record_rates(
        self, journal: Reference, new: Iterable[NewRate], *, request_id: str | None = None
    ) -> list[Rate]:
        """Record 1 to 1,000 rates, all or none, and return them in order.

        A rate is never changed: one of the same pair and time that is recorded later counts.

        Raises:
            InvalidRequestError: a field is malformed, or a currency is not registered.
            NotFoundError: there is no such journal.
        """
        key = request_key(request_id)
        request = pb.RecordRatesRequest(
            journal=encode.reference(journal),
            rates=[rates.new_rate_message(rate) for rate in new],
            request_id=key,
        )
        response = await self._call(self._rates.RecordRates, request, key=key)
        return [rates.rate(rate) for rate in response.rates]

    async def get_rate(
        self,
        journal: Reference,
        base: str,
        quote: str,
        *,
        time: dt.datetime | None = None,
        source: str = "",
        as_known_at: int | None = None,
    ) -> RateInForce:
        """Return the rate in force at a moment.

        Args:
            journal: code or id.
            base: the currency that is valued.
            quote: the currency that it is valued in.
            time: an aware instant; None for now.
            source: only rates of this one; empty for any.
            as_known_at: only rates recorded up to this sequence; None for all.

        Raises:
            InvalidRequestError: a field is malformed, or a currency is not registered.
            NotFoundError: none is in force (`RATE_NOT_FOUND`), or there is no such journal.
        """
        request = pb.GetRateRequest(
            journal=encode.reference(journal),
            base=base,
            quote=quote,
            time=encode.instant(time, "time"),
            source=source,
            as_known_at=as_known_at or 0,
        )
        response = await self._call(self._rates.GetRate, request)
        return rates.rate_in_force(response)

    def list_rates(
        self, journal: Reference, *, base: str = "", quote: str = "", source: str = ""
    ) -> AsyncIterator[Rate]:
        """Give rates, the latest recorded first; an empty filter lets all through."""
        request = pb.ListRatesRequest(
            journal=encode.reference(journal), base=base, quote=quote, source=source
        )
        return self._items(self._rates.ListRates, request, lambda page: map(rates.rate, page.rates))

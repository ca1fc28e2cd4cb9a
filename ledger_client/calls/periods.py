"""Calls of the `PeriodService`."""

import datetime as dt
from collections.abc import AsyncIterator

from ledger_client.connection import Connection, request_key
from ledger_client.convert import decode, encode
from ledger_client.models import Period, Reference
from ledger_proto.v1 import periods_pb2 as pb


class PeriodCalls(Connection):
    """Closes the days of a journal and opens them again."""

    async def close_period(
        self,
        journal: Reference,
        through: dt.date,
        *,
        reason: str,
        soft: bool = False,
        request_id: str | None = None,
    ) -> Period:
        """Close days for good, or lock them.

        Args:
            journal: code or id.
            through: the last day to close.
            reason: why, up to 1,024 characters; it is kept.
            soft: locks instead: only postings that say `behind_soft_lock` still post.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: a field is malformed or empty.
            NotFoundError: there is no such journal.
            RefusedError: the days are closed that far already (`PERIOD_ORDER`).
        """
        key = request_key(request_id)
        request = pb.ClosePeriodRequest(
            journal=encode.reference(journal),
            through=encode.date(through),
            soft=soft,
            reason=reason,
            request_id=key,
        )
        response = await self._call(self._periods.ClosePeriod, request, key=key)
        return decode.period(response.period)

    async def reopen_period(
        self,
        journal: Reference,
        through: dt.date | None,
        *,
        reason: str,
        soft: bool = False,
        request_id: str | None = None,
    ) -> Period:
        """Open closed days again, or unlock locked ones.

        Args:
            journal: code or id.
            through: the last day that stays closed, or with `soft` locked; None opens all.
            reason: why, up to 1,024 characters; it is kept.
            soft: moves only the soft lock; closed days stay closed.
            request_id: idempotency key; None makes one for this call.

        Raises:
            InvalidRequestError: a field is malformed or empty.
            NotFoundError: there is no such journal.
            RefusedError: that would not leave fewer days closed (`PERIOD_ORDER`).
        """
        key = request_key(request_id)
        request = pb.ReopenPeriodRequest(
            journal=encode.reference(journal),
            through=encode.date(through),
            soft=soft,
            reason=reason,
            request_id=key,
        )
        response = await self._call(self._periods.ReopenPeriod, request, key=key)
        return decode.period(response.period)

    async def get_period(self, journal: Reference) -> Period:
        """Return which days are closed and locked now.

        Raises:
            NotFoundError: there is no such journal.
        """
        request = pb.GetPeriodRequest(journal=encode.reference(journal))
        response = await self._call(self._periods.GetPeriod, request)
        return decode.period(response.period)

    def list_period_changes(self, journal: Reference) -> AsyncIterator[Period]:
        """Give every change, newest first, each as the period stood after it."""
        return self._items(
            self._periods.ListPeriodChanges,
            pb.ListPeriodChangesRequest(journal=encode.reference(journal)),
            lambda page: map(decode.period, page.changes),
        )

"""Exchange rates: recorded, and looked up."""

from collections.abc import Sequence
from datetime import datetime

from ledger_proto.v1 import events_pb2, rates_pb2
from ledger_server.application.mutation import Change, Request, change_journal
from ledger_server.domain.errors import (
    CurrencyUnknownError,
    PositionUnavailableError,
    RateNotFoundError,
)
from ledger_server.domain.journal import Journal
from ledger_server.domain.rate import NewRate, RateInForce, RateKey
from ledger_server.store import journals, rates
from ledger_server.store.codec import rate_message
from ledger_server.store.database import Database, Tx


async def record_rates(
    database: Database,
    journal: Journal,
    request: Request[rates_pb2.RecordRatesResponse],
    new: Sequence[NewRate],
) -> rates_pb2.RecordRatesResponse:
    """Record rates, all or none, an event for each.

    The configuration version stays: no posting looks at rates.

    Raises:
        CurrencyUnknownError: the journal does not have one of the currencies.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> rates_pb2.RecordRatesResponse:
        await _refuse_unknown_in_tx(
            change.tx, journal, [code for rate in new for code in (rate.base, rate.quote)]
        )
        recorded = await rates.insert_in_tx(change.tx, journal.id, change.next_sequence, new)
        messages = [rate_message(rate) for rate in recorded]
        for message in messages:
            change.record(events_pb2.Event(rate_recorded=events_pb2.RateRecorded(rate=message)))
        return rates_pb2.RecordRatesResponse(rates=messages)

    return await change_journal(database, journal, request, work)


async def get_rate(
    database: Database,
    journal: Journal,
    base: str,
    quote: str,
    moment: datetime,
    *,
    source: str | None,
    as_known_at: int,
) -> RateInForce:
    """Return the rate in force at a moment, as it was known at a sequence, 0 for now.

    Raises:
        PositionUnavailableError: the sequence lies beyond the head.
        CurrencyUnknownError: the journal does not have one of the currencies.
        RateNotFoundError: none is in force.
    """
    key = RateKey(base, quote, moment)
    async with database.snapshot() as tx:
        head = await journals.read_head_in_tx(tx, journal.id)
        if as_known_at > head.sequence:
            raise PositionUnavailableError(as_known_at, head.sequence)
        await _refuse_unknown_in_tx(tx, journal, [base, quote])
        found = await rates.in_force_in_tx(
            tx, journal.id, [key], source=source, as_known_at=as_known_at or None
        )
    if key not in found:
        raise RateNotFoundError(base, quote, moment.isoformat(), source or "")
    return found[key]


async def _refuse_unknown_in_tx(tx: Tx, journal: Journal, codes: Sequence[str]) -> None:
    known = await journals.find_currencies_in_tx(tx, journal.id, list(dict.fromkeys(codes)))
    for code in codes:
        if code not in known:
            raise CurrencyUnknownError(code)

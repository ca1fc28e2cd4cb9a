"""Journals and their currencies: looked up, created, registered."""

from ledger_proto.v1 import events_pb2, journals_pb2
from ledger_server.application.ids import new_id
from ledger_server.application.mutation import (
    Change,
    Request,
    change_journal,
    keep_answer_in_tx,
    kept_answer_in_tx,
    with_retries,
)
from ledger_server.domain.errors import (
    CurrencyConflictError,
    JournalExistsError,
    JournalNotFoundError,
)
from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from ledger_server.domain.journal import Head, Journal
from ledger_server.domain.primitives import Currency
from ledger_server.store import journals
from ledger_server.store.codec import currency_message, journal_message, stored_event
from ledger_server.store.database import Database, Tx

#: Under which request ids of CreateJournal are kept, as there is no journal yet.
_NO_JOURNAL = 0


async def get_journal(database: Database, reference: str) -> Journal:
    """Return the journal whose code or id is `reference`.

    A journal neither changes nor goes, so what was seen once is remembered; that there is none
    never is.

    Raises:
        JournalNotFoundError: there is none.
    """
    remembered = database.journals.get(reference)
    if remembered is not None:
        return remembered
    async with database.reader_connection() as tx:
        journal = await journals.find_in_tx(tx, reference)
    if journal is None:
        raise JournalNotFoundError(reference)
    # Under two names, however it was named: an id in capitals is an id too.
    database.journals[journal.code] = database.journals[str(journal.public_id)] = journal
    return journal


async def create_journal(
    database: Database,
    request: Request[journals_pb2.CreateJournalResponse],
    *,
    code: str,
    name: str,
    time_zone: str,
) -> journals_pb2.CreateJournalResponse:
    """Create a journal with the built-in currencies.

    Journals are created one at a time: the lock is what makes it safe to look the request id and
    the code up first.

    Raises:
        JournalExistsError: the code is taken.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def attempt() -> journals_pb2.CreateJournalResponse:
        async with database.transaction() as tx:
            await journals.lock_creation_in_tx(tx)
            kept = await kept_answer_in_tx(tx, _NO_JOURNAL, request)
            if kept is not None:
                return kept
            if await journals.find_in_tx(tx, code) is not None:
                raise JournalExistsError(code)
            journal, head = await _insert_in_tx(tx, code=code, name=name, time_zone=time_zone)
            answer = journals_pb2.CreateJournalResponse(
                journal=journal_message(journal, head.sequence)
            )
            await keep_answer_in_tx(tx, _NO_JOURNAL, request, answer)
            return answer

    return await with_retries(attempt)


async def register_currency(
    database: Database,
    journal: Journal,
    request: Request[journals_pb2.RegisterCurrencyResponse],
    currency: Currency,
) -> journals_pb2.RegisterCurrencyResponse:
    """Make `currency` usable in the journal; one that is there stays as it is.

    Raises:
        CurrencyConflictError: it is there with another exponent.
        RequestIdReusedError: the request id was used before for another request.
    """

    async def work(change: Change) -> journals_pb2.RegisterCurrencyResponse:
        answer = journals_pb2.RegisterCurrencyResponse(currency=currency_message(currency))
        known = await journals.find_currency_in_tx(change.tx, journal.id, currency.code)
        if known == currency:
            return answer
        if known is not None:
            raise CurrencyConflictError(currency.code, currency.exponent, known.exponent)
        await journals.insert_currencies_in_tx(change.tx, journal.id, [currency])
        change.config_changed = True
        change.record(
            events_pb2.Event(
                currency_registered=events_pb2.CurrencyRegistered(
                    currency=currency_message(currency)
                )
            )
        )
        return answer

    return await change_journal(database, journal, request, work)


async def _insert_in_tx(tx: Tx, *, code: str, name: str, time_zone: str) -> tuple[Journal, Head]:
    journal = await journals.insert_in_tx(
        tx, public_id=new_id(), code=code, name=name, time_zone=time_zone
    )
    await journals.insert_currencies_in_tx(tx, journal.id, BUILT_IN_CURRENCIES)
    created = events_pb2.JournalCreated(journal=journal_message(journal, 0))
    head = await journals.append_events_in_tx(
        tx,
        journal.id,
        [stored_event(events_pb2.Event(journal_created=created))],
        config_changed=False,
    )
    return journal, head

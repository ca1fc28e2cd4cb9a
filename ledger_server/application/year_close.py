"""Closing the books of a fiscal year: previewed, posted, recorded."""

import dataclasses
from collections.abc import Mapping, Sequence

from ledger_proto.v1 import events_pb2, fiscal_years_pb2
from ledger_server.application.journal_books import JournalBooks
from ledger_server.application.loaded_books import StaleConfigurationError
from ledger_server.application.mutation import Request, keep_answer_in_tx, kept_answer_in_tx
from ledger_server.application.year_close_plan import (
    RetainedEarnings,
    YearBooks,
    check_close_in_tx,
    is_current_in_tx,
    read_year_in_tx,
)
from ledger_server.application.year_end import (
    ENTRIES_MAX_PER_STEP,
    Held,
    closing_draft,
    held,
    in_steps,
    post_in_tx,
)
from ledger_server.domain.fiscal_year import (
    FiscalYearStatus,
    Profit,
    Result,
    closing_transactions,
    results,
)
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry
from ledger_server.store import fiscal_years, journals, periods, year_closes
from ledger_server.store.codec import (
    StoredEvent,
    closed_amount_messages,
    fiscal_year_message,
    period_message,
    stored_event,
)
from ledger_server.store.database import Database

Response = fiscal_years_pb2.CloseFiscalYearResponse


@dataclasses.dataclass(frozen=True, slots=True)
class Close:
    """A close as it was asked for."""

    year: str
    #: Code or id; empty takes the year's.
    retained: str
    reason: str
    actor: str


@dataclasses.dataclass(frozen=True, slots=True)
class ClosePreview:
    """What a close would post now."""

    read: YearBooks
    retained: RetainedEarnings
    profits: Sequence[Profit]
    transactions: Sequence[Sequence[DraftEntry]]
    results: Mapping[str, Result]


async def preview_close(
    database: Database, books: JournalBooks, year: str, retained_reference: str
) -> ClosePreview:
    """Return what a close would post now, and post nothing.

    Raises:
        LedgerError: why a close would be refused; see `check_close_in_tx`.
    """
    async with database.snapshot() as tx:
        read = await read_year_in_tx(tx, books.journal, year)
        retained = await check_close_in_tx(tx, books.journal, read, retained_reference)
    profits = [one for one in read.profits() if one.net_debit]
    transactions = closing_transactions(profits, retained.id, retained.code, read.exponents)
    return ClosePreview(read, retained, profits, transactions, results(profits))


async def close_fiscal_year(
    database: Database, books: JournalBooks, request: Request[Response], close: Close
) -> Response:
    """Post what closes a year, note that it is closed, and lock its days.

    All in one transaction if that takes at most `ENTRIES_MAX_PER_STEP` entries, else in several, of
    which the last finds nothing left and notes it: cut short, the same call goes on.

    Raises:
        LedgerError: why it is refused; see `check_close_in_tx`.
        RequestIdReusedError: the request id was used before for another request.
        ContentionError: the configuration changed too often meanwhile.
    """

    async def step() -> Response | None:
        return await _step(database, books, request, close)

    return await in_steps(books, step)


async def _step(
    database: Database, books: JournalBooks, request: Request[Response], close: Close
) -> Response | None:
    """Close up to `ENTRIES_MAX_PER_STEP` balances; return the answer if nothing is left."""
    async with database.snapshot() as tx:
        kept = await kept_answer_in_tx(tx, books.journal.id, request)
        if kept is not None:
            return kept
        read = await read_year_in_tx(tx, books.journal, close.year)
        retained = await check_close_in_tx(tx, books.journal, read, close.retained)
    planned = [one for one in read.profits() if one.net_debit][:ENTRIES_MAX_PER_STEP]
    drafts = _drafts(planned, read, retained)
    async with held(database, books, drafts) as journal:
        kept = await kept_answer_in_tx(journal.tx, books.journal.id, request)
        if kept is not None:
            return kept
        if not await is_current_in_tx(journal.tx, books.journal, read, retained):
            raise StaleConfigurationError
        later = await year_closes.sums_after_in_tx(
            journal.tx, books.journal.id, read.sequence, read.year
        )
        profits = read.profits(later)
        if read.year_before is not None and any(one.net_debit_before for one in profits):
            raise StaleConfigurationError  # planned again, it is refused
        locked = {one.key for one in planned}
        left = [one for one in profits if one.net_debit and one.key not in locked]
        decided = closing_transactions(
            [one for one in profits if one.key in locked],
            retained.id,
            retained.code,
            read.exponents,
        )
        used = drafts[: len(decided)]
        for draft, entries in zip(used, decided, strict=True):
            draft.entries = entries
        posted = await post_in_tx(journal, used, close.actor)
        await year_closes.insert_in_tx(
            journal.tx, books.journal.id, [one.sequence for one in posted]
        )
        if left:
            return None
        sequence = journal.head.sequence + len(posted)
        return await _finish_in_tx(journal, request, close, read, retained, sequence)


def _drafts(planned: Sequence[Profit], read: YearBooks, retained: RetainedEarnings) -> list[Draft]:
    """Return drafts that name every balance of the close; their entries are decided later."""
    expected = closing_transactions(planned, retained.id, retained.code, read.exponents)
    keys = {one.key for one in planned}
    keys.update(BalanceKey(retained.id, key.currency) for key in list(keys))
    # Which of them takes which balance is not known before it is decided: each names them all. One
    # more than expected, should balances that became zero meanwhile make the rest fall otherwise.
    return [
        closing_draft(read.year.code, read.year.last_day, frozenset(keys), [])
        for _ in range(len(expected) + 1)
    ]


async def _finish_in_tx(  # noqa: PLR0917  # private: all that a step knows
    journal: Held,
    request: Request[Response],
    close: Close,
    read: YearBooks,
    retained: RetainedEarnings,
    sequence: int,
) -> Response:
    """Lock the year's days and note its close; `sequence` is that of the last posting."""
    tx, journal_id = journal.tx, journal.books.journal.id
    year = read.year
    events: list[StoredEvent] = []
    period = await periods.current_in_tx(tx, journal_id)
    if period.locked_through is None or period.locked_through < year.last_day:
        changed = await periods.insert_in_tx(
            tx,
            journal_id,
            sequence + 1,
            period.locked(year.last_day),
            actor=close.actor,
            reason=close.reason,
        )
        told = events_pb2.PeriodChanged(period=period_message(changed))
        events.append(stored_event(events_pb2.Event(actor=close.actor, period_changed=told)))
    closings = await year_closes.open_closings_in_tx(tx, journal_id, year.last_day, year.sequence)
    changed_at = await fiscal_years.insert_change_in_tx(
        tx,
        journal_id,
        sequence + len(events) + 1,
        year.code,
        status=FiscalYearStatus.CLOSED,
        retained_earnings=retained.id,
        actor=close.actor,
        reason=close.reason,
    )
    answer = Response(
        year=fiscal_year_message(
            dataclasses.replace(
                year,
                status=FiscalYearStatus.CLOSED,
                retained_earnings_id=retained.id,
                retained_earnings_code=retained.code,
                sequence=sequence + len(events) + 1,
                changed_at=changed_at,
                actor=close.actor,
                reason=close.reason,
            )
        ),
        amounts=closed_amount_messages(
            await _closed_in_tx(journal, read, list(closings.values())), read.exponents
        ),
        transaction_ids=map(str, closings),
    )
    fact = events_pb2.FiscalYearClosed(
        year=answer.year, amounts=answer.amounts, transaction_ids=answer.transaction_ids
    )
    config_changed = bool(events)
    events.append(stored_event(events_pb2.Event(actor=close.actor, fiscal_year_closed=fact)))
    await journals.append_events_in_tx(tx, journal_id, events, config_changed=config_changed)
    await keep_answer_in_tx(tx, journal_id, request, answer)
    return answer


async def _closed_in_tx(
    journal: Held, read: YearBooks, sequences: Sequence[int]
) -> Mapping[str, Result]:
    """Return what these closing transactions took from revenue and expense."""
    sums = await year_closes.closed_sums_in_tx(journal.tx, journal.books.journal.id, sequences)
    found = []
    for key, net_debit in sums.items():
        account = read.accounts.get(key.account_id)
        if account is not None:
            (category,) = account.categories
            found.append(Profit(key, account.code, category, net_debit, net_debit))
    return results(found)

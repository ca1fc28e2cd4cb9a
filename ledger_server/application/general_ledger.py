"""The general ledger: statements of all accounts, by code, page by page."""

import dataclasses
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.application.reports import (
    Position,
    find_exponents_in_tx,
    find_position_in_tx,
)
from ledger_server.application.statements import Line, statement_range
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import AccountId
from ledger_server.domain.report.account_statement import (
    BEGINNING,
    Balance,
    Place,
    on_side,
    running_balances,
)
from ledger_server.domain.report.chart import Named
from ledger_server.domain.report.periods import Key, Period, Sums
from ledger_server.store import reports, statements
from ledger_server.store.database import Database, Tx
from ledger_server.store.statements import EntryFound, LedgerAccount, Range

#: Accounts looked at together. Each may give as many entries as the page still takes.
_ACCOUNTS_AT_ONCE: Final = 50


@dataclasses.dataclass(frozen=True, slots=True)
class Mark:
    """Where a page ended."""

    #: Code of the last account on it.
    code: str
    #: The last entry on it, None if the account is shown to its end.
    place: Place | None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LedgerPage:
    """Which page of the general ledger is asked for."""

    scope: reports.Scope
    days: Period
    #: 0 for now; on later pages that of the first.
    as_known_at: int
    #: Where the page before ended, None for the first page.
    after: Mark | None
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One account on a page."""

    account: LedgerAccount
    balances: Mapping[str, Balance]
    lines: Sequence[Line]
    is_continued: bool


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class GeneralLedger:
    """A page of the general ledger."""

    parts: Sequence[Part]
    #: Where it ended; None at the end of the ledger.
    mark: Mark | None
    position: Position
    exponents: Mapping[str, int]


async def get_general_ledger(
    database: Database, journal: Journal, page: LedgerPage
) -> GeneralLedger:
    """Return a page of the general ledger: accounts with an entry up to the last day.

    Raises:
        PositionUnavailableError: the position lies beyond the head.
        CurrencyUnknownError: the journal does not have the currency asked for.
    """
    async with database.snapshot() as tx:
        position = await find_position_in_tx(tx, journal, page.as_known_at)
        exponents = await find_exponents_in_tx(tx, journal, page.scope.currency)
        of = statement_range(page.scope, page.days, position)
        parts, mark = await _fill_in_tx(tx, journal, of, page)
        names = await _names_at_in_tx(tx, journal, position)
    parts = [
        dataclasses.replace(part, account=part.account._replace(name=names[part.account.id].name))
        if part.account.id in names
        else part
        for part in parts
    ]
    return GeneralLedger(parts=parts, mark=mark, position=position, exponents=exponents)


async def _fill_in_tx(
    tx: Tx, journal: Journal, of: Range, page: LedgerPage
) -> tuple[list[Part], Mark | None]:
    """Add parts until the page is full or the ledger ends; return them and where it ended."""
    parts: list[Part] = []
    lines_left = page.size
    mark = page.after
    while True:
        continued = mark.place if mark else None
        accounts = await statements.accounts_in_tx(
            tx,
            journal.id,
            mark.code if mark else "",
            include_first=continued is not None,
            limit=_ACCOUNTS_AT_ONCE,
        )
        if not accounts:
            return parts, None
        chunk = await _read_chunk_in_tx(
            tx, journal, of, accounts, continued=continued, limit=lines_left + 1
        )
        for account in accounts:
            sums = chunk.sums.get(account.id)
            if sums is not None:
                if len(parts) == page.size or (account.id in chunk.moved and not lines_left):
                    return parts, mark
                entries = chunk.entries.get(account.id, [])
                shown = entries[:lines_left]
                parts.append(_part(account, sums, shown, chunk, continued))
                lines_left -= len(shown)
                if len(entries) > len(shown):
                    return parts, Mark(account.code, shown[-1].movement.place)
            continued = None
            mark = Mark(account.code, None)


@dataclasses.dataclass(frozen=True, slots=True)
class _Chunk:
    """What some accounts have: sums of the range, net debits before their entries, entries."""

    sums: Mapping[AccountId, Mapping[str, Sums]]
    openings: Mapping[Key, Decimal]
    entries: Mapping[AccountId, list[EntryFound]]
    #: Accounts with an entry in the range beyond their place.
    moved: Collection[AccountId]


async def _read_chunk_in_tx(
    tx: Tx,
    journal: Journal,
    of: Range,
    accounts: Sequence[LedgerAccount],
    *,
    continued: Place | None,
    limit: int,
) -> _Chunk:
    """Read some accounts; of the first only what is beyond `continued`, if that is given."""
    found = await statements.sums_in_tx(tx, journal.id, [each.id for each in accounts], of)
    sums: defaultdict[AccountId, dict[str, Sums]] = defaultdict(dict)
    for (account_id, currency), one in found.items():
        sums[account_id][currency] = one
    openings = {key: one.opening() for key, one in found.items()}
    places = {
        account.id: BEGINNING
        for account in accounts
        if any(one.debit or one.credit for one in sums.get(account.id, {}).values())
    }
    if continued is not None:
        first = accounts[0].id
        openings |= await statements.net_debits_at_in_tx(tx, journal.id, [first], of, continued)
        places[first] = continued
    entries: defaultdict[AccountId, list[EntryFound]] = defaultdict(list)
    if places:
        for each in await statements.ledger_entries_in_tx(tx, journal.id, places, of, limit):
            entries[each.movement.account_id].append(each)
    return _Chunk(sums, openings, entries, places.keys())


def _part(
    account: LedgerAccount,
    sums: Mapping[str, Sums],
    shown: Sequence[EntryFound],
    chunk: _Chunk,
    continued: Place | None,
) -> Part:
    side = account.normal_side
    nets = running_balances(
        chunk.openings,
        (each.movement for each in shown),
        lambda movement: (movement.account_id, movement.currency),
    )
    return Part(
        account=account,
        balances={currency: Balance.of(one, side) for currency, one in sorted(sums.items())},
        lines=[Line(each, on_side(net, side)) for each, net in zip(shown, nets, strict=True)],
        is_continued=continued is not None,
    )


async def _names_at_in_tx(tx: Tx, journal: Journal, position: Position) -> Mapping[UUID, Named]:
    """Return what accounts that were renamed since the position were called then."""
    if position.is_head:
        return {}
    changes = await reports.chart_changes_after_in_tx(tx, journal.id, position.sequence)
    # The newest comes first, so what stays is what the oldest change replaced.
    return {change.renamed.id: change.renamed for change in changes if change.renamed}

"""Statements of accounts and sets, each page read in one snapshot."""

import dataclasses
from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.application.reports import (
    Position,
    chart_at_in_tx,
    find_exponents_in_tx,
    find_position_in_tx,
)
from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import AccountNotFoundError, AccountSetNotFoundError
from ledger_server.domain.journal import Journal
from ledger_server.domain.primitives import EXACT, AccountId, Direction
from ledger_server.domain.report.account_statement import (
    BEGINNING,
    Balance,
    Place,
    on_side,
    running_balances,
    set_side,
)
from ledger_server.domain.report.chart import Chart, Named
from ledger_server.domain.report.periods import NOTHING, Period, Sums, SumsByKey
from ledger_server.store import account_sets, accounts, reports, statements
from ledger_server.store.database import Database, Tx
from ledger_server.store.statements import EntryFound, HoldLeft, Range

#: Open holds that a statement shows: what one page can carry beside its entries.
HOLDS_MAX: Final = 1_000


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Which page of a statement is asked for."""

    scope: reports.Scope
    days: Period
    #: 0 for now; on later pages that of the first.
    as_known_at: int
    #: The last entry of the page before, None for the first page.
    after: Place | None
    size: int


@dataclasses.dataclass(frozen=True, slots=True)
class Line:
    """An entry and the balance after it, on the normal side."""

    entry: EntryFound
    balance: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """A page of a statement."""

    #: The account or set.
    named: Named
    is_set: bool
    normal_side: Direction
    #: By currency, over the whole range.
    balances: Mapping[str, Balance]
    lines: Sequence[Line]
    #: Whether there are more lines.
    has_more: bool
    #: On the first page alone.
    holds: Sequence[HoldLeft]
    has_more_holds: bool
    #: Codes of the accounts of lines and holds.
    codes: Mapping[AccountId, str]
    position: Position
    exponents: Mapping[str, int]


@dataclasses.dataclass(frozen=True, slots=True)
class _Subject:
    """What a statement is of."""

    named: Named
    is_set: bool
    normal_side: Direction
    account_ids: Sequence[AccountId]
    #: Codes of the accounts, as they are now; None if they are still to be read.
    codes: Mapping[AccountId, str] | None = None


async def get_statement(
    database: Database, journal: Journal, page: Page, *, account: str, account_set: str
) -> Statement:
    """Return a page of the statement of an account or, if that is empty, of a set.

    Raises:
        PositionUnavailableError: the position lies beyond the head.
        CurrencyUnknownError: the journal does not have the currency asked for.
        AccountNotFoundError: there is no such account, or was none at the position.
        AccountSetNotFoundError: there is no such set, or was none at the position.
    """
    # No look-ups are what is below a set, for which the whole chart is read, and what holds had at
    # an earlier position, for which all that came since is.
    by_keys = account and (page.after is not None or not page.as_known_at)
    async with database.look_up_snapshot() if by_keys else database.snapshot() as tx:
        position = await find_position_in_tx(tx, journal, page.as_known_at)
        exponents = await find_exponents_in_tx(tx, journal, page.scope.currency)
        if account:
            subject = await _account_in_tx(tx, journal, position, account)
        else:
            subject = await _set_in_tx(tx, journal, position, account_set)
        of = statement_range(page.scope, page.days, position)
        ids = subject.account_ids
        sums = _by_currency(await statements.sums_in_tx(tx, journal.id, ids, of))
        openings = {currency: one.opening() for currency, one in sums.items()}
        if page.after is not None:
            standing = await statements.net_debits_at_in_tx(tx, journal.id, ids, of, page.after)
            openings = _netted(standing)
        found = await statements.entries_in_tx(
            tx, journal.id, ids, of, after=page.after or BEGINNING, limit=page.size + 1
        )
        holds: list[HoldLeft] = []
        if page.after is None:
            holds = await statements.holds_in_tx(tx, journal.id, ids, of, HOLDS_MAX + 1)
        shown = found[: page.size]
        codes = subject.codes
        if codes is None:
            seen = {each.movement.account_id for each in shown}
            seen.update(hold.account_id for hold in holds)
            codes = await statements.codes_in_tx(tx, journal.id, list(seen))
    nets = running_balances(
        openings, (each.movement for each in shown), lambda movement: movement.currency
    )
    side = subject.normal_side
    return Statement(
        named=subject.named,
        is_set=subject.is_set,
        normal_side=side,
        balances={currency: Balance.of(one, side) for currency, one in sorted(sums.items())},
        lines=[Line(each, on_side(net, side)) for each, net in zip(shown, nets, strict=True)],
        has_more=len(found) > page.size,
        holds=holds[:HOLDS_MAX],
        has_more_holds=len(holds) > HOLDS_MAX,
        codes=codes,
        position=position,
        exponents=exponents,
    )


def statement_range(scope: reports.Scope, days: Period, position: Position) -> Range:
    """Return which entries a statement is about."""
    first, last = days.bounds()
    return Range(
        scope=scope,
        first=first,
        last=last,
        sequence=position.sequence,
        is_head=position.is_head,
    )


async def _account_in_tx(tx: Tx, journal: Journal, position: Position, reference: str) -> _Subject:
    account = await accounts.find_in_tx(tx, journal.id, reference)
    if account is None:
        raise AccountNotFoundError(reference)
    named = Named(account.id, account.code, account.name)
    if not position.is_head:
        changes = await reports.chart_changes_after_in_tx(tx, journal.id, position.sequence)
        for change in changes:
            if account.id in change.created_accounts:
                raise AccountNotFoundError(reference)
            if change.renamed is not None and change.renamed.id == account.id:
                named = change.renamed
    codes = {account.id: account.code}
    return _Subject(named, False, account.normal_side, [account.id], codes)


async def _set_in_tx(tx: Tx, journal: Journal, position: Position, reference: str) -> _Subject:
    found = await account_sets.find_in_tx(tx, journal.id, reference)
    if found is None:
        raise AccountSetNotFoundError(reference)
    chart = await chart_at_in_tx(tx, journal, position)
    if found.id not in chart.sets:
        raise AccountSetNotFoundError(reference)
    below = sorted(chart.accounts_below()[found.id])
    side = set_side(found.normal_side, _categories_above(chart, found.id))
    return _Subject(chart.sets[found.id], True, side, below)


def _categories_above(chart: Chart, set_id: UUID) -> list[AccountCategory]:
    """Return the categories of a set and of all that it stands below."""
    parents: defaultdict[UUID, list[UUID]] = defaultdict(list)
    for parent, members in chart.set_sets.items():
        for member in members:
            parents[member].append(parent)
    above = {set_id}
    pending = [set_id]
    while pending:
        for parent in parents[pending.pop()]:
            if parent not in above:
                above.add(parent)
                pending.append(parent)
    return [category for key, category in chart.categories.items() if key in above]


def _by_currency(sums: SumsByKey) -> dict[str, Sums]:
    """Add the accounts up."""
    added: dict[str, Sums] = {}
    for (_, currency), one in sums.items():
        added[currency] = added.get(currency, NOTHING) + one
    return added


def _netted(nets: Mapping[tuple[AccountId, str], Decimal]) -> dict[str, Decimal]:
    added: dict[str, Decimal] = {}
    for (_, currency), net in nets.items():
        added[currency] = EXACT.add(added.get(currency, Decimal(0)), net)
    return added

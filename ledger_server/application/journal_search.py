"""The journal as it was known at a position: its transactions, narrowed by filters."""

import dataclasses
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Final

from ledger_proto.v1 import transactions_pb2
from ledger_server.application.accounts import get_account_in_tx
from ledger_server.application.reports import Position, find_position_in_tx
from ledger_server.domain.journal import Journal
from ledger_server.store import reports, transactions
from ledger_server.store.database import Database

#: Transactions that a page reads at most, so that a filter which finds nothing ends in time.
SCAN_MAX: Final = 10_000
_BATCH: Final = 1_000

#: Effective date and sequence of a transaction: the order of the journal.
Mark = tuple[date, int]


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which transactions are asked for; all that is given must hold."""

    template_code: str = ""
    #: In description, external id or correlation id; compared without case.
    text: str = ""
    #: Of an entry; with a bound the same entry must be in the range.
    currency: str | None = None
    units_min: Decimal | None = None
    units_max: Decimal | None = None

    def takes(self, transaction: transactions_pb2.Transaction) -> bool:
        """Tell whether a transaction is among them."""
        if self.template_code and transaction.template_code != self.template_code:
            return False
        if self.text:
            texts = (transaction.description, transaction.external_id, transaction.correlation_id)
            if not any(self.text.casefold() in text.casefold() for text in texts):
                return False
        if self.currency is None and self.units_min is None and self.units_max is None:
            return True
        return any(self._takes_entry(entry) for entry in transaction.entries)

    def _takes_entry(self, entry: transactions_pb2.Entry) -> bool:
        if self.currency is not None and entry.currency != self.currency:
            return False
        units = Decimal(entry.units)
        return (self.units_min is None or units >= self.units_min) and (
            self.units_max is None or units <= self.units_max
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A page of the journal that is asked for."""

    wanted: Wanted
    from_date: date | None
    to_date: date | None
    #: Code or id; empty for all.
    account: str
    without_closing: bool
    newest_first: bool
    #: 0 for now; on later pages that of the first.
    as_known_at: int
    #: Where the page before ended, None for the first page.
    after: Mark | None
    size: int


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A page of the journal."""

    transactions: list[transactions_pb2.Transaction]
    #: Where it ended; None at the end of the journal.
    mark: Mark | None
    position: Position


async def search_journal(database: Database, journal: Journal, search: Search) -> Found:
    """Return a page of the journal.

    Raises:
        PositionUnavailableError: the position lies beyond the head.
        AccountNotFoundError: there is no such account.
    """
    async with database.snapshot() as tx:
        position = await find_position_in_tx(tx, journal, search.as_known_at)
        account_id = None
        if search.account:
            account_id = (await get_account_in_tx(tx, journal, search.account)).id
        closing: AbstractSet[int] = frozenset()
        if search.without_closing:
            closing = await reports.closing_sequences_in_tx(tx, journal.id, position.sequence)
        rows_wanted = transactions.Filter(
            account_id=account_id,
            from_date=search.from_date,
            to_date=search.to_date,
            newest_first=search.newest_first,
        )
        found: list[transactions_pb2.Transaction] = []
        mark = search.after
        read = 0
        # Without a filter that leaves much out, the first rows are the page.
        count = min(_BATCH, search.size + 1)
        while read < SCAN_MAX:
            rows = await transactions.list_in_tx(tx, journal.id, rows_wanted, mark, count)
            for row in rows:
                if (
                    row.sequence <= position.sequence
                    and row.sequence not in closing
                    and search.wanted.takes(row)
                ):
                    if len(found) == search.size:
                        return Found(transactions=found, mark=mark, position=position)
                    found.append(row)
                mark = (date.fromisoformat(row.effective_date), row.sequence)
            if len(rows) < count:
                return Found(transactions=found, mark=None, position=position)
            read += count
            count = _BATCH
    return Found(transactions=found, mark=mark, position=position)

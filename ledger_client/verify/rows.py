"""Stored rows against what the events say: the same, one by one, and nothing else."""

from collections import deque
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any, Final

from ledger_client.models import Direction, Layer, StoredBooks, StoredEntry, StoredTransaction
from ledger_client.verify.amounts import ZERO, add, parse, plain
from ledger_client.verify.findings import Code, WrongError, wrong
from ledger_client.verify.fold import Fold, Sums

_DIRECTIONS: Final = (None, Direction.DEBIT, Direction.CREDIT)
_LAYERS: Final = (None, Layer.SETTLED, Layer.PENDING, Layer.ENCUMBRANCE)
_LAYER_NUMBERS: Final = {layer: number for number, layer in enumerate(_LAYERS) if layer}
_SUM_NAMES: Final = (
    "settled debits",
    "settled credits",
    "pending debits",
    "pending credits",
    "encumbrance debits",
    "encumbrance credits",
    "held debits",
    "held credits",
)


class StoredRows:
    """The rows of one snapshot as they come: balances and days whole, the rest event by event."""

    def __init__(self, books: AsyncIterator[StoredBooks]) -> None:
        """Read from what `LedgerClient.read_books` gives."""
        self._books = books
        self._ended = False
        self.head_sequence = 0
        self.balances: dict[tuple[str, str], tuple[int, tuple[Decimal, ...]]] = {}
        self.days: dict[tuple[str, str], dict[tuple[int, str], tuple[Decimal, Decimal]]] = {}
        self._entries: deque[StoredEntry] = deque()
        self._transactions: deque[StoredTransaction] = deque()

    async def begin(self) -> None:
        """Read on to the first entry or transaction.

        Raises:
            LedgerError: the stream broke.
        """
        while not (self._ended or self._entries or self._transactions):
            await self._more()

    async def check(self, sequence: int, transaction: Any) -> None:
        """Hold the rows of one event against its transaction, None if it has none.

        Raises:
            WrongError: they differ.
            LedgerError: the stream broke.
        """
        entries, transactions = self._entries, self._transactions
        # The rows of an event are all there once a later one has been seen, or nothing follows.
        while not self._ended and not (
            entries and transactions and entries[-1].sequence > sequence < transactions[-1].sequence
        ):
            await self._more()
        if transaction is not None:
            self._check_transaction(sequence, transaction)
            self._check_entries(sequence, transaction)
        if transactions and transactions[0].sequence <= sequence:
            raise _extra_transaction(transactions[0])
        if entries and entries[0].sequence <= sequence:
            raise _extra_entry(entries[0])

    async def check_end(self) -> None:
        """Hold against the journal that no rows are left.

        Raises:
            WrongError: there are some, beyond the head.
        """
        while not (self._ended or self._entries or self._transactions):
            await self._more()
        if self._transactions:
            raise _extra_transaction(self._transactions[0])
        if self._entries:
            raise _extra_entry(self._entries[0])

    async def _more(self) -> None:
        try:
            books = await anext(self._books, None)
        except (LookupError, ArithmeticError) as error:
            message = f"the server sent a row that cannot be read: {error!r}"
            raise wrong(Code.ENTRY_ROW_WRONG, message) from error
        if books is None:
            self._ended = True
            return
        self.head_sequence = books.head_sequence
        for balance in books.balances:
            self.balances[balance.account_id, balance.currency] = (balance.version, balance.sums)
        for day in books.days:
            days = self.days.setdefault((day.account_id, day.currency), {})
            days[_LAYER_NUMBERS[day.layer], day.day] = (day.debit, day.credit)
        self._entries.extend(books.entries)
        self._transactions.extend(books.transactions)

    def _check_transaction(self, sequence: int, transaction: Any) -> None:
        if not self._transactions or self._transactions[0].sequence != sequence:
            if self._transactions and self._transactions[0].sequence < sequence:
                raise _extra_transaction(self._transactions[0])
            raise wrong(
                Code.TRANSACTION_ROW_MISSING,
                f"transaction {transaction.id} of event {sequence} has no row in transactions",
                sequence=sequence,
                expected=transaction.id,
                found="no row",
            )
        row = self._transactions.popleft()
        expected = StoredTransaction(
            transaction.id,
            sequence,
            transaction.effective_date,
            transaction.external_id,
            transaction.correlation_id,
        )
        for name, says, stands in zip(row._fields, expected, row, strict=True):
            if says != stands:
                raise wrong(
                    Code.TRANSACTION_ROW_WRONG,
                    f"the row of transaction {transaction.id} has {name} {stands!r}, "
                    f"its event {sequence} says {says!r}",
                    sequence=sequence,
                    expected=says,
                    found=stands,
                )

    def _check_entries(self, sequence: int, transaction: Any) -> None:
        rows = self._entries
        day = transaction.effective_date
        for position, entry in enumerate(transaction.entries):
            if not rows or rows[0].sequence != sequence or rows[0].position > position:
                if rows and rows[0].sequence < sequence:
                    raise _extra_entry(rows[0])
                raise wrong(
                    Code.ENTRY_ROW_MISSING,
                    f"entry {position} of event {sequence} has no row in entries: "
                    f"{entry.units} {entry.currency} on {entry.account_code}",
                    sequence=sequence,
                    account=entry.account_code,
                    currency=entry.currency,
                    expected=entry.units,
                    found="no row",
                )
            row = rows.popleft()
            expected = StoredEntry(
                sequence,
                position,
                entry.account_id,
                _DIRECTIONS[entry.direction],  # type: ignore[arg-type]  # the fold has seen it
                _LAYERS[entry.layer],  # type: ignore[arg-type]  # the fold has seen it
                parse(entry.units),
                entry.currency,
                day,
            )
            if row != expected:
                raise _wrong_entry(entry.account_code, expected, row)


def check_sums(fold: Fold, rows: StoredRows) -> None:
    """Hold stored balances and daily sums against those of a fold that has come to their head.

    Raises:
        WrongError: one differs, is missing, or is there without entries.
    """
    places = fold.balances.keys() | rows.balances.keys() | rows.days.keys()
    for place in sorted(places, key=lambda place: (fold.account(place[0]), place[1])):
        slot = fold.balances.get(place)
        if slot is None and not fold.whole:
            continue  # nothing of it is known
        _check_balance(fold, rows, place, slot or Sums())
        if fold.whole:
            _check_days(fold, rows, place, slot or Sums())
    if not fold.whole:
        for place, (_version, stored) in rows.balances.items():
            _check_balance_of_days(fold, rows, place, stored)
        _check_sides(rows)


def _check_sides(rows: StoredRows) -> None:
    """Hold debits against credits, which are equal in each layer and currency.

    The last day of a balance is stored as a part of it, so the two cannot contradict each other.
    """
    totals: dict[str, list[Decimal]] = {}
    for (_account_id, currency), (_version, stored) in rows.balances.items():
        sums = totals.setdefault(currency, [ZERO] * 6)
        for place_of, units in enumerate(stored[:6]):
            sums[place_of] = add(sums[place_of], units)
    for currency, sums in sorted(totals.items()):
        for layer, number in _LAYER_NUMBERS.items():
            debits, credits_ = sums[2 * number - 2 : 2 * number]
            if debits != credits_:
                raise wrong(
                    Code.BALANCE_ROW_WRONG,
                    f"the stored balances in {currency}, {layer}, have {plain(debits)} of debits "
                    f"and {plain(credits_)} of credits: one is not what its entries make it",
                    currency=currency,
                    expected=plain(debits),
                    found=plain(credits_),
                )


def _check_balance(fold: Fold, rows: StoredRows, place: tuple[str, str], slot: Sums) -> None:
    version, sums = rows.balances.get(place, (0, (ZERO,) * 8))
    if version != slot.version:
        raise _balance(fold, place, "version", slot.version, version)
    for name, expected, found in zip(_SUM_NAMES, slot.sums, sums, strict=True):
        if expected is not None and expected != found:
            raise _balance(fold, place, name, plain(expected), plain(found))


def _check_days(fold: Fold, rows: StoredRows, place: tuple[str, str], slot: Sums) -> None:
    stored = rows.days.get(place, {})
    for key in sorted(slot.days.keys() | stored.keys()):
        expected, found = slot.days.get(key, [ZERO, ZERO]), stored.get(key, (ZERO, ZERO))
        for side, says, stands in zip(("debits", "credits"), expected, found, strict=True):
            if says != stands:
                raise _day(fold, place, key, side, says=plain(says), stands=plain(stands))


def _check_balance_of_days(
    fold: Fold, rows: StoredRows, place: tuple[str, str], stored: tuple[Decimal, ...]
) -> None:
    """Hold a balance against the sum of its days: all that can be said of what was not folded."""
    totals = [ZERO] * 6
    for (layer, _day_of), sides in rows.days.get(place, {}).items():
        for side, units in enumerate(sides):
            totals[2 * layer - 2 + side] = add(totals[2 * layer - 2 + side], units)
    for name, expected, found in zip(_SUM_NAMES, totals, stored, strict=False):
        if expected != found:
            raise _balance(fold, place, name, plain(expected), plain(found))


def _balance(
    fold: Fold, place: tuple[str, str], what: str, expected: object, found: object
) -> WrongError:
    account = fold.account(place[0])
    return wrong(
        Code.BALANCE_ROW_WRONG,
        f"the stored balance of {account} in {place[1]} has {what} {found}; "
        f"its entries make it {expected}",
        account=account,
        currency=place[1],
        expected=expected,
        found=found,
    )


def _day(
    fold: Fold, place: tuple[str, str], key: tuple[int, str], side: str, *, says: str, stands: str
) -> WrongError:
    account, layer = fold.account(place[0]), _LAYERS[key[0]]
    return wrong(
        Code.DAY_ROW_WRONG,
        f"the stored sum of {account} for {key[1]}, {layer} {side}, is {stands} {place[1]}; "
        f"its entries make it {says}",
        account=account,
        currency=place[1],
        expected=says,
        found=stands,
    )


def _wrong_entry(account: str, expected: StoredEntry, row: StoredEntry) -> WrongError:
    name, says, stands = next(
        (name, says, stands)
        for name, says, stands in zip(row._fields, expected, row, strict=True)
        if says != stands
    )
    return wrong(
        Code.ENTRY_ROW_WRONG,
        f"the row of entry {expected.position} of event {expected.sequence}, on {account}, has "
        f"{name} {stands}; the event says {says}",
        sequence=expected.sequence,
        account=account,
        currency=expected.currency,
        expected=says,
        found=stands,
    )


def _extra_entry(row: StoredEntry) -> WrongError:
    return wrong(
        Code.ENTRY_ROW_EXTRA,
        f"a row in entries that no event states: sequence {row.sequence}, position {row.position}, "
        f"{row.units} {row.currency}",
        sequence=row.sequence,
        account=row.account_id,
        currency=row.currency,
        expected="no row",
        found=row.units,
    )


def _extra_transaction(row: StoredTransaction) -> WrongError:
    return wrong(
        Code.TRANSACTION_ROW_EXTRA,
        f"a row in transactions that no event states: {row.id} at sequence {row.sequence}",
        sequence=row.sequence,
        expected="no row",
        found=row.id,
    )

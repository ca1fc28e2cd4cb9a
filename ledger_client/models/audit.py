"""The rows of a journal as they are stored: text as it came, for those who compare it."""

from decimal import Decimal
from typing import NamedTuple

from ledger_client.models.words import Direction, Layer


class StoredBalance(NamedTuple):
    """A row of balances."""

    #: Id, as text.
    account_id: str
    currency: str
    #: Counts the entries, over all layers.
    version: int
    #: Debits and credits on SETTLED, PENDING and ENCUMBRANCE, then what open holds have left of
    #: each; in whole currency units.
    sums: tuple[Decimal, ...]


class StoredDay(NamedTuple):
    """A row of daily sums: one effective day alone."""

    #: Id, as text.
    account_id: str
    currency: str
    layer: Layer
    #: "YYYY-MM-DD".
    day: str
    debit: Decimal
    credit: Decimal


class StoredEntry(NamedTuple):
    """A row of entries."""

    sequence: int
    #: Counts from 0 within the transaction.
    position: int
    #: Id, as text.
    account_id: str
    direction: Direction
    layer: Layer
    units: Decimal
    currency: str
    #: "YYYY-MM-DD".
    effective_date: str


class StoredTransaction(NamedTuple):
    """A row of transactions."""

    #: As text.
    id: str
    sequence: int
    #: "YYYY-MM-DD".
    effective_date: str
    #: May be empty.
    external_id: str
    #: May be empty.
    correlation_id: str


class StoredBooks(NamedTuple):
    """Some rows of one kind."""

    #: The snapshot's head.
    head_sequence: int
    balances: list[StoredBalance]
    days: list[StoredDay]
    entries: list[StoredEntry]
    transactions: list[StoredTransaction]

"""Stored rows from the wire. There may be millions: each field is read once."""

from decimal import Decimal
from typing import Final

from ledger_client import models
from ledger_proto.v1 import audit_pb2 as pb
from ledger_proto.v1 import common_pb2

DIRECTIONS: Final = {
    int(common_pb2.DIRECTION_DEBIT): models.Direction.DEBIT,
    int(common_pb2.DIRECTION_CREDIT): models.Direction.CREDIT,
}
LAYERS: Final = {
    int(common_pb2.LAYER_SETTLED): models.Layer.SETTLED,
    int(common_pb2.LAYER_PENDING): models.Layer.PENDING,
    int(common_pb2.LAYER_ENCUMBRANCE): models.Layer.ENCUMBRANCE,
}


def stored_books(received: pb.ReadBooksResponse) -> models.StoredBooks:
    """Return rows as they are stored."""
    return models.StoredBooks(
        received.head_sequence,
        [_balance(row) for row in received.balances],
        [_day(row) for row in received.days],
        [_entry(row) for row in received.entries],
        [_transaction(row) for row in received.transactions],
    )


def _balance(row: pb.StoredBalance) -> models.StoredBalance:
    sums = (
        row.settled_debit,
        row.settled_credit,
        row.pending_debit,
        row.pending_credit,
        row.encumbrance_debit,
        row.encumbrance_credit,
        row.held_debit,
        row.held_credit,
    )
    return models.StoredBalance(
        row.account_id, row.currency, row.version, tuple(map(Decimal, sums))
    )


def _day(row: pb.StoredDay) -> models.StoredDay:
    return models.StoredDay(
        row.account_id,
        row.currency,
        LAYERS[row.layer],
        row.day,
        Decimal(row.debit),
        Decimal(row.credit),
    )


def _entry(row: pb.StoredEntry) -> models.StoredEntry:
    return models.StoredEntry(
        row.sequence,
        row.position,
        row.account_id,
        DIRECTIONS[row.direction],
        LAYERS[row.layer],
        Decimal(row.units),
        row.currency,
        row.effective_date,
    )


def _transaction(row: pb.StoredTransaction) -> models.StoredTransaction:
    return models.StoredTransaction(
        row.id, row.sequence, row.effective_date, row.external_id, row.correlation_id
    )

"""Transactions of the contract read back: what was asked, what came of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from ledger_proto.v1 import events_pb2, transactions_pb2
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.replay import Recorded
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, Kind, RequestField
from ledger_server.store.codec import timestamp
from ledger_server.store.transaction_bytes import (
    FACTS,
    personal_transaction_fields,
    transaction_fields,
)


def draft_message(draft: Draft, entries: Sequence[DraftEntry]) -> transactions_pb2.Transaction:
    """Encode a draft: a transaction without sequence, record time and balances after."""
    return transactions_pb2.Transaction.FromString(
        transaction_fields(draft, entries, [None] * len(entries))
        + personal_transaction_fields(draft)
    )


def event_transaction(event: events_pb2.Event) -> transactions_pb2.Transaction:
    """Return the transaction of an event, as it is stored."""
    transaction: transactions_pb2.Transaction = _fact(event).transaction
    return transaction


def _fact(event: events_pb2.Event) -> Any:
    fact = event.WhichOneof("fact")
    assert fact is not None, "an event states a fact"
    assert fact in FACTS.values(), f"{fact} holds no transaction"
    return getattr(event, fact)


def stamp(
    transaction: transactions_pb2.Transaction, sequence: int, recorded_at: datetime
) -> transactions_pb2.Transaction:
    """Fill in what is known at the commit and return the same message."""
    transaction.sequence = sequence
    transaction.record_time.CopyFrom(timestamp(recorded_at))
    return transaction


def read_transaction(
    payload: bytes, sequence: int, recorded_at: datetime
) -> transactions_pb2.Transaction:
    """Return the transaction of a stored event."""
    event = events_pb2.Event.FromString(payload)
    return stamp(_fact(event).transaction, sequence, recorded_at)


def recorded(payload: bytes, sequence: int, recorded_at: datetime) -> Recorded:
    """Return the request behind a stored transaction, as far as its record tells it."""
    event = events_pb2.Event.FromString(payload)
    fact = _fact(event)
    erased = bool(event.personal_digest)
    transaction: transactions_pb2.Transaction = stamp(fact.transaction, sequence, recorded_at)
    kind = Kind(transaction.kind)
    expire_at = None
    if kind is Kind.HOLD and fact.HasField("expire_time"):
        expire_at = fact.expire_time.ToDatetime(tzinfo=UTC)
    return Recorded(
        template_code=transaction.template_code,
        template_version=transaction.template_version,
        effective=date.fromisoformat(transaction.effective_date),
        description=transaction.description,
        external_id=transaction.external_id,
        correlation_id=transaction.correlation_id,
        metadata=dict(transaction.metadata),
        requested=frozenset(RequestField(number) for number in transaction.requested),
        params=struct_values(transaction.params),
        kind=kind,
        # The id of a hold is that of its own transaction; a request names only another's.
        hold_id=UUID(transaction.hold_id)
        if kind in {Kind.CAPTURE, Kind.RELEASE, Kind.EXPIRY}
        else None,
        reverses=UUID(transaction.reverses) if transaction.reverses else None,
        expire_at=expire_at,
        erased=erased,
        entries=draft_entries(transaction) if erased else (),
        record=transaction,
    )


def draft_entries(transaction: transactions_pb2.Transaction) -> list[DraftEntry]:
    """Return the entries of a recorded transaction."""
    return [
        DraftEntry(
            BalanceKey(UUID(entry.account_id), entry.currency),
            entry.account_code,
            Direction(entry.direction),
            Layer(entry.layer),
            Decimal(entry.units),
        )
        for entry in transaction.entries
    ]


def struct_values(struct: Any) -> dict[str, Json]:
    """Return what a Struct holds.

    Raises:
        ValueError: a number with a fraction, or beyond what a double holds exactly; the message
            begins with the path to it.
    """
    fields = struct.fields
    # A text that is not empty can only be a string: most are, and asking which kind costs more.
    return {name: fields[name].string_value or json_value(fields[name], name) for name in fields}


#: Whole numbers up to here are exact in a double.
_EXACT_DOUBLE_MAX = 2**53


def json_value(value: Any, path: str) -> Json:
    """Return what a protobuf Value holds. Raises ValueError as `struct_values` does."""
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        text: str = value.string_value
        return text
    if kind == "number_value":
        number: float = value.number_value
        if number != number // 1 or abs(number) > _EXACT_DOUBLE_MAX:
            raise ValueError(
                f"{path}: JSON numbers are binary floats and this one is not a whole number of at "
                'most 2^53: write it as a string, such as "12.34"'
            )
        return int(number)
    if kind == "bool_value":
        return bool(value.bool_value)
    if kind == "list_value":
        return [
            json_value(element, f"{path}[{index}]")
            for index, element in enumerate(value.list_value.values)
        ]
    if kind == "struct_value":
        return {
            key: json_value(element, f"{path}.{key}")
            for key, element in value.struct_value.fields.items()
        }
    return None

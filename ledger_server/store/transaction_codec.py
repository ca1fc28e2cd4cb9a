"""A transaction as it is stored and sent: built once, serialised once."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from ledger_proto.v1 import events_pb2, transactions_pb2
from ledger_server.domain.replay import Recorded
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import Draft, Posting, RequestField
from ledger_server.store.codec import timestamp

#: Number of `ledger.v1.Event.journal_posted`, the type of a posting's event.
JOURNAL_POSTED: int = events_pb2.Event.JOURNAL_POSTED_FIELD_NUMBER


def amount(value: Decimal) -> str:
    """Write an amount in plain form, with the decimals that it carries."""
    return format(value, "f")


def draft_message(draft: Draft) -> transactions_pb2.Transaction:
    """Encode a draft: a transaction without sequence, record time and balances after."""
    command = draft.command
    message = transactions_pb2.Transaction(
        id=str(command.transaction_id),
        template_code=command.template_code,
        template_version=draft.template_version,
        effective_date=draft.effective.isoformat(),
        description=draft.description,
        external_id=draft.external_id,
        correlation_id=draft.correlation_id,
        params=command.params_as_given,  # type: ignore[arg-type]  # the Struct as it came
    )
    if draft.metadata:
        message.metadata.update(draft.metadata)
    requested = command.requested()
    if requested:
        message.requested.extend(requested)  # type: ignore[arg-type]  # same numbers
    add: Any = message.entries.add
    for entry in draft.entries:
        add(
            account_id=str(entry.key.account_id),
            account_code=entry.account_code,
            direction=entry.direction,
            layer=entry.layer,
            units=amount(entry.units),
            currency=entry.key.currency,
        )
    return message


def posting_message(posting: Posting) -> transactions_pb2.Transaction:
    """Encode a posting as it is stored: without sequence and record time."""
    message = draft_message(posting.draft)
    for entry, leg, after in zip(
        message.entries, posting.draft.entries, posting.balances_after, strict=True
    ):
        balance = entry.balance_after
        # A side that was never used is a bare 0; it takes the decimals of its currency too.
        balance.debit = amount(after.debit or leg.units - leg.units)
        balance.credit = amount(after.credit or leg.units - leg.units)
        balance.version = after.version
    return message


def event_payload(transaction: transactions_pb2.Transaction, actor: str) -> bytes:
    """Return the bytes of a posting's event."""
    event = events_pb2.Event(actor=actor)
    event.journal_posted.transaction.CopyFrom(transaction)
    return event.SerializeToString()


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
    return stamp(event.journal_posted.transaction, sequence, recorded_at)


def recorded(transaction: transactions_pb2.Transaction) -> Recorded:
    """Return the request behind a transaction, as far as its record tells it."""
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
        record=transaction,
    )


def struct_values(struct: Any) -> dict[str, Json]:
    """Return what a Struct holds.

    Raises:
        ValueError: a number with a fraction, or beyond what a double holds exactly; the message
            begins with the path to it.
    """
    return {name: json_value(value, name) for name, value in struct.fields.items()}


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

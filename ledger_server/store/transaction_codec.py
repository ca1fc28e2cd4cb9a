"""A transaction as it is stored and sent: built once, serialised once."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from ledger_proto.v1 import events_pb2, transactions_pb2
from ledger_server.domain.books import Posting
from ledger_server.domain.hold import HoldStatus
from ledger_server.domain.primitives import EXACT, Direction, Layer
from ledger_server.domain.replay import Recorded
from ledger_server.domain.template import Json
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, Kind, RequestField
from ledger_server.store.codec import StoredEvent, personal_part, timestamp
from ledger_server.store.wire import field, tag

#: The fact of an event for what its transaction does.
_FACTS: Final[Mapping[Kind, Any]] = {
    Kind.POSTING: "journal_posted",
    Kind.HOLD: "hold_created",
    Kind.CAPTURE: "hold_captured",
    Kind.RELEASE: "hold_released",
    Kind.EXPIRY: "hold_expired",
    Kind.REVERSAL: "transaction_reversed",
    Kind.CLOSING: "journal_posted",
}
_FACT_NUMBERS: Final = {
    kind: events_pb2.Event.DESCRIPTOR.fields_by_name[fact].number for kind, fact in _FACTS.items()
}
_FACT_TAGS: Final = {kind: tag(number) for kind, number in _FACT_NUMBERS.items()}
#: Of the transaction in every fact.
_TRANSACTION_TAG: Final = tag(events_pb2.JournalPosted.TRANSACTION_FIELD_NUMBER)
_DESCRIPTION_TAG: Final = tag(transactions_pb2.Transaction.DESCRIPTION_FIELD_NUMBER)
_PARAMS_TAG: Final = tag(transactions_pb2.Transaction.PARAMS_FIELD_NUMBER)


def amount(value: Decimal) -> str:
    """Write an amount in plain form, with the decimals that it carries."""
    return format(value, "f")


def draft_message(draft: Draft, entries: Sequence[DraftEntry]) -> transactions_pb2.Transaction:
    """Encode a draft: a transaction without sequence, record time and balances after."""
    message = transactions_pb2.Transaction()
    _fill_head(message, draft)
    message.MergeFromString(_personal_fields(draft))
    for entry in entries:
        _add_entry(message.entries.add, entry)
    return message


def _personal_fields(draft: Draft) -> bytes:
    """Return the fields of a transaction that may be personal, as bytes; empty if none is set.

    Put together by hand: the params as they came are encoded once and copied nowhere.
    """
    fields = b""
    if draft.description:
        fields = field(_DESCRIPTION_TAG, draft.description.encode())
    if draft.command.params_as_given is not None:
        params = draft.command.params_as_given.SerializeToString()  # type: ignore[attr-defined]  # the Struct as it came
        if params:
            fields += field(_PARAMS_TAG, params)
    if draft.metadata:
        fields += transactions_pb2.Transaction(metadata=draft.metadata).SerializeToString()
    return fields


def _fill_head(message: transactions_pb2.Transaction, draft: Draft) -> None:
    command = draft.command
    message.id = str(command.transaction_id)
    message.kind = command.kind.value  # type: ignore[assignment]  # same numbers
    message.template_code = command.template_code
    message.template_version = draft.template_version
    message.effective_date = draft.effective.isoformat()
    message.external_id = draft.external_id
    message.correlation_id = draft.correlation_id
    if command.kind not in {Kind.POSTING, Kind.CLOSING}:
        if command.hold_id is not None:
            message.hold_id = str(command.hold_id)
        elif command.reverses is not None:
            message.reverses = str(command.reverses)
        else:
            message.hold_id = message.id
    requested = command.requested()
    if requested:
        message.requested.extend(requested)  # type: ignore[arg-type]  # same numbers


def _add_entry(add: Any, entry: DraftEntry) -> transactions_pb2.Entry:
    leg: transactions_pb2.Entry = add(
        account_id=str(entry.key.account_id),
        account_code=entry.account_code,
        direction=entry.direction,
        layer=entry.layer,
        units=amount(entry.units),
        currency=entry.key.currency,
    )
    return leg


def event_transaction(event: events_pb2.Event) -> transactions_pb2.Transaction:
    """Return the transaction of an event, as it is stored."""
    transaction: transactions_pb2.Transaction = _fact(event).transaction
    return transaction


def _fact(event: events_pb2.Event) -> Any:
    fact = event.WhichOneof("fact")
    assert fact is not None, "an event states a fact"
    assert fact in _FACTS.values(), f"{fact} holds no transaction"
    return getattr(event, fact)


def posting_event(
    posting: Posting, actor: str, salt: bytes
) -> tuple[StoredEvent, transactions_pb2.Transaction]:
    """Return the event of a posting as it is stored, and the transaction that it holds, whole.

    The transaction is built inside the event, for a copy costs as much as building it.

    Args:
        posting: as decided.
        actor: who asked for it.
        salt: `codec.SALT_BYTES` random bytes, for this event alone.
    """
    event = events_pb2.Event(actor=actor)
    kind = posting.draft.command.kind
    fact = getattr(event, _FACTS[kind])
    transaction: transactions_pb2.Transaction = fact.transaction
    _fill_head(transaction, posting.draft)
    add: Any = transaction.entries.add
    for entry, after in zip(posting.entries, posting.balances_after, strict=True):
        balance = _add_entry(add, entry).balance_after
        # A side that was never used is a bare 0; it takes the decimals of its currency too.
        balance.debit = amount(after.debit or EXACT.subtract(entry.units, entry.units))
        balance.credit = amount(after.credit or EXACT.subtract(entry.units, entry.units))
        balance.version = after.version
    if kind is Kind.HOLD and posting.draft.command.expire_at is not None:
        fact.expire_time.CopyFrom(timestamp(posting.draft.command.expire_at))
    if kind is Kind.CAPTURE:
        assert posting.hold_step is not None, "a capture changes its hold"
        fact.ended = posting.hold_step.hold.status is not HoldStatus.OPEN
    payload = event.SerializeToString()
    fields = _personal_fields(posting.draft)
    if not fields:
        return StoredEvent(_FACT_NUMBERS[kind], payload), transaction
    transaction.MergeFromString(fields)
    personal = personal_part(salt, field(_FACT_TAGS[kind], field(_TRANSACTION_TAG, fields)))
    return StoredEvent(_FACT_NUMBERS[kind], payload, personal), transaction


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

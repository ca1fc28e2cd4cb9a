"""A posted transaction as bytes: encoded once, stored in its event and sent in its answer.

The contract's own messages would have it built as objects, copied and serialised twice: a quarter
of what a posting costs. The fields are put together here in the order of their numbers, so the
bytes are those of the serialised message; a test holds the two together.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from ledger_proto.v1 import events_pb2
from ledger_proto.v1.transactions_pb2 import BalanceAfter as BalanceMessage
from ledger_proto.v1.transactions_pb2 import Entry, Transaction
from ledger_server.domain.books import Posting
from ledger_server.domain.hold import HoldStatus
from ledger_server.domain.primitives import EXACT, Direction, Layer
from ledger_server.domain.transaction import BalanceAfter, Draft, DraftEntry, Kind, RequestField
from ledger_server.store.codec import StoredEvent, personal_part, timestamp
from ledger_server.store.wire import (
    CHARS,
    SMALL_CHARS,
    chars,
    field,
    number_tag,
    tag,
    varint,
    varint_chars,
)

#: The fact of an event for what its transaction does.
FACTS: Final[Mapping[Kind, str]] = {
    Kind.POSTING: "journal_posted",
    Kind.HOLD: "hold_created",
    Kind.CAPTURE: "hold_captured",
    Kind.RELEASE: "hold_released",
    Kind.EXPIRY: "hold_expired",
    Kind.REVERSAL: "transaction_reversed",
    Kind.CLOSING: "journal_posted",
}
_FACT_NUMBERS: Final = {
    kind: events_pb2.Event.DESCRIPTOR.fields_by_name[fact].number for kind, fact in FACTS.items()
}
_FACT_TAGS: Final = {kind: tag(number) for kind, number in _FACT_NUMBERS.items()}
_ACTOR: Final = tag(events_pb2.Event.ACTOR_FIELD_NUMBER)
#: Of the transaction in every fact, and in every answer.
TRANSACTION: Final = tag(events_pb2.JournalPosted.TRANSACTION_FIELD_NUMBER)

# What is put together from many short parts is so as a text of which each character is a byte: an
# f-string takes half the time of a join of bytes.
_ID: Final = chars(tag(Transaction.ID_FIELD_NUMBER))
_SEQUENCE: Final = number_tag(Transaction.SEQUENCE_FIELD_NUMBER)
_TEMPLATE_CODE: Final = chars(tag(Transaction.TEMPLATE_CODE_FIELD_NUMBER))
_TEMPLATE_VERSION: Final = chars(number_tag(Transaction.TEMPLATE_VERSION_FIELD_NUMBER))
_EFFECTIVE_DATE: Final = chars(tag(Transaction.EFFECTIVE_DATE_FIELD_NUMBER))
_RECORD_TIME: Final = tag(Transaction.RECORD_TIME_FIELD_NUMBER)
_DESCRIPTION: Final = tag(Transaction.DESCRIPTION_FIELD_NUMBER)
_EXTERNAL_ID: Final = chars(tag(Transaction.EXTERNAL_ID_FIELD_NUMBER))
_CORRELATION_ID: Final = chars(tag(Transaction.CORRELATION_ID_FIELD_NUMBER))
_PARAMS: Final = tag(Transaction.PARAMS_FIELD_NUMBER)
_ENTRIES: Final = chars(tag(Transaction.ENTRIES_FIELD_NUMBER))
_REQUESTED: Final = chars(tag(Transaction.REQUESTED_FIELD_NUMBER))
_KIND: Final = chars(number_tag(Transaction.KIND_FIELD_NUMBER))
_HOLD_ID: Final = chars(tag(Transaction.HOLD_ID_FIELD_NUMBER))
_REVERSES: Final = chars(tag(Transaction.REVERSES_FIELD_NUMBER))

_ACCOUNT_ID: Final = chars(tag(Entry.ACCOUNT_ID_FIELD_NUMBER))
_ACCOUNT_CODE: Final = chars(tag(Entry.ACCOUNT_CODE_FIELD_NUMBER))
_DIRECTION: Final = chars(number_tag(Entry.DIRECTION_FIELD_NUMBER))
_LAYER: Final = chars(number_tag(Entry.LAYER_FIELD_NUMBER))
_UNITS: Final = chars(tag(Entry.UNITS_FIELD_NUMBER))
_CURRENCY: Final = chars(tag(Entry.CURRENCY_FIELD_NUMBER))
_BALANCE_AFTER: Final = chars(tag(Entry.BALANCE_AFTER_FIELD_NUMBER))
_DEBIT: Final = chars(tag(BalanceMessage.DEBIT_FIELD_NUMBER))
_CREDIT: Final = chars(tag(BalanceMessage.CREDIT_FIELD_NUMBER))
_VERSION: Final = chars(number_tag(BalanceMessage.VERSION_FIELD_NUMBER))


#: The fields of the two numbers of an entry and the tag after them, by these numbers.
_SIDES: Final = {
    direction: {
        layer: f"{_DIRECTION}{varint_chars(direction)}{_LAYER}{varint_chars(layer)}{_UNITS}"
        for layer in Layer
    }
    for direction in Direction
}

_joined: Final = b"".join


@dataclasses.dataclass(slots=True)
class EncodedPosting:
    """A posting as its event stores it, and the parts of its transaction."""

    event: StoredEvent
    #: The transaction without sequence, record time and personal fields.
    open_fields: bytes
    #: Description, params, metadata.
    personal_fields: bytes

    def transaction(self, sequence: int, record_time: bytes) -> bytes:
        """Return the transaction whole, as it is answered.

        Args:
            sequence: its place.
            record_time: from `record_time_field`; a batch shares one.
        """
        return _joined(
            (_SEQUENCE, varint(sequence), record_time, self.open_fields, self.personal_fields)
        )


def record_time_field(recorded_at: datetime) -> bytes:
    """Return the field `record_time` of a transaction."""
    return field(_RECORD_TIME, timestamp(recorded_at).SerializeToString())


def amount(value: Decimal) -> str:
    """Write an amount in plain form, with the decimals that it carries."""
    text = str(value)
    # `str` is twice as fast, and plain but for what is very small.
    return format(value, "f") if "E" in text else text


def posting_event(posting: Posting, actor: str, salt: bytes) -> EncodedPosting:
    """Encode a posting.

    Args:
        posting: as decided.
        actor: who asked for it.
        salt: `codec.SALT_BYTES` random bytes, for this event alone.
    """
    draft = posting.draft
    kind = draft.command.kind
    fact_tag = _FACT_TAGS[kind]
    open_fields = transaction_fields(draft, posting.entries, posting.balances_after)
    fact = field(TRANSACTION, open_fields)
    if kind is not Kind.POSTING:
        fact += _rest_of_fact(posting)
    payload = field(fact_tag, fact)
    if actor:
        payload = field(_ACTOR, actor.encode()) + payload
    personal_fields = personal_transaction_fields(draft)
    personal = (
        personal_part(salt, field(fact_tag, field(TRANSACTION, personal_fields)))
        if personal_fields
        else None
    )
    return EncodedPosting(
        StoredEvent(_FACT_NUMBERS[kind], payload, personal), open_fields, personal_fields
    )


def _rest_of_fact(posting: Posting) -> bytes:
    """Return the fields of a fact beside its transaction."""
    command = posting.draft.command
    if command.kind is Kind.HOLD and command.expire_at is not None:
        placed = events_pb2.HoldCreated(expire_time=timestamp(command.expire_at))
        return placed.SerializeToString()
    if command.kind is Kind.CAPTURE:
        assert posting.hold_step is not None, "a capture changes its hold"
        has_ended = posting.hold_step.hold.status is not HoldStatus.OPEN
        return events_pb2.HoldCaptured(ended=has_ended).SerializeToString()
    return b""


def transaction_fields(
    draft: Draft, entries: Sequence[DraftEntry], balances_after: Sequence[BalanceAfter | None]
) -> bytes:
    """Return a transaction without sequence, record time and personal fields.

    Args:
        draft: what was asked for.
        entries: what it came to.
        balances_after: of each entry, None while it is not known.
    """
    command = draft.command
    transaction_id = _text(_ID, str(command.transaction_id))
    fields = [
        transaction_id,
        _template(command.template_code, draft.template_version),
        _effective_date(draft.effective),
    ]
    if draft.external_id:
        fields.append(_text(_EXTERNAL_ID, draft.external_id))
    if draft.correlation_id:
        fields.append(_text(_CORRELATION_ID, draft.correlation_id))
    fields.extend(map(_entry, entries, balances_after))
    if requested := command.requested():
        fields.append(_requested(tuple(requested)))
    kind = command.kind
    fields += (_KIND, SMALL_CHARS[kind])
    if kind is not Kind.POSTING and kind is not Kind.CLOSING:
        if command.hold_id is not None:
            fields.append(_text(_HOLD_ID, str(command.hold_id)))
        elif command.reverses is not None:
            fields.append(_text(_REVERSES, str(command.reverses)))
        else:
            fields.append(_text(_HOLD_ID, str(command.transaction_id)))
    return "".join(fields).encode(CHARS)


def personal_transaction_fields(draft: Draft) -> bytes:
    """Return the fields of a transaction that may be personal; empty if none is set."""
    fields = field(_DESCRIPTION, draft.description.encode()) if draft.description else b""
    given: Any = draft.command.params_as_given
    if given is not None and (params := given.SerializeToString()):
        fields += field(_PARAMS, params)
    if draft.metadata:
        fields += Transaction(metadata=draft.metadata).SerializeToString()
    return fields


def _entry(entry: DraftEntry, after: BalanceAfter | None) -> str:
    """Return one entry. Its parts are bounded, far below the numbers of `SMALL_CHARS`."""
    (account_id, currency), account_code, direction, layer, amount_of = entry
    size = SMALL_CHARS
    units = amount(amount_of)
    head = (
        f"{_account(account_id, account_code)}{_SIDES[direction][layer]}"
        f"{size[len(units)]}{units}{_currency(currency)}"
    )
    if after is None:
        return f"{_ENTRIES}{size[len(head)]}{head}"
    debit_sum, credit_sum, version = after
    # A side that was never used is a bare 0; it takes the decimals of its currency too.
    debit = amount(debit_sum or EXACT.subtract(amount_of, amount_of))
    credit = amount(credit_sum or EXACT.subtract(amount_of, amount_of))
    balance = (
        f"{_DEBIT}{size[len(debit)]}{debit}{_CREDIT}{size[len(credit)]}{credit}"
        f"{_VERSION}{varint_chars(version)}"
    )
    fields = f"{head}{_BALANCE_AFTER}{size[len(balance)]}{balance}"
    return f"{_ENTRIES}{size[len(fields)]}{fields}"


def _text(field_tag: str, text: str) -> str:
    """Return a field, as a text of its bytes."""
    if not text.isascii():
        text = chars(text.encode())
    return f"{field_tag}{varint_chars(len(text))}{text}"


@lru_cache(maxsize=65_536)
def _account(account_id: UUID, code: str) -> str:
    return _text(_ACCOUNT_ID, str(account_id)) + _text(_ACCOUNT_CODE, code)


@lru_cache(maxsize=1_024)
def _currency(code: str) -> str:
    return _text(_CURRENCY, code)


@lru_cache(maxsize=1_024)
def _requested(given: tuple[RequestField, ...]) -> str:
    return _text(_REQUESTED, "".join(map(chr, given)))


@lru_cache(maxsize=1_024)
def _template(code: str, version: int) -> str:
    return _text(_TEMPLATE_CODE, code) + _TEMPLATE_VERSION + varint_chars(version)


@lru_cache(maxsize=4_096)
def _effective_date(day: date) -> str:
    return _text(_EFFECTIVE_DATE, day.isoformat())

"""An example of each event, made from the contract: what the documents show."""

from typing import Any, Final
from uuid import UUID

from google.protobuf import struct_pb2, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from ledger_client.convert import events
from ledger_client.models import Event
from ledger_proto.v1 import events_pb2

JOURNAL: Final = UUID("01938d3c-2f00-7a51-8b1e-3d5f7a9c0001")
SEQUENCE: Final = 4711
TIME: Final = "2026-05-18T10:30:00.000250Z"

#: By the end of a field's name; ids are made to differ by what they are of.
_TEXTS: Final = {
    "account_code": "assets:bank:checking",
    "account_id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0010",
    "account_ids": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0010",
    "account_set_id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0020",
    "actor": "payments",
    "amount_max": "1000.00",
    "available_min": "0",
    "base": "BTC",
    "closed_through": "2026-04-30",
    "condition": "",
    "correlation_id": "order-20260518-17",
    "credit": "0",
    "currency": "USD",
    "debit": "112.50",
    "description": "Invoice 17",
    "effective_date": "2026-05-18",
    "expense": "900.00",
    "external_id": "invoice-17",
    "first_day": "2025-01-01",
    "hold_id": "",
    "last_day": "2025-12-31",
    "limit": "NO_OVERDRAFT",
    "locked_through": "2026-05-15",
    "member_set_ids": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0021",
    "net_income": "350.00",
    "quote": "USD",
    "rate": "64250.5",
    "reason": "month end",
    "retained_earnings_account_code": "equity:retained",
    "retained_earnings_account_id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0011",
    "revenue": "1250.00",
    "reverses": "",
    "source": "ECB",
    "template_code": "TRANSFER",
    "time_zone": "America/Bogota",
    "transaction_id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0030",
    "transaction_ids": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0031",
    "units": "12.50",
}
_OF_A_KIND: Final = {
    "Account.code": "assets:bank:checking",
    "Account.id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0010",
    "Account.name": "Checking",
    "AccountSet.code": "assets",
    "AccountSet.id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0020",
    "AccountSet.name": "Assets",
    "Currency.code": "USD",
    "EntryDefinition.account": "params.from",
    "EntryDefinition.currency": "params.currency",
    "EntryDefinition.direction": "CREDIT",
    "EntryDefinition.for_each": "",
    "EntryDefinition.layer": "SETTLED",
    "EntryDefinition.units": "params.amount",
    "EntryDefinition.when": "",
    "FiscalYear.code": "2025",
    "Journal.code": "MAIN",
    "Journal.id": str(JOURNAL),
    "Journal.name": "Main books",
    "Limit.code": "NO_OVERDRAFT",
    "Limit.name": "No overdraft",
    "Param.description": "How much moves",
    "Param.name": "amount",
    "Transaction.id": "01938d3c-2f00-7a51-8b1e-3d5f7a9c0030",
    "TransactionFields.correlation_id": "",
    "TransactionFields.description": "",
    "TransactionFields.effective_date": "",
    "TransactionFields.external_id": "",
    "TransactionFields.metadata": "",
    "TxTemplate.code": "TRANSFER",
    "TxTemplate.description": "Moves money",
}
_NUMBERS: Final = {"exponent": 2, "version": 3, "template_version": 1, "sequence": SEQUENCE}
#: What is filled only elsewhere than in events.
_LEFT_OUT: Final = {"Transaction.reversed_by", "Transaction.requested", "Param.default_value"}


def example(fact: Any) -> Event:
    """Return an event that states a fact, as the client would hand it over."""
    event = events_pb2.Event(sequence=SEQUENCE, actor="payments")
    event.record_time.FromJsonString(TIME)
    _fill(getattr(event, fact.name))
    if fact.name == "account_locked":
        event.account_locked.account.lock_allows_hold_ends = True
    return events.event(event)


def _fill(message: Message) -> None:
    message.SetInParent()
    for field in message.DESCRIPTOR.fields:
        name = f"{message.DESCRIPTOR.name}.{field.name}"
        if name in _LEFT_OUT or _has_another_choice(message, field):
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            getattr(message, field.name)["channel"] = "web"
        elif field.message_type and field.is_repeated:
            _fill(getattr(message, field.name).add())
        elif field.message_type:
            _fill_message(getattr(message, field.name))
        elif field.is_repeated:
            getattr(message, field.name).append(_value(name, field))
        else:
            setattr(message, field.name, _value(name, field))


def _has_another_choice(message: Message, field: Any) -> bool:
    choice = field.containing_oneof
    return choice is not None and message.WhichOneof(choice.name) is not None


def _fill_message(message: Any) -> None:
    match message:
        case timestamp_pb2.Timestamp():
            message.FromJsonString(TIME)
        case struct_pb2.Struct():
            message.update({"amount": "12.50", "currency": "USD"})
        case _:
            _fill(message)


def _value(name: str, field: Any) -> Any:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return _OF_A_KIND[name] if name in _OF_A_KIND else _TEXTS[field.name]
        case FieldDescriptor.TYPE_ENUM:
            return field.enum_type.values[1].number
        case FieldDescriptor.TYPE_BOOL:
            return False
    return _NUMBERS.get(field.name, SEQUENCE)

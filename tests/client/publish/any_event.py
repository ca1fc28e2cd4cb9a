"""Events with any content that the contract allows, for properties of what is made of them."""

import datetime as dt
import math
from typing import Any
from uuid import UUID

from google.protobuf import struct_pb2, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

from dev.event_schemas import AMOUNTS
from ledger_client.convert.events import type_of
from ledger_client.models import Event
from ledger_proto.v1 import events_pb2

JOURNAL = UUID("0192b7a0-1111-7000-8000-000000000001")

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
AMOUNT_TEXT = st.decimals(-(10**38), 10**38, allow_nan=False, places=4).map("{:f}".format)
SEQUENCES = st.integers(1, 2**63 - 1)
TIMES = st.builds(
    timestamp_pb2.Timestamp,
    seconds=st.integers(0, 4_000_000_000),
    nanos=st.integers(0, 999_999).map(lambda micros: micros * 1000),
)
#: Any JSON, as the contract holds it.
JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=5,
)

FACTS = list(events_pb2.Event.DESCRIPTOR.oneofs_by_name["fact"].fields)


def facts(draw: st.DrawFn, descriptor: Any, *, outer: bool = False) -> Message:
    """Draw a message of a type; each field may be left as it is.

    But for amounts, and for what a fact is about: these are always there.
    """
    message = GetMessageClass(descriptor)()
    for field in descriptor.fields:
        needed = field.full_name in AMOUNTS or (outer and field.number == 1)
        if not needed and not draw(st.booleans()):
            continue
        if field.message_type and field.message_type.GetOptions().map_entry:
            getattr(message, field.name).update(draw(st.dictionaries(TEXT, TEXT, max_size=3)))
        elif field.is_repeated:
            count = draw(st.integers(0, 2))
            getattr(message, field.name).extend(value(draw, field) for _ in range(count))
        elif field.message_type:
            getattr(message, field.name).CopyFrom(value(draw, field))
        else:
            setattr(message, field.name, value(draw, field))
    return message


def value(draw: st.DrawFn, field: Any) -> Any:
    match field.type:
        case FieldDescriptor.TYPE_STRING:
            return draw(AMOUNT_TEXT if field.full_name in AMOUNTS else TEXT)
        case FieldDescriptor.TYPE_BOOL:
            return draw(st.booleans())
        case FieldDescriptor.TYPE_INT32:
            return draw(st.integers(-(2**31), 2**31 - 1))
        case FieldDescriptor.TYPE_INT64:
            return draw(st.integers(-(2**63), 2**63 - 1))
        case FieldDescriptor.TYPE_ENUM:
            return draw(st.sampled_from([one.number for one in field.enum_type.values]))
        case FieldDescriptor.TYPE_MESSAGE:
            return _message(draw, field.message_type)
    raise AssertionError(f"no strategy for {field.full_name}: amounts are never floats")


def _message(draw: st.DrawFn, descriptor: Any) -> Message:
    match descriptor.full_name:
        case "google.protobuf.Timestamp":
            return draw(TIMES)
        case "google.protobuf.Struct":
            struct = struct_pb2.Struct()
            struct.update(draw(st.dictionaries(TEXT, JSON, max_size=3)))
            return struct
        case "google.protobuf.Value":
            struct = struct_pb2.Struct()
            struct.update({"it": draw(JSON)})
            return struct.fields["it"]
    return facts(draw, descriptor)


@st.composite
def any_event(draw: st.DrawFn) -> Event:
    """Draw an event of any type. Its typed fact is left empty: nothing here reads it."""
    field = draw(st.sampled_from(FACTS))
    message = events_pb2.Event(sequence=draw(SEQUENCES), record_time=draw(TIMES))
    getattr(message, field.name).CopyFrom(facts(draw, field.message_type, outer=True))
    return of_message(message)


def of_message(message: events_pb2.Event) -> Event:
    return Event(
        sequence=message.sequence,
        record_time=message.record_time.ToDatetime(tzinfo=dt.UTC),
        actor=message.actor,
        type=type_of(message),
        fact={},
        message=message,
    )


def numbers(value: Any) -> list[int | float]:
    """Return all numbers of a JSON value."""
    if isinstance(value, dict):
        return [number for item in value.values() for number in numbers(item)]
    if isinstance(value, list):
        return [number for item in value for number in numbers(item)]
    if isinstance(value, int | float) and not isinstance(value, bool):
        assert math.isfinite(value)
        return [value]
    return []

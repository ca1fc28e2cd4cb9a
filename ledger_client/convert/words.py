"""The small words of messages, as callers have them."""

import datetime as dt

from google.protobuf import message, timestamp_pb2

from ledger_client import models
from ledger_proto.v1 import common_pb2


def direction(received: common_pb2.Direction.ValueType) -> models.Direction:
    """Return a side."""
    return models.Direction(common_pb2.Direction.Name(received).removeprefix("DIRECTION_"))


def layer(received: common_pb2.Layer.ValueType) -> models.Layer:
    """Return a layer."""
    return models.Layer(common_pb2.Layer.Name(received).removeprefix("LAYER_"))


def instant(received: timestamp_pb2.Timestamp) -> dt.datetime:
    """Return an instant, in UTC."""
    return received.ToDatetime(tzinfo=dt.UTC)


def optional_instant(received: message.Message, field: str) -> dt.datetime | None:
    """Return an instant of a message, None if it is not set."""
    return instant(getattr(received, field)) if received.HasField(field) else None


def optional_date(text: str) -> dt.date | None:
    """Return a civil date, None for an empty text."""
    return dt.date.fromisoformat(text) if text else None

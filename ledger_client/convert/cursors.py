"""Cursors from messages."""

from ledger_client import models
from ledger_client.convert import words
from ledger_proto.v1 import cursors_pb2 as pb


def cursor(received: pb.Cursor) -> models.Cursor:
    """Return a cursor."""
    return models.Cursor(
        name=received.name,
        position=received.position,
        holder=received.holder,
        lease_expire_time=words.optional_instant(received, "lease_expire_time"),
        update_time=words.instant(received.update_time),
    )


def holding(received: pb.AcquireCursorResponse) -> models.CursorHolding:
    """Return a cursor that was acquired."""
    return models.CursorHolding(cursor=cursor(received.cursor), token=received.token)

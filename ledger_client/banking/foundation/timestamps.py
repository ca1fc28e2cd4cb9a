"""Times as the contract's messages, and back."""

import datetime as dt

from google.protobuf.timestamp_pb2 import Timestamp

from ledger_client.banking.foundation.errors import FieldInvalidError


def timestamp_of(time: dt.datetime | None) -> Timestamp | None:
    """Return a time as a message; None, which leaves a field unset, for none."""
    if time is None:
        return None
    message = Timestamp()
    message.FromDatetime(time)
    return message


def time_of(field: str, message: Timestamp) -> dt.datetime:
    """Return a time of a request in UTC, in whole microseconds.

    Raises:
        FieldInvalidError: it is outside of the years 1 to 9999.
    """
    try:
        return message.ToDatetime(tzinfo=dt.UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalidError(field, "must be a time in the years 1 to 9999") from error

"""Reads fields of requests: what is not in its form is refused by the field's name."""

import datetime as dt
import enum
import re
from collections.abc import Mapping
from typing import Final, TypeVar

from google.protobuf.duration_pb2 import Duration

from ledger_client.banking.customer.deliveries import APPLICANT_ID
from ledger_client.banking.foundation.errors import FieldInvalidError

E = TypeVar("E", bound=enum.Enum)
#: A number of one enum of the contract.
N = TypeVar("N", bound=int)

EMAIL_CHARACTERS_MAX: Final = 254
FILENAME_CHARACTERS_MAX: Final = 200
CONTENT_BYTES_MAX: Final = 3 * 1024 * 1024
TTL_DEFAULT: Final = dt.timedelta(minutes=5)
TTL_MAX: Final = dt.timedelta(hours=1)

# What is before the `@` and after it, without blanks; the rest only the address's own server knows.
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@.]+(\.[^\s@.]+)*")


def text_of(field: str, value: str, *, characters_max: int, is_required: bool = True) -> str:
    """Read a text of one line."""
    if not value and not is_required:
        return value
    if not value.strip():
        raise FieldInvalidError(field, "is required")
    if len(value) > characters_max:
        raise FieldInvalidError(field, f"must have at most {characters_max} characters")
    if not value.isprintable():
        raise FieldInvalidError(field, "must have no control characters")
    return value


def email_of(value: str) -> str:
    """Read an e-mail address."""
    text_of("email", value, characters_max=EMAIL_CHARACTERS_MAX)
    if not _EMAIL.fullmatch(value):
        raise FieldInvalidError("email", "must be an address such as ana@example.com")
    return value


def applicant_id_of(value: str) -> str:
    """Read the id of an applicant."""
    if not APPLICANT_ID.fullmatch(value):
        raise FieldInvalidError("applicant_id", "must be 1 to 64 letters, digits, - and _")
    return value


def filename_of(value: str) -> str:
    """Read the name of a file, which must be none on its own."""
    text_of("filename", value, characters_max=FILENAME_CHARACTERS_MAX)
    if value in {".", ".."} or set(value) & set('/\\"'):
        raise FieldInvalidError("filename", 'must be a name without /, \\ and "')
    return value


def content_of(value: bytes) -> bytes:
    """Read the content of a document."""
    if not value:
        raise FieldInvalidError("content", "is required")
    if len(value) > CONTENT_BYTES_MAX:
        raise FieldInvalidError("content", f"must have at most {CONTENT_BYTES_MAX} bytes")
    return value


def ttl_of(value: Duration | None) -> dt.timedelta:
    """Read how long a link is valid; None takes the default."""
    if value is None:
        return TTL_DEFAULT
    seconds_max = int(TTL_MAX.total_seconds())
    if value.nanos or not 1 <= value.seconds <= seconds_max:
        raise FieldInvalidError("ttl", f"must be 1 to {seconds_max} whole seconds")
    return dt.timedelta(seconds=value.seconds)


def choice_of(field: str, value: N, choices: Mapping[N, E]) -> E:
    """Read a value of an enum that must be given."""
    if value not in choices:
        raise FieldInvalidError(field, "is required" if value == 0 else "is not known")
    return choices[value]


def filter_of(field: str, value: N, choices: Mapping[N, E]) -> str:
    """Read a value of an enum that a list is filtered by; empty for none."""
    return str(choice_of(field, value, choices).value) if value else ""

"""Fields of requests, decoded one by one: each rule of form is written here once."""

import json
import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final, TypeVar
from uuid import UUID

from google.protobuf.json_format import MessageToDict, SerializeToJsonError
from google.protobuf.message import Message
from google.protobuf.timestamp_pb2 import Timestamp

from ledger_server.api.paging import PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX
from ledger_server.application.mutation import Answer, Request
from ledger_server.domain.account import AccountCategory
from ledger_server.domain.errors import FieldInvalidError
from ledger_server.domain.primitives import Direction, is_uuid
from ledger_server.store.database import uuid_of

#: What one line on a screen and one index entry can take.
CODE_LENGTH_MAX: Final = 255
NAME_LENGTH_MAX: Final = 255
ID_LENGTH_MAX: Final = 255
REQUEST_ID_LENGTH_MAX: Final = 64
DESCRIPTION_LENGTH_MAX: Final = 1_024
METADATA_KEYS_MAX: Final = 64
METADATA_KEY_LENGTH_MAX: Final = 64
METADATA_VALUE_LENGTH_MAX: Final = 1_024

#: PostgreSQL keeps microseconds; a finer moment would not come back as it was given.
_NANOS_PER_MICRO: Final = 1_000

_CURRENCY = re.compile(r"[A-Z][A-Z0-9._-]{0,15}", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)

A = TypeVar("A", bound=Answer)


def uuid_field(field: str, text: str) -> UUID:
    """Return the UUID written in canonical form."""
    try:
        found = uuid_of(text)
    except ValueError:
        found = None
    # What is written back as it came is canonical; upper case, which is rare, is looked at.
    if found is None or (str(found) != text and not is_uuid(text)):
        raise FieldInvalidError(field, "not a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")
    return found


def optional_uuid_field(field: str, text: str) -> UUID | None:
    """Return the UUID written in canonical form, None for an empty field."""
    return uuid_field(field, text) if text else None


def date_field(field: str, text: str) -> date | None:
    """Return the civil date written as YYYY-MM-DD, None for an empty field."""
    if not text:
        return None
    if not _DATE.fullmatch(text):
        raise FieldInvalidError(field, "not a date such as 2026-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise FieldInvalidError(field, f"no such date: {text}") from error


def moment_field(field: str, moment: Timestamp) -> datetime:
    """Return an instant in microseconds."""
    if moment.nanos % _NANOS_PER_MICRO:
        raise FieldInvalidError(field, "finer than a microsecond")
    try:
        return moment.ToDatetime(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise FieldInvalidError(field, "no such moment") from error


def text_field(field: str, text: str, length_max: int) -> str:
    """Return free text: bounded, printable, without NUL, line breaks and tabs allowed."""
    if len(text) > length_max:
        raise FieldInvalidError(field, f"longer than {length_max} characters")
    if text.isprintable():
        return text
    for character in text:
        if unicodedata.category(character) in {"Cc", "Cs"} and character not in "\n\r\t":
            raise FieldInvalidError(field, f"holds the control character {character!r}")
    return text


def code_field(field: str, text: str) -> str:
    """Return the code of an account or set: printable, no outer blanks, no UUID."""
    if not text:
        raise FieldInvalidError(field, "required")
    if len(text) > CODE_LENGTH_MAX:
        raise FieldInvalidError(field, f"longer than {CODE_LENGTH_MAX} characters")
    if text != text.strip():
        raise FieldInvalidError(field, "begins or ends with a blank")
    if not text.isprintable():
        raise FieldInvalidError(field, "holds a character that cannot be printed")
    if is_uuid(text):
        raise FieldInvalidError(field, "has the form of a UUID, which could name another's id")
    return text


def reference_field(field: str, text: str) -> str:
    """Return a code or id that names something that is there."""
    if not text:
        raise FieldInvalidError(field, "required")
    if len(text) > CODE_LENGTH_MAX or "\0" in text:
        raise FieldInvalidError(field, "not a code or id")
    return text


def currency_field(field: str, text: str) -> str:
    """Return a currency's code: 1 to 16 of `A-Z 0-9 . _ -`, a letter first."""
    if not text:
        raise FieldInvalidError(field, "required")
    if not _CURRENCY.fullmatch(text):
        raise FieldInvalidError(field, "not 1 to 16 of A-Z 0-9 . _ -, a letter first")
    return text


def metadata_field(field: str, metadata: Mapping[str, str]) -> dict[str, str]:
    """Return the caller's own facts, bounded."""
    if len(metadata) > METADATA_KEYS_MAX:
        raise FieldInvalidError(field, f"more than {METADATA_KEYS_MAX} keys")
    for key, value in metadata.items():
        if not key:
            raise FieldInvalidError(field, "holds an empty key")
        text_field(f"{field} key", key, METADATA_KEY_LENGTH_MAX)
        text_field(f"{field}[{key!r}]", value, METADATA_VALUE_LENGTH_MAX)
    return dict(metadata)


def direction_field(field: str, number: int) -> Direction:
    """Return a required side."""
    try:
        return Direction(number)
    except ValueError as error:
        raise FieldInvalidError(field, "required: debit or credit") from error


def category_field(field: str, number: int) -> AccountCategory:
    """Return the category of an account set; unspecified inherits."""
    try:
        return AccountCategory(number)
    except ValueError as error:
        raise FieldInvalidError(field, "not a category of account sets") from error


def page_size_field(
    page_size: int, default: int = PAGE_SIZE_DEFAULT, size_max: int = PAGE_SIZE_MAX
) -> int:
    """Return the rows of a page: 0 takes the default, too many are lowered."""
    if page_size < 0:
        raise FieldInvalidError("page_size", "negative")
    return min(page_size or default, size_max)


def reason_field(text: str) -> str:
    """Return why somebody does what is kept for good; required."""
    if not text.strip():
        raise FieldInvalidError("reason", "required")
    return text_field("reason", text, DESCRIPTION_LENGTH_MAX)


def position_field(field: str, sequence: int) -> int:
    """Return a position of the journal; 0 is the caller's word for now."""
    if sequence < 0:
        raise FieldInvalidError(field, "negative")
    return sequence


def mutation(request: Message, request_id: str, answer: type[A]) -> Request[A]:
    """Return what makes `request` the same request when it comes again."""
    text_field("request_id", request_id, REQUEST_ID_LENGTH_MAX)
    try:
        fields = MessageToDict(request)
    except SerializeToJsonError as error:
        problem = "holds NaN, a timestamp out of range or a field mask that names no field"
        raise FieldInvalidError("request", problem) from error
    name = request.DESCRIPTOR.full_name
    canonical = json.dumps([name, fields], sort_keys=True)
    open_canonical = canonical
    if name in _REQUESTS_WITH_PERSONAL_DATA:
        open_canonical = json.dumps([name, _without_personal(fields)], sort_keys=True)
    return Request(
        request_id=request_id, canonical=canonical, open_canonical=open_canonical, answer=answer
    )


#: Requests that say names and metadata of accounts.
_REQUESTS_WITH_PERSONAL_DATA: Final = frozenset(
    f"ledger.v1.{name}"
    for name in ("CreateAccountRequest", "BatchCreateAccountsRequest", "UpdateAccountRequest")
)
_PERSONAL_FIELDS: Final = frozenset({"name", "metadata"})


def _without_personal(value: Any) -> Any:
    """Return a request as a dictionary without names and metadata, at whatever depth."""
    if isinstance(value, list):
        return [_without_personal(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _without_personal(one) for key, one in value.items() if key not in _PERSONAL_FIELDS
    }

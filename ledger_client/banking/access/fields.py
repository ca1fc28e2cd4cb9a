"""Reads fields of requests; what is wrong is refused with FIELD_INVALID."""

from collections.abc import Collection, Sequence
from typing import Final
from uuid import UUID

from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import uuid_of

EMAIL_LENGTH_MAX: Final = 254
NAME_LENGTH_MAX: Final = 100
SETS_MAX: Final = 200


def uuids_of(field: str, values: Sequence[str], *, count_max: int) -> tuple[UUID, ...]:
    """Return one or more ids, each once, in the order given.

    Raises:
        FieldInvalidError: there are none or too many, or one is no UUID.
    """
    if not 1 <= len(values) <= count_max:
        raise FieldInvalidError(field, f"must have 1 to {count_max} values")
    return tuple(dict.fromkeys(uuid_of(field, value) for value in values))


def text_of(field: str, value: str, *, length_max: int = NAME_LENGTH_MAX) -> str:
    """Return a text, which may be empty.

    Raises:
        FieldInvalidError: it is too long, or not printable, or has blanks at an end.
    """
    if len(value) > length_max:
        raise FieldInvalidError(field, f"must have {length_max} characters or fewer")
    if not value.isprintable():
        raise FieldInvalidError(field, "must be printable characters")
    if value != value.strip():
        raise FieldInvalidError(field, "must not begin or end with a blank")
    return value


def name_of(field: str, value: str) -> str:
    """Return a text that is not empty; refused as by `text_of`."""
    if not value:
        raise FieldInvalidError(field, "must not be empty")
    return text_of(field, value)


def email_of(field: str, value: str) -> str:
    """Return an e-mail address. Whether mail reaches anybody is not looked at.

    Raises:
        FieldInvalidError: it is none.
    """
    text_of(field, value, length_max=EMAIL_LENGTH_MAX)
    local, _, domain = value.rpartition("@")
    if not local or not domain or "@" in local or " " in value:
        raise FieldInvalidError(field, "must be an e-mail address")
    return value


def set_names_of(field: str, values: Sequence[str], *, may_be_empty: bool) -> Collection[str]:
    """Return names of permission sets; whether they are known is for others to say.

    Raises:
        FieldInvalidError: there are none, or too many, or one is no name.
    """
    if len(values) > SETS_MAX or not (values or may_be_empty):
        raise FieldInvalidError(field, f"must have {0 if may_be_empty else 1} to {SETS_MAX} values")
    return frozenset(name_of(field, value) for value in values)

"""Fields of requests, checked one by one."""

import datetime as dt
import enum
import re
import unicodedata
from decimal import Decimal
from typing import Final, TypeVar
from uuid import UUID

from ledger_client.amounts import EXACT, parse_amount
from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.fields import uuid_of

#: JSON readers that know only binary fractions still read whole numbers up to here exactly.
MINOR_UNITS_MAX: Final = 2**53 - 1
REFERENCE_LENGTH_MAX: Final = 255
REASON_LENGTH_MAX: Final = 500

_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
#: Control characters, halves of pairs, and ends of lines and paragraphs.
_REFUSED_CATEGORIES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})

E = TypeVar("E", bound=enum.StrEnum)


def an_optional_id(field: str, text: str) -> UUID | None:
    """Return a UUID, or None for an empty text.

    Raises:
        FieldInvalidError: it is neither.
    """
    return uuid_of(field, text) if text else None


def a_text(field: str, text: str, length_max: int) -> str:
    """Return a text for people, which may be empty.

    Raises:
        FieldInvalidError: it is too long, or has control characters.
    """
    if len(text) > length_max:
        raise FieldInvalidError(field, f"must not be longer than {length_max} characters")
    if any(unicodedata.category(character) in _REFUSED_CATEGORIES for character in text):
        raise FieldInvalidError(field, "must not contain control characters or line breaks")
    return text


def an_amount(field: str, text: str, decimals: int) -> str:
    """Return an amount above zero in whole currency units, with all decimals of the currency.

    Args:
        field: its name, for refusals.
        text: as it was sent.
        decimals: of the currency.

    Raises:
        FieldInvalidError: it is none, or larger than events can say exactly.
    """
    try:
        value = parse_amount(text, exponent=decimals)
    except ValueError as error:
        raise FieldInvalidError(field, str(error)) from error
    minor_units = EXACT.scaleb(value, decimals)
    if minor_units > MINOR_UNITS_MAX:
        raise FieldInvalidError(
            field, f"must not be more than {MINOR_UNITS_MAX} of the currency's smallest units"
        )
    return format(EXACT.scaleb(Decimal(int(minor_units)), -decimals), "f")


def minor_units_of(amount: str, decimals: int) -> int:
    """Return an amount that `an_amount` gave, in the currency's smallest units."""
    return int(EXACT.scaleb(Decimal(amount), decimals))


def an_optional_date(field: str, text: str) -> dt.date | None:
    """Return a day, or None for an empty text.

    Raises:
        FieldInvalidError: it is neither.
    """
    if not text:
        return None
    try:
        if _DATE.fullmatch(text):
            return dt.date.fromisoformat(text)
    except ValueError:
        pass
    raise FieldInvalidError(field, 'must be a day such as "2026-01-31"')


def a_status(field: str, number: int, statuses: type[E]) -> str:
    """Return the status to filter by; empty for unspecified.

    Args:
        field: its name, for refusals.
        number: of the value in the contract, which has the statuses in the same order from 1.
        statuses: all that there are.

    Raises:
        FieldInvalidError: there is none with this number.
    """
    if number == 0:
        return ""
    values = list(statuses)
    if not 0 < number <= len(values):
        raise FieldInvalidError(field, "must be one of the values that the contract names")
    return values[number - 1].value

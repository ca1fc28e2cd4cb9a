"""Reads the fields of requests that all modules have; what is wrong is refused by its name."""

from collections.abc import Mapping
from typing import Final, TypeVar
from uuid import UUID

from ledger_client.banking.foundation.errors import FieldInvalidError
from ledger_client.banking.foundation.request_errors import ModuleUnknownError

T = TypeVar("T")

PAGE_SIZE_DEFAULT: Final = 100
PAGE_SIZE_MAX: Final = 500
#: Of the number in a page token: so many always fit the database's bigint.
_DIGITS_MAX: Final = 18


def uuid_of(field: str, text: str) -> UUID:
    """Return a UUID in its usual form, in any case.

    Raises:
        FieldInvalidError: it is none.
    """
    try:
        found = UUID(text)
    except ValueError:
        found = None
    if found is None or str(found) != text.lower():
        raise FieldInvalidError(field, "must be a UUID")
    return found


def number_of(field: str, number: int, *, default: int, number_max: int) -> int:
    """Return a number from 1 on; 0 takes the default.

    Raises:
        FieldInvalidError: it is negative or too high.
    """
    if not 0 <= number <= number_max:
        raise FieldInvalidError(field, f"must be 0 to {number_max}")
    return number or default


def page_size_of(number: int) -> int:
    """Return how many a page has at most: 0 takes the default, too many are lowered.

    Raises:
        FieldInvalidError: it is negative.
    """
    if number < 0:
        raise FieldInvalidError("page_size", "must not be negative")
    return min(number or PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)


def whole_page_size_of(number: int) -> int:
    """Return how many a page has at most: 0 takes the default.

    The services that all modules share lower nothing in silence, as `page_size_of` does.

    Raises:
        FieldInvalidError: it is negative or too high.
    """
    return number_of("page_size", number, default=PAGE_SIZE_DEFAULT, number_max=PAGE_SIZE_MAX)


def page_start_of(token: str) -> int:
    """Return the number after which a page begins; 0 for the first page.

    Raises:
        FieldInvalidError: no page gave this token.
    """
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= _DIGITS_MAX):
        raise FieldInvalidError("page_token", "must be the next_page_token of a page")
    return int(token)


def module_of(served: Mapping[str, T], name: str) -> T:
    """Return what serves the module that a request names.

    Raises:
        ModuleUnknownError: no such module runs here.
    """
    if name not in served:
        raise ModuleUnknownError(name)
    return served[name]

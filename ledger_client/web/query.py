"""Filters out of an address, and addresses out of filters."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping
from typing import Final, TypeVar
from urllib.parse import quote, urlencode

from starlette.requests import Request

#: The longest text that a filter takes; no code or text of the ledger that is searched is longer.
TEXT_LENGTH_MAX: Final = 1_024
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9]{1,18}", re.ASCII)
_Choice = TypeVar("_Choice", bound=str)


class FilterError(Exception):
    """An address asks for something that it cannot ask for; the message says what."""


class Query:
    """The filters of one request. Those not given are None, empty or false."""

    def __init__(self, request: Request) -> None:
        """Read from the address of `request`."""
        self._given = request.query_params

    def text(self, name: str) -> str:
        """Return a text without blanks around it.

        Raises:
            FilterError: it is too long.
        """
        value = self._given.get(name, "").strip()
        if len(value) > TEXT_LENGTH_MAX:
            raise FilterError(f"{name}: longer than {TEXT_LENGTH_MAX} characters")
        return value

    def date(self, name: str) -> dt.date | None:
        """Return a day.

        Raises:
            FilterError: it is none.
        """
        text = self.text(name)
        return parse_date(name, text) if text else None

    def number(self, name: str, *, most: int | None = None) -> int | None:
        """Return a whole number from 0 up.

        Raises:
            FilterError: it is none, or above `most`.
        """
        text = self.text(name)
        if not text:
            return None
        if not _NUMBER.fullmatch(text) or (most is not None and int(text) > most):
            bound = f"0 to {most}" if most is not None else "a whole number"
            raise FilterError(f"{name}: {text[:40]!r} is not {bound}")
        return int(text)

    def flag(self, name: str) -> bool:
        """Return whether a box is ticked."""
        return self.text(name) not in {"", "0", "no"}

    def choice(self, name: str, choices: Iterable[_Choice], default: _Choice) -> _Choice:
        """Return one of `choices`.

        Raises:
            FilterError: it is another.
        """
        text = self.text(name)
        if not text:
            return default
        for each in choices:
            if text.upper() == each.upper():
                return each
        raise FilterError(f"{name}: {text[:40]!r} is none of {', '.join(choices)}")


def parse_date(name: str, text: str) -> dt.date:
    """Return the day that `text` says.

    Raises:
        FilterError: it is none.
    """
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise FilterError(f"{name}: {text[:40]!r} is not a date such as 2026-01-31")


def address(path: str, filters: Mapping[str, object] | None = None) -> str:
    """Return a path with the filters that are set, always in the same order."""
    given = {
        name: "1" if value is True else str(value)
        for name, value in (filters or {}).items()
        if value not in (None, "", False)
    }
    return f"{path}?{urlencode(given)}" if given else path


def part(text: str) -> str:
    """Return `text` as one part of a path."""
    return quote(text, safe="")

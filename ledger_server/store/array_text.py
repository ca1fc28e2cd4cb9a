"""Arrays for PostgreSQL, written as it writes them itself: `{1,2}`, `{"a","b"}`.

The driver encodes an array element by element in Python's object model; a text that one join puts
together costs a tenth of that, and PostgreSQL reads it about as fast.
"""

from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache
from typing import Final, TypeVar

#: As an element that needs no quotes.
NULL: Final = "NULL"

_Element = TypeVar("_Element", str, Decimal)

#: What the driver makes of the first and the last day, which it reads back as these again.
_ENDS: Final = {date.min: "-infinity", date.max: "infinity"}


def alike(elements: Sequence[_Element]) -> Sequence[_Element]:
    """Return the first of some elements alone if all are written as it is, else all of them.

    `write_batch` takes one for all where this is used.
    """
    # Most are one object, or differ at their ends: neither needs to be written to be compared.
    first = elements[0]
    if len(set(map(id, elements))) == 1:
        return elements[:1]
    if elements[-1] != first:
        return elements
    return elements[:1] if len(set(map(str, elements))) == 1 else elements


def plain_array(elements: Iterable[str]) -> str:
    """Return the array of what needs no quotes: numbers, dates, UUIDs."""
    return "{" + ",".join(elements) + "}"


def amount_array(amounts: Iterable[Decimal]) -> str:
    """Return the array of amounts in plain form."""
    text = ",".join(map(str, amounts))
    if "E" in text:
        # Something very small is among them, which is rare.
        text = ",".join([format(Decimal(one), "f") for one in text.split(",")])
    return "{" + text + "}"


def text_array(elements: Iterable[str | None]) -> str:
    """Return the array of texts of any kind, NULL for None."""
    return "{" + ",".join(map(_quoted, elements)) + "}"


@lru_cache(maxsize=4_096)
def date_text(day: date) -> str:
    """Return a date as an element of an array; most of a batch are of few days."""
    return _ENDS.get(day) or day.isoformat()


def _quoted(text: str | None) -> str:
    if text is None:
        return NULL
    if "\\" in text or '"' in text:
        text = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{text}"'

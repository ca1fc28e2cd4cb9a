"""Rows as PostgreSQL's COPY writes them: fields behind tabs, a row a line.

The driver makes each value of a row an object on the event loop; split and converted a column at a
time, in whatever thread, the rows of a report cost a third of that.
"""

import re
from collections.abc import Sequence
from typing import Final

#: What stands for itself nowhere: a backslash and the letter that names a character.
_ESCAPED: Final = re.compile(r"\\(.)")
_CHARACTERS: Final = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}


def columns(data: bytes, count: int) -> list[Sequence[str]]:
    """Return the columns of whole rows, none of whose values is NULL.

    Args:
        data: at least one row, the end of its last line included.
        count: fields of a row.
    """
    assert data.endswith(b"\n"), "rows are whole"
    fields = data[:-1].decode().replace("\n", "\t").split("\t")
    assert len(fields) % count == 0, f"rows of {count} fields"
    if b"\\" in data:
        fields = [_ESCAPED.sub(_character, field) if "\\" in field else field for field in fields]
    return [fields[place::count] for place in range(count)]


def _character(match: re.Match[str]) -> str:
    return _CHARACTERS.get(match[1], match[1])

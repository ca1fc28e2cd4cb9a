"""CSV files row by row, each with its number, and what is not a row."""

import csv
import dataclasses
import io
import re
from collections.abc import Iterator, Sequence


@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Problem:
    """One thing that is wrong with a file."""

    #: Line of the file, from 1: the header is row 1.
    row: int
    #: For people.
    message: str


def read_rows(
    data: bytes, columns: Sequence[str], problems: list[Problem]
) -> Iterator[tuple[int, dict[str, str]]]:
    """Give the fields of each row with its number; note what is not a row.

    A row's number is the line of the file on which it begins, the header's is 1. Empty rows are
    passed over. The columns may stand in any order.

    Args:
        data: UTF-8, with or without a byte order mark, any line ends.
        columns: the names that the first row must have.
        problems: gets what is wrong. A file whose first row is wrong gives no rows.
    """
    text = file_text(data, problems)
    if text is None:
        return
    # Splits at line ends only: `splitlines` also does at characters that a text may hold.
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    begin = 1
    header: list[str] | None = None
    try:
        for values in reader:
            row, begin = begin, reader.line_num + 1
            if not any(values):
                continue
            if header is None:
                if wrong := _header_mistake(values, columns):
                    problems.append(Problem(row, wrong))
                    return
                header = values
            elif len(values) != len(header):
                message = f"{len(values)} fields instead of {len(header)}{_advice(values, header)}"
                problems.append(Problem(row, message))
            else:
                yield row, dict(zip(header, values, strict=True))
    except csv.Error as error:
        problems.append(Problem(begin, f"cannot be read as CSV from here on: {error}"))
    if header is None:
        problems.append(Problem(1, f"the file is empty; its first row is {','.join(columns)}"))


def file_text(data: bytes, problems: list[Problem]) -> str | None:
    """Return the text of a file, or note that it is none."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        problems.append(Problem(row, "not UTF-8: save the file as UTF-8 and try again"))
        return None


def _header_mistake(header: Sequence[str], columns: Sequence[str]) -> str | None:
    wanted = f"the first row must be {','.join(columns)}"
    if len(header) == 1 and re.search(r"[;\t|]", header[0]):
        return f"{wanted}: the columns are to be separated by commas"
    unknown = [shown(name) for name in header if name not in columns]
    missing = [name for name in columns if name not in header]
    twice = sorted({name for name in header if name in columns and header.count(name) > 1})
    parts = [f"unknown {', '.join(unknown)}"] if unknown else []
    parts += [f"missing {', '.join(missing)}"] if missing else []
    parts += [f"twice {', '.join(twice)}"] if twice else []
    return f"{wanted} ({'; '.join(parts)})" if parts else None


def _advice(values: Sequence[str], header: Sequence[str]) -> str:
    if len(values) > len(header):
        return ": a text with a comma in it needs double quotes around it"
    return ""


def shown(text: str) -> str:
    """Quote a text for a message: short, on one line, blanks visible."""
    return repr(text if len(text) <= 60 else f"{text[:57]}...")

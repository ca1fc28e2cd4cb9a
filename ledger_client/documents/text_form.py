"""How values are written: for people as accountants write them, for programs in plain form."""

import datetime as dt
from decimal import Decimal

from ledger_client.documents.sheet import Cell


def plain(value: Cell) -> str:
    """Write a value for a program: amounts ungrouped, dates as ISO 8601, nothing for None."""
    match value:
        case None:
            return ""
        case Decimal():
            return format(value or value.copy_abs(), "f")
        case dt.datetime():
            return value.isoformat(timespec="milliseconds")
        case dt.date():
            return value.isoformat()
        case _:
            return str(value)


def accounting(value: Cell) -> str:
    """Write a value for people: 1,234.50, negatives in brackets, a dash for zero.

    A positive amount ends with a blank as wide as a bracket, so that the digits stand in line.
    """
    if not isinstance(value, Decimal):
        if isinstance(value, dt.datetime):
            return f"{value:%Y-%m-%d %H:%M:%S}"
        return plain(value)
    if not value:
        return "\N{EN DASH}\N{FIGURE SPACE}"
    text = format(abs(value), ",f")
    return f"({text})" if value < 0 else f"{text}\N{FIGURE SPACE}"

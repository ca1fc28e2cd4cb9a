"""The types of the language and the Python values that stand for them."""

import datetime as dt
import enum
import uuid
from decimal import Decimal
from typing import Final

from ledger_server.domain.expression.errors import Failure
from ledger_server.domain.primitives import EXACT

INTEGER_MIN: Final = -(2**63)
INTEGER_MAX: Final = 2**63 - 1


class Type(enum.Enum):
    """What an expression yields. The value is the word that messages use."""

    STRING = "STRING"
    INTEGER = "INTEGER"
    DECIMAL = "DECIMAL"
    BOOLEAN = "BOOLEAN"
    UUID = "UUID"
    DATE = "DATE"
    TIMESTAMP = "TIMESTAMP"
    #: Dynamic: known only at run time, as for JSON params, `item` and what lists and maps hold.
    JSON = "JSON"
    LIST = "LIST"
    MAP = "MAP"
    NULL = "NULL"

    # Members are singletons; Enum's own __hash__ is a Python function and costs a call
    # at each look-up of a dynamic operator.
    __hash__ = object.__hash__


def type_of(value: object) -> Type:
    """Return the type of a run-time value.

    Raises:
        Failure: for a float, an integer beyond 64 bits and any foreign value.
    """
    found = _TYPES.get(type(value)) or _subclass_type(value)
    if found is Type.INTEGER and not INTEGER_MIN <= value <= INTEGER_MAX:  # type: ignore[operator]
        raise Failure("the integer does not fit in 64 bits")
    return found


def checked(value: object) -> object:
    """Return a dynamic result, without -0, if it is a value of the language (and no float)."""
    found = type_of(value)
    return EXACT.plus(value) if found is Type.DECIMAL else value  # type: ignore[arg-type]


_TYPES: Final[dict[type, Type]] = {
    str: Type.STRING,
    int: Type.INTEGER,
    Decimal: Type.DECIMAL,
    bool: Type.BOOLEAN,
    uuid.UUID: Type.UUID,
    dt.date: Type.DATE,
    dt.datetime: Type.TIMESTAMP,
    list: Type.LIST,
    dict: Type.MAP,
    type(None): Type.NULL,
}

#: Subclasses before what they derive from: a datetime is also a date, a bool also an int.
_TYPES_IN_ORDER: Final = (dt.datetime, *(python_type for python_type in _TYPES))


def _subclass_type(value: object) -> Type:
    """Return the type of, for example, asyncpg's own UUID."""
    if isinstance(value, float):
        raise Failure(
            "a number with a fraction is not exact as JSON: pass it as a string, "
            "and write decimal(...) around it"
        )
    for python_type in _TYPES_IN_ORDER:
        if isinstance(value, python_type):
            return _TYPES[python_type]
    raise Failure(f"a value of Python type {type(value).__name__} is unknown here")

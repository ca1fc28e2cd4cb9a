"""The named functions, but for rounding and `has`: what they take and what they do."""

import dataclasses
import datetime as dt
import re
import string
import uuid
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ledger_server.domain.expression.errors import Failure, shown
from ledger_server.domain.expression.operators import (
    LIST_LENGTH_MAX,
    bounded_integer,
    bounded_string,
    undefined,
)
from ledger_server.domain.expression.plan import Operation
from ledger_server.domain.expression.values import Type, type_of
from ledger_server.domain.primitives import EXACT, ZERO, parse_decimal, parse_uuid, plain


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A function whose implementation is chosen by the type of its first argument.

    Where that type is JSON, the choice is made at run time. The other arguments are checked
    before the implementation sees them, so it can rely on its types.
    """

    name: str
    overloads: Mapping[Type, Operation]
    #: Types of the arguments after the first, or after the target of a method.
    rest: tuple[Type, ...] = ()
    #: How many of `rest` must be given.
    rest_min: int = 0
    #: None: that of the first argument.
    result: Type | None
    is_function: bool = True
    is_method: bool = False

    def dynamic(self, first: object, *rest: object) -> object:
        """Apply the overload for the type that the first argument turns out to have."""
        operation = self.overloads.get(type_of(first))
        if operation is None:
            raise Failure(undefined(f"{self.name}()", type_of(first), self.overloads))
        return operation(first, *rest)


def require(wanted: Type, what: str, value: object) -> object:
    """Return a dynamic argument that must have one type."""
    found = type_of(value)
    if found is not wanted:
        raise Failure(f"{what} takes a {wanted.value} here, not {found.value}")
    return value


def total(items: list[object], field: str | None = None) -> Decimal:
    """Return the exact sum of decimal strings, or of that field of each map."""
    if len(items) > LIST_LENGTH_MAX:
        raise Failure(f"a total of more than {LIST_LENGTH_MAX} elements")
    add = EXACT.add
    amount = ZERO
    for index, item in enumerate(items):
        amount = add(amount, _amount(item, index, field))
    return amount


def _amount(item: object, index: int, field: str | None) -> Decimal:
    value = item
    what = f"element {index}"
    if field is not None:
        if not isinstance(item, dict):
            raise Failure(f"{what} of the list is of type {type_of(item).value}, not MAP")
        what = f"field {shown(field)} of element {index}"
        if field not in item:
            raise Failure(f"element {index} of the list has no field {shown(field)}")
        value = item[field]
    if isinstance(value, Decimal):  # of a list that the expression itself made
        return value
    if not isinstance(value, str):
        kind = (
            "a number with a fraction"
            if isinstance(value, float)
            else f"of type {type_of(value).value}"
        )
        raise Failure(f"{what} is {kind}, not a decimal in a string")
    try:
        return parse_decimal(value)
    except ValueError as error:
        raise Failure(f"{what} is {shown(value)}: {error}") from None


def _decimal_of_text(text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise Failure(f"{shown(text)} is not a decimal: {error}") from None


def _integer_of_decimal(number: Decimal) -> int:
    if number.adjusted() > 19:
        raise Failure("the decimal does not fit in 64 bits")
    # Not to_integral_value(): that would round, and follow the context of the thread.
    numerator, denominator = number.as_integer_ratio()
    if denominator != 1:
        raise Failure(f"{plain(number)} is not a whole number: round it first")
    return bounded_integer(numerator)


_INTEGER: Final = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)


def _integer_of_text(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise Failure(f"{shown(text)} is not an integer")
    return bounded_integer(int(text))


def _uuid_of_text(text: str) -> uuid.UUID:
    found = parse_uuid(text)
    if found is None:
        raise Failure(f"{shown(text)} is not a UUID")
    return found


_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _date_of_text(text: str) -> dt.date:
    if _DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise Failure(f"{shown(text)} is not a date such as 2026-01-31")


def _text_of_boolean(value: object) -> str:
    return "true" if value else "false"


def _text_of_timestamp(moment: dt.datetime) -> str:
    return moment.isoformat().removesuffix("+00:00") + ("" if moment.utcoffset() else "Z")


def _absolute_integer(number: int) -> int:
    return bounded_integer(abs(number))


_LOWER: Final = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_UPPER: Final = str.maketrans(string.ascii_lowercase, string.ascii_uppercase)


def _lower_ascii(text: str) -> str:
    return bounded_string(text.translate(_LOWER))


def _upper_ascii(text: str) -> str:
    return bounded_string(text.translate(_UPPER))


def _trim(text: str) -> str:
    return bounded_string(text.strip())


def _substring(text: str, start: int, end: int | None = None) -> str:
    stop = len(text) if end is None else end
    if not 0 <= start <= stop <= len(text):
        raise Failure(f"{start} to {stop} is outside of a string of {len(text)} characters")
    return bounded_string(text[start:stop])


def _itself(value: object) -> object:
    return value


#: min and max: any number of arguments of one of these types.
EXTREMES: Final[Mapping[str, Operation]] = {"min": min, "max": max}
EXTREMES_OF: Final = (Type.INTEGER, Type.DECIMAL, Type.DATE, Type.TIMESTAMP)


def dynamic_extreme(name: str, *values: object) -> object:
    """Apply min or max to arguments of which some are dynamic."""
    types = [type_of(value) for value in values]
    for found in types:
        if found not in EXTREMES_OF:
            raise Failure(undefined(f"{name}()", found, dict.fromkeys(EXTREMES_OF, min)))
        if found is not types[0]:
            raise Failure(f"{name}() does not mix {types[0].value} and {found.value}")
    return EXTREMES[name](values)


_FUNCTIONS: Final = (
    Function(
        name="decimal",
        overloads={
            Type.STRING: _decimal_of_text,
            Type.INTEGER: Decimal,
            Type.DECIMAL: _itself,
        },
        result=Type.DECIMAL,
    ),
    Function(
        name="int",
        overloads={
            Type.STRING: _integer_of_text,
            Type.INTEGER: _itself,
            Type.DECIMAL: _integer_of_decimal,
        },
        result=Type.INTEGER,
    ),
    Function(
        name="string",
        overloads={
            Type.STRING: _itself,
            Type.INTEGER: str,
            Type.DECIMAL: plain,
            Type.BOOLEAN: _text_of_boolean,
            Type.UUID: str,
            Type.DATE: dt.date.isoformat,
            Type.TIMESTAMP: _text_of_timestamp,
        },
        result=Type.STRING,
    ),
    Function(name="uuid", overloads={Type.STRING: _uuid_of_text}, result=Type.UUID),
    Function(name="date", overloads={Type.STRING: _date_of_text}, result=Type.DATE),
    Function(
        name="size",
        overloads={Type.STRING: len, Type.LIST: len, Type.MAP: len},
        result=Type.INTEGER,
        is_method=True,
    ),
    Function(
        name="abs",
        overloads={Type.INTEGER: _absolute_integer, Type.DECIMAL: EXACT.abs},
        result=None,
    ),
    Function(
        name="total",
        overloads={Type.LIST: total},
        rest=(Type.STRING,),
        result=Type.DECIMAL,
    ),
    *(
        Function(
            name=name,
            overloads={Type.STRING: operation},
            rest=(Type.STRING,),
            rest_min=1,
            result=Type.BOOLEAN,
            is_function=False,
            is_method=True,
        )
        for name, operation in (
            ("contains", str.__contains__),
            ("startsWith", str.startswith),
            ("endsWith", str.endswith),
        )
    ),
    *(
        Function(
            name=name,
            overloads={Type.STRING: operation},
            result=Type.STRING,
            is_function=False,
            is_method=True,
        )
        for name, operation in (
            ("lowerAscii", _lower_ascii),
            ("upperAscii", _upper_ascii),
            ("trim", _trim),
        )
    ),
    Function(
        name="substring",
        overloads={Type.STRING: _substring},
        rest=(Type.INTEGER, Type.INTEGER),
        rest_min=1,
        result=Type.STRING,
        is_function=False,
        is_method=True,
    ),
)

FUNCTIONS: Final[Mapping[str, Function]] = {function.name: function for function in _FUNCTIONS}

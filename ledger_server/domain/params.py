"""Params of a posting: JSON as given in, values of the declared types out."""

import re
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from uuid import UUID

from ledger_server.domain.errors import ParamInvalidError
from ledger_server.domain.primitives import parse_decimal, parse_uuid
from ledger_server.domain.template import Json, Param, ParamType

STRING_LENGTH_MAX: Final = 1_024
#: Nesting of a JSON param; the walk over it is recursive.
JSON_DEPTH_MAX: Final = 16
#: Values in a JSON param: 1,000 lines of a general journal with nine fields each.
JSON_VALUES_MAX: Final = 10_000
INTEGER_MAX: Final = 2**63 - 1
#: Characters of an unknown param's name that its refusal repeats: those a name can have.
NAME_SHOWN_MAX: Final = 64

_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,18})", re.ASCII)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)
_TIMESTAMP = re.compile(
    # No hour 24, which Python 3.14 takes for midnight and RFC 3339 does not know.
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T([01][0-9]|2[0-3]):[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?"
    r"(Z|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def parse_param(param_type: ParamType, value: Json) -> object:
    """Return the value of type `param_type` that `value` stands for.

    Raises:
        ValueError: says what was expected.
    """
    return _PARSERS[param_type](value)


def bind_params(declared: Mapping[str, Param], given: Mapping[str, Json]) -> dict[str, object]:
    """Return a typed value for each param that was given or has a default.

    Raises:
        ParamInvalidError: names the first param that is unknown, missing or not of its type.
    """
    for name in given:
        if name not in declared:
            known = ", ".join(declared) or "none"
            raise ParamInvalidError(name[:NAME_SHOWN_MAX], f"unknown; the template takes {known}")
    bound: dict[str, object] = {}
    for name, param in declared.items():
        if name in given:
            value = given[name]
        elif not param.has_default:
            raise ParamInvalidError(name, f"missing; a {param.type.name} is required")
        else:
            value = param.default
        if value is None and param.has_default and param.default is None:
            continue
        try:
            bound[name] = _PARSERS[param.type](value)
        except ValueError as error:
            raise ParamInvalidError(name, str(error)) from error
    return bound


class Binder:
    """The params of one template: does what `bind_params` does, for what is well formed at once."""

    __slots__ = ("_declared", "_defaults", "_parsers", "_required")

    def __init__(self, declared: Mapping[str, Param]) -> None:
        """Take params whose defaults are of their types."""
        self._declared = declared
        self._defaults = {
            name: parse_param(param.type, param.default)
            for name, param in declared.items()
            if param.has_default and param.default is not None
        }
        self._parsers = {name: _parser_of(param) for name, param in declared.items()}
        self._required = frozenset(
            name for name, param in declared.items() if not param.has_default
        )

    def __call__(self, given: Mapping[str, Json]) -> dict[str, object]:
        """Return a typed value for each param that was given or has a default.

        Raises:
            ParamInvalidError: names the first param that is unknown, missing or not of its type.
        """
        bound = self._defaults.copy()
        parsers = self._parsers
        try:
            for name, value in given.items():
                bound[name] = parsers[name](value)
        except (KeyError, ValueError):
            return bind_params(self._declared, given)
        if len(bound) < len(parsers) and not self._required <= bound.keys():
            return bind_params(self._declared, given)
        return bound


def _parser_of(param: Param) -> Callable[[Json], object]:
    """Return what reads a param. A null that leaves it absent, which is rare, is no value."""
    if param.type is ParamType.JSON and param.has_default and param.default is None:
        return _json_unless_null
    return _PARSERS[param.type]


def _json_unless_null(value: Json) -> Json:
    if value is None:
        raise ValueError("null")
    return _json(value)


def _string(value: Json) -> str:
    if not isinstance(value, str):
        raise ValueError("not a string")
    if len(value) > STRING_LENGTH_MAX:
        raise ValueError(f"longer than {STRING_LENGTH_MAX} characters")
    if "\0" in value:
        raise ValueError("holds a NUL character")
    return value


def _integer(value: Json) -> int:
    if isinstance(value, str) and _INTEGER.fullmatch(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("not a whole number of 64 bits")
    if abs(value) > INTEGER_MAX:
        raise ValueError("not a whole number of 64 bits")
    return value


def _decimal(value: Json) -> Decimal:
    if not isinstance(value, str):
        raise ValueError('not a decimal string such as "12.34"')
    return parse_decimal(value)


def _boolean(value: Json) -> bool:
    if not isinstance(value, bool):
        raise ValueError("not true or false")
    return value


def _uuid(value: Json) -> UUID:
    found = parse_uuid(value) if isinstance(value, str) else None
    if found is None:
        raise ValueError("not a UUID")
    return found


def _date(value: Json) -> date:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        raise ValueError("not a date such as 2026-01-31")
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"no such date: {value}") from error


def _timestamp(value: Json) -> datetime:
    if not isinstance(value, str) or not _TIMESTAMP.fullmatch(value):
        raise ValueError("not an RFC 3339 timestamp such as 2026-01-31T12:00:00Z")
    try:
        return datetime.fromisoformat(value)
    except ValueError as error:
        raise ValueError(f"no such time: {value}") from error


def _reference(value: Json) -> str:
    if not isinstance(value, str) or not value:
        raise ValueError("not a code or id")
    if len(value) > 255 or "\0" in value:
        raise ValueError("not a code or id")
    return value


def _json(value: Json) -> Json:
    _count_values(value, JSON_DEPTH_MAX, 0)
    return value


def _count_values(value: Json, depth: int, count: int) -> int:
    """Return how many values stand in `value`, itself included, on top of `count`."""
    count += 1
    if count > JSON_VALUES_MAX:
        raise ValueError(f"more than {JSON_VALUES_MAX} values")
    if isinstance(value, (Mapping, list, tuple)):
        if depth == 0:
            raise ValueError(f"nested deeper than {JSON_DEPTH_MAX}")
        for element in value.values() if isinstance(value, Mapping) else value:
            count = _count_values(element, depth - 1, count)
    return count


_PARSERS: Final[Mapping[ParamType, Callable[[Json], object]]] = {
    ParamType.STRING: _string,
    ParamType.INTEGER: _integer,
    ParamType.DECIMAL: _decimal,
    ParamType.BOOLEAN: _boolean,
    ParamType.UUID: _uuid,
    ParamType.DATE: _date,
    ParamType.TIMESTAMP: _timestamp,
    ParamType.JSON: _json,
    ParamType.ACCOUNT: _reference,
    ParamType.CURRENCY: _reference,
}

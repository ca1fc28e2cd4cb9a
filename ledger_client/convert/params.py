"""Params of a posting: exact values in, their JSON form on the wire."""

import datetime as dt
import enum
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, Final
from uuid import UUID

from google.protobuf import struct_pb2

from ledger_client.models import ParamValue

#: Up to here every integer is a JSON number without loss; beyond it travels as a string.
_INTEGER_EXACT_MAX: Final = 2**53
#: Beyond it a decimal is not written out.
_EXPONENT_MAX: Final = 100


def to_struct(params: Mapping[str, ParamValue]) -> struct_pb2.Struct:
    """Return the params as a message.

    Raises:
        TypeError: a value is a float, or of a type that has no exact JSON form; names the param.
        ValueError: a value is NaN, infinite, or an instant without an offset; names the param.
    """
    return struct_pb2.Struct(
        fields={name: to_value(value, f"params.{name}") for name, value in params.items()}
    )


def to_value(value: ParamValue, place: str) -> struct_pb2.Value:
    """Return one value as a message; `place` names it in errors, such as `params.amount`.

    Raises:
        TypeError: as in `to_struct`.
        ValueError: as in `to_struct`.
    """
    if value is None:
        return struct_pb2.Value(null_value=struct_pb2.NULL_VALUE)
    if isinstance(value, bool):
        return struct_pb2.Value(bool_value=value)
    if isinstance(value, int) and abs(value) <= _INTEGER_EXACT_MAX:
        return struct_pb2.Value(number_value=value)
    if isinstance(value, Mapping):
        fields = {_key(key, place): to_value(item, f"{place}.{key}") for key, item in value.items()}
        return struct_pb2.Value(struct_value=struct_pb2.Struct(fields=fields))
    if isinstance(value, Sequence) and not isinstance(value, str | bytes | bytearray):
        values = [to_value(item, f"{place}[{index}]") for index, item in enumerate(value)]
        return struct_pb2.Value(list_value=struct_pb2.ListValue(values=values))
    return struct_pb2.Value(string_value=_text(value, place))


def from_struct(struct: struct_pb2.Struct) -> dict[str, Any]:
    """Return the params of a message in their JSON form; numbers are integers."""
    return {name: from_value(value) for name, value in struct.fields.items()}


def from_value(value: struct_pb2.Value) -> Any:
    """Return one value of a message in its JSON form.

    Raises:
        ValueError: a number has a fraction, which no ledger stores.
    """
    match value.WhichOneof("kind"):
        case "bool_value":
            return value.bool_value
        case "string_value":
            return value.string_value
        case "number_value":
            if not value.number_value.is_integer():
                raise ValueError(f"the server sent a number with a fraction: {value.number_value}")
            return int(value.number_value)
        case "struct_value":
            return from_struct(value.struct_value)
        case "list_value":
            return [from_value(item) for item in value.list_value.values]
        case _:
            return None


def _text(value: ParamValue, place: str) -> str:
    """Return the string form of a value that is neither null, boolean, number, list nor map."""
    match value:
        case enum.Enum():
            return _text(value.value, place)
        case str():
            return value
        case int():
            return str(value)
        case Decimal():
            return decimal_text(value, place)
        case dt.datetime():
            if value.utcoffset() is None:
                raise ValueError(f"{place}: an instant needs an offset, such as tzinfo=UTC")
            return value.isoformat()
        case dt.date():
            return value.isoformat()
        case UUID():
            return str(value)
        case float():
            raise TypeError(
                f"{place}: a float is not exact; give a Decimal or a string such as '12.34'"
            )
        case _:
            raise TypeError(f"{place}: {type(value).__name__} has no exact JSON form")


def decimal_text(value: Decimal, place: str) -> str:
    """Write a decimal in plain form, its trailing zeros kept, never with an exponent.

    Raises:
        ValueError: it is NaN, infinite, or far beyond all amounts.
    """
    if not value.is_finite():
        raise ValueError(f"{place}: {value} is not an amount")
    # The server says what is too long; here it only must not fill the memory: 1E+999999999.
    if abs(value.adjusted()) > _EXPONENT_MAX:
        raise ValueError(f"{place}: {value} has more digits than an amount may")
    return format(value.copy_abs() if value.is_zero() else value, "f")


def _key(key: object, place: str) -> str:
    if not isinstance(key, str):
        raise TypeError(f"{place}: the key {key!r} is not a string")
    return key

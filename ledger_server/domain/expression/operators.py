"""What the operators do at run time.

Decimals go through the methods of EXACT, never through Python's operators, which follow
whatever context the calling thread has. Comparisons of decimals are exact in any context.
"""

import decimal
import functools
import operator
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from ledger_server.domain.expression.errors import Failure, shown
from ledger_server.domain.expression.plan import Operation
from ledger_server.domain.expression.values import INTEGER_MAX, INTEGER_MIN, Type, type_of
from ledger_server.domain.primitives import EXACT

#: Characters of a string an operation may make: repeated concatenation must not eat memory.
STRING_LENGTH_MAX: Final = 16_384
#: Elements of a list an operation may make or walk through, so that one evaluation ends soon.
LIST_LENGTH_MAX: Final = 10_000
#: Comparisons within one `==` or `in` over lists and maps, for the same reason. Lower, as a
#: source has room for hundreds of them, and twice the entries a transaction may have.
COMPARISONS_MAX: Final = 2_000


def bounded_string(text: str) -> str:
    """Return `text` unless it is too long."""
    if len(text) > STRING_LENGTH_MAX:
        raise Failure(f"the string would be longer than {STRING_LENGTH_MAX} characters")
    return text


def bounded_integer(number: int) -> int:
    """Return `number` unless it leaves 64 bits."""
    if INTEGER_MIN <= number <= INTEGER_MAX:
        return number
    raise Failure("integer overflow: the result does not fit in 64 bits")


def mismatch(what: str, left: Type, right: Type) -> str:
    """Say that two types do not go together, and what to write instead."""
    pair = {left, right}
    if pair == {Type.DECIMAL, Type.INTEGER}:
        advice = "write decimal(...) around the integer"
    elif pair == {Type.DECIMAL, Type.STRING} and what == "+":
        advice = "write string(...) or decimal(...) around one of them"
    elif pair == {Type.DECIMAL, Type.STRING}:
        advice = "write decimal(...) around the string"
    elif Type.STRING in pair and what == "+":
        advice = "write string(...) around the other"
    elif Type.NULL in pair:
        advice = "whether an optional param was given, has(params.x) tells"
    elif pair in ({Type.UUID, Type.STRING}, {Type.DATE, Type.STRING}):
        advice = "write uuid(...) or date(...) around the string"
    else:
        advice = "both sides must have one type"
    return f"'{what}' does not mix {left.value} and {right.value}: {advice}"


def undefined(what: str, operand: Type, table: Mapping[Type, Operation]) -> str:
    """Say that an operator or function is not for a type, and what it is for."""
    known = ", ".join(known.value for known in table)
    return f"{what} is not defined for {operand.value}, only for {known}"


def _add_integers(left: int, right: int) -> int:
    return bounded_integer(left + right)


def _subtract_integers(left: int, right: int) -> int:
    return bounded_integer(left - right)


def _multiply_integers(left: int, right: int) -> int:
    return bounded_integer(left * right)


def _divide_integers(left: int, right: int) -> int:
    if not right:
        raise Failure("division by zero")
    quotient = abs(left) // abs(right)
    return bounded_integer(quotient if (left < 0) is (right < 0) else -quotient)


def _remainder(left: int, right: int) -> int:
    if not right:
        raise Failure("division by zero")
    if right == -1:
        return 0 * bounded_integer(-left)  # CEL: the remainder overflows where the quotient does
    remainder = abs(left) % abs(right)
    return -remainder if left < 0 else remainder


def _divide_decimals(left: Decimal, right: Decimal) -> Decimal:
    if not right:
        raise Failure("division by zero")
    try:
        return EXACT.divide(left, right)
    except decimal.Inexact:
        raise Failure(
            "the quotient is not exact: use div_half_even(a, b, scale) or another named mode"
        ) from None


def _concatenate(left: str, right: str) -> str:
    return bounded_string(left + right)


def _concatenate_lists(left: list[object], right: list[object]) -> list[object]:
    if len(left) + len(right) > LIST_LENGTH_MAX:
        raise Failure(f"the list would have more than {LIST_LENGTH_MAX} elements")
    return left + right


def _negate_integer(operand: int) -> int:
    return bounded_integer(-operand)


def _equal(left: object, right: object) -> bool:
    left_type, right_type = type_of(left), type_of(right)
    if left_type is not right_type:
        if left is None or right is None:
            return False
        raise Failure(mismatch("==", left_type, right_type))
    if left_type is Type.LIST or left_type is Type.MAP:
        return _same(left, right, [COMPARISONS_MAX])
    return left == right


def _not_equal(left: object, right: object) -> bool:
    return not _equal(left, right)


def contained(element: object, container: object) -> bool:
    """Say whether a list has the element, or a map the key."""
    container_type = type_of(container)
    if container_type is Type.MAP:
        return has_key(container, element)
    if not isinstance(container, list):
        raise Failure(f"'in' looks into a LIST or a MAP, not into {container_type.value}")
    type_of(element)
    budget = [COMPARISONS_MAX]
    return any(_same(element, other, budget) for other in container)


def _same(left: Any, right: Any, budget: list[int]) -> bool:
    """Compare deeply. Values of two types differ, but an integer is no decimal's peer."""
    budget[0] -= 1
    if budget[0] < 0:
        raise Failure(f"more than {COMPARISONS_MAX} values to compare")
    left_type, right_type = type_of(left), type_of(right)
    if left_type is not right_type:
        if {left_type, right_type} == {Type.INTEGER, Type.DECIMAL}:
            raise Failure(mismatch("==", left_type, right_type))
        return False
    if left_type is Type.LIST:
        return len(left) == len(right) and all(
            _same(a, b, budget) for a, b in zip(left, right, strict=True)
        )
    if left_type is Type.MAP:
        return left.keys() == right.keys() and all(
            _same(value, right[key], budget) for key, value in left.items()
        )
    return bool(left == right)


def has_key(target: object, key: object) -> bool:
    """Say whether a map has a key."""
    if not isinstance(target, dict):
        raise Failure(f"only a MAP has fields, not {type_of(target).value}")
    return as_string(key) in target


def element(target: object, key: object) -> object:
    """Return the value of a map's key or the element of a list at an index."""
    if isinstance(target, dict):
        name = as_string(key)
        if name in target:
            return target[name]
        raise Failure(f"no such key: {shown(name)}")
    if isinstance(target, list):
        if type_of(key) is not Type.INTEGER:
            raise Failure(f"the index of a LIST is an INTEGER, not {type_of(key).value}")
        assert isinstance(key, int)
        if 0 <= key < len(target):
            return target[key]
        raise Failure(f"index {key} is outside of a list of {len(target)}")
    raise Failure(f"a {type_of(target).value} has no fields or elements")


def as_boolean(value: object) -> bool:
    """Return a dynamic value that must be a BOOLEAN."""
    if isinstance(value, bool):
        return value
    raise Failure(f"a condition must be a BOOLEAN, not {type_of(value).value}")


def negated(value: bool) -> bool:
    """Return the opposite."""
    return not value


def as_string(value: object) -> str:
    """Return a dynamic value that must be a STRING."""
    if isinstance(value, str):
        return value
    raise Failure(f"the key of a MAP is a STRING, not {type_of(value).value}")


def make_list(*items: object) -> list[object]:
    """Return what a list literal stands for."""
    return list(items)


def make_map(*keys_and_values: object) -> dict[str, object]:
    """Return what a map literal stands for: keys at the even places, values at the odd."""
    made: dict[str, object] = {}
    for key, value in zip(keys_and_values[::2], keys_and_values[1::2], strict=True):
        name = as_string(key)
        if name in made:
            raise Failure(f"the key {shown(name)} stands twice in the map")
        made[name] = value
    return made


_ORDERED: Final = (
    Type.INTEGER,
    Type.DECIMAL,
    Type.STRING,
    Type.BOOLEAN,
    Type.DATE,
    Type.TIMESTAMP,
)
_SCALARS: Final = (*_ORDERED, Type.UUID)

#: Operators whose result has the type of their operands.
ARITHMETIC: Final[Mapping[str, Mapping[Type, Operation]]] = {
    "+": {
        Type.DECIMAL: EXACT.add,
        Type.INTEGER: _add_integers,
        Type.STRING: _concatenate,
        Type.LIST: _concatenate_lists,
    },
    "-": {Type.DECIMAL: EXACT.subtract, Type.INTEGER: _subtract_integers},
    "*": {Type.DECIMAL: EXACT.multiply, Type.INTEGER: _multiply_integers},
    "/": {Type.DECIMAL: _divide_decimals, Type.INTEGER: _divide_integers},
    "%": {Type.INTEGER: _remainder},
}

#: Operators that yield a BOOLEAN.
COMPARISONS: Final[Mapping[str, Mapping[Type, Operation]]] = {
    "<": dict.fromkeys(_ORDERED, operator.lt),
    "<=": dict.fromkeys(_ORDERED, operator.le),
    ">": dict.fromkeys(_ORDERED, operator.gt),
    ">=": dict.fromkeys(_ORDERED, operator.ge),
    "==": dict.fromkeys(_SCALARS, operator.eq)
    | dict.fromkeys((Type.LIST, Type.MAP, Type.NULL), _equal),
    "!=": dict.fromkeys(_SCALARS, operator.ne)
    | dict.fromkeys((Type.LIST, Type.MAP, Type.NULL), _not_equal),
}

#: EXACT.minus, and not copy_negate: there is no negative zero.
NEGATION: Final[Mapping[Type, Operation]] = {
    Type.DECIMAL: EXACT.minus,
    Type.INTEGER: _negate_integer,
}


def _apply_dynamic(
    symbol: str, table: Mapping[Type, Operation], left: object, right: object
) -> object:
    left_type, right_type = type_of(left), type_of(right)
    if left_type is not right_type:
        raise Failure(mismatch(symbol, left_type, right_type))
    operation = table.get(left_type)
    if operation is None:
        raise Failure(undefined(f"'{symbol}'", left_type, table))
    return operation(left, right)


def _negate_dynamic(operand: object) -> object:
    operation = NEGATION.get(type_of(operand))
    if operation is None:
        raise Failure(undefined("'-'", type_of(operand), NEGATION))
    return operation(operand)


#: The operators where an operand's type is known only at run time.
DYNAMIC: Final[Mapping[str, Operation]] = {
    symbol: functools.partial(_apply_dynamic, symbol, table)
    for symbol, table in (*ARITHMETIC.items(), *COMPARISONS.items())
} | {"==": _equal, "!=": _not_equal}
DYNAMIC_NEGATION: Final[Operation] = _negate_dynamic

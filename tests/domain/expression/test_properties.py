"""What holds for any expression."""

import datetime as dt
import decimal
import functools
import uuid
from collections.abc import Callable
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import event, example, given
from hypothesis import strategies as st

from ledger_server.domain.expression import (
    EvaluationError,
    ExpressionError,
    Type,
    compile_expression,
)
from ledger_server.domain.primitives import plain

PARAMS = {
    "amount": Type.DECIMAL,
    "count": Type.INTEGER,
    "memo": Type.STRING,
    "flag": Type.BOOLEAN,
    "account": Type.UUID,
    "day": Type.DATE,
    "moment": Type.TIMESTAMP,
    "extra": Type.JSON,
}
OPTIONAL = frozenset({"memo"})
EXPONENTS = {"USD": 2, "JPY": 0, "BTC": 8}

amounts = st.decimals(
    min_value=-(10**18), max_value=10**18, allow_nan=False, allow_infinity=False, places=6
)
integers = st.integers(-(2**63), 2**63 - 1)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=5)
    | st.floats()
    | amounts.map(str),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["a", "b", "units"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@st.composite
def param_values(draw: st.DrawFn) -> dict[str, object]:
    values: dict[str, object] = {
        "amount": draw(amounts),
        "count": draw(integers),
        "flag": draw(st.booleans()),
        "account": draw(st.uuids()),
        "day": draw(st.dates()),
        "moment": draw(st.datetimes(timezones=st.just(dt.UTC))),
        "extra": draw(json_values),
    }
    if draw(st.booleans()):
        values["memo"] = draw(st.text(max_size=5))
    return values


class Arithmetic:
    """An expression together with its value as a fraction; None if it, or a part, has none."""

    def __init__(self, source: str, value: Fraction | None) -> None:
        self.source = source
        self.value = value


def _combined(left: Arithmetic, operator: str, right: Arithmetic) -> Arithmetic:
    source = f"({left.source} {operator} {right.source})"
    if left.value is None or right.value is None:
        return Arithmetic(source, None)
    operations: dict[str, Callable[[Fraction, Fraction], Fraction | None]] = {
        "+": lambda a, b: a + b,
        "-": lambda a, b: a - b,
        "*": lambda a, b: a * b,
        "/": lambda a, b: a / b if b else None,
    }
    value = operations[operator](left.value, right.value)
    return Arithmetic(source, None if value is None or not _is_decimal(value) else value)


def _negated(operand: Arithmetic) -> Arithmetic:
    return Arithmetic(f"-{operand.source}", None if operand.value is None else -operand.value)


small = st.decimals(min_value=-999, max_value=999, allow_nan=False, places=2)
arithmetic = st.recursive(
    small.map(lambda n: Arithmetic(f"decimal('{plain(n)}')", Fraction(n))),
    lambda inner: st.builds(_combined, inner, st.sampled_from("+-*/"), inner) | inner.map(_negated),
    max_leaves=10,
)


def _is_decimal(value: Fraction) -> bool:
    """Whether a fraction can be written in 76 digits."""
    denominator = value.denominator
    twos = (denominator & -denominator).bit_length() - 1
    fives = 0
    while denominator % 5 == 0:
        denominator //= 5
        fives += 1
    if denominator >> twos != 1:
        return False
    digits = abs(value.numerator) * 10 ** max(twos, fives) // value.denominator
    return len(str(digits).rstrip("0")) <= 76


@given(arithmetic)
@example(Arithmetic("(decimal('1') / decimal('3')) * decimal('3')", None))
@example(Arithmetic("(decimal('1') / decimal('0'))", None))
def test_arithmetic_is_exact_or_fails(expected: Arithmetic) -> None:
    expression = compile_expression(expected.source, params={})
    if expected.value is None:
        with pytest.raises(EvaluationError):
            expression.evaluate({}, {})
        return
    result = expression.evaluate({}, {})
    assert isinstance(result, Decimal)
    assert expected.value == Fraction(result)


def _rounded(value: Fraction, mode: str, scale: int) -> Fraction:
    scaled = value * 10**scale
    whole, rest = divmod(abs(scaled), 1)
    half = Fraction(1, 2)
    up = {
        "up": rest > 0,
        "down": False,
        "half_up": rest >= half,
        "half_even": rest > half or (rest == half and whole % 2 == 1),
    }[mode]
    magnitude = Fraction(int(whole) + up, 10**scale)
    return -magnitude if value < 0 else magnitude


modes = st.sampled_from(["half_even", "half_up", "up", "down"])
#: Many of these are ties, or a hair away from one.
near_ties = st.builds(
    lambda whole, half, hair, places: (
        Decimal(whole).scaleb(-places)
        + Decimal(5 * half).scaleb(-places - 1)
        + Decimal(hair).scaleb(-places - 12)
    ),
    st.integers(-(10**12), 10**12),
    st.integers(0, 1),
    st.integers(-1, 1),
    st.integers(0, 6),
)


@given(amounts | near_ties, modes, st.integers(0, 18))
def test_rounding(amount: Decimal, mode: str, scale: int) -> None:
    source = f"round_{mode}(params.amount, params.scale)"
    expression = compile_expression(source, params={"amount": Type.DECIMAL, "scale": Type.INTEGER})
    result = expression.evaluate({"amount": amount, "scale": scale}, {})
    assert isinstance(result, Decimal)
    assert Fraction(result) == _rounded(Fraction(amount), mode, scale)


@given(amounts | near_ties, amounts | near_ties, modes, st.sampled_from(["JPY", "USD", "BTC"]))
@example(Decimal(10**37), Decimal("3e-6"), "up", "BTC")
@example(Decimal(1), Decimal(10**37), "up", "BTC")
@example(Decimal("0.125"), Decimal(1), "half_even", "USD")
def test_division_rounds_the_exact_quotient_once(
    dividend: Decimal, divisor: Decimal, mode: str, currency: str
) -> None:
    source = f"div_{mode}(params.a, params.b, '{currency}')"
    expression = compile_expression(source, params={"a": Type.DECIMAL, "b": Type.DECIMAL})
    if not divisor:
        with pytest.raises(EvaluationError, match="division by zero"):
            expression.evaluate({"a": dividend, "b": divisor}, EXPONENTS)
        return
    result = expression.evaluate({"a": dividend, "b": divisor}, EXPONENTS)
    assert isinstance(result, Decimal)
    exact = Fraction(dividend) / Fraction(divisor)
    assert Fraction(result) == _rounded(exact, mode, EXPONENTS[currency])


@given(st.integers(1, 10**20), st.integers(0, 10**20), st.integers(0, 18), modes)
def test_division_sees_past_any_number_of_zeros(
    divisor: int, whole: int, scale: int, mode: str
) -> None:
    """A dividend one part in 10^50 above or below a tie, where rounding twice would show."""
    tie = Decimal(2 * whole + 1) * divisor
    with decimal.localcontext(prec=200):
        for hair in (Decimal("-1e-30"), Decimal(0), Decimal("1e-30")):
            dividend = (tie / 2 + hair).scaleb(-scale)
            expression = compile_expression(
                f"div_{mode}(params.a, params.b, {scale})",
                params={"a": Type.DECIMAL, "b": Type.DECIMAL},
            )
            result = expression.evaluate({"a": dividend, "b": Decimal(divisor)}, {})
            assert isinstance(result, Decimal)
            exact = Fraction(dividend) / divisor
            assert Fraction(result) == _rounded(exact, mode, scale)


@given(st.lists(amounts, max_size=20))
def test_totals_are_exact(numbers: list[Decimal]) -> None:
    items = [{"units": plain(number)} for number in numbers]
    expression = compile_expression("total(item, 'units')", params={}, item_allowed=True)
    result = expression.evaluate({}, {}, items)
    assert isinstance(result, Decimal)
    assert Fraction(result) == sum(map(Fraction, numbers), Fraction(0))


LEAVES: dict[Type, list[str]] = {
    Type.DECIMAL: ["params.amount", "decimal('0.015')", "decimal('0')"],
    Type.INTEGER: ["params.count", "0", "1", "-9223372036854775808", "7"],
    Type.STRING: ["params.memo", "'a'", "'12.5'", "'units'", "'USD'", "'2026-01-31'", "''"],
    Type.BOOLEAN: ["params.flag", "true", "has(params.memo)", "has(item.a)"],
    Type.UUID: ["params.account"],
    Type.DATE: ["params.day", "date('2026-01-31')"],
    Type.TIMESTAMP: ["params.moment"],
    Type.JSON: ["params.extra", "item", "item.a", "item.units", "params.extra[0]"],
    Type.LIST: ["[]", "['1', '2.5']", "[params.amount, item]"],
    Type.MAP: ["{}", "{'units': '1'}", "{'a': params.count, 'b': item}"],
    Type.NULL: ["null"],
}


@functools.cache
def _typed(type_: Type, depth: int) -> st.SearchStrategy[str]:
    """Sources of one type. JSON ones are of any type at run time, so failures are many."""
    leaf = st.sampled_from(LEAVES[type_])
    if depth == 0:
        return leaf

    def of(other: Type) -> st.SearchStrategy[str]:
        return st.deferred(lambda: _typed(other, depth - 1))

    def form(template: str, *types: Type) -> st.SearchStrategy[str]:
        return st.tuples(*map(of, types)).map(lambda parts: template.format(*parts))

    decimal_, integer, text, boolean = Type.DECIMAL, Type.INTEGER, Type.STRING, Type.BOOLEAN
    equal = st.sampled_from(list(Type)).flatmap(lambda kind: form("({} == {})", kind, kind))
    numeric = [
        form(f"({{}} {symbol} {{}})", type_, other)
        for symbol in "+-*/"
        for other in (type_, Type.JSON)
    ]
    numeric.append(form("-({})", type_))
    forms: dict[Type, list[st.SearchStrategy[str]]] = {
        decimal_: [
            *numeric,
            form("abs({})", decimal_),
            form("min({}, {}, {})", decimal_, decimal_, Type.JSON),
            *(form(f"round_{mode}({{}}, {{}})", decimal_, integer) for mode in ("up", "half_up")),
            form("div_up({}, {}, {})", decimal_, decimal_, text),
            form("div_half_even({}, {}, 4)", decimal_, Type.JSON),
            *(form("decimal({})", other) for other in (text, integer, Type.JSON)),
            form("total({})", Type.LIST),
            form("total({}, {})", Type.JSON, text),
        ],
        integer: [
            *numeric,
            form("({} % {})", integer, integer),
            *(form("int({})", other) for other in (text, decimal_, Type.JSON)),
            *(form("size({})", other) for other in (text, Type.LIST, Type.MAP, Type.JSON)),
            form("max({}, {})", integer, integer),
        ],
        text: [
            *(form("({} + {})", text, other) for other in (text, Type.JSON)),
            *(form("string({})", other) for other in (decimal_, integer, boolean, Type.UUID)),
            *(form("string({})", other) for other in (Type.DATE, Type.TIMESTAMP, Type.JSON)),
            form("{}.trim().upperAscii()", text),
            form("{}.substring({})", text, integer),
        ],
        boolean: [
            equal,
            form("({} && {})", boolean, boolean),
            form("({} || {})", boolean, Type.JSON),
            form("!({})", boolean),
            form("({} < {})", decimal_, Type.JSON),
            form("({} >= {})", Type.DATE, Type.DATE),
            form("({} in {})", Type.JSON, Type.LIST),
            form("({} in {})", text, Type.MAP),
            form("{}.contains({})", text, text),
        ],
        Type.UUID: [form("uuid({})", text)],
        Type.DATE: [form("date({})", text)],
        Type.JSON: [
            form("{}[{}]", Type.LIST, integer),
            form("{}[{}]", Type.MAP, text),
            form("({} + {})", Type.JSON, Type.JSON),
            form("-({})", Type.JSON),
        ],
        Type.LIST: [form("({} + {})", Type.LIST, Type.LIST), form("[{}, {}]", text, decimal_)],
        Type.MAP: [form("{{'k': {}, {}: {}}}", decimal_, text, boolean)],
    }
    choice = form("({} ? {} : {})", boolean, type_, type_)
    return st.one_of(leaf, choice, *forms.get(type_, []))


typed_sources = st.sampled_from(list(Type)).flatmap(
    lambda type_: st.tuples(st.just(type_), st.integers(0, 3).flatmap(lambda d: _typed(type_, d)))
)

PYTHON_TYPES: dict[Type, type] = {
    Type.STRING: str,
    Type.INTEGER: int,
    Type.DECIMAL: Decimal,
    Type.BOOLEAN: bool,
    Type.UUID: uuid.UUID,
    Type.DATE: dt.date,
    Type.TIMESTAMP: dt.datetime,
    Type.JSON: object,
    Type.LIST: list,
    Type.MAP: dict,
    Type.NULL: type(None),
}


@given(typed_sources, param_values(), json_values)
def test_well_typed_expressions_yield_their_type_or_an_evaluation_error(
    typed: tuple[Type, str], values: dict[str, object], item: object
) -> None:
    type_, source = typed
    try:
        expression = compile_expression(
            source, params=PARAMS, optional_params=OPTIONAL, item_allowed=True
        )
    except ExpressionError:
        # Well typed, so all that can be wrong is a constant: decimal('a'), 'a'.substring(7).
        event("not compiled")
        return
    assert expression.type is type_
    try:
        result = expression.evaluate(values, EXPONENTS, item)
    except EvaluationError as error:
        event("failed")
        _assert_inside(source, error.line, error.column)
        return
    event("evaluated")
    assert isinstance(result, PYTHON_TYPES[type_])
    assert not isinstance(result, float)


@given(typed_sources, param_values(), json_values)
def test_evaluation_is_the_same_each_time(
    typed: tuple[Type, str], values: dict[str, object], item: object
) -> None:
    """Also for a copy that looks at every operand, as is done after a failure."""
    try:
        expression = compile_expression(
            typed[1], params=PARAMS, optional_params=OPTIONAL, item_allowed=True
        )
        result = expression.evaluate(values, EXPONENTS, item)
    except (ExpressionError, EvaluationError):
        return
    again = expression._evaluate_carefully(values, EXPONENTS, item)
    assert (repr(again), type(again)) == (repr(result), type(result))


words = st.sampled_from(
    ["params", ".", "amount", "memo", "(", ")", "[", "]", "{", "}", "+", "-", "*", "/", "%", "==",
     "&&", "||", "!", "?", ":", ",", "'", '"', "'a'", "1", "0x", "0.5", "1e", "in", "item", "has",
     "decimal", "total", "map", "//", "\n", "\\", "r'", "'''", "true", "null", " ", "<", "=", "é"]
)  # fmt: skip


@given(st.text(max_size=60) | st.lists(words, max_size=40).map("".join))
def test_any_text_compiles_or_is_an_expression_error(source: str) -> None:
    try:
        expression = compile_expression(
            source, params=PARAMS, optional_params=OPTIONAL, item_allowed=True
        )
    except ExpressionError as error:
        for mistake in error.mistakes:
            _assert_inside(source, mistake.line, mistake.column)
        return
    try:
        expression.evaluate({}, {})
    except EvaluationError as error:
        _assert_inside(source, error.line, error.column)


def _assert_inside(source: str, line: int, column: int) -> None:
    lines = source.split("\n")
    assert 1 <= line <= len(lines)
    assert 1 <= column <= len(lines[line - 1]) + 1

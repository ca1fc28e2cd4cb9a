"""What expressions yield, and where they fail."""

import datetime as dt
import threading
from collections.abc import Mapping
from decimal import Context, Decimal, localcontext
from types import MappingProxyType
from uuid import UUID

import pytest

from ledger_server.domain.expression import EvaluationError, Expression, Type, compile_expression

PARAMS = {
    "amount": Type.DECIMAL,
    "rate": Type.DECIMAL,
    "count": Type.INTEGER,
    "currency": Type.STRING,
    "memo": Type.STRING,
    "flag": Type.BOOLEAN,
    "account": Type.UUID,
    "day": Type.DATE,
    "moment": Type.TIMESTAMP,
    "extra": Type.JSON,
}
VALUES = {
    "amount": Decimal("1234.50"),
    "rate": Decimal("0.015"),
    "count": 7,
    "currency": "USD",
    "flag": True,
    "account": UUID("00000000-0000-4000-8000-000000000001"),
    "day": dt.date(2026, 1, 31),
    "moment": dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC),
    "extra": {
        "units": "12.34",
        "n": 3,
        "huge": 2**63,
        "float": 1.5,
        "yes": True,
        "nothing": None,
        "list": [1, "2", {"a": "x"}],
        "floats": [1.5],
        "splits": [{"units": "1.10"}, {"units": "2.205"}, {"units": "-0.5"}],
        "amounts": ["1.1", "2.2"],
        "": "empty key",
    },
}
EXPONENTS = {"USD": 2, "JPY": 0, "BTC": 8, "ODD": 19}
ITEM = {"units": "7.5", "to": {"account": "a"}, "tags": ["x", "y"]}


def compiled(source: str) -> Expression:
    return compile_expression(
        source, params=PARAMS, optional_params=frozenset({"memo"}), item_allowed=True
    )


def evaluated(source: str, values: Mapping[str, object] = VALUES) -> object:
    return compiled(source).evaluate(values, EXPONENTS, ITEM)


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # Decimals
        ("params.amount * params.rate", "18.5175"),
        ("params.amount + params.rate - decimal('0.515')", "1234"),
        ("params.amount / decimal(8)", "154.3125"),
        ("-params.amount", "-1234.5"),
        ("-decimal(0)", "0"),
        ("decimal(-1) * decimal(0)", "0"),
        ("params.extra.n == 3 ? decimal(-1) * decimal(0) : item", "0"),
        (
            "decimal('12345678901234567890123456789012345678') * decimal(10)",
            "123456789012345678901234567890123456780",
        ),
        ("decimal(params.count)", "7"),
        ("decimal(item.units) + decimal(params.extra.n)", "10.5"),
        ("decimal(params.amount)", "1234.5"),
        ("abs(-params.amount)", "1234.5"),
        ("min(params.amount, params.rate, decimal(1))", "0.015"),
        ("max(decimal(item.units), params.rate)", "7.5"),
        # Rounding
        ("round_half_even(decimal('2.5'), 0)", "2"),
        ("round_half_even(decimal('3.5'), 0)", "4"),
        ("round_half_even(decimal('-2.5'), 0)", "-2"),
        ("round_half_up(decimal('2.5'), 0)", "3"),
        ("round_half_up(decimal('-2.5'), 0)", "-3"),
        ("round_half_up(decimal('2.49'), 0)", "2"),
        ("round_up(decimal('2.01'), 0)", "3"),
        ("round_up(decimal('-2.01'), 0)", "-3"),
        ("round_down(decimal('2.99'), 0)", "2"),
        ("round_down(decimal('-2.99'), 0)", "-2"),
        ("round_down(decimal('-0.001'), 2)", "0"),
        ("round_half_even(params.amount * params.rate, params.currency)", "18.52"),
        ("round_half_even(params.amount * params.rate, 'JPY')", "19"),
        ("round_half_even(params.amount * params.rate, params.count - 6)", "18.5"),
        ("round_half_even(params.amount * params.rate, params.extra.n)", "18.518"),
        ("round_up(decimal('0.0000000000000000001'), 18)", "0.000000000000000001"),
        ("div_half_even(decimal(1), decimal(3), 4)", "0.3333"),
        ("div_half_even(decimal(2), decimal(3), 'BTC')", "0.66666667"),
        ("div_half_up(decimal(-1), decimal(8), 2)", "-0.13"),
        ("div_half_even(decimal(1), decimal(8), 2)", "0.12"),
        ("div_up(decimal(1), decimal(3), 2)", "0.34"),
        ("div_down(decimal(-2), decimal(3), 2)", "-0.66"),
        # Rounded twice, by way of 0.5, this would be 1.
        (
            "div_half_up(decimal('4999999999999999999999'), decimal('10000000000000000000000'), 0)",
            "0",
        ),
        # Totals
        ("total(params.extra.splits, 'units')", "2.805"),
        ("total(params.extra.amounts)", "3.3"),
        ("total([])", "0"),
        ("total([params.amount, '0.5'])", "1235"),
        ("total([item, {'units': '0.5'}], 'uni' + 'ts')", "8"),
    ],
)
def test_decimals(source: str, value: str) -> None:
    result = evaluated(source)
    assert isinstance(result, Decimal)
    assert result == Decimal(value)
    assert not (result.is_zero() and result.is_signed())


@pytest.mark.parametrize(
    ("source", "value"),
    [
        # Integers truncate toward zero, as in CEL
        ("7 / 2", 3),
        ("-7 / 2", -3),
        ("7 / -2", -3),
        ("-7 / -2", 3),
        ("7 % 3", 1),
        ("-7 % 3", -1),
        ("7 % -3", 1),
        ("-7 % -3", -1),
        ("9 % -1", 0),
        ("params.count * 2 + 1", 15),
        ("int('42') + int(decimal('1.00')) + int(params.count)", 50),
        ("int(decimal(9223372036854775807))", 2**63 - 1),
        ("abs(-3)", 3),
        ("min(3, params.count) + max(1, 2, params.extra.n)", 6),
        ("size('añb') + size([1, 2]) + size({'a': 1}) + params.extra.list.size()", 9),
        # Strings
        ("'a' + string(1) + string(true) + string(decimal('1.50'))", "a1true1.5"),
        ("string(params.amount)", "1234.5"),
        ("string(params.account)", "00000000-0000-4000-8000-000000000001"),
        ("string(params.day)", "2026-01-31"),
        ("string(params.moment)", "2026-01-31T12:00:00Z"),
        ("string(false) + string('x') + string(item.units)", "falsex7.5"),
        ("'FEE-' + params.extra.units", "FEE-12.34"),
        ("' aÄb '.trim().upperAscii() + 'XÄ'.lowerAscii()", "AÄBxÄ"),
        ("'abcde'.substring(1) + 'abcde'.substring(1, 3)", "bcdebc"),
        ("'abc'.contains('b') && 'abc'.startsWith('a') && 'abc'.endsWith('c')", True),
        ("'abc'.contains('x') || 'abc'.startsWith('b') || 'abc'.endsWith('b')", False),
        ("item.units.startsWith('7')", True),
        # Other scalars
        ("uuid('00000000-0000-4000-8000-000000000001') == params.account", True),
        ("uuid(string(params.account)) != params.account", False),
        ("date('2026-02-01') > params.day", True),
        ("min(params.day, date('2026-01-01'))", dt.date(2026, 1, 1)),
        ("params.moment <= params.moment", True),
        ("params.moment", dt.datetime(2026, 1, 31, 12, tzinfo=dt.UTC)),
        ("'a' < 'b' && false < true && 1 < 2 && decimal(1) <= decimal('1.0')", True),
        # Logic
        ("params.flag ? 'yes' : 'no'", "yes"),
        ("!params.extra.yes", False),
        ("params.extra.yes && true", True),
        ("params.extra.yes ? 1 : 2", 1),
        ("false ? 1 / 0 : 2", 2),
        ("true || 1 / 0 == 0", True),
        ("1 / 0 == 0 || true", True),
        ("false && 1 / 0 == 0", False),
        ("1 / 0 == 0 && false", False),
        ("1 / 0 == 0 || false || params.extra.zzz || true", True),
        ("(1 / 0 == 0 && true) || (false && true) || !false", True),
        ("params.memo == 'x' || params.flag", True),
        # Presence
        ("has(params.memo)", False),
        ("has(params.amount)", True),
        ("has(params.memo) ? params.memo : 'none'", "none"),
        ("has(params.memo) && params.memo == 'x'", False),
        ("has(params.extra.nothing)", True),
        ("has(params.extra.zzz)", False),
        ("has(item.to.account) && has(item['to'].account) && !has(item['from'])", True),
        # Lists and maps
        ("item.to['account'] + item.tags[1]", "ay"),
        ("params.extra['']", "empty key"),
        ("params.extra.list[2].a", "x"),
        ("[1, 2] + params.extra.list", [1, 2, 1, "2", {"a": "x"}]),
        ("{'to': item.to, 'n': params.count}", {"to": {"account": "a"}, "n": 7}),
        ("'x' in item.tags && !('z' in item.tags)", True),
        ("'2' in params.extra.list && !(2 in params.extra.list)", True),
        ("true in [1]", False),
        ("'units' in item && !('x' in {'a': 1})", True),
        ("[1, [2, 'a']] == [1, [2, 'a']]", True),
        ("[1, 2] == [1]", False),
        ("[true] == [1]", False),
        ("{'a': [1]} != {'a': [2]}", True),
        ("{'a': 1} == {'b': 1}", False),
        ("params.extra.list == [1, '2', {'a': 'x'}]", True),
        ("{'a': decimal('1.0')} == {'a': decimal('1')}", True),
        # Null
        ("params.extra.nothing == null", True),
        ("params.extra.units == null", False),
        ("params.extra.units != null", True),
        ("null", None),
    ],
)
def test_other_values(source: str, value: object) -> None:
    result = evaluated(source)
    assert (result, type(result)) == (value, type(value))


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        ("1 / 0", 3, "division by zero"),
        ("1 % 0", 3, "division by zero"),
        ("params.amount / decimal(0)", 15, "division by zero"),
        ("div_up(params.amount, decimal(0), 2)", 1, "division by zero"),
        (
            "decimal(1) / decimal(3)",
            12,
            "the quotient is not exact: use div_half_even(a, b, scale)",
        ),
        ("9223372036854775807 + params.count", 21, "integer overflow"),
        ("-9223372036854775807 - params.count", 22, "integer overflow"),
        ("4611686018427387904 * (params.count - 5)", 21, "integer overflow"),
        ("-9223372036854775808 / (params.count - 8)", 22, "integer overflow"),
        ("-9223372036854775808 % (params.count - 8)", 22, "integer overflow"),
        ("-(params.count - 8 - 9223372036854775807)", 1, "integer overflow"),
        ("abs(params.count - 8 - 9223372036854775807)", 1, "integer overflow"),
        ("int(params.amount)", 1, "1234.5 is not a whole number: round it first"),
        ("int(params.amount * decimal('1000000000000000000'))", 1, "does not fit in 64 bits"),
        ("params.memo", 8, "params.memo was not given"),
        ("1 == 2 || params.memo == ''", 18, "params.memo was not given"),
        ("1 / 0 == 0 || params.memo == ''", 3, "division by zero"),
        ("params.extra.zzz", 14, "no such key: 'zzz'"),
        ("has(params.extra.zzz.a)", 18, "no such key: 'zzz'"),
        ("has(params.extra.units.a)", 24, "only a MAP has fields, not STRING"),
        ("params.extra.units.a", 20, "a STRING has no fields or elements"),
        ("item.tags[2]", 10, "index 2 is outside of a list of 2"),
        ("item.tags[-1]", 10, "index -1 is outside of a list of 2"),
        ("item.tags['a']", 10, "the index of a LIST is an INTEGER, not STRING"),
        ("item.tags[params.extra.yes]", 10, "the index of a LIST is an INTEGER, not BOOLEAN"),
        ("item[params.extra.n]", 5, "the key of a MAP is a STRING, not INTEGER"),
        ("params.extra.n * params.amount", 16, "'*' does not mix INTEGER and DECIMAL"),
        ("params.extra.units * params.amount", 20, "write decimal(...) around the string"),
        ("params.extra.units == params.extra.n", 20, "'==' does not mix STRING and INTEGER"),
        ("params.extra.yes + params.extra.yes", 18, "'+' is not defined for BOOLEAN"),
        ("-params.extra.units", 1, "'-' is not defined for STRING"),
        ("!params.extra.n", 1, "a condition must be a BOOLEAN, not INTEGER"),
        ("params.extra.n ? 1 : 2", 14, "a condition must be a BOOLEAN"),
        ("true && params.extra.units", 22, "a condition must be a BOOLEAN"),
        ("params.extra.float", 14, "a number with a fraction is not exact as JSON"),
        ("params.extra.float + params.amount", 20, "a number with a fraction"),
        ("decimal(params.extra.float)", 1, "a number with a fraction"),
        ("params.extra.floats == [1]", 21, "a number with a fraction"),
        ("params.extra.huge", 14, "the integer does not fit in 64 bits"),
        ("string(params.extra.huge)", 1, "the integer does not fit in 64 bits"),
        ("decimal(1) in [1]", 12, "does not mix DECIMAL and INTEGER"),
        ("1 in params.extra.n", 3, "'in' looks into a LIST or a MAP, not into INTEGER"),
        ("decimal(params.currency)", 1, "'USD' is not a decimal: not a plain decimal"),
        ("decimal(params.extra.list)", 1, "decimal() is not defined for LIST"),
        ("uuid(params.currency)", 1, "'USD' is not a UUID"),
        ("date(params.currency)", 1, "'USD' is not a date"),
        ("'x'.contains(params.extra.n)", 27, "contains() takes a STRING here, not INTEGER"),
        ("min(params.extra.n, params.extra.units)", 1, "min() is not defined for STRING"),
        ("min(params.extra.n, item, 1)", 1, "min() is not defined for MAP"),
        ("min(params.extra.n, decimal(1))", 1, "min() does not mix INTEGER and DECIMAL"),
        ("params.currency.substring(params.count)", 17, "7 to 3 is outside of a string of 3"),
        ("round_up(params.amount, 'XXX')", 25, "unknown currency 'XXX'"),
        ("round_up(params.amount, 'ODD')", 25, "the scale must be 0 to 18, not 19"),
        ("round_up(params.amount, params.count * 3)", 38, "the scale must be 0 to 18, not 21"),
        ("round_up(params.amount, params.extra.yes)", 38, "an INTEGER or a currency code"),
        ("round_up(params.extra.n, 2)", 23, "round_up() takes a DECIMAL here, not INTEGER"),
        ("{'a': 1, params.extra.list[2].a: 2, 'x': 3}", 1, "'x' stands twice"),
        ("{params.extra.n: 1}", 1, "the key of a MAP is a STRING"),
        ("total(params.extra.splits)", 1, "element 0 is of type MAP, not a decimal in a string"),
        ("total(params.extra.splits, 'u')", 1, "element 0 of the list has no field 'u'"),
        ("total(params.extra.amounts, 'u')", 1, "element 0 of the list is of type STRING, not MAP"),
        ("total(['1', 2])", 1, "element 1 is of type INTEGER, not a decimal in a string"),
        ("total(['1', ' 2'])", 1, "element 1 is ' 2': not a plain decimal"),
        ("total(params.extra.floats)", 1, "element 0 is a number with a fraction"),
        ("total([{'u': '1'}, {'u': null}], 'u')", 1, "field 'u' of element 1 is of type NULL"),
        ("total(params.extra.n)", 1, "total() is not defined for INTEGER, only for LIST"),
    ],
)
def test_failures(source: str, column: int, message: str) -> None:
    expression = compiled(source)
    with pytest.raises(EvaluationError) as failure:
        expression.evaluate(VALUES, EXPONENTS, ITEM)
    assert message in failure.value.message
    assert (failure.value.line, failure.value.column) == (1, column)
    assert str(failure.value) == f"1:{column}: {failure.value.message}"


def test_a_failure_tells_its_line() -> None:
    with pytest.raises(EvaluationError) as failure:
        evaluated("params.flag\n  ? params.amount\n    / decimal(0)\n  : params.rate")
    assert (failure.value.line, failure.value.column) == (3, 5)


@pytest.mark.parametrize(
    "source",
    ["params.amount * params.amount", "params.amount + decimal('0.1')", "-params.amount"],
)
def test_digits_are_never_lost(source: str) -> None:
    huge = Decimal(10**75 + 1)
    assert evaluated("-params.amount", {"amount": huge}) == -(10**75) - 1
    if "-" in source:
        return
    with pytest.raises(EvaluationError, match="the result is not exact in 76 digits"):
        evaluated(source, {"amount": huge})


@pytest.mark.parametrize(
    "source", ["round_up(params.amount, 2)", "div_up(params.amount, decimal(1), 2)"]
)
def test_rounding_refuses_more_digits_than_are_kept(source: str) -> None:
    with pytest.raises(EvaluationError, match="the result is not exact in 76 digits"):
        evaluated(source, {"amount": Decimal(10**75)})


@pytest.mark.parametrize("context", [Context(prec=3), Context(prec=3, traps=[])])
def test_the_decimal_context_of_the_thread_does_not_matter(context: Context) -> None:
    sources = {
        "params.amount * params.rate + params.amount": "1253.0175",
        "-params.amount - params.amount": "-2469",
        "params.amount / decimal(8)": "154.3125",
        "abs(-params.amount)": "1234.5",
        "decimal(123456789) + decimal('0.5')": "123456789.5",
        "round_half_up(params.amount * params.rate, 3)": "18.518",
        "div_half_up(params.amount, decimal(7), 10)": "176.3571428571",
        "total(['1234.5', '0.0005'])": "1234.5005",
        "max(params.amount, decimal('1234.4'))": "1234.5",
        "decimal(string(params.amount))": "1234.5",
        "decimal(int(decimal('123456.00')))": "123456",
        "decimal('1234.49') < params.amount ? params.amount : params.rate": "1234.5",
    }
    with localcontext(context):
        results = {source: str(evaluated(source)) for source in sources}
    assert {s: Decimal(r) for s, r in results.items()} == {
        s: Decimal(r) for s, r in sources.items()
    }


def test_params_may_be_any_mapping() -> None:
    assert evaluated("params.amount", MappingProxyType(VALUES)) == Decimal("1234.5")


@pytest.mark.parametrize(
    "wrong", [{}, {"amount": "1"}, {"amount": None}, {"amount": 1.5}, {"amount": Decimal("NaN")}]
)
def test_params_against_the_contract_fail_as_evaluations_do(wrong: dict[str, object]) -> None:
    with pytest.raises(EvaluationError):
        evaluated("params.amount + decimal(1) > decimal(2)", wrong)


def test_subclasses_are_what_they_derive_from() -> None:
    class Text(str):
        __slots__ = ()

    values = VALUES | {"extra": {"text": Text("x"), "moment": VALUES["moment"]}}
    assert evaluated("params.extra.text + 'y'", values) == "xy"
    assert evaluated("params.extra.moment == params.moment", values) is True
    with pytest.raises(EvaluationError, match="Python type object is unknown here"):
        evaluated("params.extra.x", VALUES | {"extra": {"x": object()}})


def test_an_evaluation_leaves_its_values_as_they_were() -> None:
    items = [1]
    assert evaluated("params.extra + [2]", {"extra": items}) == [1, 2]
    assert items == [1]
    expression = compiled("[1, 2]")
    first = expression.evaluate({}, {})
    assert isinstance(first, list)
    first.append(3)
    assert expression.evaluate({}, {}) == [1, 2]


def test_many_threads_share_an_expression() -> None:
    expression = compiled("round_half_even(params.amount * params.rate, params.currency)")
    wrong: list[object] = []

    def run(number: int) -> None:
        values = {"amount": Decimal(number), "rate": Decimal("0.5"), "currency": "BTC"}
        results = [expression.evaluate(values, EXPONENTS) for _ in range(500)]
        wrong.extend(result for result in results if result != Decimal(number) / 2)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong

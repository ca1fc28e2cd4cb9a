"""What is known, and refused, before anything is evaluated."""

import pytest

from ledger_server.domain.expression import (
    Expression,
    ExpressionError,
    Mistake,
    Type,
    compile_expression,
)

PARAMS = {
    "amount": Type.DECIMAL,
    "count": Type.INTEGER,
    "currency": Type.STRING,
    "memo": Type.STRING,
    "flag": Type.BOOLEAN,
    "account": Type.UUID,
    "day": Type.DATE,
    "moment": Type.TIMESTAMP,
    "extra": Type.JSON,
    "lines": Type.LIST,
    "labels": Type.MAP,
}


def compiled(source: str, *, item: bool = True) -> Expression:
    return compile_expression(
        source, params=PARAMS, optional_params=frozenset({"memo"}), item_allowed=item
    )


def mistakes(source: str, *, item: bool = True) -> tuple[Mistake, ...]:
    with pytest.raises(ExpressionError) as refusal:
        compiled(source, item=item)
    return refusal.value.mistakes


@pytest.mark.parametrize(
    ("source", "type_"),
    [
        ("params.amount", Type.DECIMAL),
        ("params['amount']", Type.DECIMAL),
        ("params.extra", Type.JSON),
        ("params.extra.a[0]", Type.JSON),
        ("item", Type.JSON),
        ("params.lines[0]", Type.JSON),
        ("params.labels.a", Type.JSON),
        ("params.labels['a']", Type.JSON),
        ("params.amount * params.amount", Type.DECIMAL),
        ("params.extra * params.amount", Type.DECIMAL),
        ("params.extra * item", Type.JSON),
        ("-params.extra", Type.JSON),
        ("-params.amount", Type.DECIMAL),
        ("params.amount < item.a", Type.BOOLEAN),
        ("params.extra == null", Type.BOOLEAN),
        ("params.account == params.account", Type.BOOLEAN),
        ("params.lines == [1]", Type.BOOLEAN),
        ("params.day <= params.day", Type.BOOLEAN),
        ("params.moment > params.moment", Type.BOOLEAN),
        ("params.currency in params.labels", Type.BOOLEAN),
        ("params.currency + 'x'", Type.STRING),
        ("params.lines + [1]", Type.LIST),
        ("{'a': params.amount}", Type.MAP),
        ("null", Type.NULL),
        ("has(params.memo)", Type.BOOLEAN),
        ("has(params.extra.a)", Type.BOOLEAN),
        ("has(params['memo'])", Type.BOOLEAN),
        ("has(item['a'])", Type.BOOLEAN),
        ("has(params.memo) ? params.memo : null", Type.JSON),
        ("params.flag ? params.amount : item", Type.JSON),
        ("params.flag ? 1 : 2", Type.INTEGER),
        ("decimal(item.units)", Type.DECIMAL),
        ("int(params.amount)", Type.INTEGER),
        ("string(params.moment)", Type.STRING),
        ("uuid(params.memo)", Type.UUID),
        ("date(params.memo)", Type.DATE),
        ("size(params.lines)", Type.INTEGER),
        ("abs(params.count)", Type.INTEGER),
        ("abs(item)", Type.JSON),
        ("min(params.amount, item)", Type.DECIMAL),
        ("max(params.day, params.day, params.day)", Type.DATE),
        ("total(params.lines, 'units')", Type.DECIMAL),
        ("total(params.extra)", Type.DECIMAL),
        ("round_up(item, params.currency)", Type.DECIMAL),
        ("div_down(params.amount, params.amount, item)", Type.DECIMAL),
        ("params.memo.trim().startsWith('x')", Type.BOOLEAN),
    ],
)
def test_types(source: str, type_: Type) -> None:
    assert compiled(source).type is type_


@pytest.mark.parametrize(
    ("source", "column", "message"),
    [
        # Names
        ("params.amout", 8, "unknown param 'amout', did you mean amount?"),
        ("params['amout']", 8, "unknown param 'amout', did you mean amount?"),
        ("has(params.mem)", 12, "unknown param 'mem', did you mean memo?"),
        ("params.zzz", 8, "unknown param 'zzz'"),
        ("param.amount", 1, "unknown variable 'param', did you mean params?"),
        ("amount", 1, "unknown variable 'amount': write params.amount"),
        ("params", 1, "a param is needed here: params.name"),
        ("params[params.memo]", 7, "the name of a param must be written out"),
        ("params.trim()", 1, "a param is needed here: params.name"),
        # Operators
        ("params.amount * 2", 15, "'*' does not mix DECIMAL and INTEGER: write decimal(...)"),
        ("params.count + params.amount", 14, "'+' does not mix INTEGER and DECIMAL"),
        ("params.amount == 1", 15, "'==' does not mix DECIMAL and INTEGER: write decimal(...)"),
        ("params.amount < '1'", 15, "write decimal(...) around the string"),
        ("'USD ' + params.amount", 8, "write string(...) or decimal(...) around one of them"),
        ("'n' + 1", 5, "'+' does not mix STRING and INTEGER: write string(...) around the other"),
        ("params.account == 'a'", 16, "write uuid(...) or date(...) around the string"),
        ("params.memo == null", 13, "has(params.x) tells"),
        ("params.flag + params.flag", 13, "'+' is not defined for BOOLEAN, only for DECIMAL"),
        ("params.amount % params.amount", 15, "'%' is not defined for DECIMAL, only for INTEGER"),
        ("params.flag * item", 13, "'*' is not defined for BOOLEAN"),
        ("params.account < params.account", 16, "'<' is not defined for UUID"),
        ("[1] < [2]", 5, "'<' is not defined for LIST"),
        ("-'a'", 1, "'-' is not defined for STRING"),
        ("!1", 1, "'!' needs a BOOLEAN, not INTEGER"),
        ("1 && true", 1, "'&&' needs a BOOLEAN"),
        ("true || false || 'x'", 18, "'||' needs a BOOLEAN, not STRING"),
        ("1 ? 2 : 3", 1, "'?' needs a BOOLEAN"),
        ("true ? 1 : decimal('1')", 6, "'? :' does not mix INTEGER and DECIMAL"),
        ("1 in 2", 3, "'in' looks into a LIST or a MAP, not into INTEGER"),
        ("1 in {'a': 1}", 3, "the keys of a MAP are STRINGs"),
        # Fields and elements
        ("params.amount.x", 15, "a DECIMAL has no fields or elements"),
        ("params.memo[0]", 12, "a STRING has no fields or elements"),
        ("params.lines.x", 14, "a LIST has no fields: use an index such as [0]"),
        ("params.lines['x']", 14, "the index of a LIST is of type INTEGER, not STRING"),
        ("params.labels[0]", 15, "the index of a MAP is of type STRING, not INTEGER"),
        ("params.extra[true]", 14, "the index is an INTEGER or a STRING, not BOOLEAN"),
        ("{1: 2}", 2, "the keys of a MAP are STRINGs"),
        ("{'a': 1, 'a': 2}", 10, "the key stands twice in the map"),
        # Calls
        ("foo(1)", 1, "unknown function foo()"),
        ("totl(params.lines)", 1, "unknown function totl(), did you mean total?"),
        ("'a'.trims()", 5, "unknown function trims(), did you mean trim?"),
        ("round(params.amount, 2)", 1, "name the mode: round_half_even, round_half_up"),
        ("div(params.amount, params.amount, 2)", 1, "name the mode: div_half_even"),
        ("double('1')", 1, "binary floating point is not exact: use decimal(x)"),
        ("params.lines.map(x, x)", 14, "there are no loops: no map()"),
        ("params.lines.exists(x, x > 1)", 14, "there are no loops: no exists()"),
        ("all(params.lines)", 1, "there are no loops"),
        ("trim('a')", 1, "trim is a method: write x.trim(...)"),
        ("params.amount.abs()", 15, "abs is not a method: write abs(...)"),
        ("params.amount.round_up(2)", 15, "round_up is not a method: write round_up(...)"),
        ("abs()", 1, "abs() takes 1 argument, not 0"),
        ("abs(1, 2)", 1, "abs() takes 1 argument, not 2"),
        ("total()", 1, "total() takes 1 to 2 arguments, not 0"),
        ("'a'.size(1)", 5, "size() takes 0 arguments, not 1"),
        ("'a'.substring()", 5, "substring() takes 1 to 2 arguments, not 0"),
        ("round_up(params.amount)", 1, "round_up() takes 2 arguments, not 1"),
        ("min(1)", 1, "min() takes two arguments or more"),
        ("has(1)", 1, "has() takes a field: has(params.x)"),
        ("has(params)", 1, "has() takes a field: has(params.x)"),
        ("has(item)", 1, "has() takes a field: has(params.x)"),
        ("has()", 1, "has() takes a field: has(params.x)"),
        ("has(params.amount.x)", 19, "a DECIMAL has no fields"),
        ("abs('a')", 5, "abs() is not defined for STRING, only for INTEGER, DECIMAL"),
        ("total('1')", 7, "total() is not defined for STRING, only for LIST"),
        ("total(params.lines, 1)", 21, "total() takes a STRING here, not INTEGER"),
        ("min(1, decimal('1'))", 8, "'min()' does not mix INTEGER and DECIMAL"),
        ("min('a', 'b')", 5, "min() is not defined for STRING"),
        ("round_up(1, 2)", 10, "takes a DECIMAL here, not INTEGER: write decimal(...) around it"),
        ("round_up(params.amount, true)", 25, "is an INTEGER or a currency code, not BOOLEAN"),
        ("round_up(params.amount, 19)", 25, "the scale must be 0 to 18, not 19"),
        ("round_up(params.amount, -1)", 25, "the scale must be 0 to 18, not -1"),
        # Constants are tried at once
        ("decimal('1e3')", 9, "'1e3' is not a decimal: not a plain decimal such as 12.34"),
        ("decimal('-0')", 9, "negative zero"),
        ("decimal('" + "1" * 50 + "')", 9, "longer than 40 characters"),
        ("date('2026-02-30')", 6, "'2026-02-30' is not a date such as 2026-01-31"),
        ("date('20260131')", 6, "is not a date"),
        ("uuid('{00000000-0000-0000-0000-000000000000}')", 6, "is not a UUID"),
        ("int('1.5')", 5, "'1.5' is not an integer"),
        ("int('01')", 5, "'01' is not an integer"),
        ("int(decimal('1.5'))", 5, "1.5 is not a whole number: round it first"),
        ("int(decimal('12345678901234567890123456789'))", 5, "does not fit in 64 bits"),
        ("'abc'.substring(2, 9)", 1, "2 to 9 is outside of a string of 3 characters"),
        ("string(null)", 8, "string() is not defined for NULL"),
    ],
)
def test_mistakes(source: str, column: int, message: str) -> None:
    found = mistakes(source)
    assert len(found) == 1, found
    assert message in found[0].message
    assert (found[0].line, found[0].column) == (1, column)


def test_item_is_known_only_where_allowed() -> None:
    assert "item is known only where" in mistakes("item.a", item=False)[0].message


def test_all_mistakes_are_told_in_order_and_once() -> None:
    found = mistakes(
        "params.amout * 0.015\n  + foo(params.cout, 1 + decimal('x'))\n  + (true ? 1 : 'a')"
    )
    assert [(mistake.line, mistake.column) for mistake in found] == [
        (1, 8),
        (1, 16),
        (2, 5),
        (2, 16),
        (2, 34),
        (3, 11),
    ]


def test_only_so_many_mistakes_are_told() -> None:
    found = mistakes("+".join(f"a{number}" for number in range(400)))
    assert len(found) == 20


def test_a_mistake_does_not_cause_others() -> None:
    assert len(mistakes("round_up(params.x + 1, params.currency) + params.amount")) == 1
    assert len(mistakes("(params.x < 1) && params.flag ? 1 : 2")) == 1
    assert len(mistakes("min(params.x, 'a', 2)")) == 1
    assert len(mistakes("size(string(decimal('x')))")) == 1
    assert len(mistakes("round_up(params.amount, int('x'))")) == 1
    assert len(mistakes("-decimal('x') + abs(-decimal(0.5))")) == 2
    assert len(mistakes("{string(decimal('x')): 1}")) == 1


@pytest.mark.parametrize(
    ("source", "expected", "accepted"),
    [
        ("params.amount", {Type.DECIMAL}, True),
        ("params.amount", {Type.STRING, Type.DECIMAL}, True),
        ("params.amount", {Type.STRING}, False),
        ("params.extra", {Type.STRING}, True),
        ("null", {Type.STRING}, False),
        ("1", set(), False),
    ],
)
def test_expected_types(source: str, expected: set[Type], accepted: bool) -> None:
    if accepted:
        compile_expression(source, params=PARAMS, expected=frozenset(expected))
        return
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(source, params=PARAMS, expected=frozenset(expected))
    assert "the value is of type" in refusal.value.mistakes[0].message


def test_tells_what_it_uses() -> None:
    expression = compiled("has(params.memo) ? params.amount : params['amount'] + decimal('1')")
    assert expression.params_used == {"memo", "amount"}
    assert not expression.uses_item
    assert compiled("has(item.a)").uses_item
    assert compiled("1").params_used == frozenset()
    assert repr(compiled("1 + 1")) == "<Expression '1 + 1'>"

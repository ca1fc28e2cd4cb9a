"""How operators group, and what is not an expression."""

import pytest

from ledger_server.domain.expression import ExpressionError, compile_expression


@pytest.mark.parametrize(
    ("source", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("10 - 3 - 2", 5),
        ("100 / 10 / 2", 5),
        ("100 / 10 * 2", 20),
        ("7 - 10 % 4", 5),
        ("-2 - -3", 1),
        ("2-1", 1),
        ("-(1 + 2)", -3),
        ("- - 1", 1),
        ("!true || true", True),
        ("!!true", True),
        ("1 + 1 == 2 && 2 < 3", True),
        ("true || false && false", True),
        ("(true || false) && false", False),
        ("1 < 2 == true", True),
        ("true ? 1 : false ? 2 : 3", 1),
        ("false ? 1 : false ? 2 : 3", 3),
        ("false || true ? 'a' : 'b'", "a"),
        ("[1, [2, 3]][1]", [2, 3]),
        ("[1, 2,]", [1, 2]),
        ("[]", []),
        ("{}", {}),
        ("{'a': 1, 'b': {'c': [2]},}", {"a": 1, "b": {"c": [2]}}),
        ("{'a': {'b': [5]}}.a.b[0]", 5),
        ("{'a': 5}['a']", 5),
        ("2 in [1, 2] && !(3 in [1, 2])", True),
        ("-1 in [-1]", True),
        ("'abc'.substring(1).size() + 1", 3),
    ],
)
def test_grouping(source: str, value: object) -> None:
    assert compile_expression(source, params={}).evaluate({}, {}) == value


@pytest.mark.parametrize(
    ("source", "message", "column"),
    [
        ("", "the expression ends where a value should be", 1),
        ("  ", "the expression ends where a value should be", 3),
        ("// only this", "the expression ends where a value should be", 13),
        ("1 +", "the expression ends where a value should be", 4),
        ("1 2", "a number where an operator or the end should be", 3),
        ("1 'a'", "a string where an operator or the end should be", 3),
        ("(1", "the expression ends where ')' should be", 3),
        ("1)", "')' where an operator or the end should be", 2),
        ("[1 2]", "a number where ']' should be", 4),
        ("[,]", "',' where a value should be", 2),
        ("{1}", "'}' where ':' should be", 3),
        ("{'a': 1 'b': 2}", "a string where '}' should be", 9),
        ("abs(1", "the expression ends where ')' should be", 6),
        ("true ? 1", "the expression ends where ':' should be", 9),
        ("true ? true ? 1 : 2 : 3", "'?' where ':' should be", 13),
        ("params.", "the expression ends where a field's name should be", 8),
        ("params.'a'", "a string where a field's name should be", 8),
        ("item.in", "'in' where a field's name should be", 6),
        ("* 1", "'*' where a value should be", 1),
        ("1 + + 2", "'+' where a value should be", 5),
        ("-!true", "'-' is not defined for BOOLEAN", 1),
    ],
)
def test_refuses(source: str, message: str, column: int) -> None:
    with pytest.raises(ExpressionError) as refusal:
        compile_expression(source, params={})
    mistake = refusal.value.mistakes[-1]
    assert message in mistake.message
    assert (mistake.line, mistake.column) == (1, column)

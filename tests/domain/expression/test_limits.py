"""Hostile sources and values are refused, soon, and as what they are."""

import sys
import time
from collections.abc import Callable
from decimal import Decimal

import pytest

from ledger_server.domain.expression import (
    SOURCE_LENGTH_MAX,
    EvaluationError,
    Expression,
    ExpressionError,
    Type,
    compile_expression,
)
from ledger_server.domain.expression.checker import TOTALS_MAX
from ledger_server.domain.expression.operators import (
    COMPARISONS_MAX,
    LIST_LENGTH_MAX,
    STRING_LENGTH_MAX,
)
from ledger_server.domain.expression.parser import DEPTH_MAX, NODES_MAX

PARAMS = {"a": Type.DECIMAL, "n": Type.INTEGER, "s": Type.STRING, "b": Type.BOOLEAN, "j": Type.JSON}
VALUES = {"a": Decimal("1.5"), "n": 3, "s": "x", "b": True, "j": {}}


def compiled(source: str) -> Expression:
    return compile_expression(source, params=PARAMS, item_allowed=True)


@pytest.mark.parametrize(
    "source",
    [
        "(" * 20_000 + "1" + ")" * 20_000,
        "(" * 4_000,
        "((" * 1_000 + "1" + "))" * 1_000,
        "[" * 4_000,
        "[" * 40 + "]" * 40,
        "{'a':" * 800,
        "abs(" * 1_000,
        "-" * 4_000 + "1",
        "- " * 2_000 + "1",
        "!" * 4_000 + "true",
        "true ? 1 : " * 370 + "1",
        "(true ? " * 500,
        "a" * 1_000_000,
        "'" + "a" * 1_000_000 + "'",
        "'" + "a" * 4_000,
        "'" * 4_001,
        '"""' + '"' * 4_000,
        "'" + "\\" * 4_000,
        "'" + r"\q" * 2_000 + "'",
        "9" * 1_000_000,
        "9" * 4_000,
        "0x" + "f" * 4_000,
        "1e" + "9" * 4_000,
        "0." + "9" * 4_000,
        "." * 4_000,
        "1." * 2_000,
        "item" + ".a" * 2_000,
        "item" + "[0]" * 1_000,
        "params.s" + ".trim()" * 500,
        "1+" * 2_000 + "1",
        "true||" * 600 + "true",
        "1<" * 2_000 + "1",
        "x+" * 900,
        "+".join(["zzzz"] * 400),
        "+".join(f"params.zz{number}" for number in range(300)),
        "+".join(f"zz{number}()" for number in range(480)),
        "[" + "1," * 1_500 + "]",
        "decimal('" + "9" * 4_000 + "')",
        "int('" + "9" * 4_000 + "')",
        "\n" * 4_000 + "1 +",
        "//" * 2_000,
        "r" * 4_000,
        "rb" * 2_000 + "'",
        "\ud800",
        "\U0010ffff" * 4_000,
    ],
    ids=lambda source: f"{source[:12]!a}-{len(source)}",
)
def test_hostile_sources_are_refused_soon(source: str) -> None:
    many = {f"name{number}": Type.STRING for number in range(200)}
    compile_expression("1", params=many)
    best = float("inf")
    for _ in range(3):  # the least of three, in processor time: the machine may be busy
        start = time.process_time()
        with pytest.raises(ExpressionError):
            compile_expression(source, params=many, item_allowed=True)
        best = min(best, time.process_time() - start)
    assert best < 0.05


@pytest.mark.parametrize("part", ["params.s", "// " + "x" * 97 + "\n"])
def test_source_length(part: str) -> None:
    fits = part + " " * (SOURCE_LENGTH_MAX - len(part) - 1) + ("" if part[0] == "p" else "1")
    compiled(fits)
    with pytest.raises(ExpressionError, match="longer than 4096 characters"):
        compiled(fits + "  ")


@pytest.mark.parametrize(
    "nested",
    [
        lambda depth: "(" * (depth - 1) + "1" + ")" * (depth - 1),
        lambda depth: "[" * (depth - 1) + "1" + "]" * (depth - 1),
        lambda depth: "abs(" * (depth - 1) + "1" + ")" * (depth - 1),
        lambda depth: "!" * (depth - 1) + "true",
        lambda depth: "true ? 1 : " * (depth - 1) + "1",
        lambda depth: "1 + (" * ((depth - 1) // 2) + "1" + ")" * ((depth - 1) // 2),
        lambda depth: "item" + ".a" * (depth - 1),
        lambda depth: "params.s" + ".trim()" * (depth - 2),
        lambda depth: "(true || " * ((depth - 1) // 2) + "true" + ")" * ((depth - 1) // 2),
        lambda depth: "(" * (depth - 2) + "true" + " && false) || params.b" * (depth - 2),
    ],
)
def test_depth(nested: Callable[[int], str]) -> None:
    compiled(nested(DEPTH_MAX))
    with pytest.raises(ExpressionError, match="nested more than 32 deep"):
        compiled(nested(DEPTH_MAX + 2))


@pytest.mark.parametrize(
    ("part", "joint", "value"),
    [
        ("1", "+", NODES_MAX // 2),
        ("params.n", "+", 3 * 333),
        ("true", "&&", True),
        ("false", "||", False),
        ("[]", "+", []),
    ],
)
def test_chains_may_be_as_long_as_the_node_limit(part: str, joint: str, value: object) -> None:
    count = 333 if "." in part else NODES_MAX // 2
    assert compiled(joint.join([part] * count)).evaluate(VALUES, {}) == value
    with pytest.raises(ExpressionError, match="more than 1000 operations and values"):
        compiled(joint.join([part] * (count + 1)))


def test_totals_are_counted() -> None:
    source = "+".join(["total(params.j)"] * TOTALS_MAX)
    assert compiled(source).evaluate({"j": ["1"] * 100}, {}) == 1600
    with pytest.raises(ExpressionError, match="more than 16 calls of total"):
        compiled(f"{source} + total(params.j)")


def test_the_worst_tree_fits_in_what_recursion_is_left() -> None:
    """At each level as many operators as fit, so that the Python tree is as deep as it gets."""
    source = "1"
    while len(source) < SOURCE_LENGTH_MAX - 40:
        deeper = f"1+1+1+1+(2*2*2*(true&&1<{source}?1:2))"
        try:
            compiled(deeper)
        except ExpressionError:
            break
        source = deeper
    assert source.count("(") > 4

    def at_depth(depth: int) -> Expression:
        return compiled(source) if depth == 0 else at_depth(depth - 1)

    depth = sys.getrecursionlimit() - 600
    assert isinstance(at_depth(depth).evaluate(VALUES, {}), int)


@pytest.mark.parametrize("operators", ["&&", "||", "&&||"])
def test_deeply_nested_logic_absorbs_failures(operators: str) -> None:
    joints = [operators[:2], operators[-2:]]
    source = "1 / 0 == 0"
    for level in range(14):
        source = f"({source} {joints[level % 2]} 1 / 0 == {level})"
    with pytest.raises(EvaluationError, match="division by zero"):
        compiled(source).evaluate(VALUES, {})
    assert compiled(f"{source} || true").evaluate(VALUES, {}) is True


@pytest.mark.parametrize(
    ("source", "values", "message"),
    [
        ("params.s + params.s", {"s": "x" * (STRING_LENGTH_MAX // 2 + 1)}, "longer than 16384"),
        ("params.s.trim()", {"s": "x" * (STRING_LENGTH_MAX + 1)}, "longer than 16384"),
        ("params.s.upperAscii()", {"s": "x" * (STRING_LENGTH_MAX + 1)}, "longer than 16384"),
        ("params.j + params.j", {"j": [1] * (LIST_LENGTH_MAX // 2 + 1)}, "more than 10000 elem"),
        ("total(params.j)", {"j": ["1"] * (LIST_LENGTH_MAX + 1)}, "more than 10000 elements"),
        ("params.j == params.j", {"j": [1] * (COMPARISONS_MAX + 1)}, "more than 2000 values"),
        ("0 in params.j", {"j": [1] * (COMPARISONS_MAX + 1)}, "more than 2000 values"),
        ("params.j == params.j", {"j": "deep"}, "cannot be evaluated with these values"),
        ("params.n * params.n", {"n": 2**63}, "does not fit in 64 bits"),
        ("string(params.n)", {"n": 10**5000}, "cannot be evaluated with these values"),
        ("decimal(params.n) + params.a", {"n": 10**100, "a": Decimal("0.1")}, "not exact in 76"),
        ("params.a * params.a", {"a": Decimal("1e600")}, "not exact in 76"),
        ("params.a * params.a", {"a": Decimal("1e-600")}, "not exact in 76"),
        ("int(params.a)", {"a": Decimal("1e999")}, "does not fit in 64 bits"),
        ("decimal(params.s)", {"s": "9" * 1_000_000}, "longer than 40 characters"),
        ("uuid(params.s)", {"s": "9" * 1_000_000}, "is not a UUID"),
        ("params.j[params.s]", {"s": "9" * 1_000_000, "j": {}}, "no such key: '999"),
    ],
)
def test_values_too_large_fail(source: str, values: dict[str, object], message: str) -> None:
    if values.get("j") == "deep":
        deep: list[object] = []
        for _ in range(50_000):
            deep = [deep]
        values = {"j": deep}
    with pytest.raises(EvaluationError) as failure:
        compiled(source).evaluate(values, {})
    assert message in failure.value.message
    assert len(failure.value.message) < 300


def test_values_at_the_limit_pass() -> None:
    half = "x" * (STRING_LENGTH_MAX // 2)
    assert compiled("params.s + params.s").evaluate({"s": half}, {}) == half * 2
    numbers = ["1"] * LIST_LENGTH_MAX
    assert compiled("total(params.j)").evaluate({"j": numbers}, {}) == LIST_LENGTH_MAX


@pytest.mark.parametrize(
    ("part", "joint"),
    [
        ("params.j==params.j", "&&"),
        ("('0' in params.j)", "=="),
        ("size(params.j+params.j)", "+"),
        ("div_up(params.a,params.a,18)", "+"),
    ],
)
def test_the_costliest_evaluations_end(part: str, joint: str) -> None:
    """A bound on the cost, not a benchmark: the worst takes well under a second when idle."""
    count = SOURCE_LENGTH_MAX // (len(part) + len(joint))
    source = joint.join([part] * count)
    while True:
        try:
            expression = compiled(source)
            break
        except ExpressionError:
            count -= 5
            source = joint.join([part] * count)
    values = {"j": ["1"] * (COMPARISONS_MAX - 1), "a": Decimal("1." + "3" * 37)}
    start = time.process_time()
    expression.evaluate(values, {})
    assert time.process_time() - start < 10

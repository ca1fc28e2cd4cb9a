"""The manual of the template language says what the engine does, example by example."""

import datetime as dt
import json
import re
import uuid
from decimal import Decimal
from pathlib import Path
from typing import Final

import pytest

from ledger_client.convert import encode
from ledger_client.models import ParamType as ClientParamType
from ledger_client.templates import load_template
from ledger_server.domain import params as param_rules
from ledger_server.domain import primitives, template, template_compiler, transaction, tx_template
from ledger_server.domain.errors import TemplateInvalidError
from ledger_server.domain.expression import (
    SOURCE_LENGTH_MAX,
    EvaluationError,
    ExpressionError,
    Type,
    calls,
    checker,
    compile_expression,
    operators,
    parser,
)
from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from ledger_server.domain.template import EntryDefinition, ParamType, TransactionFields
from ledger_server.store.template_codec import template_of
from tests.templates.test_examples import as_lines, compiled, evaluated

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "templates.md").read_text()
EXPONENTS = {currency.code: currency.exponent for currency in BUILT_IN_CURRENCIES}

TYPES: Final = {
    **{kind: Type[kind.name] for kind in ParamType if kind.name in Type.__members__},
    ParamType.ACCOUNT: Type.STRING,
    ParamType.CURRENCY: Type.STRING,
}


def fences(kind: str) -> list[str]:
    """Return what stands in the page's fences of a kind."""
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def examples() -> list[tuple[str, str]]:
    """Return each expression on the page with what is said to come of it."""
    lines = [line for fence in fences("expressions") for line in fence.splitlines()]
    return [(source, result) for source, _, result in (line.partition(" => ") for line in lines)]


def shown(value: object) -> str:
    """Write a value as the page does: as the language would."""
    match value:
        case bool() | None:
            return json.dumps(value)
        case str():
            return json.dumps(value, ensure_ascii=False)
        case Decimal():
            return primitives.plain(value)
        case dt.datetime() | dt.date():
            return value.isoformat().replace("+00:00", "Z")
        case uuid.UUID() | int():
            return str(value)
        case list():
            return f"[{', '.join(map(shown, value))}]"
        case dict():
            pairs = (f"{shown(key)}: {shown(inner)}" for key, inner in value.items())
            return f"{{{', '.join(pairs)}}}"
    raise AssertionError(f"no example gives a {type(value).__name__}")


def result_of(source: str) -> str:
    """Return what comes of an expression: its value, or where and why it has none."""
    declared, values = {}, {}
    for line in fences("params")[0].splitlines():
        name, kind, *value = line.split(None, 2)
        declared[name] = ParamType[kind]
        if value:
            values[name] = param_rules.parse_param(ParamType[kind], json.loads(value[0]))
    lines = values["lines"]
    assert isinstance(lines, list)
    try:
        expression = compile_expression(
            source,
            params={name: TYPES[kind] for name, kind in declared.items()},
            optional_params=frozenset(declared.keys() - values.keys()),
            item_allowed=True,
        )
        return shown(expression.evaluate(values, EXPONENTS, lines[1]))
    except (ExpressionError, EvaluationError) as error:
        return f"error {error}"


@pytest.mark.parametrize(("source", "result"), examples())
def test_an_expression(source: str, result: str) -> None:
    assert result_of(source) == result


@pytest.mark.parametrize("text", fences("yaml"), ids=lambda text: text.split()[1])
def test_a_template(text: str) -> None:
    loaded = load_template(text)
    assert loaded.examples
    for example in loaded.examples:
        assert evaluated(compiled(loaded), example) == as_lines(example.entries)


def mistakes(text: str) -> str:
    """Return the mistakes of a template that the server finds, a line each."""
    message = encode.new_tx_template(load_template(text).template)
    with pytest.raises(TemplateInvalidError) as refusal:
        template_compiler.compile_template(template_of(message))
    return "".join(f"{one.field}: {one.description}\n" for one in refusal.value.violations)


def test_the_mistakes_of_a_template() -> None:
    (wrong,), (told,) = fences("yaml wrong"), fences("mistakes")
    assert mistakes(wrong) == told


def test_every_function_operator_and_type_has_an_example() -> None:
    """An example that works: those under the common mistakes do not count."""
    working = "\n".join(source for source, result in examples() if not result.startswith("error"))
    names = set(re.findall(r"\b(\w+)\(", working))
    assert set(calls._NAMES) - names == set()
    symbols = {*parser._POWERS, "?", "!"}
    assert [
        symbol for symbol in symbols if f" {symbol} " not in working.replace("!p", " ! p")
    ] == []
    (declared,) = fences("params")
    assert {line.split()[1] for line in declared.splitlines()} == {kind.name for kind in ParamType}
    assert {kind.name for kind in ClientParamType} == {kind.name for kind in ParamType}


def test_every_type_and_field_has_its_row() -> None:
    fields = (*TransactionFields.__dataclass_fields__, *EntryDefinition.__dataclass_fields__)
    for name in (*ParamType.__members__, *fields):
        assert len(re.findall(rf"^\| `{name}` \| \S", PAGE, re.MULTILINE)) == 1, name


@pytest.mark.parametrize(
    ("what", "limit"),
    [
        ("params of a template", template.PARAMS_MAX),
        ("entries in a template", template.ENTRY_DEFINITIONS_MAX),
        ("entries of a transaction", transaction.ENTRIES_MAX),
        ("elements of all lists that `for_each` walks over, together", tx_template.ITEMS_MAX),
        ("characters of an expression", SOURCE_LENGTH_MAX),
        ("levels of nesting in an expression", parser.DEPTH_MAX),
        ("operations and values in an expression", parser.NODES_MAX),
        ("calls of `total` in an expression", checker.TOTALS_MAX),
        ("characters of a STRING that an expression makes", operators.STRING_LENGTH_MAX),
        ("elements of a LIST that an expression makes or adds up", operators.LIST_LENGTH_MAX),
        ("values that one `==` or `in` compares", operators.COMPARISONS_MAX),
        ("digits of units", primitives.AMOUNT_DIGITS_MAX),
        ("digits of a DECIMAL on the way", primitives.EXACT.prec),
    ],
)
def test_the_limits_are_those_of_the_code(what: str, limit: int) -> None:
    assert f"| {what} | {limit:,} |" in PAGE


def test_the_bounds_of_params_are_those_of_the_code() -> None:
    assert f"up to {param_rules.STRING_LENGTH_MAX:,} characters" in PAGE
    assert f"up to {primitives.AMOUNT_DIGITS_MAX} digits" in PAGE
    bounds = (param_rules.JSON_VALUES_MAX, param_rules.JSON_DEPTH_MAX)
    assert "up to {:,} values, nested up to {} deep".format(*bounds) in PAGE

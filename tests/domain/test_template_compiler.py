"""Templates as written: every mistake is found, at once and at its place."""

import time
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import TemplateInvalidError, Violation
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.template import (
    ENTRY_DEFINITIONS_MAX,
    PARAMS_MAX,
    EntryDefinition,
    Json,
    Param,
    ParamType,
    Template,
    TransactionFields,
)
from ledger_server.domain.template_compiler import compile_template
from tests.domain.samples import entry, param, template
from tests.domain.strategies import json_values

ALL_TYPES = [param(kind.name.lower(), kind) for kind in ParamType]
#: Uses every param, so that none is reported as unused.
USES_ALL = "[" + ", ".join(f"params.{one.name}" for one in ALL_TYPES) + "]"


def mistakes(wrong: Template) -> list[tuple[str, str]]:
    """Return the place and description of each mistake in a template."""
    with pytest.raises(TemplateInvalidError) as refusal:
        compile_template(wrong)
    found = refusal.value.violations_found()
    assert refusal.value.code == wrong.code
    assert str(refusal.value).startswith(f"template {wrong.code!r} has {len(found)} mistake(s)")
    return [(violation.field, violation.description) for violation in found]


def test_a_template_without_mistakes() -> None:
    compiled = compile_template(
        template(
            entry(account="params.account", units="params.decimal", layer="PENDING"),
            entry(
                account="item.account",
                direction="item.side",
                layer="params.string",
                units="decimal(item.units)",
                currency="params.currency",
                when="params.boolean && item.units != ''",
                for_each="params.json",
            ),
            params=ALL_TYPES,
            transaction=TransactionFields(
                effective_date="params.date",
                description="'on ' + string(params.timestamp) + string(params.integer)",
                external_id="string(params.uuid)",
                metadata=f"{{'all': string(size({USES_ALL}))}}",
            ),
        )
    )
    first, second = compiled.entries
    assert (first.direction, first.layer) == (Direction.DEBIT, Layer.PENDING)
    assert (first.when, first.for_each) == (None, None)
    assert not isinstance(second.direction, Direction)
    assert not isinstance(second.layer, Layer)
    assert compiled.correlation_id is None
    assert list(compiled.params) == [one.name for one in ALL_TYPES]


def test_the_layer_is_settled_unless_named() -> None:
    assert compile_template(template(entry())).entries[0].layer is Layer.SETTLED


def test_every_mistake_is_found_at_once() -> None:
    wrong = template(
        entry(account="params.form", units="params.amount + 1", direction="DEBT"),
        entry(currency="'USD", layer="SETLED", when="params.amount", for_each="'list'"),
        code="1st",
        description="x" * 1_025,
        params=[
            param("amount"),
            param("amount"),
            param("2nd", ParamType.STRING),
            param("rate", default="NaN"),
        ],
        transaction=TransactionFields(
            effective_date="'2026-01-31'",
            description="params.amount",
            external_id="",
            correlation_id="item.id",
            metadata="[]",
        ),
    )
    assert mistakes(wrong) == [
        ("code", "not 1 to 64 of letters, digits, `.`, `_` and `-`, a letter first"),
        ("description", "longer than 1024 characters"),
        ("params[1].name", "'amount' is declared twice"),
        ("params[2].name", "not 1 to 64 of letters, digits and `_`, a letter first"),
        ("params[3].default_value", "not a DECIMAL: not a plain decimal such as 12.34"),
        ("entries[0].account", "line 1, column 8: unknown param 'form'"),
        ("entries[0].direction", "'DEBT' is none of DEBIT, CREDIT; did you mean DEBIT?"),
        (
            "entries[0].units",
            (
                "line 1, column 15: '+' does not mix DECIMAL and INTEGER: "
                "write decimal(...) around the integer"
            ),
        ),
        (
            "entries[1].layer",
            "'SETLED' is none of SETTLED, PENDING, ENCUMBRANCE; did you mean SETTLED?",
        ),
        ("entries[1].currency", "line 1, column 1: the string does not end"),
        (
            "entries[1].when",
            "line 1, column 8: the value is of type DECIMAL, not BOOLEAN",
        ),
        ("entries[1].for_each", "line 1, column 1: the value is of type STRING, not LIST"),
        (
            "transaction.effective_date",
            "line 1, column 1: the value is of type STRING, not DATE",
        ),
        (
            "transaction.description",
            "line 1, column 8: the value is of type DECIMAL, not STRING",
        ),
        (
            "transaction.correlation_id",
            "line 1, column 1: item is known only where an entry has a for_each",
        ),
        ("transaction.metadata", "line 1, column 1: the value is of type LIST, not MAP"),
    ]


def test_a_mistake_is_placed_within_its_lines() -> None:
    wrong = template(entry(units="decimal('1')\n  + decimal('2')\n  + params.amunt"))
    assert mistakes(wrong) == [("entries[0].units", "line 3, column 12: unknown param 'amunt'")]


@pytest.mark.parametrize("field", ["account", "direction", "units", "currency"])
@pytest.mark.parametrize("source", ["", "  \n"])
def test_what_an_entry_must_have(field: str, source: str) -> None:
    assert mistakes(template(entry(**{field: source}))) == [(f"entries[0].{field}", "required")]


def test_a_template_must_have_entries() -> None:
    assert mistakes(template()) == [("entries", "required: a transaction has entries")]


@pytest.mark.parametrize(
    ("field", "source", "hint"),
    [
        ("direction", "debit", "; did you mean DEBIT?"),
        ("direction", "Credit", "; did you mean CREDIT?"),
        ("direction", "LEFT", ""),
        ("direction", "item", ""),
        ("layer", "Settled", "; did you mean SETTLED?"),
        ("layer", "PENDIN", "; did you mean PENDING?"),
        ("layer", "encumbrances", "; did you mean ENCUMBRANCE?"),
        ("layer", "DEBIT", ""),
    ],
)
def test_names_of_sides_and_layers(field: str, source: str, hint: str) -> None:
    names = ", ".join((Direction if field == "direction" else Layer).__members__)
    assert mistakes(template(entry(**{field: source}))) == [
        (f"entries[0].{field}", f"{source!r} is none of {names}{hint}")
    ]


@pytest.mark.parametrize("field", ["direction", "layer"])
def test_item_itself_may_name_the_side_or_the_layer(field: str) -> None:
    in_list = entry(**{field: "item", "for_each": "['A', 'B']"})
    assert compile_template(template(in_list))


@pytest.mark.parametrize("field", ["account", "units", "currency", "when", "layer"])
def test_item_outside_of_a_list(field: str) -> None:
    (mistake,) = mistakes(template(entry(**{field: "item.x"})))
    assert mistake == (
        f"entries[0].{field}",
        "line 1, column 1: item is known only where an entry has a for_each",
    )


def test_the_list_itself_has_no_item() -> None:
    (mistake,) = mistakes(template(entry(for_each="item.lines", account="item.a")))
    assert mistake[0] == "entries[0].for_each"


def test_unused_params() -> None:
    wrong = template(
        entry(units="has(params.used) ? params.used : decimal('1')"),
        params=[param("unused"), param("used", default=None), param("memo", ParamType.STRING)],
    )
    assert mistakes(wrong) == [
        ("params[0].name", "'unused' is never used"),
        ("params[2].name", "'memo' is never used"),
    ]


def test_unused_params_are_not_named_while_an_expression_is_unreadable() -> None:
    """The param may stand in what could not be read."""
    wrong = template(entry(units="params.amount +"), params=[param("amount")])
    assert [place for place, _ in mistakes(wrong)] == ["entries[0].units"]


@pytest.mark.parametrize(
    ("param_type", "default", "problem"),
    [
        (ParamType.STRING, 5, "not a STRING: not a string"),
        (ParamType.INTEGER, "1.5", "not a INTEGER: not a whole number of 64 bits"),
        (ParamType.DECIMAL, 1, 'not a DECIMAL: not a decimal string such as "12.34"'),
        (ParamType.BOOLEAN, "true", "not a BOOLEAN: not true or false"),
        (ParamType.UUID, "x", "not a UUID: not a UUID"),
        (ParamType.DATE, "2026-02-30", "not a DATE: no such date: 2026-02-30"),
        (ParamType.TIMESTAMP, "noon", "not a TIMESTAMP: not an RFC 3339 timestamp"),
        (ParamType.ACCOUNT, "", "not a ACCOUNT: not a code or id"),
        (ParamType.CURRENCY, [], "not a CURRENCY: not a code or id"),
    ],
)
def test_a_default_of_another_type(param_type: ParamType, default: Json, problem: str) -> None:
    wrong = template(entry(when="has(params.x)"), params=[param("x", param_type, default=default)])
    ((place, description),) = mistakes(wrong)
    assert place == "params[0].default_value"
    assert description.startswith(problem)


@given(st.sampled_from(ParamType), json_values)
def test_any_default_is_taken_or_refused(param_type: ParamType, default: Json) -> None:
    """What is taken when the template is made can be bound when it is posted."""
    made = template(entry(when="has(params.x)"), params=[param("x", param_type, default=default)])
    places = ["params[0].default_value"]
    try:
        compiled = compile_template(made)
    except TemplateInvalidError as refusal:
        places = [one.field for one in refusal.violations]
    else:
        compiled.bind({})
    assert places == ["params[0].default_value"]


@given(
    st.lists(
        st.builds(
            EntryDefinition,
            **dict.fromkeys(
                ("account", "direction", "units", "currency", "layer", "when", "for_each"),
                st.text("aitemprs.'\"()[]{},+-1 \n\0日", max_size=8)
                | st.sampled_from(["DEBIT", "params.x", "item.x", "'a'", "decimal('1')"]),
            ),
        ),
        max_size=3,
    ),
    st.lists(st.text("ax_1é", max_size=3), max_size=3),
)
def test_any_template_compiles_or_tells_its_mistakes(
    entries: Sequence[EntryDefinition], names: Sequence[str]
) -> None:
    made = template(*entries, params=[param(name) for name in names])
    told: tuple[Violation, ...] = ()
    try:
        compile_template(made)
    except TemplateInvalidError as refusal:
        told = refusal.violations
    else:
        assert made.entries
    assert all(one.field and one.description for one in told)


def test_bounds_of_params_and_entries() -> None:
    params = [param(f"p{number}") for number in range(PARAMS_MAX)]
    entries = [entry(units=f"params.{one.name}") for one in params]
    entries += [entry()] * (ENTRY_DEFINITIONS_MAX - len(entries))
    assert len(compile_template(template(*entries, params=params)).entries) == 100
    one_more = template(*entries, entry(), params=[*params, param("p")])
    assert mistakes(one_more)[:2] == [("params", "more than 64"), ("entries", "more than 100")]


@pytest.mark.parametrize(
    "wrong",
    [
        template(entry(), code="x" * 65),
        template(entry(), code="a b"),
        template(entry(), code=""),
        template(entry(), code="Ä"),
        template(entry(), description="a\0b"),
        template(entry(when="has(params.x)"), params=[param("x", description="y" * 1_025)]),
        template(entry(when="has(params.x)"), params=[param("x", description="\0")]),
        template(entry(), params=[param("")]),
        template(entry(), params=[param("a-b")]),
        template(entry(), params=[param("x" * 65)]),
    ],
    ids=lambda wrong: wrong.code[:5],
)
def test_what_the_head_and_the_params_must_be(wrong: Template) -> None:
    assert mistakes(wrong)


class TestHostileTemplates:
    """A template that is all mistakes costs little and does not fill its answer."""

    def quick_mistakes(self, wrong: Template) -> list[tuple[str, str]]:
        start = time.perf_counter()
        found = mistakes(wrong)
        assert time.perf_counter() - start < 2
        assert max(len(description) for _, description in found) < 512
        return found

    def test_a_hundred_mistakes(self) -> None:
        params = [param(f"some_rather_long_name_of_a_param_{n}") for n in range(PARAMS_MAX)]
        wrong = entry(
            account="params.some_rather_long_name_of_a_parm_1 + params.some_rather_long_nam",
            direction="DEBIIT",
            layer="SETTLD",
            units="param.x * params.some_rather_long_name_of_a_param_77",
            currency="currancy",
        )
        found = self.quick_mistakes(
            template(*[wrong] * ENTRY_DEFINITIONS_MAX, params=params),
        )
        assert len(found) >= 500

    def test_many_more_entries_than_allowed(self) -> None:
        found = self.quick_mistakes(template(*[entry(units="params.x * y")] * 50_000))
        assert ("entries", "more than 100") in found

    def test_many_more_params_than_allowed(self) -> None:
        params = [param(f"p{number}") for number in range(50_000)]
        found = self.quick_mistakes(template(entry(units="params.q1"), params=params))
        assert ("params", "more than 64") in found
        assert len(found) < 1_000

    def test_a_megabyte_for_a_name(self) -> None:
        long = "x" * 1_000_000
        found = self.quick_mistakes(
            template(
                entry(direction=long, layer=long, account=long, units=long, when=long),
                params=[param(long), param(long)],
            )
        )
        assert ("params[1].name", "not 1 to 64 of letters, digits and `_`, a letter first") in found

    def test_a_megabyte_for_a_side_in_every_entry(self) -> None:
        long = "x" * 100_000
        found = self.quick_mistakes(template(*[entry(direction=long)] * ENTRY_DEFINITIONS_MAX))
        assert len(found) == ENTRY_DEFINITIONS_MAX

    def test_an_unused_param_with_a_megabyte_for_a_name(self) -> None:
        assert self.quick_mistakes(template(entry(), params=[Param(name="x" * 10**6, type=1)]))  # type: ignore[arg-type]


def test_a_param_is_declared_by_its_number_alone() -> None:
    """The numbers of the contract, which are stored."""
    assert [kind.value for kind in ParamType] == list(range(1, 11))

"""The transaction's own fields as a template gives them."""

from datetime import date

import pytest

from ledger_server.domain.errors import ExpressionFailedError
from ledger_server.domain.template import Json, ParamType, TransactionFields
from ledger_server.domain.template_compiler import compile_template
from ledger_server.domain.tx_template import FieldsAsEvaluated, evaluate_fields
from tests.domain.samples import entry, param, template
from tests.domain.strategies import CURRENCIES

X = param("x", ParamType.JSON, default=None)


def fields(x: Json = None, **written: str) -> FieldsAsEvaluated:
    """Evaluate fields that may use the JSON param `x`."""
    compiled = compile_template(
        template(entry(when="has(params.x)"), params=[X], transaction=TransactionFields(**written))
    )
    return evaluate_fields(compiled, compiled.bind({"x": x}), CURRENCIES)


def test_none() -> None:
    assert fields() == FieldsAsEvaluated()


def test_all() -> None:
    assert fields(
        x={"id": "7", "day": "2026-01-31"},
        effective_date="date(params.x.day)",
        description="'no. ' + params.x.id",
        external_id="'invoice:' + params.x.id",
        correlation_id="params.x.id",
        metadata="{'id': params.x.id}",
    ) == FieldsAsEvaluated(
        effective=date(2026, 1, 31),
        description="no. 7",
        external_id="invoice:7",
        correlation_id="7",
        metadata={"id": "7"},
    )


@pytest.mark.parametrize(
    ("name", "length"), [("description", 1_024), ("external_id", 255), ("correlation_id", 255)]
)
def test_texts_have_bounds(name: str, length: int) -> None:
    found = fields(x="x" * length, **{name: "params.x"})
    assert getattr(found, name) == "x" * length
    for wrong in ("x" * (length + 1), "a\0", 7, None, ["x"]):
        with pytest.raises(ExpressionFailedError) as refusal:
            fields(x=[wrong], **{name: "params.x[0]"})
        assert refusal.value.place == f"transaction.{name}"


@pytest.mark.parametrize(
    "metadata",
    [
        7,
        ["a"],
        {"a": 1},
        {"a": None},
        {"": "empty key"},
        {"x" * 65: "long key"},
        {"long": "x" * 1_025},
        {"a\0": "b"},
        {"a": "\0"},
        {str(number): "" for number in range(65)},
    ],
)
def test_metadata_is_a_map_of_strings(metadata: Json) -> None:
    with pytest.raises(ExpressionFailedError) as refusal:
        fields(x=metadata, metadata="params.x")
    assert refusal.value.place == "transaction.metadata"


def test_metadata_at_its_bounds() -> None:
    most = {f"{number:064}": "x" * 1_024 for number in range(64)}
    assert fields(x=most, metadata="params.x").metadata == most


@pytest.mark.parametrize("value", [7, "2026-01-31", None])
def test_the_effective_date_is_a_date(value: Json) -> None:
    with pytest.raises(ExpressionFailedError) as refusal:
        fields(x=[value], effective_date="params.x[0]")
    assert refusal.value.facts() == {
        "place": "transaction.effective_date",
        "problem": "gave no date",
    }


def test_a_timestamp_is_no_date() -> None:
    """A datetime is a date to Python; as a day of the books it would be one of its own."""
    when = param("when", ParamType.TIMESTAMP)
    compiled = compile_template(
        template(
            entry(),
            params=[when],
            transaction=TransactionFields(effective_date="true ? params.when : null"),
        )
    )
    with pytest.raises(ExpressionFailedError) as refusal:
        evaluate_fields(compiled, compiled.bind({"when": "2026-01-31T12:00:00Z"}), CURRENCIES)
    assert refusal.value.problem == "gave no date"


def test_a_failure_has_its_place() -> None:
    with pytest.raises(ExpressionFailedError) as refusal:
        fields(x={}, description="'a' +\n params.x.memo")
    assert refusal.value.facts() == {
        "place": "transaction.description",
        "problem": "no such key: 'memo' (line 2, column 11)",
    }

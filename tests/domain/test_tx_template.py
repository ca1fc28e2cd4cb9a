"""Templates at work: what the entries come to, and where they fail."""

import contextlib
import time
import uuid
from collections.abc import Mapping
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import (
    AmountInvalidError,
    CurrencyUnknownError,
    ExpressionFailedError,
    LedgerError,
    NoEntriesError,
    TooManyEntriesError,
)
from ledger_server.domain.primitives import Direction, Layer, decimals
from ledger_server.domain.template import EntryDefinition, Json, ParamType, TransactionFields
from ledger_server.domain.template_compiler import compile_template
from ledger_server.domain.tx_template import (
    EntryAsEvaluated,
    evaluate_entries,
    evaluate_fields,
)
from tests.domain.samples import entry, param, template
from tests.domain.strategies import CURRENCIES, currencies, json_values

X = param("x", ParamType.JSON, default=None)


def entries(*written: EntryDefinition, x: Json = None) -> list[EntryAsEvaluated]:
    """Evaluate entries that may use the JSON param `x`."""
    seen = TransactionFields(description="has(params.x) ? 'x' : ''")
    compiled = compile_template(template(*written, params=[X], transaction=seen))
    return evaluate_entries(compiled, compiled.bind({"x": x}), CURRENCIES)


def units(source: str, currency: str = "USD", x: Json = None) -> Decimal:
    (one,) = entries(entry(units=source, currency=f"'{currency}'"), x=x)
    return one.units


class TestEntries:
    def test_as_written(self) -> None:
        assert entries(entry(), entry(direction="CREDIT", layer="ENCUMBRANCE")) == [
            EntryAsEvaluated(
                "entries[0]", "cash", Direction.DEBIT, Layer.SETTLED, Decimal("1.00"), "USD"
            ),
            EntryAsEvaluated(
                "entries[1]", "cash", Direction.CREDIT, Layer.ENCUMBRANCE, Decimal("1.00"), "USD"
            ),
        ]

    def test_when(self) -> None:
        written = [entry(when="params.x == 'a'"), entry(when="params.x != 'a'", layer="PENDING")]
        assert [one.layer for one in entries(*written, x="a")] == [Layer.SETTLED]
        assert [one.layer for one in entries(*written, x="b")] == [Layer.PENDING]

    def test_nothing_of_an_entry_is_evaluated_when_it_is_not_there(self) -> None:
        assert entries(
            entry(),
            entry(when="false", account="params.x", units="params.x", currency="params.x"),
            entry(when="false", for_each="[1]", direction="params.x", layer="params.x"),
            x=7,
        )

    def test_for_each_keeps_the_order_and_names_the_item(self) -> None:
        found = entries(
            entry(),
            entry(
                for_each="params.x",
                account="item.to",
                units="decimal(item.units)",
                direction="item.side",
                layer="item.layer",
                currency="item.currency",
                when="item.units != '0'",
            ),
            x=[
                {"to": "b", "units": "2", "side": "CREDIT", "layer": "PENDING", "currency": "JPY"},
                {"units": "0"},
                {"to": "a", "units": "3", "side": "DEBIT", "layer": "SETTLED", "currency": "USD"},
            ],
        )
        assert found[1:] == [
            EntryAsEvaluated(
                "entries[1], item 0", "b", Direction.CREDIT, Layer.PENDING, Decimal(2), "JPY"
            ),
            EntryAsEvaluated(
                "entries[1], item 2", "a", Direction.DEBIT, Layer.SETTLED, Decimal("3.00"), "USD"
            ),
        ]

    def test_item_itself(self) -> None:
        found = entries(
            entry(for_each="params.x", direction="item", account="'to ' + item"),
            x=["CREDIT", "DEBIT"],
        )
        assert [(one.account, one.direction.name) for one in found] == [
            ("to CREDIT", "CREDIT"),
            ("to DEBIT", "DEBIT"),
        ]

    @pytest.mark.parametrize(
        ("source", "account"),
        [
            ("'assets:bank'", "assets:bank"),
            ("params.x.to", "from the list"),
            (f"'{uuid.UUID(int=9)}'", uuid.UUID(int=9)),
            (f"uuid('{uuid.UUID(int=9)}')", uuid.UUID(int=9)),
        ],
    )
    def test_an_account_is_a_code_or_an_id(self, source: str, account: object) -> None:
        (one,) = entries(entry(account=source), x={"to": "from the list"})
        assert one.account == account

    @pytest.mark.parametrize("account", ["", None, 7, [], {}, True, "a\0b", "x" * 256])
    def test_what_is_no_account(self, account: Json) -> None:
        with pytest.raises(ExpressionFailedError) as refusal:
            entries(entry(account="params.x.to"), x={"to": account})
        assert refusal.value.place == "entries[0].account"
        assert refusal.value.problem == "gave no account's code or id"

    def test_no_entries(self) -> None:
        nothing = [entry(when="false"), entry(for_each="[]"), entry(for_each="[1]", when="false")]
        with pytest.raises(NoEntriesError) as refusal:
            entries(*nothing)
        assert refusal.value.facts() == {"template": "SAMPLE"}


class TestUnits:
    @pytest.mark.parametrize(
        ("source", "currency", "found"),
        [
            ("decimal('1')", "USD", "1.00"),
            ("decimal('1.50')", "USD", "1.50"),
            ("decimal('1.500')", "USD", "1.50"),
            ("decimal('7')", "JPY", "7"),
            ("decimal('0.01')", "USD", "0.01"),
            ("decimal('0.1') + decimal('0.2')", "USD", "0.30"),
            ("round_half_even(decimal('0.125'), 'USD')", "USD", "0.12"),
            ("round_half_up(decimal('0.125'), 'USD')", "USD", "0.13"),
            ("div_down(decimal('100'), decimal('3'), 'BTC')", "BTC", "33.33333333"),
            ("div_up(decimal('100'), decimal('3'), 'JPY')", "JPY", "34"),
            (f"decimal('{'9' * 36}')", "USD", "9" * 36 + ".00"),
            (f"decimal('{'9' * 38}')", "JPY", "9" * 38),
            (f"decimal('{'9' * 20}.{'9' * 18}')", "WEI", f"{'9' * 20}.{'9' * 18}"),
        ],
    )
    def test_have_the_decimals_of_the_currency(
        self, source: str, currency: str, found: str
    ) -> None:
        assert str(units(source, currency)) == found

    @pytest.mark.parametrize(
        ("source", "currency", "problem"),
        [
            ("decimal('0')", "USD", "0 is not above zero"),
            ("decimal('-0.01')", "USD", "-0.01 is not above zero"),
            ("decimal('1') - decimal('1.00')", "USD", "0 is not above zero"),
            ("decimal('0.001')", "USD", "0.001 has more than the 2 decimals of its currency"),
            ("decimal('1.5')", "JPY", "1.5 has more than the 0 decimals of its currency"),
            (
                "decimal('0.0000000000000000001')",
                "WEI",
                "0.0000000000000000001 has more than the 18 decimals of its currency",
            ),
            (f"decimal('1{'0' * 36}')", "USD", "has more than 38 digits"),
            (f"decimal('{'9' * 38}') + decimal('1')", "JPY", "has more than 38 digits"),
            (f"decimal('1{'0' * 20}')", "WEI", "has more than 38 digits"),
            (
                f"decimal('1{'0' * 30}') * decimal('1{'0' * 30}') * decimal('1{'0' * 30}')",
                "JPY",
                "has more than 38 digits",
            ),
        ],
    )
    def test_what_is_no_amount(self, source: str, currency: str, problem: str) -> None:
        with pytest.raises(AmountInvalidError) as refusal:
            units(source, currency)
        assert refusal.value.facts() == {"field": "entries[0].units", "problem": problem}

    @given(st.integers(-(10**40), 10**40), st.integers(0, 20), currencies)
    def test_any_decimal_is_units_or_refused(self, digits: int, places: int, currency: str) -> None:
        """Accepted is exactly what the database's checks accept, and always unrounded."""
        value = Decimal(digits).scaleb(-places)
        compiled = compile_template(
            template(
                entry(units="params.a", currency="params.c"),
                params=[param("a"), param("c", ParamType.CURRENCY)],
            )
        )
        exponent = CURRENCIES[currency]
        right = value > 0 and decimals(value) <= exponent and value < Decimal(10) ** (38 - exponent)
        try:
            (one,) = evaluate_entries(compiled, {"a": value, "c": currency}, CURRENCIES)
        except AmountInvalidError:
            assert not right
        else:
            assert right
            assert one.units == value
            assert one.units.as_tuple().exponent == -exponent

    @pytest.mark.parametrize("value", ["1.00", 1, None, True, ["1"]])
    def test_a_text_or_a_number_of_json_is_no_decimal(self, value: Json) -> None:
        with pytest.raises(ExpressionFailedError) as refusal:
            units("params.x.units", x={"units": value})
        assert refusal.value.facts() == {
            "place": "entries[0].units",
            "problem": "gave no decimal; write decimal(...) around a string",
        }


@pytest.mark.parametrize(
    ("source", "shown"),
    [("'XXX'", "XXX"), ("params.x", "7"), ("'usd'", "usd"), ("''", ""), ("'" + "x" * 99 + "'", 64)],
)
def test_an_unknown_currency(source: str, shown: str | int) -> None:
    with pytest.raises(CurrencyUnknownError) as refusal:
        entries(entry(currency=source), x=7)
    assert refusal.value.currency == ("x" * shown if isinstance(shown, int) else shown)


def lines(debits: int, credits_: int) -> list[dict[str, str]]:
    """Return the lines of a general journal."""
    return [{"debit": "1.00"}] * debits + [{"credit": "1.00"}] * credits_


class TestHowManyEntries:
    BOTH_SIDES = (
        entry(for_each="params.x", when="has(item.debit)"),
        entry(for_each="params.x", when="has(item.credit)", direction="CREDIT"),
    )

    def test_a_thousand(self) -> None:
        assert len(entries(entry(for_each="params.x"), x=[1] * 1_000)) == 1_000

    def test_a_thousand_lines_of_which_each_entry_takes_some(self) -> None:
        """A general journal: both definitions walk over all lines, and each line is one entry."""
        assert len(entries(*self.BOTH_SIDES, x=lines(500, 500))) == 1_000
        assert len(entries(*self.BOTH_SIDES, x=lines(999, 1))) == 1_000

    @pytest.mark.parametrize(
        ("written", "count"),
        [
            ((entry(for_each="params.x"),), 1_001),
            ((entry(), entry(for_each="params.x")), 1_000),
            ((entry(for_each="params.x"), entry()), 1_000),
            ((entry(for_each="params.x"), entry(for_each="params.x")), 501),
        ],
    )
    def test_one_more(self, written: tuple[EntryDefinition, ...], count: int) -> None:
        with pytest.raises(TooManyEntriesError) as refusal:
            entries(*written, x=[1] * count)
        assert refusal.value.facts() == {"entries_max": "1000", "scope": "transaction"}

    def test_a_long_list_is_not_walked_through_again_and_again(self) -> None:
        start = time.perf_counter()
        with pytest.raises(TooManyEntriesError):
            entries(*[entry(for_each="params.x", when="item == 'y'")] * 100, x=["x"] * 9_000)
        assert time.perf_counter() - start < 0.5


@pytest.mark.parametrize(
    ("written", "place", "problem"),
    [
        (entry(account="params.x.a"), "entries[0].account", "no such key: 'a' (line 1, column 10)"),
        (
            entry(units="decimal('1')\n / decimal(params.x.zero)"),
            "entries[0].units",
            "division by zero (line 2, column 2)",
        ),
        (entry(currency="params.x.a"), "entries[0].currency", "no such key: 'a'"),
        (entry(direction="params.x.side"), "entries[0].direction", "gave none of DEBIT, CREDIT"),
        (
            entry(layer="params.x.side"),
            "entries[0].layer",
            "gave none of SETTLED, PENDING, ENCUMBRANCE",
        ),
        (entry(when="params.x.a"), "entries[0].when", "no such key: 'a'"),
        (entry(when="params.x.side"), "entries[0].when", "gave neither true nor false"),
        (entry(for_each="params.x"), "entries[0].for_each", "gave no list"),
        (entry(for_each="params.x.side"), "entries[0].for_each", "gave no list"),
        (entry(for_each="params.x.a"), "entries[0].for_each", "no such key: 'a'"),
        (
            entry(for_each="[1, 2]", units="decimal(2) / decimal(2 - item)"),
            "entries[0], item 1.units",
            "division by zero (line 1, column 12)",
        ),
        (
            entry(for_each="[1, 2]", when="1 / (2 - item) == 1"),
            "entries[0], item 1.when",
            "division by zero (line 1, column 3)",
        ),
        (
            entry(for_each="[true, 'no']", when="item"),
            "entries[0], item 1.when",
            "gave neither true nor false",
        ),
    ],
)
def test_a_failure_has_its_place(written: EntryDefinition, place: str, problem: str) -> None:
    with pytest.raises(ExpressionFailedError) as refusal:
        entries(written, x={"side": "LEFT", "zero": "0"})
    assert refusal.value.place == place
    assert refusal.value.problem.startswith(problem)
    assert str(refusal.value) == f"{place}: {refusal.value.problem}"


def test_an_absent_param_fails_where_it_is_used() -> None:
    with pytest.raises(ExpressionFailedError) as refusal:
        entries(entry(when="params.x == 'a'"))
    assert refusal.value.problem == "params.x was not given (line 1, column 8)"


ANY = compile_template(
    template(
        entry(
            for_each="params.x.lines",
            account="item.account",
            direction="item.direction",
            layer="item.layer",
            units="decimal(item.units)",
            currency="item.currency",
            when="item.when",
        ),
        entry(account="params.x.account", units="params.x.units", when="has(params.x.account)"),
        params=[X],
        transaction=TransactionFields(
            description="params.x.description", metadata="params.x.metadata"
        ),
    )
)
SOME = st.sampled_from(["DEBIT", "SETTLED", "USD", "1.00", True, False]) | json_values


@given(
    st.fixed_dictionaries(
        {},
        optional={
            "lines": st.lists(
                st.fixed_dictionaries(
                    {},
                    optional=dict.fromkeys(
                        ("account", "direction", "layer", "units", "currency", "when"), SOME
                    ),
                ),
                max_size=3,
            )
            | json_values,
            "account": SOME,
            "units": SOME,
            "description": SOME,
            "metadata": st.dictionaries(st.text(max_size=2), SOME, max_size=2),
        },
    )
)
def test_any_json_gives_entries_or_a_refusal(x: Mapping[str, Json]) -> None:
    for evaluate in (evaluate_fields, evaluate_entries):
        with contextlib.suppress(LedgerError):
            evaluate(ANY, ANY.bind({"x": dict(x)}), CURRENCIES)

"""Amounts and ids as texts."""

import time
import uuid
from decimal import Decimal, Inexact
from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from ledger_server.domain.primitives import (
    EXACT,
    decimals,
    fixed,
    parse_decimal,
    parse_uuid,
    plain,
)

exact_decimals = st.builds(
    lambda digits, places: Decimal(digits).scaleb(-places, EXACT),
    st.integers(-(10**38) + 1, 10**38 - 1),
    st.integers(0, 18),
)


@pytest.mark.parametrize(
    "text",
    [
        "0",
        "0.00",
        "1",
        "-1",
        "12.34",
        "-0.01",
        "1200",
        "9" * 38,
        "-" + "9" * 38,
        "9" * 20 + "." + "9" * 18,
        "-" + "9" * 20 + "." + "9" * 18,
        "0." + "0" * 36 + "1",
    ],
)
def test_an_amount_is_taken_as_it_is_written(text: str) -> None:
    assert format(parse_decimal(text), "f") == text


@pytest.mark.parametrize(
    "text",
    # What Decimal() or a careless pattern would take.
    [
        "NaN",
        "nan",
        "sNaN",
        "-NaN123",
        "Infinity",
        "-Infinity",
        "inf",
        "-0",
        "-0.00",
        "1e400",
        "1E+1000000",
        "1e3000000",
        "1e-5",
        "1_000",
        "１２",  # noqa: RUF001  # full-width
        "١٢",
        "𝟏𝟐",  # noqa: RUF001  # mathematical
        "²",
        " 12 ",
        "12 ",
        "12\n",
        "\t12",
        "1\u00a02",
        "12\0",
        "+12",
        "\u221212",
        "12.",
        ".5",
        "-.5",
        ".",
        "-",
        "",
        "--1",
        "1.2.3",
        "1,000",
        "1'000",
        "0x10",
        "01",
        "-01.5",
        "00",
        "12.34 USD",
        "9" * 39,
        "0." + "0" * 38,
        "9" * 21 + "." + "9" * 18,
        "9" * 41,
    ],
)
def test_nothing_else_is_an_amount(text: str) -> None:
    with pytest.raises(ValueError, match=r"plain decimal|longer than|more than|negative zero"):
        parse_decimal(text)


def test_a_hostile_length_costs_nothing() -> None:
    start = time.perf_counter()
    for text in ("9" * 10_000_000, "0" * 10_000_000, "1e" + "9" * 10_000_000):
        with pytest.raises(ValueError, match="longer than 40 characters"):
            parse_decimal(text)
    assert time.perf_counter() - start < 0.5


@given(st.text("0123456789-.eE+_ NnaI\u0661\uff11", max_size=12) | st.text(max_size=12))
@example("-0.0")
def test_any_text_is_an_amount_or_refused(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError:
        return
    assert format(value, "f") == text
    assert value or not value.is_signed()


@given(exact_decimals)
def test_plain_form_is_read_back(value: Decimal) -> None:
    text = plain(value)
    assert parse_decimal(text) == value
    assert "E" not in text
    assert "." not in text or text[-1] not in "0."


@given(exact_decimals)
def test_decimals_are_those_that_matter(value: Decimal) -> None:
    found = decimals(value)
    exact = Fraction(value)
    assert (exact * 10**found).denominator == 1
    assert found == 0 or (exact * 10 ** (found - 1)).denominator > 1


@given(exact_decimals, st.integers(0, 18))
def test_fixed_form_has_the_decimals_of_the_currency(value: Decimal, exponent: int) -> None:
    if decimals(value) > exponent:
        with pytest.raises(AssertionError):
            fixed(value, exponent)
        return
    text = fixed(value, exponent)
    assert Decimal(text) == value
    assert len(text.partition(".")[2]) == exponent
    assert value or text[0] != "-"


@pytest.mark.parametrize(
    ("value", "text"),
    [("1E+3", "1000"), ("-0", "0"), ("-0.00", "0"), ("12.340", "12.34"), ("100", "100")],
)
def test_plain(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_money_is_never_rounded_in_silence() -> None:
    with pytest.raises(Inexact):
        EXACT.add(Decimal(10) ** 70, Decimal("0.0000001"))


@pytest.mark.parametrize("version", range(9))
def test_a_uuid_in_either_case(version: int) -> None:
    text = f"01890a5d-ac96-{version}74b-bcce-b302099a8057"
    assert parse_uuid(text) == parse_uuid(text.upper()) == uuid.UUID(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "01890a5dac96774bbcceb302099a8057",
        "{01890a5d-ac96-774b-bcce-b302099a8057}",
        "urn:uuid:01890a5d-ac96-774b-bcce-b302099a8057",
        "01890a5d-ac96-774b-bcce-b302099a805",
        "01890a5d-ac96-774b-bcce-b302099a80577",
        "01890a5d-ac96-774b-bcce-b302099a8057\n",
        "01890a5d-ac96-774b-bcceb-302099a8057",
        "01890a5g-ac96-774b-bcce-b302099a8057",
        "\u0660" * 8 + "-ac96-774b-bcce-b302099a8057",
    ],
)
def test_no_other_form_of_a_uuid(text: str) -> None:
    assert parse_uuid(text) is None


def test_built_in_currencies() -> None:
    exponents = {currency.code: currency.exponent for currency in BUILT_IN_CURRENCIES}
    assert len(exponents) == len(BUILT_IN_CURRENCIES)
    assert {code: exponents[code] for code in ("USD", "EUR", "JPY", "KWD", "CLF", "BTC")} == {
        "USD": 2,
        "EUR": 2,
        "JPY": 0,
        "KWD": 3,
        "CLF": 4,
        "BTC": 8,
    }
    assert all(code.isascii() and code.isupper() and len(code) == 3 for code in exponents)

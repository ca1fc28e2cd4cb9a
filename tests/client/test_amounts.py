"""Amounts as typed."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.amounts import EXACT, parse_amount, parse_decimal, plain, shortest


@pytest.mark.parametrize(
    ("text", "exponent", "value"),
    [
        ("1", 0, "1"),
        ("0.01", 2, "0.01"),
        ("12.34", 2, "12.34"),
        ("12.3400", 2, "12.34"),
        ("0.00000001", 8, "0.00000001"),
        ("9" * 38, 2, "9" * 38),
        ("0." + "0" * 17 + "1", 18, "1e-18"),
    ],
)
def test_takes(text: str, exponent: int, value: str) -> None:
    assert parse_amount(text, exponent=exponent) == Decimal(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "not a plain amount"),
        ("0", "above zero"),
        ("0.00", "above zero"),
        ("-1", "no sign"),
        ("-0", "no sign"),
        ("+1", "leave out the plus"),
        ("1,000.00", "no thousands separator"),
        ("1_000", "not a plain amount"),
        ("1e3", "without an exponent"),
        ("1E+1000000", "without an exponent"),
        ("1e3000000", "without an exponent"),
        ("NaN", "not a plain amount"),
        ("sNaN", "not a plain amount"),
        ("Infinity", "not a plain amount"),
        (" 12", "blanks"),
        ("12 ", "blanks"),
        ("12\n", "blanks"),
        ("12.", "both sides"),
        (".5", "both sides"),
        ("007", "leading zeros"),
        ("１２", "not a plain amount"),  # noqa: RUF001  # full-width digits are the case
        ("١٢", "not a plain amount"),
        ("𝟏𝟐", "not a plain amount"),  # noqa: RUF001  # so are mathematical ones
        ("²", "not a plain amount"),
        ("0x10", "not a plain amount"),
        ("$5", "not a plain amount"),
        ("1.005", "3 decimals, but the currency has 2"),
        ("9" * 39, "38 digits"),
        ("9" * 1_000_000, "38 digits"),
    ],
)
def test_refuses(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        parse_amount(text, exponent=2)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=8, min_value=0, max_value=10**25))
def test_what_is_written_is_read_again(value: Decimal) -> None:
    assert parse_decimal(plain(value)) == value
    assert parse_decimal(shortest(value)) == value


@given(st.text(max_size=50))
def test_takes_only_what_python_reads_the_same_way(text: str) -> None:
    try:
        value = parse_decimal(text)
    except ValueError:
        return
    assert text.isascii()
    assert shortest(value) == shortest(Decimal(text))


@given(st.integers(1, 10**37), st.integers(0, 18), st.integers(0, 5))
def test_equal_amounts_have_one_shortest_form(units: int, exponent: int, zeros: int) -> None:
    value = Decimal(units).scaleb(-exponent, EXACT)
    longer = f"{value:f}" + ("." if exponent == 0 and zeros else "") + "0" * zeros
    assert shortest(Decimal(longer)) == shortest(value)

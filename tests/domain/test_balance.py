"""What a balance says of itself."""

import dataclasses
import uuid
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.balance import Balance
from ledger_server.domain.iso4217 import BUILT_IN_CURRENCIES
from ledger_server.domain.primitives import Direction, Layer, fixed, plain

SUMS = [f.name for f in dataclasses.fields(Balance) if f.name.endswith(("_debit", "_credit"))]

sums = st.integers(0, 10**60 - 1).map(lambda number: Decimal(f"{number}E-8"))


def balance(normal_side: Direction, **fields: Decimal) -> Balance:
    return Balance(
        account_id=uuid.UUID(int=1),
        account_code="a",
        normal_side=normal_side,
        currency="BTC",
        exponent=8,
        **fields,  # type: ignore[arg-type]  # sums alone
    )


@given(st.fixed_dictionaries(dict.fromkeys(SUMS, sums)))
def test_the_two_sides_mirror_each_other_exactly(fields: dict[str, Decimal]) -> None:
    """Also under a context that would round: the sums have up to 60 digits."""
    debit = balance(Direction.DEBIT, **fields)
    credit = balance(Direction.CREDIT, **fields)
    for layer in Layer:
        net = Fraction(debit.debit(layer)) - Fraction(debit.credit(layer))
        assert Fraction(debit.net(layer)) == net
        assert Fraction(credit.net(layer)) == -net
    settled = Fraction(debit.net(Layer.SETTLED))
    assert Fraction(debit.available()) == settled - Fraction(fields["held_credit"])
    assert Fraction(credit.available()) == -settled - Fraction(fields["held_debit"])


def test_what_is_left_is_found_in_the_order_of_the_layers() -> None:
    zero, one = Decimal(0), Decimal(1)
    assert balance(Direction.DEBIT).residue() is None
    assert balance(Direction.DEBIT, settled_debit=one, settled_credit=one).residue() is None
    left = balance(Direction.CREDIT, settled_credit=one, pending_debit=one)
    assert left.residue() == (Layer.SETTLED, -one)
    assert balance(Direction.DEBIT, encumbrance_debit=one).residue() == (Layer.ENCUMBRANCE, one)
    assert balance(Direction.DEBIT, held_credit=one).residue() == (Layer.PENDING, -one)
    assert balance(Direction.DEBIT, held_debit=one, held_credit=one).residue() == (
        Layer.PENDING,
        zero,
    )


@pytest.mark.parametrize(
    ("value", "exponent", "text"),
    [
        ("0", 2, "0.00"),
        ("-0", 2, "0.00"),
        ("0.000", 0, "0"),
        ("0E+5", 2, "0.00"),
        ("1E+3", 2, "1000.00"),
        ("-2.5", 2, "-2.50"),
        ("2.500", 2, "2.50"),
        ("1", 0, "1"),
        ("1E-8", 8, "0.00000001"),
        ("9" * 60 + ".12345678", 8, "9" * 60 + ".12345678"),
    ],
)
def test_amounts_have_the_decimals_of_their_currency(value: str, exponent: int, text: str) -> None:
    assert fixed(Decimal(value), exponent) == text


def test_an_amount_is_never_rounded_in_silence() -> None:
    with pytest.raises(AssertionError):
        fixed(Decimal("0.001"), 2)


@given(
    st.decimals(
        allow_nan=False, allow_infinity=False, places=8, min_value=-(10**20), max_value=10**20
    )
)
def test_both_forms_name_the_same_number(value: Decimal) -> None:
    assert Decimal(fixed(value, 8)) == value == Decimal(plain(value))


def test_built_in_currencies() -> None:
    codes = [currency.code for currency in BUILT_IN_CURRENCIES]
    assert codes == sorted(set(codes))
    assert all(len(code) == 3 and code.isupper() and code.isalpha() for code in codes)
    assert {currency.exponent for currency in BUILT_IN_CURRENCIES} == {0, 2, 3, 4, 8}
    assert len(codes) > 150

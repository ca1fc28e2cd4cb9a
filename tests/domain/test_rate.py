"""Rates: which one is in force, and conversions that round once."""

import datetime as dt
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.rate import (
    DERIVED_DIGITS,
    Rate,
    RateInForce,
    in_force,
    last_moment,
    parse_rate,
)

BEGIN = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)

amounts = st.builds(
    lambda whole, places: Decimal(f"{whole}e-{places}"),
    st.integers(-(10**37), 10**37),
    st.integers(0, 18),
)
rates = st.builds(
    lambda whole, places: Decimal(f"{whole}e-{places}"),
    st.integers(1, 10**37),
    st.integers(0, 24),
)


def rate(value: Decimal = Decimal(1), day: int = 0, sequence: int = 1) -> Rate:
    return Rate(
        base="A",
        quote="B",
        effective_at=BEGIN + dt.timedelta(days=day),
        rate=value,
        source="S",
        sequence=sequence,
        recorded_at=BEGIN,
    )


@given(amounts, rates, st.booleans(), st.integers(0, 18))
def test_a_conversion_is_rounded_once_half_to_even(
    units: Decimal, value: Decimal, inverse: bool, exponent: int
) -> None:
    """Against fractions, which round nowhere."""
    got = RateInForce(rate(value), inverse).convert(units, exponent)

    exact = Fraction(units) / Fraction(value) if inverse else Fraction(units) * Fraction(value)
    assert Fraction(got) == Fraction(round(exact * 10**exponent), 10**exponent)
    assert got.as_tuple().exponent == -exponent


@given(rates)
def test_an_inverse_is_shown_to_so_many_digits(value: Decimal) -> None:
    assert RateInForce(rate(value), inverse=False).value() == value
    shown = RateInForce(rate(value), inverse=True).value()
    error = abs(Fraction(shown) * Fraction(value) - 1)
    assert error <= Fraction(1, 2 * 10 ** (DERIVED_DIGITS - 1))


def test_the_later_rate_is_in_force() -> None:
    early, late = rate(day=1), rate(day=2)
    assert in_force(None, None) is None
    assert in_force(early, None) == RateInForce(early, inverse=False)
    assert in_force(None, early) == RateInForce(early, inverse=True)
    assert in_force(early, late) == RateInForce(late, inverse=True)
    assert in_force(late, early) == RateInForce(late, inverse=False)
    assert in_force(early, early) == RateInForce(early, inverse=False), "as it was asked for"


@pytest.mark.parametrize(
    "text", ["0", "-1", "0.0", "1e3", "NaN", "", "1,5", " 1", "0." + "0" * 24 + "1"]
)
def test_what_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_rate(text)


@given(rates)
def test_what_is_a_rate(value: Decimal) -> None:
    assert parse_rate(format(value, "f")) == value


@given(st.dates(), st.sampled_from(["UTC", "America/New_York", "Pacific/Kiritimati"]))
def test_a_day_ends_where_the_next_begins(day: dt.date, name: str) -> None:
    zone = ZoneInfo(name)
    moment = last_moment(day, zone)
    if day < dt.date.max - dt.timedelta(days=1):
        assert moment.astimezone(zone).date() == day
        assert (moment + dt.timedelta(microseconds=1)).astimezone(zone).date() > day

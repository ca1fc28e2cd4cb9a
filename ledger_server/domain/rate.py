"""Exchange rates: what is recorded, which one is in force, and amounts converted with it."""

import dataclasses
import decimal
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

from ledger_server.domain.primitives import decimals, parse_decimal

#: Rates of one request: what one short transaction can take.
RATES_MAX_PER_REQUEST: Final = 1_000
#: Decimals of a rate: one of the weakest currency in the strongest still keeps a dozen digits.
RATE_DECIMALS_MAX: Final = 24
SOURCE_LENGTH_MAX: Final = 64
#: Digits of a rate that is only derived, for people; amounts are never converted with it.
DERIVED_DIGITS: Final = 30

#: Products and quotients of amounts and rates before the one rounding at the end. A product of a
#: sum and a rate has at most 76 + 38 digits and is exact; a quotient keeps so many digits that half
#: a unit of the finest currency is told apart.
_WIDE: Final = decimal.Context(prec=200, rounding=decimal.ROUND_HALF_EVEN, Emin=-999, Emax=999)
_DERIVED: Final = decimal.Context(prec=DERIVED_DIGITS, rounding=decimal.ROUND_HALF_EVEN)


class RateKey(NamedTuple):
    """Which rate is wanted: what one of `base` is worth in `quote` at a moment."""

    base: str
    quote: str
    moment: datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewRate:
    """A rate that is to be recorded."""

    base: str
    quote: str
    #: From when on it is in force, until the next one of its pair.
    effective_at: datetime
    #: Units of `quote` for one of `base`.
    rate: Decimal
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rate(NewRate):
    """A rate as recorded. Never changes: a wrong one is corrected by a later one."""

    #: Of its event.
    sequence: int
    recorded_at: datetime

    def __post_init__(self) -> None:
        """Hold the invariant for every rate, also one read back from the store."""
        assert self.rate > 0, f"rate {self.sequence}: must be above zero, not {self.rate}"


@dataclasses.dataclass(frozen=True, slots=True)
class RateInForce:
    """The rate that answers a question, and whether it was recorded the other way round."""

    rate: Rate
    inverse: bool

    def value(self) -> Decimal:
        """Return units of the quote for one of the base, for people.

        Exact, or where the rate is the inverse rounded half to even to `DERIVED_DIGITS` digits.
        """
        return _DERIVED.divide(Decimal(1), self.rate.rate) if self.inverse else self.rate.rate

    def convert(self, units: Decimal, exponent: int) -> Decimal:
        """Return `units` of the base in the quote, rounded once: half to even.

        Args:
            units: in whole currency units, of either sign.
            exponent: the decimals of the quote.
        """
        exact = (
            _WIDE.divide(units, self.rate.rate)
            if self.inverse
            else _WIDE.multiply(units, self.rate.rate)
        )
        return exact.quantize(Decimal(1).scaleb(-exponent), context=_WIDE)


def in_force(direct: Rate | None, inverse: Rate | None) -> RateInForce | None:
    """Return the later of a pair's rates; of the same time, the one of the pair as asked for."""
    if direct is None:
        return RateInForce(inverse, inverse=True) if inverse is not None else None
    if inverse is not None and inverse.effective_at > direct.effective_at:
        return RateInForce(inverse, inverse=True)
    return RateInForce(direct, inverse=False)


def parse_rate(text: str) -> Decimal:
    """Return the rate written in `text`.

    Raises:
        ValueError: says which rule the text breaks.
    """
    value = parse_decimal(text)
    if value <= 0:
        raise ValueError("a rate is above zero")
    if decimals(value) > RATE_DECIMALS_MAX:
        raise ValueError(f"more than {RATE_DECIMALS_MAX} decimals")
    return value


def last_moment(day: date, zone: ZoneInfo) -> datetime:
    """Return the last microsecond of a civil day in a time zone, in UTC: its closing rate's.

    Of the last days of the calendar, which have no next one everywhere, the last that there is.
    """
    try:
        midnight = datetime.combine(day + timedelta(days=1), time.min, zone).astimezone(UTC)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)
    return midnight - timedelta(microseconds=1)

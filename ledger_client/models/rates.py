"""Exchange rates."""

import dataclasses
import datetime as dt
from decimal import Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class NewRate:
    """A rate to be recorded."""

    #: Code of the currency that is valued.
    base: str
    #: Code of the currency that it is valued in.
    quote: str
    #: From when on it is in force.
    effective_time: dt.datetime
    #: Units of `quote` for one unit of `base`; above zero, at most 24 decimals.
    rate: Decimal
    #: Who says so.
    source: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """A rate as recorded."""

    #: Code of the currency that is valued.
    base: str
    #: Code of the currency that it is valued in.
    quote: str
    #: From when on it is in force, until the next one of its pair.
    effective_time: dt.datetime
    #: Units of `quote` for one unit of `base`.
    rate: Decimal
    #: Who says so.
    source: str
    #: Sequence of its event; names it for ever.
    sequence: int
    #: When it was recorded.
    record_time: dt.datetime


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class RateInForce:
    """The rate that answers a question."""

    #: As recorded; the other way round if `inverse`.
    rate: Rate
    #: True if it is the rate of the quote in the base: then amounts are divided by it.
    inverse: bool
    #: Units of the quote for one of the base; of an inverse rounded half to even to 30 digits.
    value: Decimal

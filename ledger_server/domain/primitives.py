"""The ledger's smallest words: amounts, currencies, sides, layers."""

import dataclasses
import decimal
import enum
import re
from decimal import Decimal
from typing import Final, NewType, TypeVar
from uuid import UUID

JournalId = NewType("JournalId", int)
AccountId = UUID
TransactionId = UUID

#: Digits an amount may have, before and after the point together.
AMOUNT_DIGITS_MAX: Final = 38
#: Decimals the finest currency may have.
EXPONENT_MAX: Final = 18
#: Characters of the longest amount: its digits, a sign and a point.
AMOUNT_LENGTH_MAX: Final = AMOUNT_DIGITS_MAX + 2

#: The context of all money: no operation may round in silence, and no result may be
#: NaN or infinite. Sums of 38-digit amounts over the life of a journal fit in 76 digits.
EXACT: Final = decimal.Context(
    prec=76,
    Emin=-999,
    Emax=999,
    rounding=decimal.ROUND_HALF_EVEN,
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.DivisionByZero,
        decimal.Overflow,
        decimal.Clamped,
        decimal.Subnormal,
        decimal.FloatOperation,
    ],
)

ZERO: Final = Decimal(0)

_DECIMAL = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)
_UUID = re.compile(
    r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}", re.ASCII
)


_E = TypeVar("_E", bound=enum.Enum)


def plain_members(named: type[_E]) -> type[_E]:
    """Have the members of an enum found as plain attributes of its class.

    Python 3.11 runs a property written in Python at each mention of a member, 75 ns where this
    takes 15, and a posting meets dozens of them. Later versions do what is done here.
    """
    for name, member in named.__members__.items():
        type.__setattr__(named, name, member)
    return named


@plain_members
class Layer(enum.IntEnum):
    """Which of a balance's three books an entry belongs to. Stored as its number."""

    SETTLED = 1
    PENDING = 2
    ENCUMBRANCE = 3


@plain_members
class Direction(enum.IntEnum):
    """The side of an entry or the normal side of an account. Stored as its number."""

    DEBIT = 1
    CREDIT = 2

    @property
    def opposite(self) -> "Direction":
        """The other side."""
        return Direction.CREDIT if self is Direction.DEBIT else Direction.DEBIT


@dataclasses.dataclass(frozen=True, slots=True)
class Currency:
    """A unit of account: its code and the number of its decimals (USD 2, BTC 8, JPY 0)."""

    code: str
    exponent: int


def is_uuid(text: str) -> bool:
    """Tell whether `text` is a UUID in its canonical form, in either case.

    `UUID` itself takes more: braces, dashes anywhere, underscores between the digits.
    """
    # The length first: most of what is asked about are codes.
    return len(text) == 36 and _UUID.fullmatch(text) is not None


def parse_uuid(text: str) -> UUID | None:
    """Return the UUID written in `text` in its canonical form, if it is one."""
    return UUID(text) if is_uuid(text) else None


def parse_decimal(text: str) -> Decimal:
    """Return the exact decimal written in `text`.

    One form only: ASCII digits, an optional leading minus, at most one point with digits
    on both sides, no leading zeros, no exponent, no NaN, no negative zero. The length is
    checked before anything is converted, so a hostile text costs nothing.

    Raises:
        ValueError: says which rule the text breaks.
    """
    if len(text) > AMOUNT_LENGTH_MAX:
        raise ValueError(f"longer than {AMOUNT_LENGTH_MAX} characters")
    if not _DECIMAL.fullmatch(text):
        raise ValueError("not a plain decimal such as 12.34")
    if len(text) > AMOUNT_DIGITS_MAX and _digits(text) > AMOUNT_DIGITS_MAX:
        raise ValueError(f"more than {AMOUNT_DIGITS_MAX} digits")
    value = Decimal(text)
    if not value and value.is_signed():
        raise ValueError("negative zero")
    return value


def _digits(text: str) -> int:
    return len(text) - text.count("-") - text.count(".")


def decimals(value: Decimal) -> int:
    """Return how many decimals `value` really has: trailing zeros do not count."""
    if not value:
        return 0
    exponent = value.as_tuple().exponent
    assert isinstance(exponent, int), f"not finite: {value}"
    if exponent >= 0:
        return 0
    digits = value.as_tuple().digits
    trailing = 0
    for digit in reversed(digits):
        if digit or trailing == -exponent:
            break
        trailing += 1
    return -exponent - trailing


def plain(value: Decimal) -> str:
    """Write `value` in plain form: no exponent, no trailing zeros, no negative zero."""
    if not value:
        return "0"
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def fixed(value: Decimal, exponent: int) -> str:
    """Write `value` with the `exponent` decimals of its currency; zero has no sign.

    `value` must not have more decimals than that: nothing is rounded here.
    """
    assert decimals(value) <= exponent, f"{value} has more than {exponent} decimals"
    return f"{value or ZERO:.{exponent}f}"

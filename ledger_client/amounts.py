"""Amounts as people type them and as they are shown: exact, plain, one form only."""

import decimal
import re
from decimal import Decimal
from typing import Final

#: Digits that an amount of the ledger may have.
DIGITS_MAX: Final = 38
#: An amount, its sign and its point.
LENGTH_MAX: Final = DIGITS_MAX + 2

#: Sums are exact or fail: the default context rounds at 28 digits in silence.
EXACT: Final = decimal.Context(
    prec=76, traps=[decimal.Inexact, decimal.InvalidOperation, decimal.Overflow]
)

_PLAIN: Final = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?", re.ASCII)


def parse_amount(text: str, *, exponent: int) -> Decimal:
    """Return the amount above zero that `text` says.

    ASCII digits, at most one point with digits on both sides, no sign, no thousands
    separators, no exponent. The length is looked at before anything is converted.

    Args:
        text: as typed.
        exponent: the decimals of the currency; zeros beyond them do not count.

    Raises:
        ValueError: says what is wrong, without the text itself.
    """
    value = parse_decimal(text)
    if value.is_signed():
        raise ValueError("an amount has no sign; its side is the column that it stands in")
    if not value:
        raise ValueError("an amount must be above zero")
    if (count := _decimals(text)) > exponent:
        raise ValueError(f"{count} decimals, but the currency has {exponent}")
    return value


def parse_decimal(text: str) -> Decimal:
    """Return the decimal that `text` says in plain form, such as -12.34.

    Raises:
        ValueError: says what is wrong, without the text itself.
    """
    if len(text) > LENGTH_MAX:
        raise ValueError(f"longer than {DIGITS_MAX} digits")
    if not _PLAIN.fullmatch(text):
        raise ValueError(f"not a plain amount such as 12.34{_advice(text)}")
    if sum(character.isdigit() for character in text) > DIGITS_MAX:
        raise ValueError(f"longer than {DIGITS_MAX} digits")
    return Decimal(text)


def plain(value: Decimal) -> str:
    """Write an amount with the decimals that it has: no exponent, no negative zero."""
    return format(value or value.copy_abs(), "f")


def shortest(value: Decimal) -> str:
    """Write an amount without the zeros that mean nothing: equal amounts, equal texts."""
    text = plain(value)
    return text.rstrip("0").rstrip(".") if "." in text else text


def _decimals(text: str) -> int:
    return len(text.partition(".")[2].rstrip("0"))


def _advice(text: str) -> str:
    """Say what a common mistake is, in words that follow the message."""
    if text != text.strip():
        return ": there are blanks around it"
    if "," in text:
        return ": write no thousands separator, and a point before the decimals"
    if text.startswith("+"):
        return ": leave out the plus"
    if re.fullmatch(r"[0-9.]+[eE][-+]?[0-9]+", text, re.ASCII):
        return ": write it without an exponent"
    if re.fullmatch(r"0[0-9]+(\.[0-9]+)?", text, re.ASCII):
        return ": leave out the leading zeros"
    if text.startswith(".") or text.endswith("."):
        return ": write digits on both sides of the point"
    return ""

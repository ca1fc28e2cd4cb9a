"""Rounding and division to a scale, by a mode that the expression names."""

import decimal
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

from ledger_server.domain.expression.errors import Failure, shown
from ledger_server.domain.expression.plan import Operation
from ledger_server.domain.expression.values import Type, type_of
from ledger_server.domain.primitives import EXACT, EXPONENT_MAX

_MODES: Final = {
    "half_even": decimal.ROUND_HALF_EVEN,
    "half_up": decimal.ROUND_HALF_UP,
    "up": decimal.ROUND_UP,
    "down": decimal.ROUND_DOWN,
}

#: The quotient before it is rounded. ROUND_05UP leaves in the last digit whether anything
#: was cut off, so rounding again to fewer digits is as if the exact quotient had been
#: rounded once. The result has at most EXACT.prec digits or is refused, so with four digits
#: more there is always one behind the scale. The exponents cannot run out: both operands are
#: within those of EXACT.
_QUOTIENT: Final = decimal.Context(
    prec=EXACT.prec + 4,
    Emin=-9_999,
    Emax=9_999,
    rounding=decimal.ROUND_05UP,
    traps=[decimal.InvalidOperation, decimal.DivisionByZero, decimal.Overflow],
)

#: One unit of the last decimal, for each scale.
_QUANTA: Final = {scale: Decimal(1).scaleb(-scale, EXACT) for scale in range(EXPONENT_MAX + 1)}


def quantum_of_scale(scale: int) -> Decimal:
    """Return the unit of the last decimal at a scale."""
    quantum = _QUANTA.get(scale)
    if quantum is None:
        raise Failure(f"the scale must be 0 to {EXPONENT_MAX}, not {scale}")
    return quantum


def quantum_of_currency(code: str, exponents: Mapping[str, int]) -> Decimal:
    """Return the smallest unit of a currency."""
    exponent = exponents.get(code)
    if exponent is None:
        raise Failure(f"unknown currency {shown(code)}")
    return quantum_of_scale(exponent)


def quantum_of_either(scale: object, exponents: Mapping[str, int]) -> Decimal:
    """Return the quantum of a scale or a currency code, whichever it is."""
    if isinstance(scale, str):
        return quantum_of_currency(scale, exponents)
    if type_of(scale) is not Type.INTEGER:
        raise Failure(f"the scale is an INTEGER or a currency code, not {type_of(scale).value}")
    assert isinstance(scale, int)
    return quantum_of_scale(scale)


def _context(mode: str) -> decimal.Context:
    """Return EXACT, but allowed to cut off decimals. Too many digits are still trapped."""
    context = EXACT.copy()
    context.rounding = mode
    context.traps[decimal.Inexact] = False
    return context


def _division(mode: str) -> Operation:
    quantize = _context(mode).quantize

    def divide(dividend: Decimal, divisor: Decimal, quantum: Decimal) -> Decimal:
        if not divisor:
            raise Failure("division by zero")
        return quantize(_QUOTIENT.divide(dividend, divisor), quantum)

    return divide


#: From the function's name to what takes one DECIMAL and a quantum.
ROUNDINGS: Final[Mapping[str, Operation]] = {
    f"round_{name}": _context(mode).quantize for name, mode in _MODES.items()
}
#: From the function's name to what takes two DECIMALs and a quantum.
DIVISIONS: Final[Mapping[str, Operation]] = {
    f"div_{name}": _division(mode) for name, mode in _MODES.items()
}

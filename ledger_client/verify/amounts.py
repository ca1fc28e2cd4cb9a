"""Exact amounts, as the verifier reads and adds them."""

import decimal
import re
from decimal import Decimal
from typing import Final

#: No sum may round in silence.
EXACT: Final = decimal.Context(
    prec=76,
    traps=[
        decimal.Inexact,
        decimal.InvalidOperation,
        decimal.Overflow,
        decimal.Clamped,
        decimal.FloatOperation,
    ],
)
ZERO: Final = Decimal(0)

add = EXACT.add
subtract = EXACT.subtract

#: Sums may grow longer than the 38 digits of one amount.
_PLAIN: Final = re.compile(r"(?:0|[1-9][0-9]{0,59})(?:\.[0-9]{1,18})?", re.ASCII).fullmatch

#: Decimals of the currencies that every journal knows from its beginning: ISO 4217, and BTC.
_BUILT_IN: Final = {
    0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
    2: """
        AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD
        CAD CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP
        GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK
        LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO
        NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS
        SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST
        XAD XCD XCG YER ZAR ZMW ZWG
    """,
    3: "BHD IQD JOD KWD LYD OMR TND",
    4: "CLF UYW",
    8: "BTC",
}
BUILT_IN_EXPONENTS: Final = {
    code: exponent for exponent, codes in _BUILT_IN.items() for code in codes.split()
}


def parse(text: str) -> Decimal:
    """Return an amount that is zero or more.

    Raises:
        ValueError: it is not a plain decimal.
    """
    if not _PLAIN(text):
        raise ValueError(f"{text[:80]!r} is not a plain amount")
    return Decimal(text)


def decimals(text: str) -> int:
    """Return how many decimals a plain amount has; zeros at its end do not count."""
    return len(text.partition(".")[2].rstrip("0"))


def plain(value: Decimal) -> str:
    """Write an amount in plain form, without zeros that mean nothing."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text

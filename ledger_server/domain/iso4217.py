"""The currencies that every journal starts with: those of ISO 4217 in use, and BTC.

From list one of ISO 4217 in 2025; BGN, which left it at the end of that year, stays, as books
reach back. Left out are the codes that have no minor unit (metals, special drawing rights, bond
market units) and those kept for tests and for "no currency": a journal that needs one registers it
with the decimals that its books use.
"""

from typing import Final

from ledger_server.domain.primitives import Currency

_CODES: Final = {
    0: """
        BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    """,
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

#: By code.
BUILT_IN_CURRENCIES: Final = tuple(
    sorted(
        (Currency(code, exponent) for exponent, codes in _CODES.items() for code in codes.split()),
        key=lambda currency: currency.code,
    )
)

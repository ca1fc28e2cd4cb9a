"""Exchange rates from and to messages."""

from decimal import Decimal

from ledger_client import models
from ledger_client.convert import encode, words
from ledger_client.convert.params import decimal_text
from ledger_proto.v1 import rates_pb2


def new_rate_message(rate: models.NewRate) -> rates_pb2.NewRate:
    """Return a rate to record.

    Raises:
        TypeError: the rate is a float.
        ValueError: the rate is not a finite decimal, or its time has no offset.
    """
    return rates_pb2.NewRate(
        base=rate.base,
        quote=rate.quote,
        effective_time=encode.instant(rate.effective_time, "effective_time"),
        rate=decimal_text(rate.rate, "rate"),
        source=rate.source,
    )


def rate(received: rates_pb2.Rate) -> models.Rate:
    """Return a rate as recorded."""
    return models.Rate(
        base=received.base,
        quote=received.quote,
        effective_time=words.instant(received.effective_time),
        rate=Decimal(received.rate or 0),
        source=received.source,
        sequence=received.sequence,
        record_time=words.instant(received.record_time),
    )


def rate_in_force(received: rates_pb2.GetRateResponse) -> models.RateInForce:
    """Return the rate that answers a question."""
    return models.RateInForce(
        rate=rate(received.rate), inverse=received.inverse, value=Decimal(received.value)
    )

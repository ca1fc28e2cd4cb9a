"""Limits, to messages and from them."""

from decimal import Decimal
from uuid import UUID

from ledger_client import models
from ledger_client.convert import encode, words
from ledger_client.convert.params import decimal_text
from ledger_proto.v1 import limits_pb2 as pb


def message(code: str, *, name: str, currency: str, rule: models.LimitRule) -> pb.Limit:
    """Return a limit to create.

    Raises:
        TypeError: the bound is a float.
        ValueError: the bound is not a finite decimal.
    """
    limit = pb.Limit(code=code, name=name, currency=currency)
    if isinstance(rule, models.StandingLimit):
        limit.standing.available_min = bound(rule.available_min, "available_min")
        return limit
    limit.velocity.CopyFrom(
        pb.VelocityLimit(
            amount_max=bound(rule.amount_max, "amount_max"),
            direction=encode.direction(rule.direction),
            measure=encode.velocity_measure(rule.measure),
            window=encode.velocity_window(rule.window),
            rolling_seconds=rule.rolling_seconds or 0,
            condition=rule.condition,
        )
    )
    return limit


def bound(value: Decimal, field: str) -> str:
    """Return a bound as it is sent; `field` names it in errors.

    Raises:
        TypeError: it is a float.
        ValueError: it is not a finite decimal.
    """
    if isinstance(value, float):
        raise TypeError(f"{field}: a float is not exact; give a Decimal")
    return decimal_text(Decimal(value), field)


def limit(received: pb.Limit) -> models.Limit:
    """Return a limit."""
    return models.Limit(
        code=received.code,
        name=received.name,
        currency=received.currency,
        rule=(
            models.StandingLimit(available_min=Decimal(received.standing.available_min))
            if received.HasField("standing")
            else _velocity(received.velocity)
        ),
        create_time=words.instant(received.create_time),
    )


def attachment(received: pb.LimitAttachment) -> models.LimitAttachment:
    """Return what a limit binds."""
    scope = pb.LimitScope.Name(received.scope)
    return models.LimitAttachment(
        limit_code=received.limit,
        account_id=UUID(received.account_id) if received.account_id else None,
        account_set_id=UUID(received.account_set_id) if received.account_set_id else None,
        scope=models.LimitScope(scope.removeprefix("LIMIT_SCOPE_")),
    )


def use(received: pb.LimitUse) -> models.LimitUse:
    """Return a limit on an account and how much of it is used."""
    return models.LimitUse(
        limit=limit(received.limit),
        attachment=attachment(received.attachment),
        used=Decimal(received.used),
        left=Decimal(received.left),
        window_start=words.optional_instant(received, "window_start"),
    )


def _velocity(received: pb.VelocityLimit) -> models.VelocityLimit:
    measure = pb.VelocityMeasure.Name(received.measure)
    window = pb.VelocityWindow.Name(received.window)
    return models.VelocityLimit(
        amount_max=Decimal(received.amount_max),
        direction=words.direction(received.direction),
        measure=models.VelocityMeasure(measure.removeprefix("VELOCITY_MEASURE_")),
        window=models.VelocityWindow(window.removeprefix("VELOCITY_WINDOW_")),
        rolling_seconds=received.rolling_seconds or None,
        condition=received.condition,
    )

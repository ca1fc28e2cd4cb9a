"""Between the model and the contract: requests as messages, answers held against the model."""

from decimal import Decimal
from typing import Any

from ledger_proto.v1 import common_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.ledger import (
    request,
    template,
)
from tests.model.model import Asked, Posted, Refusal

CURRENCIES = {"USD": 2, "BTC": 8, "JPY": 0, "GOLD": 4}


def template_of(code: str, version: int) -> Any:
    return template(
        code,
        {"lines": ("JSON", None), "factor": ("DECIMAL", "1")},
        [
            {
                "for_each": "params.lines",
                "account": "item.account",
                "direction": "item.direction",
                "layer": "item.layer",
                "units": "decimal(item.units) * params.factor",
                "currency": "item.currency",
            }
        ],
        description=f"version {version}",
    )


def message_of(asked: Asked) -> pb.TransactionRequest:
    names = ("direction", "account", "layer", "units", "currency")
    params: dict[str, Any] = {"lines": [dict(zip(names, leg, strict=True)) for leg in asked.legs]}
    if asked.factor is not None:
        params["factor"] = asked.factor
    return request(
        asked.template_code,
        params,
        transaction_id=asked.id,
        template_version=asked.template_version,
        effective_date=asked.effective_date,
        description=asked.description,
        external_id=asked.external_id,
        correlation_id=asked.correlation_id,
        metadata=dict(asked.metadata),
    )


def compare_refusal(expected: Refusal, reason: str, facts: dict[str, str]) -> None:
    assert reason == expected.reason, (expected, reason, facts)
    # `problem` is a sentence, and the only fact that the model does not know.
    assert {name: fact for name, fact in facts.items() if name != "problem"} == expected.facts


def compare_posted(expected: tuple[Posted, bool], found: pb.Transaction, *, replayed: bool) -> None:
    one, is_replay = expected
    asked = one.asked
    assert replayed == is_replay
    assert (found.id, found.sequence) == (asked.id, one.sequence)
    assert (found.template_code, found.template_version) == (asked.template_code, one.version)
    assert (found.effective_date, found.description) == (one.effective, asked.description)
    assert (found.external_id, found.correlation_id) == (asked.external_id, asked.correlation_id)
    assert dict(found.metadata) == dict(asked.metadata)
    factor = Decimal(asked.factor or "1")
    for leg, after, entry in zip(asked.legs, one.after, found.entries, strict=True):
        assert (
            common_pb2.Direction.Name(entry.direction).removeprefix("DIRECTION_"),
            entry.account_code,
            common_pb2.Layer.Name(entry.layer).removeprefix("LAYER_"),
            Decimal(entry.units),
            entry.currency,
        ) == (leg[0], leg[1], leg[2], Decimal(leg[3]) * factor, leg[4])
        assert len(entry.units.partition(".")[2]) == CURRENCIES[entry.currency]
        balance = entry.balance_after
        assert (Decimal(balance.debit), Decimal(balance.credit), balance.version) == after


def columns_of(found: Any) -> tuple[Decimal, ...]:
    return tuple(
        Decimal(getattr(found, name))
        for name in (
            "opening_debit",
            "opening_credit",
            "debit",
            "credit",
            "closing_debit",
            "closing_credit",
        )
    )

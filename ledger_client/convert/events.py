"""Events from messages, and filters to them."""

import dataclasses
import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any, Final
from uuid import UUID

from google.protobuf import json_format

from ledger_client import models
from ledger_client.convert import decode, encode, fiscal_years, limits, rates, words
from ledger_proto.v1 import common_pb2, event_stream_pb2, events_pb2

_PREFIX: Final = "EVENT_TYPE_"
#: Nouns of two words in the names of types; all others have one.
_LONG_NOUNS: Final = ("account_set", "personal_data", "fiscal_year")


def event(received: events_pb2.Event) -> models.Event:
    """Return an event. One of a newer server than this client has the type `unknown`."""
    field = received.WhichOneof("fact")
    stated: models.Fact = {}
    if field is not None:
        read: Callable[[Any, Any], models.Fact] = _FACTS.get(field, _mapping)
        stated = read(getattr(received, field), received)
    return models.Event(
        sequence=received.sequence,
        record_time=received.record_time.ToDatetime(tzinfo=dt.UTC),
        actor=received.actor,
        type=type_of(received),
        fact=stated,
        message=received,
        is_erased=bool(received.personal_digest),
    )


def type_of(received: events_pb2.Event) -> str:
    """Return an event's type, such as `journal.posted`; `unknown` of a newer server's."""
    field = received.WhichOneof("fact")
    return _type_name(field) if field else "unknown"


def event_batch(received: event_stream_pb2.SubscribeResponse) -> models.EventBatch:
    """Return a response of a stream."""
    return models.EventBatch(
        events=tuple(map(event, received.events)),
        position=received.position,
        head_sequence=received.head_sequence,
    )


def head(received: event_stream_pb2.GetHeadResponse) -> models.Head:
    """Return where a journal stands."""
    return models.Head(
        sequence=received.head_sequence,
        record_time=received.record_time.ToDatetime(tzinfo=dt.UTC),
    )


def event_filter(wanted: models.EventFilter | None) -> event_stream_pb2.EventFilter | None:
    """Return a filter as the contract has it.

    Raises:
        ValueError: a type is none that this client knows.
    """
    if wanted is None:
        return None
    return event_stream_pb2.EventFilter(
        types=[
            event_stream_pb2.EventType.Value(_PREFIX + name.replace(".", "_").upper())
            for name in wanted.types
        ],
        accounts=[encode.reference(account) for account in wanted.accounts],
        account_set=encode.optional_reference(wanted.account_set),
        template_code=wanted.template_code,
        correlation_id=wanted.correlation_id,
    )


def _type_name(field: str) -> str:
    """Return `journal.posted` for `journal_posted`."""
    noun = next((long for long in _LONG_NOUNS if field.startswith(f"{long}_")), None)
    noun = noun or field.partition("_")[0]
    return f"{noun}.{field.removeprefix(noun)[1:]}"


def _transaction(fact: Any, received: events_pb2.Event) -> models.Transaction:
    # The event's, and left empty in what is stored.
    fact.transaction.sequence = received.sequence
    fact.transaction.record_time.CopyFrom(received.record_time)
    return decode.transaction(fact.transaction)


def _hold_created(fact: Any, received: events_pb2.Event) -> models.HoldCreated:
    return models.HoldCreated(
        **_fields(_transaction(fact, received)),
        expire_time=words.optional_instant(fact, "expire_time"),
    )


def _hold_captured(fact: Any, received: events_pb2.Event) -> models.HoldCaptured:
    return models.HoldCaptured(**_fields(_transaction(fact, received)), ended=fact.ended)


def _account_updated(fact: Any, _received: object) -> models.AccountUpdated:
    return models.AccountUpdated(
        **_fields(decode.account(fact.account)),
        previous=decode.account(fact.previous) if fact.HasField("previous") else None,
    )


def _erasure(fact: Any, _received: object) -> models.PersonalDataErased:
    return models.PersonalDataErased(sequences=tuple(fact.sequences), reason=fact.reason)


def _rate(fact: Any, received: events_pb2.Event) -> models.Rate:
    # The event's, and left empty in what is stored.
    fact.rate.sequence = received.sequence
    fact.rate.record_time.CopyFrom(received.record_time)
    return rates.rate(fact.rate)


def _fields(value: Any) -> dict[str, Any]:
    """Return the fields of a value, to make one of a class that has more."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def _members(fact: Any, _received: object) -> models.MembersChange:
    return models.MembersChange(
        account_set_id=UUID(fact.account_set_id),
        account_ids=tuple(map(UUID, fact.account_ids)),
        member_set_ids=tuple(map(UUID, fact.member_set_ids)),
    )


def _balance_update(fact: Any, _received: object) -> models.BalanceUpdate:
    return models.BalanceUpdate(
        transaction_id=UUID(fact.transaction_id),
        account_id=UUID(fact.account_id),
        account_code=fact.account_code,
        currency=fact.currency,
        layer=models.Layer(common_pb2.Layer.Name(fact.layer).removeprefix("LAYER_")),
        balance=decode.balance_after(fact.balance),
    )


def _mapping(fact: Any, _received: object) -> Mapping[str, Any]:
    found: Mapping[str, Any] = json_format.MessageToDict(fact, preserving_proto_field_name=True)
    return found


_TRANSACTION_FACTS: Final = (
    "journal_posted",
    "hold_released",
    "hold_expired",
    "transaction_reversed",
)
_ACCOUNT_FACTS: Final = (
    "account_created",
    "account_locked",
    "account_unlocked",
    "account_closed",
)
_FACTS: Final[Mapping[str, Callable[[Any, Any], models.Fact]]] = {
    **dict.fromkeys(_TRANSACTION_FACTS, _transaction),
    **dict.fromkeys(_ACCOUNT_FACTS, lambda fact, _: decode.account(fact.account)),
    "journal_created": lambda fact, _: decode.journal(fact.journal),
    "currency_registered": lambda fact, _: decode.currency(fact.currency),
    "account_set_created": lambda fact, _: decode.account_set(fact.account_set),
    "account_set_members_added": _members,
    "account_set_members_removed": _members,
    "template_created": lambda fact, _: decode.tx_template(fact.template),
    "account_updated": _account_updated,
    "hold_created": _hold_created,
    "hold_captured": _hold_captured,
    "period_changed": lambda fact, _: decode.period(fact.period),
    "limit_created": lambda fact, _: limits.limit(fact.limit),
    "limit_updated": lambda fact, _: limits.limit(fact.limit),
    "limit_attached": lambda fact, _: limits.attachment(fact.attachment),
    "limit_detached": lambda fact, _: limits.attachment(fact.attachment),
    "personal_data_erased": _erasure,
    "rate_recorded": _rate,
    "fiscal_year_opened": lambda fact, _: fiscal_years.year(fact.year),
    "fiscal_year_closed": lambda fact, _: fiscal_years.close(fact),
    "fiscal_year_reopened": lambda fact, _: fiscal_years.reopening(fact),
    "balance_updated": _balance_update,
}

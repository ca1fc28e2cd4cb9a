"""The stored form of facts: messages of the contract, serialised once.

An event's payload is a `ledger.v1.Event` without sequence and record time, which are known only at
the commit. Protobuf lets fields be put before a serialised message, so readers prepend the two and
send the rest as it lies in the table. What may be personal is a second part of the same message,
in a column of its own: whoever reads joins the two, and a parser merges them.
"""

import dataclasses
import secrets
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from google.protobuf.timestamp_pb2 import Timestamp

from ledger_proto.v1 import (
    account_sets_pb2,
    accounts_pb2,
    events_pb2,
    fiscal_years_pb2,
    journals_pb2,
    limits_pb2,
    periods_pb2,
    rates_pb2,
)
from ledger_server.domain.account import Account, AccountSet
from ledger_server.domain.fiscal_year import FiscalYear, Result
from ledger_server.domain.journal import Journal
from ledger_server.domain.limit import Attachment, Limit
from ledger_server.domain.period import Period
from ledger_server.domain.primitives import Currency, fixed, plain
from ledger_server.domain.rate import Rate
from ledger_server.store.wire import field, tag, varint

#: Bytes of the salt that begins a personal part.
SALT_BYTES: Final = 16
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_SALT_HEAD: Final = tag(events_pb2.Event.PERSONAL_SALT_FIELD_NUMBER) + varint(SALT_BYTES)
#: Where facts hold accounts; their names and metadata may be personal.
_ACCOUNT_FIELDS: Final = ("account", "previous")


@dataclasses.dataclass(slots=True)
class StoredEvent:
    """An event about to be stored: its type's number and its bytes."""

    type: int
    #: The open part.
    payload: bytes
    #: The personal part, None if there is nothing personal.
    personal: bytes | None = None


def stored_event(event: events_pb2.Event) -> StoredEvent:
    """Serialise `event`, whose fact must be set and hold no transaction."""
    fact = event.WhichOneof("fact")
    assert fact is not None, "an event without a fact"
    number = events_pb2.Event.DESCRIPTOR.fields_by_name[fact].number
    if not fact.startswith("account_") or fact.startswith("account_set_"):
        return StoredEvent(number, event.SerializeToString())
    whole = events_pb2.Event()
    whole.CopyFrom(event)
    stated: Any = getattr(whole, fact)
    personal: Any = type(stated)()
    for name in _ACCOUNT_FIELDS:
        if name in stated.DESCRIPTOR.fields_by_name and stated.HasField(name):
            _move_personal(getattr(stated, name), getattr(personal, name))
    return StoredEvent(
        number,
        whole.SerializeToString(),
        personal_part(
            secrets.token_bytes(SALT_BYTES), field(tag(number), personal.SerializeToString())
        ),
    )


def _move_personal(source: accounts_pb2.Account, target: accounts_pb2.Account) -> None:
    target.name = source.name
    target.metadata.MergeFrom(source.metadata)
    blank_account(source)


def blank_account(account: accounts_pb2.Account) -> None:
    """Take out what may be personal."""
    account.ClearField("name")
    account.ClearField("metadata")


def personal_part(salt: bytes, fact: bytes) -> bytes:
    """Return the personal part of an event: a salt, then the fact's field once more.

    Args:
        salt: `SALT_BYTES` random bytes.
        fact: the field, tag and all, with the personal fields alone.
    """
    return _SALT_HEAD + salt + fact


def timestamp(moment: datetime) -> Timestamp:
    """Encode an aware instant."""
    assert moment.tzinfo is not None, "an instant needs a time zone"
    # As `FromDatetime` does, in a third of the time: every posting has one.
    since = moment - _EPOCH
    return Timestamp(seconds=since.days * 86_400 + since.seconds, nanos=since.microseconds * 1_000)


def journal_message(journal: Journal, head_sequence: int) -> journals_pb2.Journal:
    """Encode a journal and where it stands."""
    return journals_pb2.Journal(
        id=str(journal.public_id),
        code=journal.code,
        name=journal.name,
        time_zone=journal.time_zone,
        create_time=timestamp(journal.created_at),
        head_sequence=head_sequence,
    )


def currency_message(currency: Currency) -> journals_pb2.Currency:
    """Encode a currency."""
    return journals_pb2.Currency(code=currency.code, exponent=currency.exponent)


def account_message(account: Account) -> accounts_pb2.Account:
    """Encode an account. Directions and statuses have the same numbers in both worlds."""
    return accounts_pb2.Account(
        id=str(account.id),
        code=account.code,
        name=account.name,
        normal_side=account.normal_side.value,  # type: ignore[arg-type]  # same numbers
        status=account.status.value,  # type: ignore[arg-type]  # same numbers
        metadata=dict(account.metadata),
        create_time=timestamp(account.created_at),
        lock_allows_hold_ends=account.lock_allows_hold_ends,
    )


def account_set_message(account_set: AccountSet) -> account_sets_pb2.AccountSet:
    """Encode an account set."""
    return account_sets_pb2.AccountSet(
        id=str(account_set.id),
        code=account_set.code,
        name=account_set.name,
        category=account_set.category.value,  # type: ignore[arg-type]  # same numbers
        normal_side=account_set.normal_side.value if account_set.normal_side else 0,  # type: ignore[arg-type]  # same numbers
        metadata=dict(account_set.metadata),
        create_time=timestamp(account_set.created_at),
    )


def period_message(period: Period) -> periods_pb2.Period:
    """Encode which days are closed, and the change that made it so."""
    return periods_pb2.Period(
        closed_through=_day(period.closed_through),
        locked_through=_day(period.locked_through),
        sequence=period.sequence,
        change_time=timestamp(period.changed_at) if period.changed_at else None,
        actor=period.actor,
        reason=period.reason,
    )


def fiscal_year_message(year: FiscalYear) -> fiscal_years_pb2.FiscalYear:
    """Encode a fiscal year, and the change that made it what it is."""
    return fiscal_years_pb2.FiscalYear(
        code=year.code,
        first_day=_day(year.first_day),
        last_day=_day(year.last_day),
        retained_earnings_account_id=str(year.retained_earnings_id or ""),
        retained_earnings_account_code=year.retained_earnings_code,
        status=year.status.value,  # type: ignore[arg-type]  # same numbers
        sequence=year.sequence,
        change_time=timestamp(year.changed_at),
        actor=year.actor,
        reason=year.reason,
    )


def closed_amount_messages(
    results: Mapping[str, Result], exponents: Mapping[str, int]
) -> list[fiscal_years_pb2.ClosedAmount]:
    """Encode what revenue and expense come to, by currency."""
    return [
        fiscal_years_pb2.ClosedAmount(
            currency=currency,
            revenue=fixed(result.revenue, exponents[currency]),
            expense=fixed(result.expense, exponents[currency]),
            net_income=fixed(result.net_income, exponents[currency]),
        )
        for currency, result in results.items()
    ]


def rate_message(rate: Rate) -> rates_pb2.Rate:
    """Encode an exchange rate."""
    return rates_pb2.Rate(
        base=rate.base,
        quote=rate.quote,
        effective_time=timestamp(rate.effective_at),
        rate=plain(rate.rate),
        source=rate.source,
        sequence=rate.sequence,
        record_time=timestamp(rate.recorded_at),
    )


def limit_message(limit: Limit) -> limits_pb2.Limit:
    """Encode a limit. Measures and windows have the same numbers in both worlds."""
    message = limits_pb2.Limit(
        code=limit.code,
        name=limit.name,
        currency=limit.currency,
        create_time=timestamp(limit.created_at) if limit.created_at else None,
    )
    velocity = limit.velocity
    if velocity is None:
        message.standing.available_min = plain(limit.bound)
        return message
    message.velocity.CopyFrom(
        limits_pb2.VelocityLimit(
            amount_max=plain(limit.bound),
            direction=velocity.direction.value,  # type: ignore[arg-type]  # same numbers
            measure=velocity.measure.value,  # type: ignore[arg-type]  # same numbers
            window=velocity.window.value,  # type: ignore[arg-type]  # same numbers
            rolling_seconds=velocity.rolling_seconds or 0,
            condition=velocity.condition,
        )
    )
    return message


def attachment_message(attachment: Attachment) -> limits_pb2.LimitAttachment:
    """Encode what a limit binds."""
    return limits_pb2.LimitAttachment(
        limit=attachment.limit.code,
        account_id=str(attachment.account_id or ""),
        account_set_id=str(attachment.set_id or ""),
        scope=attachment.scope.value,  # type: ignore[arg-type]  # same numbers
    )


def _day(day: date | None) -> str:
    return "" if day is None else day.isoformat()

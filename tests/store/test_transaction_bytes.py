"""What is put together by hand is what the contract's messages serialise to."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from google.protobuf.struct_pb2 import Struct
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger_proto.v1 import events_pb2, transactions_pb2
from ledger_server.domain.books import Posting
from ledger_server.domain.primitives import EXACT, Direction, Layer
from ledger_server.domain.transaction import (
    BalanceAfter,
    BalanceKey,
    Draft,
    DraftEntry,
    Kind,
    PostCommand,
)
from ledger_server.store.codec import timestamp
from ledger_server.store.transaction_bytes import amount, posting_event, record_time_field
from ledger_server.store.transaction_codec import draft_message

ids = st.uuids()
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.just("long" * 75)
units = st.integers(1, 10**20).flatmap(
    lambda number: st.integers(0, 18).map(lambda places: EXACT.scaleb(Decimal(number), -places))
)
sums = units | st.just(Decimal(0)) | st.just(Decimal(10) ** 59)
entries = st.builds(
    DraftEntry,
    st.builds(BalanceKey, ids, st.sampled_from(["USD", "BTC"])),
    texts,
    st.sampled_from(Direction),
    st.sampled_from(Layer),
    units,
)
afters = st.builds(BalanceAfter, sums, sums, st.integers(1, 2**40))


@st.composite
def postings(draw: st.DrawFn) -> Posting:
    legs = draw(st.lists(entries, min_size=1, max_size=4))
    params = Struct()
    params.update(draw(st.dictionaries(texts, texts, max_size=3)))
    kind = draw(st.sampled_from([Kind.POSTING, Kind.HOLD, Kind.RELEASE, Kind.REVERSAL]))
    command = PostCommand(
        transaction_id=draw(ids),
        template_code=draw(texts),
        template_version=draw(st.none() | st.just(3)),
        params={},
        params_as_given=draw(st.none() | st.just(params)),
        description=draw(st.none() | st.just("given")),
        kind=kind,
        expire_at=datetime(2030, 1, 1, tzinfo=UTC) if kind is Kind.HOLD else None,
        hold_id=draw(ids) if kind is Kind.RELEASE else None,
        reverses=draw(ids) if kind is Kind.REVERSAL else None,
    )
    draft = Draft(
        command=command,
        template_version=draw(st.integers(1, 2**31 - 1)),
        bind=lambda values: values,
        effective=draw(st.dates()),
        description=draw(texts),
        external_id=draw(texts),
        correlation_id=draw(texts),
        metadata=draw(st.dictionaries(texts, texts, max_size=3)),
        entries=legs,
        keys=frozenset(leg.key for leg in legs),
    )
    return Posting(draft, legs, [draw(afters) for _ in legs])


def _plain(value: Decimal, like: Decimal) -> str:
    return format(value or like - like, "f")


def _message(posting: Posting, *, with_balances: bool) -> transactions_pb2.Transaction:
    """Build the message the long way."""
    draft, command = posting.draft, posting.draft.command
    fields: dict[str, Any] = {}
    if command.kind is Kind.HOLD:
        fields["hold_id"] = str(command.transaction_id)
    if command.hold_id is not None:
        fields["hold_id"] = str(command.hold_id)
    if command.reverses is not None:
        fields["reverses"] = str(command.reverses)
    message = transactions_pb2.Transaction(
        id=str(command.transaction_id),
        template_code=command.template_code,
        template_version=draft.template_version,
        effective_date=draft.effective.isoformat(),
        description=draft.description,
        external_id=draft.external_id,
        correlation_id=draft.correlation_id,
        metadata=draft.metadata,
        requested=[int(one) for one in command.requested()],  # type: ignore[misc]
        kind=int(command.kind),  # type: ignore[arg-type]
        params=command.params_as_given or None,  # type: ignore[arg-type]
        **fields,
    )
    for entry, after in zip(posting.entries, posting.balances_after, strict=True):
        leg = message.entries.add(
            account_id=str(entry.key.account_id),
            account_code=entry.account_code,
            direction=int(entry.direction),
            layer=int(entry.layer),
            units=format(entry.units, "f"),
            currency=entry.key.currency,
        )
        if with_balances:
            leg.balance_after.debit = _plain(after.debit, entry.units)
            leg.balance_after.credit = _plain(after.credit, entry.units)
            leg.balance_after.version = after.version
    if not command.params_as_given:
        message.ClearField("params")
    return message


@settings(max_examples=60)
@given(postings(), st.sampled_from(["", "ann"]), st.integers(1, 2**40))
def test_bytes_are_those_of_the_message(posting: Posting, actor: str, sequence: int) -> None:
    encoded = posting_event(posting, actor, b"s" * 16)
    expected = _message(posting, with_balances=True)
    params = posting.draft.command.params_as_given
    if isinstance(params, Struct) and not params.fields:
        expected.ClearField("params")  # nothing was given
    stored = events_pb2.Event.FromString(encoded.event.payload + (encoded.event.personal or b""))
    fact = stored.WhichOneof("fact")
    assert fact is not None
    assert events_pb2.Event.DESCRIPTOR.fields_by_name[fact].number == encoded.event.type
    assert stored.actor == actor
    assert getattr(stored, fact).transaction == expected
    if posting.draft.command.kind is Kind.HOLD:
        assert stored.hold_created.expire_time.seconds == 1_893_456_000
    open_part = events_pb2.Event.FromString(encoded.event.payload)
    open_transaction = getattr(open_part, fact).transaction
    assert not open_transaction.description
    assert not open_transaction.metadata
    assert not open_transaction.HasField("params")

    at = datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    answered = transactions_pb2.Transaction.FromString(
        encoded.transaction(sequence, record_time_field(at))
    )
    expected.sequence = sequence
    expected.record_time.CopyFrom(timestamp(at))
    assert answered == expected
    assert len(answered.SerializeToString()) == len(expected.SerializeToString())


@given(postings())
def test_a_draft_has_no_balances_yet(posting: Posting) -> None:
    expected = _message(posting, with_balances=False)
    params = posting.draft.command.params_as_given
    if isinstance(params, Struct) and not params.fields:
        expected.ClearField("params")
    assert draft_message(posting.draft, posting.entries) == expected


@given(st.integers(-(10**37), 10**37), st.integers(0, 18))
def test_amounts_are_plain(number: int, places: int) -> None:
    value = EXACT.scaleb(Decimal(number), -places)
    assert amount(value) == format(value, "f")

"""The fold: sound histories pass, and whatever does not fit is named."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_client.verify import Code, Finding, WrongError
from ledger_client.verify.fold import Fold
from ledger_proto.v1 import events_pb2, journals_pb2
from ledger_proto.v1 import transactions_pb2 as pb
from tests.verify.histories import (
    CREDIT,
    DEBIT,
    PENDING,
    SETTLED,
    History,
    account_id,
    transfer,
)

cents = st.integers(1, 10**12).map(lambda number: f"{Decimal(number).scaleb(-2):.2f}")
codes = st.sampled_from("abc")


@st.composite
def histories(draw: st.DrawFn) -> History:
    """Postings of one or two pairs of legs between three accounts, on two layers."""
    history = History("a", "b", "c")
    for _ in range(draw(st.integers(1, 8))):
        legs = []
        for _ in range(draw(st.integers(1, 2))):
            layer = draw(st.sampled_from([SETTLED, PENDING]))
            legs += transfer(draw(cents), draw(codes), draw(codes), layer)
        history.post(*legs, effective_date=draw(st.sampled_from(["2026-01-31", "2026-02-01"])))
    return history


def finding(fold: Callable[[], object]) -> Finding:
    with pytest.raises(WrongError) as caught:
        fold()
    return caught.value.finding


@given(histories())
def test_sums_are_those_of_the_entries(history: History) -> None:
    fold = history.fold()
    entries = [
        (entry, event.journal_posted.transaction.effective_date)
        for event in history.events
        for entry in event.journal_posted.transaction.entries
    ]
    assert fold.entries == len(entries)
    for (account, _currency), slot in fold.balances.items():
        own = [(entry, day) for entry, day in entries if entry.account_id == account]
        assert slot.version == len(own)
        for place, total in enumerate(slot.sums[:6]):
            wanted = (place // 2 + 1, place % 2 + 1)
            assert total == sum(
                Decimal(entry.units)
                for entry, _day in own
                if (entry.layer, entry.direction) == wanted
            )
        for (layer, day), sides in slot.days.items():
            for side, total in enumerate(sides, 1):
                assert total == sum(
                    Decimal(entry.units)
                    for entry, its_day in own
                    if (entry.layer, entry.direction, its_day) == (layer, side, day)
                )


@given(histories(), st.data())
def test_any_entry_changed_is_found_where_it_is(history: History, data: st.DataObject) -> None:
    """By one field: amount, side, layer, account, what it says of the balance after."""
    posted = [
        sequence
        for sequence, event in enumerate(history.events, 1)
        if event.WhichOneof("fact") == "journal_posted"
    ]
    sequence = data.draw(st.sampled_from(posted))
    entries = history.events[sequence - 1].journal_posted.transaction.entries
    entry = entries[data.draw(st.integers(0, len(entries) - 1))]
    field = data.draw(
        st.sampled_from(["units", "direction", "layer", "debit", "credit", "version"])
    )
    if field == "units":
        entry.units = str(Decimal(entry.units) + 1)
    elif field == "direction":
        entry.direction = DEBIT + CREDIT - entry.direction  # type: ignore[assignment]  # its number
    elif field == "layer":
        entry.layer = SETTLED + PENDING - entry.layer  # type: ignore[assignment]  # its number
    elif field == "version":
        entry.balance_after.version += 1
    else:
        amount = Decimal(getattr(entry.balance_after, field))
        setattr(entry.balance_after, field, str(amount + 1))
    found = finding(history.fold)
    assert found.sequence == sequence
    assert found.code in {Code.BALANCE_AFTER_WRONG, Code.VERSION_WRONG, Code.UNBALANCED}


@given(histories(), st.data())
def test_an_event_twice_is_found(history: History, data: st.DataObject) -> None:
    """Though it has a sequence of its own: its versions come twice."""
    index = data.draw(st.integers(4, len(history.events) - 1))
    history.events.insert(index, history.events[index])
    found = finding(history.fold)
    assert (found.code, found.sequence) == (Code.VERSION_WRONG, index + 2)


@given(histories(), st.data())
def test_from_a_later_event_on_it_believes_once(history: History, data: st.DataObject) -> None:
    """What it then knows is the same as of the whole; what it was not told stays open."""
    after = data.draw(st.integers(4, len(history.events)))
    whole, part = history.fold(), history.fold(after=after, whole=False)
    for place, slot in part.balances.items():
        assert slot.version == whole.balances[place].version
        for known, total in zip(slot.sums, whole.balances[place].sums, strict=True):
            assert known in {None, total}


def test_steps() -> None:
    fold = Fold(5, 1_000)
    assert finding(lambda: fold.step(7, 1_001)).code is Code.EVENT_MISSING
    assert finding(lambda: fold.step(5, 1_001)).code is Code.EVENT_MISSING
    early = finding(lambda: fold.step(6, 999))
    assert early.code is Code.RECORD_TIME_WRONG
    assert early.expected == "1970-01-01T00:00:00.001000+00:00 or later"
    fold.step(6, 1_000)


def test_an_erasure_must_be_recorded_later() -> None:
    fold = Fold(5, 0)
    fold.step(6, 0, is_erased=True)
    assert finding(fold.check_end).code is Code.ERASURE_UNRECORDED
    fold.step(7, 0)
    fold.apply(events_pb2.Event(personal_data_erased=events_pb2.PersonalDataErased(sequences=[6])))
    fold.check_end()


@pytest.mark.parametrize(
    ("units", "code"),
    [
        ("0.00", Code.AMOUNT_WRONG),
        ("1.001", Code.AMOUNT_WRONG),
        ("1e3", Code.AMOUNT_WRONG),
        ("-1.00", Code.AMOUNT_WRONG),
        ("NaN", Code.AMOUNT_WRONG),
        ("", Code.AMOUNT_WRONG),
        ("\u0661", Code.AMOUNT_WRONG),
    ],
)
def test_what_is_no_amount(units: str, code: Code) -> None:
    history = History("a", "b")
    history.post(*transfer("1.00"))
    history.events[-1].journal_posted.transaction.entries[1].units = units
    found = finding(history.fold)
    assert (found.code, found.sequence) == (code, 4)


def test_a_currency_has_its_decimals() -> None:
    history = History("a", "b")
    history.post(*transfer("1.00"))
    for entry in history.events[-1].journal_posted.transaction.entries:
        entry.currency = "GOLD"
    assert finding(history.fold).code is Code.AMOUNT_WRONG
    currency = journals_pb2.Currency(code="GOLD", exponent=2)
    registered = events_pb2.CurrencyRegistered(currency=currency)
    history.events.insert(1, events_pb2.Event(currency_registered=registered))
    history.fold()
    currency.exponent = 3
    registered = events_pb2.CurrencyRegistered(currency=currency)
    history.events.append(events_pb2.Event(currency_registered=registered))
    assert finding(history.fold).code is Code.EVENT_MALFORMED


def test_an_account_that_never_came_into_being() -> None:
    history = History("a")
    history.post(*transfer("1.00"))
    found = finding(history.fold)
    assert (found.code, found.account) == (Code.ACCOUNT_UNKNOWN, account_id("b"))


def test_what_closes_a_year_is_a_posting() -> None:
    history = History("a", "b")
    history.post(*transfer("1.00"))
    history.post(*transfer("1.00", "b", "a"))
    history.events[-1].journal_posted.transaction.kind = pb.TRANSACTION_KIND_CLOSING
    assert history.fold().transactions == 2
    history.events[-1].journal_posted.transaction.kind = pb.TRANSACTION_KIND_HOLD
    with pytest.raises(WrongError):
        history.fold()


@pytest.mark.parametrize("kind", ["hold_created", "transaction_reversed"])
def test_a_kind_that_is_not_that_of_the_fact(kind: str) -> None:
    history = History("a", "b")
    history.post(*transfer("1.00", layer=PENDING), kind=kind, hold_id="")
    getattr(history.events[-1], kind).transaction.kind = 1
    assert finding(history.fold).code is Code.EVENT_MALFORMED

"""Holds and reversals by their events: nothing is taken that is not there."""

import pytest

from ledger_client.verify import Code, WrongError
from ledger_client.verify.fold import HELD
from tests.verify.histories import (
    CREDIT,
    DEBIT,
    PENDING,
    SETTLED,
    History,
    Leg,
    account_id,
    transfer,
)


def back(units: str) -> list[Leg]:
    """What leaves PENDING when so much of a hold is taken."""
    return [("a", CREDIT, PENDING, units), ("b", DEBIT, PENDING, units)]


def held(history: History, code: str) -> list[str]:
    sums = history.fold().balances[account_id(code), "USD"].sums
    return [str(amount) for amount in sums[HELD:]]


@pytest.fixture
def history() -> History:
    return History("a", "b")


def place(history: History, units: str = "10.00") -> str:
    return history.post(*transfer(units, layer=PENDING), kind="hold_created")


def capture(history: History, hold: str, captured: str, out: str, *, ended: bool) -> None:
    legs = [*(transfer(captured) if captured else []), *back(out)]
    history.post(*legs, kind="hold_captured", hold_id=hold, ended=ended)


def problem(history: History) -> str:
    with pytest.raises(WrongError) as caught:
        history.fold()
    assert caught.value.finding.sequence == len(history.events)
    assert caught.value.finding.code in {Code.HOLD_WRONG, Code.REVERSAL_WRONG}
    return caught.value.finding.message


def test_a_hold_from_placing_to_its_end(history: History) -> None:
    hold = place(history)
    assert (held(history, "a"), held(history, "b")) == (["10.00", "0"], ["0", "10.00"])
    capture(history, hold, "4.00", "4.00", ended=False)
    assert held(history, "a") == ["6.00", "0"]
    capture(history, hold, "1.00", "6.00", ended=True)
    assert held(history, "a") == ["0.00", "0"]
    assert history.fold().holds.open == {}


def test_a_hold_given_back(history: History) -> None:
    for kind in ("hold_released", "hold_expired"):
        hold = place(history)
        history.post(*back("10.00"), kind=kind, hold_id=hold)
    assert held(history, "a") == ["0.00", "0"]


def test_more_is_captured_than_is_left(history: History) -> None:
    hold = place(history)
    capture(history, hold, "8.00", "8.00", ended=False)
    capture(history, hold, "3.00", "3.00", ended=False)
    assert "more is taken than is left" in problem(history)


def test_more_is_captured_than_leaves_pending(history: History) -> None:
    capture(history, place(history), "8.00", "7.00", ended=False)
    assert "more is captured than leaves PENDING" in problem(history)


def test_it_ends_once_and_when_nothing_is_left(history: History) -> None:
    hold = place(history)
    capture(history, hold, "10.00", "10.00", ended=False)
    assert "said to be open, and nothing is left" in problem(history)
    history.events[-1].hold_captured.ended = True
    history.fold()
    history.post(*back("1.00"), kind="hold_released", hold_id=hold)
    assert "it is not open" in problem(history)


def test_a_release_leaves_nothing(history: History) -> None:
    history.post(*back("9.00"), kind="hold_released", hold_id=place(history))
    assert "said to have ended, and something is left" in problem(history)


def test_a_release_settles_nothing(history: History) -> None:
    hold = place(history)
    history.post(*transfer("10.00"), *back("10.00"), kind="hold_expired", hold_id=hold)
    assert "a layer of no hold" in problem(history)


def test_a_hold_stands_on_pending_under_its_own_id(history: History) -> None:
    history.post(*transfer("1.00", layer=SETTLED), kind="hold_created")
    assert "not on PENDING" in problem(history)
    other = History("a", "b")
    other.post(*transfer("1.00", layer=PENDING), kind="hold_created", hold_id="another")
    assert "not that of the transaction" in problem(other)


def reverse(history: History, original: str, units: str) -> None:
    history.post(
        *transfer(units, debit="b", credit="a"), kind="transaction_reversed", reverses=original
    )


def check(history: History, original: str, *, captured: bool = False) -> None:
    """Hold reversals against the original, as if it had been looked up and proven."""
    for sequence, event in enumerate(history.events, 1):
        for kind in ("journal_posted", "hold_captured"):
            transaction = getattr(event, kind).transaction
            if transaction.id == original:
                history.fold().reversals.check(transaction, sequence, captured=captured)


def test_parts_are_taken_back_until_nothing_is_left(history: History) -> None:
    original = history.post(*transfer("10.00"))
    reverse(history, original, "4.00")
    reverse(history, original, "6.00")
    check(history, original)
    reverse(history, original, "0.01")
    with pytest.raises(WrongError) as caught:
        check(history, original)
    finding = caught.value.finding
    assert (finding.code, finding.sequence) == (Code.REVERSAL_WRONG, len(history.events))
    assert (finding.expected, finding.found) == ("at most 10", "10.01")


def test_of_a_capture_only_what_it_settled(history: History) -> None:
    hold = place(history)
    capture(history, hold, "4.00", "10.00", ended=True)
    original = history.events[-1].hold_captured.transaction.id
    reverse(history, original, "4.00")
    check(history, original, captured=True)
    history.post(*transfer("1.00", layer=PENDING), kind="transaction_reversed", reverses=original)
    with pytest.raises(WrongError, match="more of transaction"):
        check(history, original, captured=True)


def test_nothing_is_taken_back_before_it_was_there(history: History) -> None:
    original = history.post(*transfer("10.00"))
    reverse(history, original, "1.00")
    transaction = history.events[3].journal_posted.transaction
    with pytest.raises(WrongError, match="before it was posted"):
        history.fold().reversals.check(transaction, 5, captured=False)
    reverse(history, "", "1.00")
    assert "does not say what it takes back" in problem(history)

"""What is remembered of balances, and when it is not any more."""

import uuid

import pytest

from ledger_server.application import known_balances
from ledger_server.application.known_balances import KnownBalances
from ledger_server.domain.books import BalanceState
from ledger_server.domain.primitives import ZERO
from ledger_server.domain.transaction import BalanceKey

KEYS = [BalanceKey(uuid.UUID(int=number), "USD") for number in range(5)]


def test_balances_stand_at_one_sequence() -> None:
    known = KnownBalances()
    assert known.begin(7), "nothing is known, so what is read is of there"
    assert known.missing(KEYS) == KEYS
    state = BalanceState([ZERO] * 8, 3)
    known.learn(KEYS, {KEYS[0]: state})
    assert known.missing(KEYS) == []
    assert known.states[KEYS[0]] is state
    assert known.states[KEYS[1]].version == 0
    assert not known.begin(8), "somebody else wrote"


def test_what_is_under_way_may_be_seen_or_not() -> None:
    known = KnownBalances()
    known.begin(7)
    known.advance(3, uuid.uuid4())
    assert known.begin(7)
    assert known.begin(10)
    assert not known.begin(8)
    known.commit(10)
    assert not known.begin(7)
    assert known.begin(10)


def test_two_may_be_under_way() -> None:
    """The journal may be seen after either; which of the two is told of first is chance."""
    known = KnownBalances()
    known.begin(7)
    first, second = uuid.uuid4(), uuid.uuid4()
    known.advance(3, first)
    known.advance(2, second)
    assert known.last_batch == second
    assert [known.begin(sequence) for sequence in (7, 8, 10, 11, 12)] == [
        *(True, False, True, False, True)
    ]
    known.commit(12)
    known.commit(10)
    assert known.committed == 12
    assert [known.begin(sequence) for sequence in (7, 10, 12)] == [False, False, True]


def test_what_failed_is_forgotten_as_a_whole() -> None:
    known = KnownBalances()
    known.begin(7)
    known.learn(KEYS, {})
    written, generation = known.states, known.generation
    known.forget()
    assert known.generation != generation
    assert known.missing(KEYS) == KEYS
    assert len(written) == len(KEYS), "what is being written keeps its own"
    assert known.begin(9)


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(known_balances, "BALANCES_MAX", 3)
    known = KnownBalances()
    known.begin(1)
    known.learn(KEYS, {})
    known.advance(1, uuid.uuid4())
    assert known.begin(1)
    assert known.missing(KEYS) == [], "kept while a batch that was decided on them is under way"
    known.commit(2)
    assert known.begin(2)
    assert known.missing(KEYS) == KEYS[: len(KEYS) // 2], "the half that was read first goes"

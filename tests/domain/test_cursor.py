"""Cursors: one holder at a time, whoever asks when."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.cursor import Cursor, check_position
from ledger_server.domain.errors import (
    CursorHeldError,
    CursorLostError,
    FieldInvalidError,
    LedgerError,
    PositionUnavailableError,
)

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
LEASE = timedelta(seconds=15)
FREE = Cursor(
    name="c", position=7, token=3, holder="", lease_expires_at=None, updated_at=NOON - LEASE
)


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def test_is_taken_moved_and_given_back() -> None:
    held = FREE.taken(0, "one", LEASE, NOON)
    assert (held.token, held.holder, held.lease_expires_at) == (4, "one", at(15))
    assert held.is_held(at(14.9))
    assert not held.is_held(at(15))
    moved = held.advanced(4, 9, LEASE, at(5))
    assert (moved.position, moved.lease_expires_at, moved.updated_at) == (9, at(20), at(5))
    renewed = moved.advanced(4, 9, LEASE, at(6))
    assert (renewed.lease_expires_at, renewed.updated_at) == (at(21), at(5))
    back = renewed.released(4)
    assert (back.position, back.holder, back.lease_expires_at) == (9, "", None)
    assert back.released(4) == back
    with pytest.raises(CursorLostError):
        back.advanced(4, 10, LEASE, at(7))


def test_a_holder_that_asks_again_keeps_its_token() -> None:
    held = FREE.taken(0, "one", LEASE, NOON)
    assert held.taken(4, "one", LEASE, at(10)).token == 4
    assert held.taken(4, "one", LEASE, at(60)).token == 4, "nobody else has come"


def test_a_lease_keeps_others_away_until_it_ends() -> None:
    held = FREE.taken(0, "one", LEASE, NOON)
    for token in (0, 3, 5):
        with pytest.raises(CursorHeldError) as refusal:
            held.taken(token, "two", LEASE, at(14))
        assert (refusal.value.holder, refusal.value.lease_expire_time) == (
            "one",
            at(15).isoformat(),
        )
    with pytest.raises(CursorHeldError):
        held.reset(0, at(14))
    other = held.taken(0, "two", LEASE, at(15))
    assert other.token == 5
    with pytest.raises(CursorLostError):
        other.advanced(4, 100, LEASE, at(16))


def test_a_lease_that_ran_out_while_nobody_came_can_be_renewed() -> None:
    held = FREE.taken(0, "one", LEASE, NOON)
    assert held.advanced(4, 8, LEASE, at(100)).lease_expires_at == at(115)


def test_only_a_reset_goes_back() -> None:
    held = FREE.taken(0, "one", LEASE, NOON)
    with pytest.raises(FieldInvalidError):
        held.advanced(4, 6, LEASE, at(1))
    reset = held.reset(2, at(20))
    assert (reset.position, reset.holder, reset.lease_expires_at) == (2, "", None)
    with pytest.raises(CursorLostError):
        reset.advanced(4, 8, LEASE, at(21))


def test_no_position_beyond_the_head() -> None:
    check_position(5, 5)
    with pytest.raises(PositionUnavailableError):
        check_position(6, 5)


actions = st.tuples(
    st.sampled_from(["take", "again", "advance", "release", "reset"]),
    st.integers(0, 2),
    st.integers(0, 20),
)


@given(st.lists(actions, max_size=60))
def test_nobody_moves_a_cursor_that_another_has_taken_since(
    history: list[tuple[str, int, int]],
) -> None:
    """Of three followers, whatever they ask when, at most the one who took it last moves it."""
    cursor, now, tokens = FREE, NOON, [0, 0, 0]
    owner: int | None = None
    for action, who, seconds in history:
        now += timedelta(seconds=seconds)
        was = cursor
        try:
            if action in {"take", "again"}:
                token = tokens[who] if action == "again" else 0
                cursor = cursor.taken(token, str(who), LEASE, now)
                assert owner in {None, who} or not was.is_held(now)
                tokens[who], owner = cursor.token, who
            elif action == "advance":
                cursor = cursor.advanced(tokens[who], cursor.position + 1, LEASE, now)
                assert owner == who
            elif action == "release":
                cursor = cursor.released(tokens[who])
                owner = None if cursor != was else owner
            else:
                cursor = cursor.reset(0, now)
                assert not was.is_held(now)
                owner = None
        except LedgerError:
            assert cursor == was
        assert cursor.token >= was.token

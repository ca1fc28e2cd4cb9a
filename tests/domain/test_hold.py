"""Holds by themselves: placed = captured + released + left, whatever is done to them."""

import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import (
    CaptureExceedsError,
    ExpireTimePassedError,
    HoldLayerError,
    HoldNotOpenError,
)
from ledger_server.domain.hold import Hold, HoldStatus, HoldStep, capture, give_back, place
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.transaction import BalanceKey, DraftEntry

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
ACCOUNTS = [uuid.UUID(int=number) for number in range(3)]


def leg(account: int, direction: Direction, cents: int, currency: str = "USD") -> DraftEntry:
    key = BalanceKey(ACCOUNTS[account], currency)
    return DraftEntry(key, f"a{account}", direction, Layer.SETTLED, Decimal(cents).scaleb(-2))


legs = st.builds(
    leg,
    st.integers(0, 2),
    st.sampled_from(Direction),
    st.integers(1, 10_000),
    st.sampled_from(["USD", "EUR"]),
)


def placed(entries: list[DraftEntry], expire_at: datetime | None = None) -> Hold:
    return place(uuid.UUID(int=9), entries, expire_at, NOW).hold


def check(before: Hold, step: HoldStep) -> None:
    """Hold a step against itself: what it posts is what it says became of the hold."""
    for old, new, given_back in zip(before.legs, step.hold.legs, step.given_back, strict=True):
        assert new.placed == old.placed == new.captured + new.released + new.left
        assert new.captured >= old.captured
        assert new.released - old.released == given_back >= 0
    assert (step.hold.status is HoldStatus.OPEN) == any(one.left for one in step.hold.legs)
    for key, direction in {(one.key, one.direction) for one in before.legs}:

        def total(layer: Layer, side: Direction, key: BalanceKey = key) -> Decimal:
            found = (one.units for one in step.entries if one[0] == key and one[2] is side
                     and one.layer is layer)  # fmt: skip
            return sum(found, Decimal(0))

        mine = [number for number, one in enumerate(before.legs) if one.key == key
                and one.direction is direction]  # fmt: skip
        captured = sum(step.hold.legs[n].captured - before.legs[n].captured for n in mine)
        gone = sum(before.legs[n].left - step.hold.legs[n].left for n in mine)
        assert total(Layer.SETTLED, direction) == captured
        other = Direction.CREDIT if direction is Direction.DEBIT else Direction.DEBIT
        assert total(Layer.PENDING, other) == gone
        held = [one.units for one in step.held if one.key == key and one.direction is direction]
        assert -sum(held, Decimal(0)) == gone
    assert all(one.units > 0 for one in step.entries)


@given(
    st.lists(legs, min_size=1, max_size=5),
    st.lists(st.tuples(st.lists(legs, min_size=1, max_size=3), st.booleans()), max_size=8),
    st.booleans(),
)
def test_nothing_is_lost_or_made(
    entries: list[DraftEntry], parts: list[tuple[list[DraftEntry], bool]], last: object
) -> None:
    hold = placed(entries)
    for wanted, final in parts:
        try:
            step = capture(hold, wanted, final=final, now=NOW)
        except CaptureExceedsError:
            continue
        except HoldNotOpenError:
            assert hold.status is not HoldStatus.OPEN
            return
        check(hold, step)
        hold = step.hold
    if hold.status is HoldStatus.OPEN:
        step = (
            capture(hold, None, final=False, now=NOW)
            if last
            else give_back(hold, HoldStatus.RELEASED, NOW)
        )
        check(hold, step)
        assert step.hold.status is (HoldStatus.CAPTURED if last else HoldStatus.RELEASED)


@given(st.lists(legs, min_size=1, max_size=5), st.data())
def test_a_part_fits_exactly_if_its_sum_does(
    entries: list[DraftEntry], data: st.DataObject
) -> None:
    hold = placed(entries)
    wanted = data.draw(st.lists(legs, min_size=1, max_size=4))
    fits = all(
        sum(x.units for x in wanted if (x.key, x.direction) == (one.key, one.direction))
        <= sum(x.placed for x in hold.legs if (x.key, x.direction) == (one.key, one.direction))
        for one in wanted
    )
    try:
        capture(hold, wanted, final=False, now=NOW)
    except CaptureExceedsError:
        assert not fits
    else:
        assert fits


@pytest.mark.parametrize(
    ("stands", "micros", "released", "expired", "captured"),
    [
        (HoldStatus.OPEN, -1, True, False, True),
        (HoldStatus.OPEN, 0, False, True, False),
        (HoldStatus.OPEN, 1, False, True, False),
        (HoldStatus.CAPTURED, -1, False, False, False),
        (HoldStatus.RELEASED, 1, False, False, False),
        (HoldStatus.EXPIRED, 1, False, False, False),
    ],
)
def test_time_is_exact(
    stands: HoldStatus, micros: int, *, released: bool, expired: bool, captured: bool
) -> None:
    entries = [leg(0, Direction.DEBIT, 100)]
    hold = Hold(
        id=uuid.UUID(int=9),
        status=stands,
        expire_at=NOW,
        placed_at=None,
        sequence=None,
        legs=placed(entries).legs,
    )
    now = NOW + timedelta(microseconds=micros)
    calls: list[tuple[bool, Callable[[], HoldStep]]] = [
        (released, lambda: give_back(hold, HoldStatus.RELEASED, now)),
        (expired, lambda: give_back(hold, HoldStatus.EXPIRED, now)),
        (captured, lambda: capture(hold, None, final=False, now=now)),
    ]
    for is_allowed, call in calls:
        if is_allowed:
            call()
        else:
            with pytest.raises(HoldNotOpenError):
                call()


def test_without_an_end_it_never_expires() -> None:
    with pytest.raises(HoldNotOpenError):
        give_back(
            placed([leg(0, Direction.DEBIT, 1)]),
            HoldStatus.EXPIRED,
            datetime.max.replace(tzinfo=UTC),
        )


def test_refuses_what_cannot_be_placed() -> None:
    for expire_at in (NOW, NOW - timedelta(microseconds=1)):
        with pytest.raises(ExpireTimePassedError):
            placed([leg(0, Direction.DEBIT, 1)], expire_at)
    placed([leg(0, Direction.DEBIT, 1)], NOW + timedelta(microseconds=1))
    for layer in (Layer.PENDING, Layer.ENCUMBRANCE):
        with pytest.raises(HoldLayerError):
            placed([leg(0, Direction.DEBIT, 1)._replace(layer=layer)])

"""Reversals by themselves: parts never exceed what is left, and sides are swapped."""

import uuid
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import (
    AlreadyReversedError,
    NotReversibleError,
    ReversalExceedsError,
)
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.reversal import Reversible, reverse, reversible_entries
from ledger_server.domain.transaction import BalanceKey, DraftEntry, Kind


def leg(account: int, direction: Direction, layer: Layer, cents: int) -> DraftEntry:
    key = BalanceKey(uuid.UUID(int=account), "USD")
    return DraftEntry(key, f"a{account}", direction, layer, Decimal(cents).scaleb(-2))


legs = st.builds(
    leg,
    st.integers(0, 1),
    st.sampled_from(Direction),
    st.sampled_from([Layer.SETTLED, Layer.PENDING]),
    st.integers(1, 1_000),
)


def reversible(entries: list[DraftEntry], kind: Kind = Kind.POSTING) -> Reversible:
    return Reversible(uuid.UUID(int=9), kind, reversible_entries(kind, entries), {})


@given(
    st.lists(legs, min_size=1, max_size=5),
    st.lists(st.lists(legs, min_size=1, max_size=3), max_size=8),
    st.sampled_from([Kind.POSTING, Kind.CAPTURE]),
)
def test_parts_never_exceed_what_is_left(
    entries: list[DraftEntry], parts: list[list[DraftEntry]], kind: Kind
) -> None:
    original = reversible(entries, kind)
    posted: list[DraftEntry] = []
    for wanted in [*parts, None]:
        left = {position: original.left(position) for position in original.entries}
        try:
            step = reverse(original, wanted)
        except ReversalExceedsError:
            assert wanted is not None
            continue
        except AlreadyReversedError:
            assert not any(left.values())
            break
        posted.extend(step.entries)
        assert all(one.units > 0 for one in step.entries)
        assert original.reversed == {} or step.original is not original
        original = step.original
        assert all(original.left(position) >= 0 for position in original.entries)
        asked = sum(left.values()) if wanted is None else sum(one.units for one in wanted)
        assert sum(one.units for one in step.entries) == asked
    if original.entries:
        with pytest.raises(AlreadyReversedError):
            reverse(original, None)
    for one in original.entries.values():
        same = [x.units for x in original.entries.values() if x[0] == one.key
                and (x.direction, x.layer) == (one.direction, one.layer)]  # fmt: skip
        back = [x.units for x in posted if x.key == one.key and x.layer is one.layer
                and x.direction is not one.direction]  # fmt: skip
        assert sum(same) == sum(back)


def test_of_a_capture_only_what_it_settled() -> None:
    settled = leg(0, Direction.DEBIT, Layer.SETTLED, 100)
    pending = leg(0, Direction.CREDIT, Layer.PENDING, 100)
    assert reversible_entries(Kind.CAPTURE, [settled, pending]) == {0: settled}
    assert reversible_entries(Kind.POSTING, [settled, pending]) == {0: settled, 1: pending}


@pytest.mark.parametrize("kind", [Kind.HOLD, Kind.RELEASE, Kind.EXPIRY, Kind.REVERSAL])
def test_other_kinds_cannot_be_taken_back(kind: Kind) -> None:
    with pytest.raises(NotReversibleError):
        reverse(reversible([leg(0, Direction.DEBIT, Layer.SETTLED, 1)], kind), None)

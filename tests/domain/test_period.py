"""Periods: which days take postings, and how that may change."""

import dataclasses
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.errors import PeriodClosedError, PeriodLockedError, PeriodOrderError
from ledger_server.domain.period import ALL_OPEN, CLOSABLE_MAX, Days, Period

days = st.dates(date(2026, 1, 1), date(2026, 1, 20))


def day(number: int) -> date:
    return date(2026, 1, number)


def period(closed: int, locked: int) -> Period:
    """Return January 2026 closed and locked through these days, 0 for none."""
    return dataclasses.replace(
        ALL_OPEN,
        closed_through=day(closed) if closed else None,
        locked_through=day(locked) if locked else None,
        sequence=7,
        changed_at=datetime(2026, 2, 1, tzinfo=UTC),
    )


@st.composite
def periods(draw: st.DrawFn) -> Period:
    closed = draw(st.integers(0, 20))
    return period(closed, draw(st.integers(closed, 20)))


#: closed through, locked through, the day, behind the soft lock; the refusal last.
REFUSALS: list[tuple[int, int, int, bool, type | None]] = [
    (0, 0, 1, False, None),
    (10, 10, 10, False, PeriodClosedError),
    (10, 10, 10, True, PeriodClosedError),
    (10, 10, 11, False, None),
    (10, 15, 10, True, PeriodClosedError),
    (10, 15, 11, False, PeriodLockedError),
    (10, 15, 15, False, PeriodLockedError),
    (10, 15, 15, True, None),
    (10, 15, 16, False, None),
    (0, 15, 15, False, PeriodLockedError),
    (0, 15, 15, True, None),
]


@pytest.mark.parametrize(("closed", "locked", "effective", "behind", "refusal"), REFUSALS)
def test_refusals(
    closed: int, locked: int, effective: int, behind: bool, refusal: type | None
) -> None:
    found = period(closed, locked).refusal(day(effective), behind_soft_lock=behind)
    assert type(found) is (refusal or type(None))


def test_a_refusal_tells_both_days() -> None:
    closed = period(10, 15).refusal(day(3), behind_soft_lock=False)
    locked = period(10, 15).refusal(day(12), behind_soft_lock=False)
    assert closed is not None
    assert closed.facts() == {"effective_date": "2026-01-03", "closed_through": "2026-01-10"}
    assert locked is not None
    assert locked.facts() == {"effective_date": "2026-01-12", "locked_through": "2026-01-15"}


@given(periods(), days)
def test_the_first_open_day_is_the_first(stands: Period, today: date) -> None:
    first = stands.first_open_day(today)
    assert first >= today
    assert stands.refusal(first, behind_soft_lock=False) is None
    for number in range((first - today).days):
        assert stands.refusal(today + timedelta(number), behind_soft_lock=False) is not None


def test_there_is_always_an_open_day() -> None:
    last = dataclasses.replace(ALL_OPEN, closed_through=CLOSABLE_MAX, locked_through=CLOSABLE_MAX)
    assert last.first_open_day(day(1)) == date.max


#: The change, closed and locked through before, the day (0 for none); what it gives last.
CHANGES: list[tuple[str, int, int, int, tuple[int, int] | None]] = [
    ("closed", 0, 0, 10, (10, 10)),
    ("closed", 10, 10, 11, (11, 11)),
    ("closed", 10, 10, 10, None),
    ("closed", 10, 10, 9, None),
    ("closed", 10, 15, 12, (12, 15)),
    ("closed", 10, 15, 16, (16, 16)),
    ("closed", 0, 15, 3, (3, 15)),
    ("locked", 0, 0, 10, (0, 10)),
    ("locked", 10, 10, 12, (10, 12)),
    ("locked", 10, 10, 10, None),
    ("locked", 10, 15, 15, None),
    ("locked", 10, 15, 12, None),
    ("locked", 10, 15, 16, (10, 16)),
    ("reopened", 0, 0, 0, None),
    ("reopened", 0, 0, 5, None),
    ("reopened", 0, 15, 5, None),
    ("reopened", 10, 10, 10, None),
    ("reopened", 10, 10, 11, None),
    ("reopened", 10, 10, 9, (9, 9)),
    ("reopened", 10, 15, 9, (9, 9)),
    ("reopened", 10, 15, 0, (0, 0)),
    ("unlocked", 0, 0, 0, None),
    ("unlocked", 10, 10, 9, None),
    ("unlocked", 10, 15, 15, None),
    ("unlocked", 10, 15, 16, None),
    ("unlocked", 10, 15, 12, (10, 12)),
    ("unlocked", 10, 15, 10, (10, 10)),
    ("unlocked", 10, 15, 9, None),
    ("unlocked", 10, 15, 0, None),
    ("unlocked", 0, 15, 12, (0, 12)),
    ("unlocked", 0, 15, 0, (0, 0)),
]


@pytest.mark.parametrize(("change", "closed", "locked", "through", "expected"), CHANGES)
def test_changes(
    change: str, closed: int, locked: int, through: int, expected: tuple[int, int] | None
) -> None:
    stands = period(closed, locked)
    asked = day(through) if through else None
    if expected is None:
        with pytest.raises(PeriodOrderError) as refusal:
            getattr(stands, change)(asked)
        facts = dict(refusal.value.facts())
        assert facts.pop("rule")
        assert facts == {
            "through": asked.isoformat() if asked else "",
            "closed_through": day(closed).isoformat() if closed else "",
            "locked_through": day(locked).isoformat() if locked else "",
        }
    else:
        wanted = Days(*(day(number) if number else None for number in expected))
        assert getattr(stands, change)(asked) == wanted


@given(periods(), st.sampled_from(["closed", "locked", "reopened", "unlocked"]), days)
def test_whatever_changes_stays_in_order(stands: Period, change: str, through: date) -> None:
    """`Period` asserts that what is closed is locked."""
    try:
        made: Days = getattr(stands, change)(through)
    except PeriodOrderError:
        return
    assert (made.closed_through, made.locked_through) != (
        stands.closed_through,
        stands.locked_through,
    ), "a change changes something"
    dataclasses.replace(
        stands, closed_through=made.closed_through, locked_through=made.locked_through
    )

"""Limits by themselves: where windows begin, what counts, and what is refused."""

import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ledger_server.domain.account import AccountFacts, AccountStatus
from ledger_server.domain.books import BalanceState, Books, Posting, _move
from ledger_server.domain.errors import LimitExceededError
from ledger_server.domain.hold import HoldLeg
from ledger_server.domain.limit import (
    UNLIMITED,
    AccountLimits,
    Attachment,
    Limit,
    Measure,
    Scope,
    Velocity,
    Window,
)
from ledger_server.domain.limit_check import (
    LimitBook,
    Moved,
    Movement,
    available,
    check_standing,
    check_velocity,
    counted_at_end,
    counted_units,
    counts,
    window_start,
)
from ledger_server.domain.period import ALL_OPEN
from ledger_server.domain.posting import BatchRefusedError, decide_group
from ledger_server.domain.primitives import Direction, Layer
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, Kind
from tests.domain.samples import draft

DEBIT, CREDIT = Direction.DEBIT, Direction.CREDIT
KEY = BalanceKey(uuid.UUID(int=1), "USD")
ZONES = ["UTC", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Asia/Kathmandu",
         "Pacific/Auckland", "Australia/Lord_Howe", "America/St_Johns", "Africa/Cairo"]  # fmt: skip


def velocity(
    window: Window = Window.DAY, measure: Measure = Measure.GROSS, seconds: int = 0
) -> Limit:
    return Limit(
        code="L",
        name="L",
        currency="USD",
        bound=Decimal(100),
        velocity=Velocity(
            direction=DEBIT, measure=measure, window=window, rolling_seconds=seconds or None
        ),
    )


@pytest.mark.parametrize(
    ("window", "zone", "now", "start"),
    [
        (Window.DAY, "UTC", "2026-03-01T00:00:00+00:00", "2026-03-01T00:00:00+00:00"),
        (Window.DAY, "UTC", "2026-02-28T23:59:59.999999+00:00", "2026-02-28T00:00:00+00:00"),
        (Window.DAY, "Asia/Kathmandu", "2026-01-01T18:15:00+00:00", "2026-01-01T18:15:00+00:00"),
        (Window.DAY, "Asia/Kathmandu", "2026-01-01T18:14:59+00:00", "2025-12-31T18:15:00+00:00"),
        # Daylight saving begins and ends: days of 23 and 25 hours.
        (Window.DAY, "Europe/Berlin", "2026-03-29T21:59:59+00:00", "2026-03-28T23:00:00+00:00"),
        (Window.DAY, "Europe/Berlin", "2026-03-29T22:00:00+00:00", "2026-03-29T22:00:00+00:00"),
        (Window.DAY, "Europe/Berlin", "2026-10-25T22:59:59+00:00", "2026-10-24T22:00:00+00:00"),
        # Midnight is skipped: the day begins at one o'clock.
        (Window.DAY, "America/Sao_Paulo", "2018-11-04T05:00:00+00:00", "2018-11-04T03:00:00+00:00"),
        (Window.DAY, "Africa/Cairo", "2026-04-24T05:00:00+00:00", "2026-04-23T22:00:00+00:00"),
        # Monday's midnight, over a change of the clock, a month and a year.
        (Window.WEEK, "UTC", "2026-01-01T12:00:00+00:00", "2025-12-29T00:00:00+00:00"),
        (Window.WEEK, "UTC", "2026-01-05T00:00:00+00:00", "2026-01-05T00:00:00+00:00"),
        (Window.WEEK, "Europe/Berlin", "2026-03-29T20:00:00+00:00", "2026-03-22T23:00:00+00:00"),
        (Window.WEEK, "Europe/Berlin", "2026-03-29T22:00:00+00:00", "2026-03-29T22:00:00+00:00"),
        (
            Window.MONTH,
            "America/New_York",
            "2026-03-01T04:59:59+00:00",
            "2026-02-01T05:00:00+00:00",
        ),
        (
            Window.MONTH,
            "America/New_York",
            "2026-03-31T12:00:00+00:00",
            "2026-03-01T05:00:00+00:00",
        ),
        (
            Window.MONTH,
            "Pacific/Auckland",
            "2026-03-31T11:00:00+00:00",
            "2026-03-31T11:00:00+00:00",
        ),
        (Window.ROLLING, "UTC", "2026-01-01T00:00:00+00:00", "2025-12-31T23:58:30+00:00"),
    ],
)
def test_windows_begin(window: Window, zone: str, now: str, start: str) -> None:
    limit = velocity(window, seconds=90 if window is Window.ROLLING else 0)
    found = window_start(limit, datetime.fromisoformat(now), ZoneInfo(zone))
    assert found is not None
    assert found.astimezone(UTC) == datetime.fromisoformat(start)


def test_life_has_no_beginning() -> None:
    assert window_start(velocity(Window.LIFE), datetime.now(UTC), ZoneInfo("UTC")) is None


@given(
    st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    st.timedeltas(timedelta(0), timedelta(days=40)),
    st.sampled_from(ZONES),
    st.sampled_from([Window.DAY, Window.WEEK, Window.MONTH]),
)
def test_windows_never_go_back(now: datetime, later: timedelta, zone: str, window: Window) -> None:
    """A movement that has left a window never comes into one again."""
    first = window_start(velocity(window), now, ZoneInfo(zone))
    second = window_start(velocity(window), now + later, ZoneInfo(zone))
    assert first is not None
    assert second is not None
    assert first.astimezone(UTC) <= now
    longest = {Window.DAY: 1, Window.WEEK: 7, Window.MONTH: 31}[window]
    assert now - first.astimezone(UTC) < timedelta(days=longest, hours=2)
    assert first.astimezone(UTC) <= second.astimezone(UTC)


def entry(direction: Direction, layer: Layer = Layer.SETTLED, currency: str = "USD") -> DraftEntry:
    return DraftEntry(KEY._replace(currency=currency), "a", direction, layer, Decimal(7))


@pytest.mark.parametrize(
    ("measure", "direction", "currency", "units"),
    [
        (Measure.GROSS, DEBIT, "USD", 7),
        (Measure.GROSS, CREDIT, "USD", 0),
        (Measure.NET, DEBIT, "USD", 7),
        (Measure.NET, CREDIT, "USD", -7),
        (Measure.GROSS, DEBIT, "EUR", 0),
        (Measure.NET, CREDIT, "EUR", 0),
    ],
)
def test_counted_units(measure: Measure, direction: Direction, currency: str, units: int) -> None:
    limit = velocity(measure=measure)
    assert counted_units(limit, entry(direction, currency=currency)) == units


@pytest.mark.parametrize("kind", Kind)
@pytest.mark.parametrize("layer", Layer)
@pytest.mark.parametrize("direction", Direction)
def test_what_counts(kind: Kind, layer: Layer, direction: Direction) -> None:
    expected = {
        (Kind.POSTING, Layer.SETTLED, DEBIT),
        (Kind.POSTING, Layer.SETTLED, CREDIT),
        (Kind.REVERSAL, Layer.SETTLED, DEBIT),
        (Kind.REVERSAL, Layer.SETTLED, CREDIT),
        (Kind.CLOSING, Layer.SETTLED, DEBIT),
        (Kind.CLOSING, Layer.SETTLED, CREDIT),
        (Kind.HOLD, Layer.PENDING, DEBIT),
    }
    found = counts(velocity(), kind, entry(direction, layer))
    assert found == ((kind, layer, direction) in expected)


@pytest.mark.parametrize(
    ("measure", "direction", "units"),
    [
        (Measure.GROSS, DEBIT, -2),
        (Measure.GROSS, CREDIT, 0),
        (Measure.NET, DEBIT, -2),
        (Measure.NET, CREDIT, -5),
    ],
)
def test_what_the_end_of_a_hold_counts(measure: Measure, direction: Direction, units: int) -> None:
    """Of what goes out, what is given back is counted off; of what comes in, what came."""
    leg = HoldLeg(KEY, "a", direction, Decimal(10), Decimal(0), Decimal(0))
    assert counted_at_end(velocity(measure=measure), leg, Decimal(5), Decimal(2)) == units


def test_what_binds_an_account_is_sorted_out() -> None:
    def standing(code: str, currency: str = "USD") -> Limit:
        return Limit(code=code, name="", currency=currency, bound=Decimal(0), velocity=None)

    low, top = uuid.UUID(int=8), uuid.UUID(int=9)
    own, through_a_set = (
        Attachment(limit=standing("A")),
        Attachment(limit=standing("B"), set_id=low),
    )
    euros = Attachment(limit=standing("C", "EUR"))
    wholes = [
        Attachment(limit=standing(code), set_id=set_id, scope=Scope.WHOLE_SET)
        for code, set_id in (("D", low), ("D", top), ("E", low))
    ]
    moving = Attachment(limit=velocity())
    found = AccountLimits.of([own, through_a_set, euros, *wholes, moving])
    assert not found.is_of_balances
    dollars = found.by_currency["USD"]
    assert list(dollars.standing) == [own, through_a_set, *wholes]
    assert list(dollars.velocity) == [moving]
    assert sorted(dollars.whole_sets) == [low, top]
    assert list(found.by_currency["EUR"].standing) == [euros]
    assert found.by_currency.keys() == {"USD", "EUR"}
    for attachments, is_of_balances in (
        ([own, through_a_set, euros], True),
        ([euros, wholes[0]], False),
        ([euros, moving], False),
    ):
        assert AccountLimits.of(attachments).is_of_balances is is_of_balances
    assert UNLIMITED.is_of_balances
    assert not UNLIMITED.by_currency


amounts = st.integers(-50, 50).map(Decimal)


@given(amounts, amounts, amounts)
def test_a_standing_limit_refuses_only_what_makes_it_worse(
    bound: Decimal, before: Decimal, after: Decimal
) -> None:
    limit = Limit(code="L", name="L", currency="USD", bound=bound, velocity=None)
    if after >= bound or after >= before:
        check_standing(Attachment(limit=limit), "a", before, after)
        return
    with pytest.raises(LimitExceededError) as caught:
        check_standing(Attachment(limit=limit), "a", before, after)
    assert Decimal(caught.value.left) == before - bound
    assert Decimal(caught.value.asked) == before - after


@given(amounts, amounts)
def test_a_velocity_limit_refuses_only_what_uses_it_up(used: Decimal, asked: Decimal) -> None:
    limit = velocity()
    if asked <= 0 or used + 80 + asked <= 100:
        check_velocity(limit, "a", used + 80, asked)
        return
    with pytest.raises(LimitExceededError) as caught:
        check_velocity(limit, "a", used + 80, asked)
    assert Decimal(caught.value.left) == 20 - used


def test_available() -> None:
    sums = [Decimal(one) for one in (100, 30, 1_000, 5_000, 0, 0, 7, 11)]
    assert available(sums, DEBIT) == 100 - 30 - 11
    assert available(sums, CREDIT) == 30 - 100 - 7


NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
OTHER = BalanceKey(uuid.UUID(int=2), "USD")


def two_accounts(limit: Limit, moved: Moved) -> Books:
    """Return the books of two accounts, the first of them bound."""
    facts = {
        key.account_id: AccountFacts(
            key.account_id, code, DEBIT, AccountStatus.ACTIVE, holds_may_end=False
        )
        for key, code in ((KEY, "a"), (OTHER, "b"))
    }
    return Books(
        now=NOON,
        period=ALL_OPEN,
        balances={key: BalanceState([Decimal(0)] * 8, 0) for key in (KEY, OTHER)},
        accounts=facts,
        by_id={},
        by_external_id={},
        holds={},
        reversibles={},
        limits=LimitBook(
            bound={KEY.account_id: AccountLimits.of([Attachment(limit=limit)])},
            moved={(limit.code, KEY.account_id): moved},
            sets={},
            holds_for=lambda *_: True,
        ),
    )


def test_what_left_the_window_frees_nothing() -> None:
    """What a hold of yesterday gives back was not counted today."""
    books = two_accounts(velocity(), Moved(Decimal(30), NOON))
    assert books.limits is not None
    for hours, used in ((-1, 30), (0, 20), (1, 10)):
        moment = NOON + timedelta(hours=hours)
        _move(books, Movement("L", KEY.account_id, moment, Decimal(-10)), Decimal(-10))
        assert books.limits.moved["L", KEY.account_id].used == used


def test_what_is_taken_back_counts_no_longer() -> None:
    """A group that is refused as a whole leaves all that it used to those after it."""
    books = two_accounts(velocity(), Moved(Decimal(30), None))

    def asked(units: int) -> Draft:
        amount = Decimal(units)
        legs = [
            DraftEntry(KEY, "a", DEBIT, Layer.SETTLED, amount),
            DraftEntry(OTHER, "b", CREDIT, Layer.SETTLED, amount),
        ]
        return draft(legs, uuid.uuid4())

    refused = decide_group([asked(40), asked(40)], books, atomic=True)
    assert isinstance(refused, BatchRefusedError)
    assert (refused.index, refused.reason) == (1, "LIMIT_EXCEEDED")
    (held_back, accepted) = decide_group([asked(71), asked(70)], books, atomic=False)  # type: ignore[misc]
    assert isinstance(held_back, LimitExceededError)
    assert isinstance(accepted, Posting)
    assert books.balances[KEY].sums[0] == 70

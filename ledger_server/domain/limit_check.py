"""Whether a posting would pass a limit: decided against what its accounts hold and have moved.

A limit refuses only what makes things worse: an account that stands beyond its bound already can
be brought back step by step.
"""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from ledger_server.domain.errors import LimitExceededError
from ledger_server.domain.hold import HoldLeg
from ledger_server.domain.limit import (
    UNLIMITED,
    AccountLimits,
    Attachment,
    Binding,
    Limit,
    Measure,
    Window,
)
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction, Layer, plain
from ledger_server.domain.transaction import BalanceKey, Draft, DraftEntry, Kind

_add, _subtract = EXACT.add, EXACT.subtract

#: Places in the sums of a balance: debit and credit of SETTLED, PENDING and ENCUMBRANCE, then
#: what open holds hold on each side.
HELD_PLACE = 6


def available(sums: Sequence[Decimal], side: Direction) -> Decimal:
    """Return what can be drawn: settled on the normal side, less what open holds take out."""
    if side is Direction.DEBIT:
        return _subtract(_subtract(sums[0], sums[1]), sums[HELD_PLACE + 1])
    return _subtract(_subtract(sums[1], sums[0]), sums[HELD_PLACE])


def window_start(limit: Limit, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Return when the window that `now` is in began; None for one without a beginning.

    Calendar windows begin at midnight of the journal's time zone; one that daylight saving skips
    begins at the first moment that exists.
    """
    assert limit.velocity is not None, f"{limit.code} is a standing limit"
    window = limit.velocity.window
    if window is Window.LIFE:
        return None
    if window is Window.ROLLING:
        return now - timedelta(seconds=limit.velocity.rolling_seconds or 0)
    local = now.astimezone(zone)
    first = local.date()
    if window is Window.WEEK:
        first -= timedelta(days=first.weekday())
    elif window is Window.MONTH:
        first = first.replace(day=1)
    return datetime(first.year, first.month, first.day, tzinfo=zone)


def counted_units(limit: Limit, entry: DraftEntry) -> Decimal:
    """Return what an entry adds to what a velocity limit counts; negative for what comes back."""
    velocity = limit.velocity
    assert velocity is not None, f"{limit.code} is a standing limit"
    if entry.key.currency != limit.currency:
        return ZERO
    if entry.direction is velocity.direction:
        return entry.units
    return EXACT.minus(entry.units) if velocity.measure is Measure.NET else ZERO


def counts(limit: Limit, kind: Kind, entry: DraftEntry) -> bool:
    """Tell whether an entry counts: what is settled by itself, and what a hold takes out.

    What ends a hold counts nothing by itself: see `counted_at_end`.
    """
    if kind is Kind.HOLD:
        return entry.layer is Layer.PENDING and takes_out(limit, entry.direction)
    return kind in {Kind.POSTING, Kind.REVERSAL, Kind.CLOSING} and entry.layer is Layer.SETTLED


def takes_out(limit: Limit, direction: Direction) -> bool:
    """Tell whether an entry on this side uses a velocity limit up; on the other it may free."""
    assert limit.velocity is not None, f"{limit.code} is a standing limit"
    return direction is limit.velocity.direction


def counted_at_end(limit: Limit, leg: HoldLeg, captured: Decimal, given_back: Decimal) -> Decimal:
    """Return what captures and releases of a hold's leg add to what its placing counted.

    What goes out was counted when it was placed, and what is given back of it counts no longer.
    What comes in is not there until it is captured: else a hold would lift a NET limit for as long
    as it stands. Both count from the time of the placing (`Movement.counted_at`).
    """
    goes_out = takes_out(limit, leg.direction)
    entry = DraftEntry(
        leg.key,
        leg.account_code,
        leg.direction,
        Layer.PENDING,
        given_back if goes_out else captured,
    )
    units = counted_units(limit, entry)
    return EXACT.minus(units) if goes_out else units


@dataclasses.dataclass(slots=True)
class Moved:
    """What a velocity limit has counted on one account, while a batch is decided."""

    used: Decimal
    #: None for a window without a beginning.
    window_start: datetime | None


@dataclasses.dataclass(frozen=True, slots=True)
class Movement:
    """One row of what a velocity limit counts."""

    limit_code: str
    account_id: AccountId
    #: When it counts from; None for the moment of the posting.
    counted_at: datetime | None
    units: Decimal


@dataclasses.dataclass(slots=True)
class LimitBook:
    """What limits a batch is decided against: complete for its accounts, under their locks."""

    #: Of each account.
    bound: Mapping[AccountId, AccountLimits]
    #: By limit and account.
    moved: dict[tuple[str, AccountId], Moved]
    #: Sums of sets that a limit binds as a whole, laid out as those of a balance.
    sets: dict[tuple[UUID, str], list[Decimal]]
    #: Tells whether a limit's condition is true for an entry of a draft.
    holds_for: Callable[[Limit, Draft, DraftEntry], bool]

    def of(self, key: BalanceKey) -> Binding | None:
        """Return what binds an account in a currency, None if nothing does."""
        return self.bound.get(key.account_id, UNLIMITED).by_currency.get(key.currency)

    def sets_of(self, key: BalanceKey) -> list[list[Decimal]]:
        """Return the sums of the sets that count a balance, each once."""
        binding = self.of(key)
        if binding is None:
            return []
        return [self.sets[set_id, key.currency] for set_id in binding.whole_sets]


def check_standing(
    attachment: Attachment,
    account_code: str,
    before: Decimal,
    after: Decimal,
) -> None:
    """Refuse a posting that takes what is available below a standing limit's bound.

    Raises:
        LimitExceededError: names the limit, the bound, what is there and what was asked.
    """
    limit = attachment.limit
    if after < limit.bound and after < before:
        raise LimitExceededError(
            limit=limit.code,
            account=account_code,
            currency=limit.currency,
            bound=plain(limit.bound),
            current=plain(before),
            asked=plain(_subtract(before, after)),
            left=plain(_subtract(before, limit.bound)),
        )


def check_velocity(limit: Limit, account_code: str, used: Decimal, asked: Decimal) -> None:
    """Refuse a posting that moves more in a window than a velocity limit lets through.

    Raises:
        LimitExceededError: names the limit, the bound, what is there and what was asked.
    """
    if asked > 0 and _add(used, asked) > limit.bound:
        raise LimitExceededError(
            limit=limit.code,
            account=account_code,
            currency=limit.currency,
            bound=plain(limit.bound),
            current=plain(used),
            asked=plain(asked),
            left=plain(_subtract(limit.bound, used)),
        )

"""Holds: money promised, captured, released, expired.

For each leg, always: placed = captured + released + left. A hold is open while something is left,
and ends exactly once.
"""

import dataclasses
import enum
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from ledger_server.domain.errors import (
    CaptureExceedsError,
    ExpireTimePassedError,
    HoldLayerError,
    HoldNotOpenError,
)
from ledger_server.domain.primitives import EXACT, ZERO, Direction, Layer, plain
from ledger_server.domain.taking import take_from
from ledger_server.domain.transaction import BalanceKey, DraftEntry, HeldChange

_add, _subtract = EXACT.add, EXACT.subtract


class HoldStatus(enum.IntEnum):
    """Whether and how a hold has ended. Stored as its number."""

    OPEN = 1
    CAPTURED = 2
    RELEASED = 3
    EXPIRED = 4


@dataclasses.dataclass(frozen=True, slots=True)
class HoldLeg:
    """One entry of a hold and what became of it."""

    key: BalanceKey
    account_code: str
    direction: Direction
    placed: Decimal
    captured: Decimal
    released: Decimal

    def __post_init__(self) -> None:
        """Hold the invariant for every leg, also one read back from the store."""
        assert self.left >= 0, f"hold leg of {self.account_code}: more taken than placed"

    @property
    def left(self) -> Decimal:
        """What can still be captured or given back."""
        return _subtract(_subtract(self.placed, self.captured), self.released)

    def taking(self, captured: Decimal, released: Decimal) -> "HoldLeg":
        """Return the leg with that much more captured and released."""
        return dataclasses.replace(
            self,
            captured=_add(self.captured, captured),
            released=_add(self.released, released),
        )


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """A hold at one moment."""

    id: UUID
    status: HoldStatus
    expire_at: datetime | None
    #: When and where it was placed; None until that is recorded.
    placed_at: datetime | None
    sequence: int | None
    legs: tuple[HoldLeg, ...]

    def status_at(self, now: datetime) -> HoldStatus:
        """Return the status that counts: an open hold whose time has passed has expired."""
        if self.status is HoldStatus.OPEN and self.expire_at is not None and now >= self.expire_at:
            return HoldStatus.EXPIRED
        return self.status


@dataclasses.dataclass(frozen=True, slots=True)
class HoldStep:
    """What a transaction does to a hold: the entries it posts and the hold after it."""

    entries: list[DraftEntry]
    held: list[HeldChange]
    hold: Hold
    #: What it gives back, by leg.
    given_back: tuple[Decimal, ...]


def place(
    hold_id: UUID, entries: Sequence[DraftEntry], expire_at: datetime | None, now: datetime
) -> HoldStep:
    """Return what placing a hold does.

    Raises:
        HoldLayerError: an entry is not SETTLED.
        ExpireTimePassedError: the hold would have expired already.
    """
    if expire_at is not None and expire_at <= now:
        raise ExpireTimePassedError(expire_at.isoformat(), now.isoformat())
    for entry in entries:
        if entry.layer is not Layer.SETTLED:
            raise HoldLayerError(entry.account_code, entry.layer.name)
    legs = tuple(
        HoldLeg(entry.key, entry.account_code, entry.direction, entry.units, ZERO, ZERO)
        for entry in entries
    )
    return HoldStep(
        entries=[entry._replace(layer=Layer.PENDING) for entry in entries],
        held=[HeldChange(entry.key, entry.direction, entry.units) for entry in entries],
        hold=Hold(
            id=hold_id,
            status=HoldStatus.OPEN,
            expire_at=expire_at,
            placed_at=None,
            sequence=None,
            legs=legs,
        ),
        given_back=(ZERO,) * len(legs),
    )


def capture(
    hold: Hold, wanted: Sequence[DraftEntry] | None, *, final: bool, now: datetime
) -> HoldStep:
    """Return what capturing a hold does.

    Args:
        hold: as it stands.
        wanted: the part to capture; None for all that is left.
        final: give back what the part leaves.
        now: by the database's clock.

    Raises:
        HoldNotOpenError: it has ended, or its time has passed.
        CaptureExceedsError: an entry does not fit in what is left.
    """
    _check_open(hold, now)
    taken = [leg.left for leg in hold.legs] if wanted is None else _spread(hold, wanted)
    rest = [
        _subtract(leg.left, one) if final else ZERO
        for leg, one in zip(hold.legs, taken, strict=True)
    ]
    return _take(hold, taken, rest, HoldStatus.CAPTURED)


def give_back(hold: Hold, status: HoldStatus, now: datetime) -> HoldStep:
    """Return what releasing or expiring a hold does: all that is left leaves PENDING.

    Raises:
        HoldNotOpenError: it has ended; or it is to expire and its time has not come; or it is to
            be released and its time has passed.
    """
    if status is HoldStatus.RELEASED:
        _check_open(hold, now)
    elif hold.status is not HoldStatus.OPEN or hold.status_at(now) is not HoldStatus.EXPIRED:
        raise HoldNotOpenError(str(hold.id), hold.status.name)
    return _take(hold, [ZERO] * len(hold.legs), [leg.left for leg in hold.legs], status)


def _check_open(hold: Hold, now: datetime) -> None:
    status = hold.status_at(now)
    if status is not HoldStatus.OPEN:
        raise HoldNotOpenError(str(hold.id), status.name)


def _spread(hold: Hold, wanted: Sequence[DraftEntry]) -> list[Decimal]:
    """Spread the entries of a part over the legs of the same account, currency and side."""
    left = {index: leg.left for index, leg in enumerate(hold.legs)}
    for entry in wanted:
        fits = [
            index
            for index, leg in enumerate(hold.legs)
            if (leg.key, leg.direction) == (entry.key, entry.direction)
        ]
        got = take_from(left, fits, entry.units)
        if got != entry.units:
            raise CaptureExceedsError(
                hold_id=str(hold.id),
                account=entry.account_code,
                currency=entry.key.currency,
                asked=plain(entry.units),
                left=plain(got),
            )
    return [_subtract(leg.left, left[index]) for index, leg in enumerate(hold.legs)]


def _take(
    hold: Hold, taken: Sequence[Decimal], rest: Sequence[Decimal], ended: HoldStatus
) -> HoldStep:
    """Post `taken` on SETTLED, and take it and `rest` from PENDING."""
    settled: list[DraftEntry] = []
    pending: list[DraftEntry] = []
    held: list[HeldChange] = []
    legs: list[HoldLeg] = []
    for leg, captured, released in zip(hold.legs, taken, rest, strict=True):
        out = _add(captured, released)
        legs.append(leg.taking(captured, released))
        if captured:
            settled.append(
                DraftEntry(leg.key, leg.account_code, leg.direction, Layer.SETTLED, captured)
            )
        if out:
            pending.append(
                DraftEntry(leg.key, leg.account_code, leg.direction.opposite, Layer.PENDING, out)
            )
            held.append(HeldChange(leg.key, leg.direction, EXACT.minus(out)))
    is_open = any(leg.left for leg in legs)
    return HoldStep(
        entries=settled + pending,
        held=held,
        hold=dataclasses.replace(
            hold, legs=tuple(legs), status=HoldStatus.OPEN if is_open else ended
        ),
        given_back=tuple(rest),
    )

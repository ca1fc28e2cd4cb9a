"""Limits, what they bind, and how much of them is used."""

import dataclasses
import datetime as dt
from decimal import Decimal
from typing import TypeAlias
from uuid import UUID

from ledger_client.models.words import Direction, LimitScope, VelocityMeasure, VelocityWindow


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StandingLimit:
    """Bounds the available balance."""

    #: Available may not fall below this, in whole currency units: 0 for no overdraft.
    available_min: Decimal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class VelocityLimit:
    """Bounds what moves in a time: postings on SETTLED, and holds when they are placed."""

    #: The most that may move in a window, in whole currency units; not negative.
    amount_max: Decimal
    #: Which side it counts.
    direction: Direction
    #: How it counts.
    measure: VelocityMeasure
    #: Over which time.
    window: VelocityWindow
    #: Length of a ROLLING window, at most 366 days; None for the others.
    rolling_seconds: int | None = None
    #: A CEL condition on the transaction; only those for which it is true count. Empty counts all.
    condition: str = ""


#: What a limit bounds.
LimitRule: TypeAlias = StandingLimit | VelocityLimit


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A rule on balances or movements of one currency, bound to accounts by attaching it."""

    #: Unique in the journal; never changes.
    code: str
    #: Title.
    name: str
    #: The currency that it is about.
    currency: str
    #: What it bounds.
    rule: LimitRule
    #: When it was created.
    create_time: dt.datetime

    @property
    def bound(self) -> Decimal:
        """The rule's `available_min` or `amount_max`."""
        if isinstance(self.rule, StandingLimit):
            return self.rule.available_min
        return self.rule.amount_max


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LimitAttachment:
    """What a limit binds: an account or a set."""

    #: Code of the limit.
    limit_code: str
    #: Id of the account; None for a set.
    account_id: UUID | None
    #: Id of the set; None for an account.
    account_set_id: UUID | None
    #: How it binds.
    scope: LimitScope


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class LimitUse:
    """A limit on an account and how much of it is used."""

    #: The limit.
    limit: Limit
    #: How it came to bind the account: by itself or, if not, through a set.
    attachment: LimitAttachment
    #: What is available, or for a velocity limit what moved in the window.
    used: Decimal
    #: What can still go out; negative if the limit was passed before it was attached.
    left: Decimal
    #: When the window began; None for a standing limit and for LIFE.
    window_start: dt.datetime | None

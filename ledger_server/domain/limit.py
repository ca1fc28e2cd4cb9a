"""Limits: what bounds a balance, or what moves in a time."""

import dataclasses
import enum
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Final, Self
from uuid import UUID

from ledger_server.domain.primitives import AccountId, Direction

ROLLING_SECONDS_MAX: Final = 366 * 24 * 60 * 60


class Measure(enum.IntEnum):
    """How a velocity limit counts. The contract's numbers."""

    GROSS = 1
    NET = 2


class Window(enum.IntEnum):
    """Over which time a velocity limit counts. The contract's numbers."""

    DAY = 1
    WEEK = 2
    MONTH = 3
    ROLLING = 4
    LIFE = 5


class Scope(enum.IntEnum):
    """How a limit binds a set. The contract's numbers."""

    EACH_ACCOUNT = 1
    WHOLE_SET = 2


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Velocity:
    """What a velocity limit counts."""

    direction: Direction
    measure: Measure
    window: Window
    #: Only of a rolling window.
    rolling_seconds: int | None = None
    #: CEL source; empty counts all.
    condition: str = ""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """A rule on one currency, bound to accounts by attaching it."""

    code: str
    name: str
    currency: str
    #: Least available balance of a standing limit; most that moves of a velocity limit.
    bound: Decimal
    #: None for a standing limit.
    velocity: Velocity | None
    created_at: datetime | None = None


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """What a limit binds: an account or a set."""

    limit: Limit
    account_id: AccountId | None = None
    set_id: UUID | None = None
    scope: Scope = Scope.EACH_ACCOUNT
    #: Normal side of the set, for a limit on the whole of it.
    set_side: Direction = Direction.DEBIT


@dataclasses.dataclass(frozen=True, slots=True)
class Binding:
    """What binds one balance, by what is asked of it."""

    standing: Sequence[Attachment]
    velocity: Sequence[Attachment]
    #: Sets that count the balance and are bound as a whole, each once.
    whole_sets: Sequence[UUID]


@dataclasses.dataclass(frozen=True, slots=True)
class AccountLimits:
    """What binds an account, sorted out once for all the postings that ask."""

    attachments: Sequence[Attachment]
    by_currency: Mapping[str, Binding]
    #: Whether the account's own balances are all that is looked at: nothing is counted, no set is.
    is_of_balances: bool

    @classmethod
    def of(cls, attachments: Sequence[Attachment]) -> Self:
        """Sort out what binds an account."""
        by_currency = {}
        for currency in {one.limit.currency for one in attachments}:
            here = [one for one in attachments if one.limit.currency == currency]
            standing = tuple(one for one in here if one.limit.velocity is None)
            velocity = tuple(one for one in here if one.limit.velocity is not None)
            whole = {one.set_id for one in here if one.scope is Scope.WHOLE_SET and one.set_id}
            by_currency[currency] = Binding(standing, velocity, tuple(whole))
        return cls(
            attachments,
            by_currency,
            all(
                one.limit.velocity is None and one.scope is Scope.EACH_ACCOUNT
                for one in attachments
            ),
        )


#: What binds an account that nothing binds.
UNLIMITED: Final = AccountLimits.of(())

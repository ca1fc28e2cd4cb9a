"""Statements of accounts: what stood before, each entry with the balance after it, what stands."""

import dataclasses
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple, TypeVar

from ledger_server.domain.account import AccountCategory
from ledger_server.domain.primitives import EXACT, ZERO, AccountId, Direction
from ledger_server.domain.report.periods import Sums

_CREDIT_CATEGORIES = {AccountCategory.LIABILITY, AccountCategory.EQUITY, AccountCategory.REVENUE}

K = TypeVar("K")


class Place(NamedTuple):
    """Where an entry stands in a statement: the order of all entries."""

    effective: date
    sequence: int
    #: Among the entries of its transaction, from 0.
    position: int


#: Before every entry.
BEGINNING = Place(date.min, 0, -1)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Movement:
    """What a statement needs to know of an entry."""

    place: Place
    account_id: AccountId
    direction: Direction
    #: In whole currency units, above zero.
    units: Decimal
    currency: str


@dataclasses.dataclass(frozen=True, slots=True)
class Balance:
    """One currency over the range of a statement. Opening and closing are on its normal side."""

    opening: Decimal
    debits: Decimal
    credits: Decimal
    closing: Decimal

    @classmethod
    def of(cls, sums: Sums, normal_side: Direction) -> "Balance":
        """Return what the sums come to on a side."""
        return cls(
            opening=on_side(sums.opening(), normal_side),
            debits=sums.debit,
            credits=sums.credit,
            closing=on_side(sums.closing(), normal_side),
        )


def on_side(net_debit: Decimal, side: Direction) -> Decimal:
    """Return a net debit as an amount that is positive on `side`."""
    return net_debit if side is Direction.DEBIT else EXACT.minus(net_debit)


def running_balances(
    openings: Mapping[K, Decimal],
    movements: Iterable[Movement],
    key: Callable[[Movement], K],
) -> list[Decimal]:
    """Return the net debit after each entry.

    Args:
        openings: net debit before the first entry, by what is kept apart; zero where there is none.
        movements: in the order of the statement.
        key: tells what an entry counts for: a currency, or an account and currency.
    """
    standing = dict(openings)
    balances = []
    for movement in movements:
        change = EXACT.multiply(movement.units, 1 if movement.direction is Direction.DEBIT else -1)
        of = key(movement)
        standing[of] = EXACT.add(standing.get(of, ZERO), change)
        balances.append(standing[of])
    return balances


def set_side(own: Direction | None, categories: Sequence[AccountCategory]) -> Direction:
    """Return the side on which a set's balances are positive.

    Args:
        own: that of the set, if it has one.
        categories: its own, and those of all sets that it stands below.
    """
    if own is not None:
        return own
    is_credit = bool(categories) and all(one in _CREDIT_CATEGORIES for one in categories)
    return Direction.CREDIT if is_credit else Direction.DEBIT
